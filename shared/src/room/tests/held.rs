//! A relay whose operator has frozen or dropped the room, and one that only says so.

use proto::relay::{Refused, refused::Code, relay_frame::Frame};

use super::{
    hostile::{ANN, BOB, EVE, three},
    world::World,
};
use crate::{
    crypto::suite::Suite,
    room::{CloseReason, Engine, Event, Problem, state::Phase},
};

const WORDS: &str = "paused by a court";

fn problems(world: &World, device: usize) -> Vec<Problem> {
    let told = world.devices[device].events.iter().filter_map(|event| match event {
        Event::Problem(problem) => Some(problem.clone()),
        _ => None,
    });
    told.collect()
}

fn frozen(words: &str) -> Problem {
    Problem::Frozen { reason: words.to_owned() }
}

fn join_frozen() -> Problem {
    Problem::JoinFrozen { reason: WORDS.to_owned() }
}

fn ends(world: &World, device: usize) -> Vec<(CloseReason, bool)> {
    let ends = world.devices[device].events.iter().filter_map(|event| match event {
        Event::Closed { reason, was_member } => Some((reason.clone(), *was_member)),
        _ => None,
    });
    ends.collect()
}

fn phase(world: &World, device: usize) -> Phase {
    world.devices[device].engine.as_ref().unwrap().phase()
}

/// As the relay does when the operator freezes or thaws the room: it ends the streams, and all come back.
fn turn(world: &mut World, words: Option<&str>) {
    world.relay.stopped = words.map(str::to_owned);
    for device in 0..world.devices.len() {
        world.disconnect(device);
        world.connect(device);
    }
    world.settle();
}

#[test]
fn frozen_room_is_read_and_what_is_said_waits_until_it_goes_on() {
    let mut world = three(860);
    world.disconnect(BOB);
    world.say(ANN, "before");
    world.settle();
    let head = world.head();
    turn(&mut world, Some(WORDS));
    assert_eq!(world.texts(BOB), ["before"], "it is read");
    for device in [ANN, BOB, EVE] {
        assert_eq!(problems(&world, device), [frozen(WORDS)], "{}", world.story(device));
        assert_eq!(world.errors(device), ["frozen"]);
        world.say(device, "meanwhile");
    }
    for _ in 0..48 {
        world.now += 1_800_000;
        world.settle();
    }
    assert_eq!(world.relay.refused_words, 0, "nobody sends what is not taken");
    assert_eq!(world.head(), head);

    // Told once, though streams come and go, and after a restart.
    turn(&mut world, Some(WORDS));
    assert_eq!(problems(&world, ANN).len(), 1);
    world.crash(EVE);
    world.restart(EVE);
    world.connect(EVE);
    world.settle();
    assert_eq!(problems(&world, EVE).len(), 2);

    turn(&mut world, None);
    for device in [ANN, BOB, EVE] {
        assert_eq!(problems(&world, device).last(), Some(&Problem::Thawed));
        assert_eq!(world.texts(device).iter().filter(|text| *text == "meanwhile").count(), 3);
        assert!(world.alarms(device).is_empty() && !world.closed(device));
    }
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn relay_that_says_it_only_to_what_is_published_is_not_asked_all_the_time() {
    let mut world = three(861);
    world.relay.stopped = Some(WORDS.to_owned());
    world.relay.hides_it = true;
    world.say(ANN, "mine");
    let hour = world.now + 3_600_000;
    while world.now < hour {
        world.now += 10_000;
        if world.devices[ANN].wake.is_some_and(|at| at <= world.now) {
            world.input(ANN, crate::room::Input::Tick);
        }
        while world.deliver_one(ANN) {}
    }
    let asked = world.relay.refused_words;
    assert!((2..=62).contains(&asked), "asked {asked} times in an hour");
    assert_eq!(problems(&world, ANN), [frozen(WORDS)], "though each Join said that it is not so");
    world.relay.stopped = None;
    world.settle();
    assert_eq!(world.texts(BOB), ["mine"]);
}

#[test]
fn words_of_the_relay_are_cleaned_whatever_it_sends() {
    for (sent, shown) in [
        ("  by a   court ", "by a court"),
        ("two\nlines\r\x1b[31m", "two lines [31m"),
        ("left\u{202e}right\u{200b}\u{feff}", "leftright"),
        ("e\u{301}", "é"),
        ("\u{2066}\u{2069}\u{3164}", ""),
        (&*"x".repeat(proto::MAX_WORDS + 1), ""),
        (&*"x\u{200b}".repeat(1 << 20), ""),
    ] {
        let mut world = three(862);
        turn(&mut world, Some(sent));
        assert_eq!(problems(&world, ANN), [frozen(shown)]);
        world.relay.dropped = Some(sent.to_owned());
        world.disconnect(ANN);
        world.connect(ANN);
        world.settle();
        assert_eq!(ends(&world, ANN), [(CloseReason::Dropped { reason: shown.to_owned() }, true)]);
    }
}

#[test]
fn who_comes_by_a_link_waits_for_a_frozen_room_and_gets_in_when_it_goes_on() {
    let mut world = World::new(&["ann", "bob"], Suite::Classic, 863);
    world.create(ANN);
    world.settle();
    let link = world.invite(ANN);
    world.settle();
    world.relay.stopped = Some(WORDS.to_owned());
    world.join(BOB, &link);
    world.settle();
    assert!(problems(&world, BOB) == [join_frozen()] && !world.closed(BOB), "{}", world.story(BOB));
    assert_eq!(phase(&world, BOB), Phase::Joining);
    world.connect(BOB);
    world.settle();
    assert_eq!(problems(&world, BOB).len(), 1, "told once");
    turn(&mut world, None);
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn join_that_is_frozen_half_way_is_made_again() {
    let mut world = World::new(&["ann", "bob"], Suite::Classic, 864);
    world.create(ANN);
    world.settle();
    let link = world.invite(ANN);
    world.settle();
    world.devices[BOB].engine = Some(Engine::join(&world.devices[BOB].profile, &link, world.now).unwrap());
    world.connect(BOB);
    // Its commit comes to a relay that has frozen the room since it let bob look.
    while phase(&world, BOB) != Phase::Confirming {
        let has_looked = world.devices[BOB].engine.as_ref().unwrap().room_id().0 != [0; 32];
        let is_in = has_looked && world.relay.streams.contains_key(&BOB);
        world.relay.stopped = Some(WORDS.to_owned()).filter(|_| is_in);
        assert!(world.deliver_one(BOB), "{}", world.story(BOB));
    }
    assert!(world.relay.refused_words > 0);
    turn(&mut world, Some(WORDS));
    assert!(problems(&world, BOB).contains(&join_frozen()) && !world.closed(BOB), "{}", world.story(BOB));
    turn(&mut world, None);
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn dropped_room_is_over_and_what_was_said_stays() {
    let mut world = three(865);
    world.say(ANN, "before");
    world.settle();
    world.relay.dropped = Some(WORDS.to_owned());
    world.disconnect(ANN);
    world.say(ANN, "never sent");
    world.connect(ANN);
    world.settle();
    let over = (CloseReason::Dropped { reason: WORDS.to_owned() }, true);
    assert_eq!(ends(&world, ANN), std::slice::from_ref(&over));
    assert_eq!(problems(&world, ANN), [Problem::NotSent { messages: 1 }]);
    assert_eq!((phase(&world, ANN), world.texts(ANN)), (Phase::Closed, vec!["before".to_owned()]));
    // In the answer to a publish as well.
    world.say(BOB, "into the void");
    world.settle();
    assert_eq!(ends(&world, BOB), [over]);
}

#[test]
fn lone_room_that_the_operator_dropped_is_not_opened_again() {
    for late in [false, true] {
        let mut world = World::new(&["ann"], Suite::Classic, 866);
        world.create(ANN);
        world.settle();
        world.say(ANN, "a note");
        world.settle();
        world.disconnect(ANN);
        let (now, words) = (world.now, Some(WORDS.to_owned()));
        world.relay = super::model::ModelRelay { now, ..Default::default() };
        if late {
            // It was dropped between the Join, which found nothing, and the Create.
            world.connect(ANN);
            world.relay.dropped = words;
        } else {
            world.relay.dropped = words;
            world.connect(ANN);
        }
        world.settle();
        let over = (CloseReason::Dropped { reason: WORDS.to_owned() }, true);
        assert_eq!(ends(&world, ANN), [over], "late {late}: {}", world.story(ANN));
        // Nor when the relay has forgotten it.
        world.relay.dropped = None;
        world.crash(ANN);
        world.restart(ANN);
        world.connect(ANN);
        world.settle();
        assert!(!world.relay.exists && phase(&world, ANN) == Phase::Closed);
        assert_eq!(world.texts(ANN), ["a note"]);
    }
}

#[test]
fn frozen_opener_is_told_so_and_a_room_that_was_there_is_kept() {
    let mut world = World::new(&["ann"], Suite::Classic, 867);
    world.relay.stopped = Some(WORDS.to_owned());
    world.create(ANN);
    world.settle();
    assert_eq!(problems(&world, ANN), [Problem::OpenerFrozen { reason: WORDS.to_owned() }]);
    assert_eq!(ends(&world, ANN), [(CloseReason::OpenerFrozen, false)]);
    assert_eq!(world.errors(ANN), ["opener_frozen"]);

    let mut world = World::new(&["ann"], Suite::Classic, 868);
    world.create(ANN);
    world.settle();
    world.disconnect(ANN);
    world.relay = super::model::ModelRelay { now: world.now, ..Default::default() };
    world.relay.stopped = Some(WORDS.to_owned());
    for _ in 0..3 {
        world.connect(ANN);
        world.settle();
        world.disconnect(ANN);
    }
    assert_eq!(problems(&world, ANN), [Problem::OpenerFrozen { reason: WORDS.to_owned() }], "told once");
    assert!(ends(&world, ANN).is_empty() && !world.relay.exists);
    world.relay.stopped = None;
    world.connect(ANN);
    world.settle();
    assert!(phase(&world, ANN) == Phase::Member && world.relay.exists);
}

#[test]
fn answer_to_nothing_that_was_sent_changes_nothing() {
    let mut world = three(869);
    for code in [Code::Frozen, Code::Dropped] {
        let id = vec![9; 16].into();
        let refused = Refused { id, code: code.into(), words: WORDS.to_owned(), ..Refused::default() };
        world.frame(ANN, Frame::Refused(refused));
    }
    assert!(problems(&world, ANN).is_empty() && !world.closed(ANN));
    world.assert_talks(&[ANN, BOB, EVE]);
}
