//! Joins that hide something: lines that a relay shows in another order before them, a return that only some can take, and
//! words of those who stand for nothing.

use proto::relay::Deliver;

use super::{
    hostile::{ANN, BOB, EVE, adds, member_key, nothing},
    hostile_books::{DAN, four, key},
    world::World,
};
use crate::{
    crypto::suite::spoil::spoiling,
    room::{Alarm, AlarmKind, Command, Event},
};

/// So many joins that nobody can take, by one link. Nobody reads anything meanwhile.
fn rubbish_joins(world: &mut World, joins: u32) {
    let invite = world.newest_link(ANN).access_key();
    for n in 0..joins {
        let mut bytes = [5; 32];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        let joiner = crate::invite::AccessSecret::from_bytes(&bytes);
        let by_invite = |statement: &[u8]| invite.sign_statement(statement);
        let last = world.relay.last_commit;
        let change = adds(member_key(&joiner));
        world.rubbish(&invite, &by_invite, (last, 0), &change, &key(70)).unwrap();
    }
}

/// Ann has a link that lets in many.
fn room_for_many(seed: u64) -> World {
    let mut world = four(seed);
    world.command(ANN, Command::Invite { uses: Some(1_000), expires_ms: None });
    world.settle();
    world
}

#[test]
fn lines_that_a_relay_swapped_for_one_show_after_however_many_joins() {
    for joins in [0, 1, 5, 12, 40] {
        let mut world = room_for_many(1601);
        world.capture(ANN);
        world.say(DAN, "yes");
        world.say(EVE, "no");
        let (one, two) = (world.entry(world.head() - 1), world.entry(world.head()));
        let swapped =
            |entry: &Deliver, at: &Deliver| Deliver { seq: at.seq, at_ms: at.at_ms, ..entry.clone() };
        world.show(ANN, swapped(&two, &one));
        world.show(ANN, swapped(&one, &two));
        rubbish_joins(&mut world, joins);
        world.connect(ANN);
        world.settle();
        world.say(ANN, "agreed");
        world.settle();
        assert_eq!(world.texts(ANN)[..2], ["no", "yes"]);
        let noticed = [ANN, BOB, DAN].iter().any(|i| world.alarms(*i).contains(&AlarmKind::Fork));
        assert!(noticed, "{joins} joins hid it: {}", world.story(BOB));
    }
}

#[test]
fn more_joins_than_a_view_tells_of_are_told_and_fewer_are_not() {
    for joins in [64, 65] {
        let mut world = room_for_many(1602);
        rubbish_joins(&mut world, joins);
        world.settle();
        for i in [ANN, BOB, DAN] {
            let told = world.alarms(i).contains(&AlarmKind::Fork);
            assert_eq!(told, joins > 64, "{joins} joins, device {i}: {}", world.story(i));
        }
    }
}

#[test]
fn return_that_one_cannot_take_sets_nobody_at_odds() {
    let mut refused = 0;
    for place in 0..3 {
        let mut world = four(1603);
        let backup = world.devices[EVE].rows.clone();
        world.command(EVE, Command::Rename("eva".to_owned()));
        world.settle();
        world.put_back(EVE, backup);
        world.connect(EVE);
        let is_let_in = |world: &World| {
            let engine = world.devices[EVE].engine.as_ref().unwrap();
            engine.back.out.as_ref().is_some_and(|out| !out.slot_key.is_empty())
        };
        assert!(world.run_until(is_let_in), "{}", world.story(EVE));
        let head = world.head();
        spoiling(&[place], || {
            for _ in 0..1_000 {
                if world.head() > head {
                    break;
                }
                world.now += 500;
                world.input(EVE, crate::room::Input::Tick);
                world.deliver_one(EVE);
            }
        });
        assert!(world.head() > head, "eve did not come back: {}", world.story(EVE));
        world.disconnect(EVE);
        let until = world.now + 1_500;
        for i in [ANN, BOB, DAN] {
            while world.deliver_one(i) {}
            world.say(i, &format!("I am {i}"));
        }
        world.run_until(|world| world.now > until);
        world.settle();
        refused += [ANN, BOB, DAN].iter().filter(|i| world.errors(**i).contains(&"invalid_commit")).count();
        for i in [ANN, BOB, DAN] {
            let differs = |event: &Event| matches!(event, Event::Alarm(Alarm::ViewDiffers { .. }));
            let accuses = world.devices[i].events.iter().any(differs);
            assert!(!accuses, "place {place}, device {i}: {}", world.story(i));
        }
    }
    assert!(refused > 0, "all could take it");
}

#[test]
fn newcomer_whose_join_stands_for_nothing_yet_comes_again_by_its_link() {
    for close in [false, true] {
        let mut world = four(1604);
        let link = world.invite(ANN);
        world.settle();
        let (ann, authority, base) = (world.access(ANN), world.authority(ANN), world.relay.last_commit);
        (0..4).for_each(|i| world.disconnect(i));
        let [gus, ida, fay] = [("gus", 1694), ("ida", 1695), ("fay", 1696)].map(|(name, seed)| {
            let new = world.newcomer(name, seed);
            world.join(new, &link);
            new
        });
        if close {
            world.devices[fay].engine.as_mut().unwrap().ledger.close();
        }
        let seq = world.relay.last_commit;
        for i in [gus, ida] {
            world.word_of_member(i, seq);
            world.disconnect(i);
        }
        world.settle();
        let engine = world.devices[fay].engine.as_ref().unwrap();
        assert!(engine.meta.link.is_some(), "{}", world.story(fay));
        // A member passes all of them by.
        world.rubbish(&ann, &authority, (base, seq), &nothing(), &key(80)).unwrap();
        for i in [BOB, EVE, DAN] {
            world.connect(i);
        }
        world.settle();
        assert!(!world.closed(fay), "{}", world.story(fay));
        assert!(world.errors(fay).contains(&"place_lost"), "{}", world.story(fay));
        world.assert_talks(&[BOB, EVE, DAN, fay]);
    }
}

#[test]
fn many_who_come_in_while_those_who_were_there_are_silent_are_a_line_and_no_alarm() {
    let mut world = World::room_of(&["ann", "bob"], crate::crypto::suite::Suite::Classic, 1604);
    world.command(ANN, Command::Invite { uses: Some(100), expires_ms: None });
    world.settle();
    let made = world.devices[ANN].events.iter().rev().find_map(|event| match event {
        Event::Invite { link, .. } => Some(link.clone()),
        _ => None,
    });
    let link = made.unwrap();
    [ANN, BOB].into_iter().for_each(|i| world.disconnect(i));
    for n in 0..65 {
        let i = world.newcomer(&format!("guest {n}"), 1605 + n);
        world.join(i, &link);
        world.disconnect(i);
    }
    world.connect(BOB);
    world.settle();
    assert!(world.errors(BOB).contains(&"joins_unwitnessed"), "{}", world.story(BOB));
    assert_eq!((world.alarms(ANN), world.alarms(BOB)), (Vec::new(), Vec::new()));
}
