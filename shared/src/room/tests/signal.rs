//! Typing: what must work.

use super::{
    hostile::{ANN, BOB, EVE, three},
    world::World,
};
use crate::room::{Command, Event, TYPING_EVERY_MS};

pub(super) fn typing(world: &World, i: usize) -> Vec<(String, bool)> {
    let events = world.devices[i].events.iter().filter_map(|event| match event {
        Event::Typing { who, stopped } => Some((who.name.clone(), *stopped)),
        _ => None,
    });
    events.collect()
}

#[test]
fn typing_reaches_the_others_and_not_the_log() {
    let mut world = three(911);
    let head = world.head();
    world.command(ANN, Command::Typing { stopped: false });
    world.settle();
    world.command(ANN, Command::Typing { stopped: true });
    world.settle();
    let told = [("ann".to_owned(), false), ("ann".to_owned(), true)];
    assert_eq!((typing(&world, BOB), typing(&world, EVE)), (told.to_vec(), told.to_vec()));
    assert_eq!(typing(&world, ANN), []);
    assert_eq!(world.head(), head);
}

#[test]
fn who_types_on_is_heard_once_in_a_while() {
    let mut world = three(912);
    for _ in 0..100 {
        world.command(ANN, Command::Typing { stopped: false });
    }
    world.settle();
    assert_eq!(typing(&world, BOB).len(), 1);
    world.now += TYPING_EVERY_MS;
    world.command(ANN, Command::Typing { stopped: false });
    world.settle();
    assert_eq!(typing(&world, BOB).len(), 2);
}

#[test]
fn somebody_who_was_away_while_others_typed_for_hours_still_reads_them() {
    let mut world = three(913);
    world.disconnect(BOB);
    for _ in 0..2_000 {
        world.now += TYPING_EVERY_MS;
        world.command(ANN, Command::Typing { stopped: false });
    }
    world.settle();
    world.say(ANN, "at last");
    world.settle();
    world.connect(BOB);
    world.settle();
    assert_eq!(world.texts(BOB), ["at last"]);
    world.assert_agreed(&[ANN, BOB, EVE]);
}
