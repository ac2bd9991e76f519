//! A relay whose answers are lies, and profiles that are not what they were.

use proto::relay::{Joined, Published, refused::Code, relay_frame::Frame};

use super::{
    hostile::{ANN, BOB, EVE, three},
    model::refused,
};
use crate::room::{AlarmKind, Command, Event, Problem};

#[test]
fn own_message_replaced_by_the_relay_alarms_and_is_resent() {
    let mut world = three(415);
    world.capture(ANN);
    world.devices[ANN].online = false;
    world.say(ANN, "mine");
    let id = world.devices[ANN].engine.as_ref().unwrap().outbox.values().next().unwrap().publish_id.clone();
    let seq = world.head() + 1;
    world.frame(ANN, Frame::Published(Published { id: id.clone().into(), seq, at_ms: 0 }));
    world.say(BOB, "instead");
    world.settle();
    let instead = world.entry(seq);
    world.show(ANN, instead);
    world.assert_alarm(ANN, AlarmKind::Gap);
    let again = world.devices[ANN].engine.as_ref().unwrap().link.in_flight.clone();
    assert!(again.is_some_and(|again| again != id), "a relay that knows the id would answer as before");
    world.connect(ANN);
    world.settle();
    assert_eq!(world.texts(BOB), ["instead", "mine"]);
    assert_eq!(world.texts(ANN), ["instead", "mine"]);
}

#[test]
fn own_message_that_was_acknowledged_far_away_alarms_and_is_resent() {
    let mut world = three(416);
    world.capture(ANN);
    world.devices[ANN].online = false;
    world.say(ANN, "mine");
    let id = world.devices[ANN].engine.as_ref().unwrap().outbox.values().next().unwrap().publish_id.clone();
    world.frame(ANN, Frame::Published(Published { id: id.into(), seq: u64::MAX, at_ms: 0 }));
    world.connect(ANN);
    world.settle();
    world.assert_alarm(ANN, AlarmKind::Gap);
    assert_eq!(world.texts(BOB), ["mine"], "{}", world.story(ANN));
}

#[test]
fn own_message_in_a_skipped_entry_alarms_and_is_resent() {
    let mut world = three(440);
    world.capture(ANN);
    world.devices[ANN].online = false;
    world.say(ANN, "mine");
    let id = world.devices[ANN].engine.as_ref().unwrap().outbox.values().next().unwrap().publish_id.clone();
    let seq = world.head() + 1;
    world.frame(ANN, Frame::Published(Published { id: id.into(), seq, at_ms: 0 }));
    world.say(BOB, "one");
    world.say(BOB, "two");
    world.settle();
    let two = world.entry(seq + 1);
    world.show(ANN, two);
    world.assert_alarm(ANN, AlarmKind::Gap);
    world.show_oldest(ANN, seq + 1);
    world.show_before(ANN, seq + 2);
    let engine = world.devices[ANN].engine.as_ref().unwrap();
    assert!(
        engine.outbox.values().next().unwrap().acked == 0 && engine.link.in_flight.is_some(),
        "it waits for ever"
    );
}

#[test]
fn own_commit_replaced_by_the_relay_does_not_silence_the_device() {
    let mut world = three(417);
    world.capture(ANN);
    world.devices[ANN].online = false;
    world.command(ANN, Command::Rename("anna".to_owned()));
    let id = world.devices[ANN].engine.as_ref().unwrap().pending.as_ref().unwrap().publish_id.clone();
    let seq = world.head() + 1;
    world.frame(ANN, Frame::Published(Published { id: id.into(), seq, at_ms: 0 }));
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    let other = world.entry(seq);
    world.devices[ANN].online = true;
    world.relay.streams.insert(ANN, (world.access_key(ANN).key.to_vec(), seq));
    world.show(ANN, other);
    world.settle();
    world.assert_alarm(ANN, AlarmKind::Gap);
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn refusing_every_commit_without_a_reason_alarms() {
    let mut world = three(418);
    world.capture(ANN);
    world.devices[ANN].online = false;
    world.command(ANN, Command::Rename("anna".to_owned()));
    let pending = world.devices[ANN].engine.as_ref().unwrap().pending.clone().unwrap();
    let Some(Frame::Refused(refusal)) =
        refused(&pending.publish_id, Code::Conflict, pending.part.as_ref().unwrap().expected_last_commit)
            .frame
    else {
        panic!()
    };
    world.frame(ANN, Frame::Refused(refusal));
    world.assert_alarm(ANN, AlarmKind::Fork);
}

#[test]
fn numbers_without_measure_do_not_panic() {
    for (n, number) in [0, 1, u64::MAX - 1, u64::MAX].into_iter().enumerate() {
        let mut world = three(419 + n as u64);
        world.capture(ANN);
        let mut entry = world.entry(1);
        for _ in 0..3 {
            (entry.seq, entry.at_ms) = (number, number);
            world.show(ANN, entry.clone());
        }
        world.devices[ANN].online = false;
        world.say(ANN, "mine");
        let id =
            world.devices[ANN].engine.as_ref().unwrap().outbox.values().next().unwrap().publish_id.clone();
        let Some(Frame::Refused(mut refusal)) = refused(&id, Code::RateLimited, number).frame else {
            panic!()
        };
        refusal.retry_after_ms = number;
        world.frame(ANN, Frame::Refused(refusal));
        let wake = world.devices[ANN].wake;
        assert!(wake.is_none_or(|at| at <= world.now + 3_600_000), "asleep for ever: {wake:?}");
        world.frame(ANN, Frame::Published(Published { id: id.into(), seq: number, at_ms: number }));
        world.begin_join(ANN);
        let joined = Joined {
            head: number,
            oldest: number,
            last_commit: number,
            slot: None,
            now_ms: number,
            ..Joined::default()
        };
        world.frame(ANN, Frame::Joined(joined));
        let wake = world.devices[ANN].wake;
        assert!(wake.is_none_or(|at| at < world.now + 2 * 24 * 3_600_000), "asleep for ever: {wake:?}");
    }
}

#[test]
fn what_was_said_by_a_device_that_is_out_is_not_lost() {
    let mut world = three(437);
    world.capture(BOB);
    world.say(BOB, "on its disk");
    let id = world.devices[BOB].engine.as_ref().unwrap().outbox.values().next().unwrap().publish_id.clone();
    world.frame(BOB, Frame::Published(Published { id: id.into(), seq: 9, at_ms: 0 }));
    world.say(BOB, "not yet");
    // Away for longer than the relay keeps entries.
    world.begin_join(BOB);
    let joined = Joined { head: 99, oldest: 99, last_commit: 98, slot: None, now_ms: 0, ..Joined::default() };
    world.frame(BOB, Frame::Joined(joined));
    assert!(world.errors(BOB).contains(&"out"), "{}", world.story(BOB));
    assert_eq!(world.devices[BOB].engine.as_ref().unwrap().outbox.len(), 2);
}

#[test]
fn restored_old_profile_alarms() {
    let mut world = three(424);
    let backup = world.devices[BOB].rows.clone();
    world.say(BOB, "after the backup");
    world.settle();
    world.put_back(BOB, backup);
    world.connect(BOB);
    world.settle();
    world.assert_alarm(BOB, AlarmKind::Rollback);
}

#[test]
fn restored_profile_from_before_its_own_commit_alarms_and_comes_back() {
    let mut world = three(425);
    let backup = world.devices[BOB].rows.clone();
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    world.put_back(BOB, backup);
    world.connect(BOB);
    world.settle();
    world.assert_alarm(BOB, AlarmKind::Rollback);
    assert!(!world.closed(BOB), "{}", world.story(BOB));
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn what_is_said_after_leaving_is_refused_not_lost() {
    let mut world = three(436);
    world.capture(BOB);
    world.command(BOB, Command::Leave);
    world.say(BOB, "wait");
    assert!(world.devices[BOB].events.iter().any(|e| matches!(e, Event::Problem(Problem::Leaving))));
}

#[test]
fn change_that_cannot_be_built_does_not_silence_the_device() {
    let mut world = three(441);
    // No honest way leads here; what matters is that talking goes on when committing cannot.
    world.devices[BOB].engine.as_mut().unwrap().own.name = "two\nlines".to_owned();
    world.say(BOB, "hello");
    for _ in 0..20 {
        for i in [ANN, BOB, EVE] {
            world.deliver_one(i);
        }
    }
    assert_eq!(world.texts(ANN), ["hello"], "{}", world.story(BOB));
    assert!(world.errors(BOB).contains(&"group"));
}
