//! A room that the relay dropped because nobody but its founder was ever in it.

use super::world::World;
use crate::{
    crypto::suite::Suite,
    room::{CloseReason, Event, sim::model::ModelRelay, state::Phase},
};

const ANN: usize = 0;
const BOB: usize = 1;

/// Nothing of the room is left there.
fn drop_room(world: &mut World) {
    let (now, generation) = (world.relay.now, world.relay.generation);
    world.relay = ModelRelay { now, generation: generation.map(|byte| byte ^ 1), ..ModelRelay::default() };
}

fn is_locked_out(world: &World, device: usize) -> bool {
    let out = |event: &Event| matches!(event, Event::Closed { reason: CloseReason::LockedOut, .. });
    world.devices[device].events.iter().any(out)
}

fn phase(world: &World, device: usize) -> Phase {
    world.devices[device].engine.as_ref().unwrap().phase()
}

/// Ann's room in which she said something, changed something, and left something unsent.
fn left_alone(seed: u64) -> World {
    let mut world = World::new(&["ann", "bob"], Suite::Classic, seed);
    world.create(ANN);
    world.settle();
    world.say(ANN, "a note");
    world.settle();
    drop(world.invite(ANN));
    world.settle();
    world.disconnect(ANN);
    world.say(ANN, "not sent yet");
    drop_room(&mut world);
    world
}

#[test]
fn founder_who_comes_back_finds_the_room_and_invites_friends() {
    let mut world = left_alone(810);
    world.connect(ANN);
    world.settle();
    assert_eq!(phase(&world, ANN), Phase::Member);
    assert!(!is_locked_out(&world, ANN) && world.relay.exists);
    let link = world.invite(ANN);
    world.settle();
    world.join(BOB, &link);
    world.settle();
    world.say(ANN, "there you are");
    world.say(BOB, "here I am");
    world.settle();
    world.assert_agreed(&[ANN, BOB]);
    assert!(world.texts(BOB).contains(&"there you are".to_owned()));
    assert!(world.texts(ANN).contains(&"here I am".to_owned()));
    assert!(world.alarms(ANN).is_empty() && world.alarms(BOB).is_empty());

    // With another in it, it is not opened again by anybody: who is refused then was put out.
    world.disconnect(ANN);
    world.disconnect(BOB);
    drop_room(&mut world);
    world.connect(ANN);
    world.settle();
    assert!(is_locked_out(&world, ANN) && !world.relay.exists);
}

#[test]
fn crash_while_it_is_opened_again_changes_nothing() {
    let mut world = left_alone(811);
    world.connect(ANN);
    for _ in 0..3 {
        world.deliver_one(ANN);
    }
    world.crash(ANN);
    world.restart(ANN);
    world.connect(ANN);
    world.settle();
    assert_eq!(phase(&world, ANN), Phase::Member);
    world.restart(ANN);
    world.connect(ANN);
    world.say(ANN, "and on");
    world.settle();
    assert!(world.relay.exists && world.alarms(ANN).is_empty());
    assert_eq!(world.errors(ANN), Vec::<&str>::new());
}

#[test]
fn room_that_takes_a_token_to_open_again_is_kept_until_there_is_one() {
    let mut world = left_alone(812);
    world.relay.asks = Some((vec![7; 32], proto::relay::refused::Code::TokenRequired));
    world.connect(ANN);
    world.settle();
    assert!(!world.closed(ANN) && !world.relay.exists);
    world.relay.asks = None;
    world.connect(ANN);
    world.settle();
    assert!(phase(&world, ANN) == Phase::Member && world.relay.exists);
}

#[test]
fn who_was_put_out_of_a_room_that_is_still_there_opens_no_other() {
    let mut world = left_alone(813);
    world.relay = ModelRelay { now: world.relay.now, ..ModelRelay::default() };
    // Somebody else has a room of that name there.
    world.relay.asks = Some((vec![7; 32], proto::relay::refused::Code::Conflict));
    let before = world.devices[ANN].engine.as_ref().unwrap().meta.cursor;
    for _ in 0..2 {
        world.connect(ANN);
        world.settle();
        world.disconnect(ANN);
    }
    assert!(is_locked_out(&world, ANN) && world.errors(ANN).is_empty(), "{}", world.story(ANN));
    let engine = world.devices[ANN].engine.as_ref().unwrap();
    assert_eq!((engine.phase(), engine.meta.cursor), (Phase::Member, before));
}

#[test]
fn room_that_is_there_after_all_is_read_on_and_not_forgotten() {
    let mut world = World::new(&["ann", "bob"], Suite::Classic, 814);
    world.create(ANN);
    world.settle();
    world.say(ANN, "a note");
    world.settle();
    world.disconnect(ANN);
    // For a moment the relay has nothing, and opens nothing.
    let there = std::mem::take(&mut world.relay);
    world.relay = ModelRelay {
        now: there.now,
        asks: Some((vec![7; 32], proto::relay::refused::Code::TokenRequired)),
        ..ModelRelay::default()
    };
    world.connect(ANN);
    world.settle();
    assert_eq!(phase(&world, ANN), Phase::Creating);
    world.disconnect(ANN);
    world.relay = there;
    world.connect(ANN);
    world.settle();
    assert_eq!(phase(&world, ANN), Phase::Member);
    let link = world.invite(ANN);
    world.join(BOB, &link);
    world.settle();
    world.assert_talks(&[ANN, BOB]);
    assert_eq!(world.alarms(ANN), Vec::new());
}
