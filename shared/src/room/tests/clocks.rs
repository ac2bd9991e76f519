//! Clocks that are wrong: a founder's, a joiner's, a relay's that was. None of them keeps anybody out; nor does a long time.

use super::{
    hostile::{ANN, BOB, EVE, three},
    world::World,
};
use crate::{
    crypto::suite::Suite,
    invite::{INVITE_LIFETIME_MS, link::Link},
    room::{Command, Event, Input},
};

const DAY: u64 = 24 * 3_600_000;
const YEAR: u64 = 365 * DAY;

/// Ann's clock is ahead. She makes a room, and sleeps.
fn founded_under_a_clock_that_is(ahead: u64, seed: u64) -> (World, Link) {
    let mut world = World::new(&["ann", "bob", "eve"], Suite::Classic, seed);
    world.devices[ANN].ahead = ahead;
    world.create(ANN);
    let link = world.invite(ANN);
    world.disconnect(ANN);
    (world, link)
}

#[test]
fn founder_whose_clock_is_ahead_locks_nobody_out_while_it_sleeps() {
    for ahead in [DAY, 10 * YEAR] {
        let (mut world, link) = founded_under_a_clock_that_is(ahead, 1501);
        world.join(BOB, &link);
        assert!(!world.closed(BOB), "{ahead}: {}", world.story(BOB));
        world.join(EVE, &link);
        assert_eq!(world.members(EVE), 3, "{ahead}: {}", world.story(EVE));
        world.assert_talks(&[BOB, EVE]);
        world.connect(ANN);
        world.settle();
        world.assert_talks(&[ANN, BOB, EVE]);
    }
}

#[test]
fn founder_whose_clock_is_ahead_keeps_no_device_from_coming_back() {
    for ahead in [DAY, 10 * YEAR] {
        let (mut world, link) = founded_under_a_clock_that_is(ahead, 1502);
        // They join while their clocks are as wrong.
        for i in [BOB, EVE] {
            world.devices[i].ahead = ahead;
            world.join(i, &link);
            world.devices[i].ahead = 0;
        }
        let backup = world.devices[BOB].rows.clone();
        world.command(BOB, Command::Rename("rob".to_owned()));
        world.settle();
        world.put_back(BOB, backup);
        world.connect(BOB);
        world.settle();
        assert!(world.errors(BOB).ends_with(&["out", "back"]), "{ahead}: {}", world.story(BOB));
        world.assert_talks(&[BOB, EVE]);
    }
}

#[test]
fn joiner_whose_clock_is_ahead_gets_in_by_an_invite_that_lives() {
    let mut world = three(1503);
    let link = world.invite(ANN);
    let dan = world.newcomer("dan", 1603);
    world.devices[dan].ahead = YEAR;
    world.join(dan, &link);
    assert!(!world.closed(dan), "{}", world.story(dan));
    world.assert_talks(&[ANN, BOB, EVE, dan]);
}

/// The relay's clock was five years ahead when bob spoke.
fn log_of_a_clock_that_was_ahead(seed: u64) -> World {
    let mut world = three(seed);
    world.relay.ahead = world.now + 5 * YEAR;
    world.say(BOB, "what year is it?");
    world.settle();
    world
}

#[test]
fn invite_in_a_room_whose_log_is_years_ahead_lets_somebody_in() {
    let mut world = log_of_a_clock_that_was_ahead(1504);
    // The room's first invite is over by the log's time: it is not shown again.
    let link = world.invite(ANN);
    let dan = world.newcomer("dan", 1604);
    world.join(dan, &link);
    assert_eq!(world.members(dan), 4, "{}", world.story(dan));
    assert_eq!(world.invite(ANN).secret.id(), link.secret.id(), "it lives");
    let expires_ms = Some(world.now + DAY);
    world.command(BOB, Command::Invite { uses: Some(1), expires_ms });
    let link = world.invite(BOB);
    let fay = world.newcomer("fay", 1605);
    world.join(fay, &link);
    assert_eq!(world.members(fay), 5, "{}", world.story(fay));
}

#[test]
fn invite_in_a_room_whose_log_stands_still_ends_by_its_makers_clock() {
    let mut world = log_of_a_clock_that_was_ahead(1506);
    let link = world.invite(ANN);
    world.now += INVITE_LIFETIME_MS + 2 * 60_000;
    world.input(ANN, Input::Tick);
    world.settle();
    let epoch = world.epoch(ANN);
    let listed = world.room(ANN).invites;
    assert!(listed.iter().all(|invite| *invite.id != link.secret.id()), "it lives for five years");
    assert_ne!(world.invite(ANN).secret.id(), link.secret.id());
    assert!(world.epoch(ANN) <= epoch + 1, "each tick is a commit");
}

/// A relay of the usual settings drops what is over 90 days old.
fn drop_what_is_old(world: &mut World) {
    let is_old = |at_ms: u64| at_ms + 90 * DAY < world.now;
    world.relay.oldest = world.relay.log.iter().take_while(|entry| is_old(entry.at_ms)).count() as u64;
}

#[test]
fn device_that_was_away_for_91_days_comes_back_without_an_invite() {
    for others_are_away in [false, true] {
        let mut world = three(1507);
        world.disconnect(BOB);
        world.command(ANN, Command::Rename("anna".to_owned()));
        world.settle();
        world.say(EVE, "gone by then");
        world.settle();
        if others_are_away {
            [ANN, EVE].into_iter().for_each(|i| world.disconnect(i));
        }
        world.now += 91 * DAY;
        drop_what_is_old(&mut world);
        assert_eq!(world.relay.oldest, world.head(), "nothing is younger");
        for i in [ANN, EVE, BOB] {
            world.connect(i);
        }
        world.settle();
        let told = world.errors(BOB);
        let [out, back] = ["out", "back"].map(|code| told.iter().filter(|told| **told == code).count());
        assert_eq!((out, back), (1, 1), "{}", world.story(BOB));
        let joined =
            world.devices[BOB].events.iter().filter(|event| matches!(event, Event::Joined(_))).count();
        assert_eq!((joined, world.closed(BOB)), (1, false), "it came by an invite: {}", world.story(BOB));
        assert!(!world.texts(BOB).contains(&"gone by then".to_owned()));
        world.assert_talks(&[ANN, BOB, EVE]);
    }
}
