//! A relay that replays, reorders, drops, truncates, forks, rolls back and lies: none of it is silent.

use proto::relay::{Deliver, Joined, Published, RelayFrame, refused::Code, relay_frame::Frame};

use super::{
    hostile::{ANN, BOB, EVE, nothing, three},
    model::refused,
    world::World,
};
use crate::{
    engine::{AlarmKind, Command, Engine, Event, Input},
    suite::Suite,
};

impl World {
    /// From now on device `i` is shown only what `show` shows.
    fn capture(&mut self, i: usize) {
        self.settle();
        self.relay.streams.remove(&i);
    }

    fn show(&mut self, i: usize, entry: Deliver) {
        self.frame(i, Frame::Deliver(entry));
    }

    fn frame(&mut self, i: usize, frame: Frame) {
        self.input(i, Input::Frame(RelayFrame { frame: Some(frame) }));
    }

    fn entry(&self, seq: u64) -> Deliver {
        self.relay.log[usize::try_from(seq).unwrap() - 1].clone()
    }

    fn head(&self) -> u64 {
        self.relay.log.len() as u64
    }

    fn cursor(&self, i: usize) -> u64 {
        self.devices[i].engine.as_ref().unwrap().cursor()
    }

    /// Device `i` asks to join; the answer is up to the test.
    fn begin_join(&mut self, i: usize) {
        self.devices[i].online = false;
        self.input(i, Input::Connected { binding: [0; 32] });
        self.devices[i].online = true;
    }
}

#[test]
fn entry_delivered_twice_alarms() {
    let mut world = three(401);
    world.say(BOB, "once");
    world.settle();
    let entry = world.entry(world.head());
    world.show(ANN, entry);
    world.assert_alarm(ANN, AlarmKind::Replay);
    assert_eq!(world.texts(ANN), ["once"]);
}

#[test]
fn message_replayed_at_a_new_position_alarms() {
    let mut world = three(402);
    world.say(BOB, "once");
    world.settle();
    let said = world.entry(world.head()).envelope.to_vec();
    world.inject(said, None);
    world.settle();
    for i in [ANN, BOB, EVE] {
        world.assert_alarm(i, AlarmKind::Replay);
        assert_eq!(world.texts(i), ["once"]);
        assert!(!world.closed(i), "{}", world.story(i));
    }
}

#[test]
fn message_replayed_after_an_epoch_change_alarms() {
    let mut world = three(403);
    world.say(BOB, "once");
    world.settle();
    let said = world.entry(world.head()).envelope.to_vec();
    world.command(ANN, Command::Rename("anna".to_owned()));
    world.settle();
    world.crash(EVE);
    world.restart(EVE);
    world.connect(EVE);
    world.inject(said, None);
    world.settle();
    for i in [ANN, BOB, EVE] {
        world.assert_alarm(i, AlarmKind::Replay);
        assert_eq!(world.texts(i), ["once"]);
    }
}

#[test]
fn replayed_commit_alarms() {
    let mut world = three(404);
    world.command(ANN, Command::Rename("anna".to_owned()));
    world.settle();
    let epoch = world.epoch(ANN);
    let commit = world.entry(world.head()).envelope.to_vec();
    let part = world.part(nothing());
    world.inject(commit, Some(part));
    world.settle();
    for i in [ANN, BOB, EVE] {
        assert_eq!(world.epoch(i), epoch);
        world.assert_alarm(i, AlarmKind::Replay);
    }
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn skipped_entry_alarms() {
    let mut world = three(405);
    world.capture(ANN);
    world.say(BOB, "one");
    world.say(BOB, "two");
    world.settle();
    let two = world.entry(world.head());
    world.show(ANN, two);
    world.assert_alarm(ANN, AlarmKind::Gap);
}

#[test]
fn swallowed_message_alarms() {
    let mut world = three(406);
    world.say(BOB, "zero");
    world.capture(ANN);
    world.say(BOB, "one");
    world.say(BOB, "two");
    world.settle();
    // The relay closes the hole, so only the sender's counter tells.
    let mut two = world.entry(world.head());
    two.seq -= 1;
    world.show(ANN, two);
    assert_eq!(world.texts(ANN), ["zero", "two"]);
    world.assert_alarm(ANN, AlarmKind::Gap);
}

#[test]
fn reordered_entries_alarm() {
    let mut world = three(407);
    world.capture(ANN);
    world.say(BOB, "one");
    world.say(EVE, "two");
    world.settle();
    let (mut one, mut two) = (world.entry(world.head() - 1), world.entry(world.head()));
    (one.seq, two.seq) = (two.seq, one.seq);
    world.show(ANN, two);
    world.show(ANN, one);
    world.say(BOB, "three");
    world.settle();
    let three = world.entry(world.head());
    world.show(ANN, three);
    world.assert_alarm(ANN, AlarmKind::Fork);
}

#[test]
fn forked_log_alarms() {
    // Only the time differs, or that it was a commit, or the access keys.
    for part in 0..3 {
        let mut world = three(408);
        world.capture(ANN);
        world.say(BOB, "one");
        world.settle();
        let mut one = world.entry(world.head());
        match part {
            0 => one.at_ms += 1,
            1 => one.is_commit = true,
            _ => one.access = Some(super::hostile::adds(world.access_key(BOB))),
        }
        world.show(ANN, one);
        world.say(EVE, "two");
        world.settle();
        let two = world.entry(world.head());
        world.show(ANN, two);
        world.assert_alarm(ANN, AlarmKind::Fork);
    }
}

#[test]
fn relay_that_splits_the_room_by_two_commits_is_noticed() {
    let mut world = three(409);
    world.capture(ANN);
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    // Ann is told another story: the relay takes her commit at the same place.
    world.command(ANN, Command::Rename("anna".to_owned()));
    let own = world.devices[ANN].engine.as_ref().unwrap().pending.clone().unwrap();
    let mut entry = world.entry(world.head());
    entry.envelope = own.envelope.clone().into();
    entry.access = own.part.clone().unwrap().access;
    world.show(ANN, entry);
    world.say(BOB, "anybody?");
    world.settle();
    let said = world.entry(world.head());
    world.show(ANN, said);
    assert!(world.errors(ANN).contains(&"forged"), "{}", world.story(ANN));
}

#[test]
fn truncated_envelope_is_refused() {
    let mut world = three(410);
    world.capture(ANN);
    world.say(BOB, "one");
    world.settle();
    let whole = world.entry(world.head());
    for cut in [0, 1, 20, 21, 36, 37, 100, whole.envelope.len() - 1] {
        let mut entry = whole.clone();
        entry.seq = world.cursor(ANN) + 1;
        entry.envelope = whole.envelope.slice(..cut);
        let before = world.errors(ANN).len();
        world.show(ANN, entry);
        assert_eq!(world.errors(ANN).len(), before + 1, "cut at {cut}");
    }
    assert_eq!(world.texts(ANN), [""; 0]);
}

#[test]
fn altered_envelope_is_refused() {
    let mut world = three(411);
    world.capture(ANN);
    world.say(BOB, "one");
    world.settle();
    let whole = world.entry(world.head());
    for at in [0, 1, 5, 13, 20, 21, 200, whole.envelope.len() - 1] {
        let (mut entry, mut bytes) = (whole.clone(), whole.envelope.to_vec());
        bytes[at] ^= 1;
        entry.seq = world.cursor(ANN) + 1;
        entry.envelope = bytes.into();
        let before = world.errors(ANN).len();
        world.show(ANN, entry);
        assert_eq!(world.errors(ANN).len(), before + 1, "altered at {at}");
    }
    assert_eq!(world.texts(ANN), [""; 0]);
    // None of it moved a window: the true one still gets in.
    let mut entry = whole;
    entry.seq = world.cursor(ANN) + 1;
    world.show(ANN, entry);
    assert_eq!(world.texts(ANN), ["one"]);
}

#[test]
fn rolled_back_log_alarms() {
    let mut world = three(412);
    world.say(BOB, "one");
    world.settle();
    world.disconnect(ANN);
    world.relay.log.pop();
    world.connect(ANN);
    world.settle();
    world.assert_alarm(ANN, AlarmKind::Rollback);
}

#[test]
fn log_whose_last_commit_went_back_alarms() {
    let mut world = three(413);
    world.say(BOB, "one");
    world.settle();
    world.disconnect(ANN);
    world.relay.last_commit -= 1;
    world.connect(ANN);
    world.settle();
    world.assert_alarm(ANN, AlarmKind::Rollback);
}

#[test]
fn time_that_runs_backwards_alarms_and_everybody_judges_alike() {
    let mut world = three(414);
    world.now += 5_000;
    world.say(BOB, "one");
    world.settle();
    world.relay.now = world.now - 5_000;
    let said = world.own_envelope(EVE, crate::content::sealed::Body::PrivateMessage(vec![].into()));
    world.relay.append(said, None);
    world.settle();
    for i in [ANN, BOB, EVE] {
        world.assert_alarm(i, AlarmKind::Rollback);
    }
}

#[test]
fn own_message_replaced_by_the_relay_alarms_and_is_resent() {
    let mut world = three(415);
    world.capture(ANN);
    world.devices[ANN].online = false;
    world.say(ANN, "mine");
    let id = world.devices[ANN].engine.as_ref().unwrap().outbox[0].publish_id.clone();
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
    let id = world.devices[ANN].engine.as_ref().unwrap().outbox[0].publish_id.clone();
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
    let id = world.devices[ANN].engine.as_ref().unwrap().outbox[0].publish_id.clone();
    let seq = world.head() + 1;
    world.frame(ANN, Frame::Published(Published { id: id.into(), seq, at_ms: 0 }));
    world.say(BOB, "one");
    world.say(BOB, "two");
    world.settle();
    let two = world.entry(seq + 1);
    world.show(ANN, two);
    let engine = world.devices[ANN].engine.as_ref().unwrap();
    assert!(engine.outbox[0].acked == 0 && engine.link.in_flight.is_some(), "it waits for ever");
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
        let id = world.devices[ANN].engine.as_ref().unwrap().outbox[0].publish_id.clone();
        let Some(Frame::Refused(mut refusal)) = refused(&id, Code::RateLimited, number).frame else {
            panic!()
        };
        refusal.retry_after_ms = number;
        world.frame(ANN, Frame::Refused(refusal));
        world.frame(ANN, Frame::Published(Published { id: id.into(), seq: number, at_ms: number }));
        world.begin_join(ANN);
        let joined = Joined { head: number, oldest: number, last_commit: number, slot: None, now_ms: number };
        world.frame(ANN, Frame::Joined(joined));
        let wake = world.devices[ANN].wake;
        assert!(wake.is_none_or(|at| at < world.now + 2 * 24 * 3_600_000), "asleep for ever: {wake:?}");
    }
}

#[test]
fn restored_old_profile_alarms() {
    let mut world = three(424);
    let backup = world.devices[BOB].rows.clone();
    world.say(BOB, "after the backup");
    world.settle();
    world.crash(BOB);
    world.devices[BOB].rows = backup;
    world.restart(BOB);
    world.connect(BOB);
    world.settle();
    world.assert_alarm(BOB, AlarmKind::Rollback);
}

#[test]
fn restored_profile_from_before_its_own_commit_alarms_and_stops() {
    let mut world = three(425);
    let backup = world.devices[BOB].rows.clone();
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    world.crash(BOB);
    world.devices[BOB].rows = backup;
    world.restart(BOB);
    world.connect(BOB);
    world.settle();
    world.assert_alarm(BOB, AlarmKind::Rollback);
    assert!(world.closed(BOB), "it can never follow the room's keys again");
    world.assert_talks(&[ANN, EVE]);
}

/// Dan's join commit is in the log; he has not read it yet.
fn dan_confirms(seed: u64) -> (World, u64) {
    let mut world = three(seed);
    let link = world.invite(ANN);
    world.devices.push(World::new(&["dan"], Suite::Classic, 900 + seed).devices.remove(0));
    world.devices[3].engine = Some(Engine::join(&world.devices[3].profile, &link, world.now).unwrap());
    world.connect(3);
    while world.devices[3].engine.as_ref().unwrap().phase() != super::super::Phase::Confirming {
        assert!(world.deliver_one(3));
    }
    let seq = world.head();
    world.disconnect(3);
    world.begin_join(3);
    world.relay.streams.remove(&3);
    let joined = Joined { head: seq, oldest: 1, last_commit: seq, slot: None, now_ms: world.now };
    world.frame(3, Frame::Joined(joined));
    (world, seq)
}

#[test]
fn join_shown_as_something_else_is_refused_by_the_joiner() {
    let (mut world, seq) = dan_confirms(430);
    let mut entry = world.entry(seq);
    entry.is_commit = false;
    world.show(3, entry);
    assert!(world.devices[3].engine.as_ref().unwrap().view().is_none());
    world.assert_alarm(3, AlarmKind::Fork);
}

#[test]
fn join_behind_another_commit_is_refused_by_the_joiner() {
    let (mut world, seq) = dan_confirms(431);
    let mut other = world.entry(seq);
    other.envelope = world.entry(1).envelope;
    world.show(3, other);
    let mut entry = world.entry(seq);
    entry.seq += 1;
    world.show(3, entry);
    assert!(world.devices[3].engine.as_ref().unwrap().view().is_none());
    world.assert_alarm(3, AlarmKind::Fork);
}

#[test]
fn join_with_other_access_keys_alarms_the_joiner() {
    let (mut world, seq) = dan_confirms(432);
    let mut entry = world.entry(seq);
    entry.access.as_mut().unwrap().removed.push(world.access_key(ANN).key);
    world.show(3, entry);
    world.assert_alarm(3, AlarmKind::Access);
}

#[test]
fn join_that_the_relay_took_and_hides_alarms() {
    let (mut world, seq) = dan_confirms(433);
    let mut other = world.entry(seq);
    (other.envelope, other.is_commit, other.access) = (world.entry(1).envelope, false, None);
    world.show(3, other);
    world.assert_alarm(3, AlarmKind::Gap);
}

#[test]
fn newcomer_in_a_room_of_its_own_is_told() {
    let (mut world, seq) = dan_confirms(434);
    let entry = world.entry(seq);
    world.show(3, entry);
    // One entry of each member may have been under way; more than that is another room.
    for n in 1..=5 {
        let mut entry = world.entry(1);
        let mut bytes = entry.envelope.to_vec();
        bytes[30] ^= n;
        (entry.seq, entry.envelope, entry.is_commit, entry.access) =
            (seq + u64::from(n), bytes.into(), false, None);
        world.show(3, entry);
        let alarmed = world.alarms(3).contains(&AlarmKind::Fork);
        assert_eq!(alarmed, n > 3, "entry {n}: {}", world.story(3));
    }
}

#[test]
fn open_room_that_is_not_what_its_name_says_is_refused() {
    let mut world = World::new(&["ann", "bob"], Suite::Classic, 435);
    world.devices[ANN].engine = Some(Engine::open(&world.devices[ANN].profile, "lobby", world.now).unwrap());
    // Whoever knows the name can also make the room say that it is private.
    let engine = world.devices[ANN].engine.as_ref().unwrap();
    let secret = crate::invite::InviteSecret::of_open_room("lobby");
    let (room_id, random) = (engine.room, world.devices[ANN].profile.random.clone());
    let room = crate::content::Room {
        name: "board".to_owned(),
        open: false,
        invites: vec![secret.to_content(0, 0)],
        version: 1,
    };
    let (group, info) = crate::group::Group::create(
        (Suite::Classic, &random),
        (&engine.signer(), engine.identity()),
        &room_id,
        &room,
        &engine.leaf_extension(&[]),
        world.now,
    )
    .unwrap();
    world.relay.exists = true;
    world.relay.slot = crate::slot::seal(&room_id, &room.invites, &info, &random).unwrap();
    world.relay.keys =
        group.access_keys().unwrap().into_iter().map(|(key, access)| (key, (access, 0))).collect();
    world.devices[BOB].engine = Some(Engine::open(&world.devices[BOB].profile, "lobby", world.now).unwrap());
    world.connect(BOB);
    world.settle();
    assert!(world.closed(BOB), "{}", world.story(BOB));
}

#[test]
fn what_is_said_after_leaving_is_refused_not_lost() {
    let mut world = three(436);
    world.capture(BOB);
    world.command(BOB, Command::Leave);
    world.say(BOB, "wait");
    assert!(world.devices[BOB].events.iter().any(|e| matches!(e, Event::Error { code: "leaving", .. })));
}
