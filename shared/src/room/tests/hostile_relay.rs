//! A relay that replays, reorders, drops, truncates, forks and rolls back: none of it is silent.

use proto::relay::{
    Deliver, Joined, Publish, Published, Refused, RelayFrame, refused::Code, relay_frame::Frame,
};

use super::{
    hostile::{ANN, BOB, EVE, nothing, three},
    world::World,
};
use crate::room::{AlarmKind, Command, Input};

#[test]
fn entry_delivered_twice_alarms() {
    let mut world = three(401);
    world.say(BOB, "once");
    world.settle();
    let (first, entry) = (world.entry(1), world.entry(world.head()));
    world.show(ANN, first);
    assert_eq!(world.cursor(ANN), world.head(), "the log ran backwards");
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
    let again = world.inject(commit, Some(part));
    world.settle();
    for i in [ANN, BOB, EVE] {
        assert!(world.epoch(i) >= epoch && !world.stands_on(i).contains(&again), "device {i} took it");
        world.assert_alarm(i, AlarmKind::Replay);
    }
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn skipped_entry_alarms() {
    let mut world = three(405);
    world.capture(ANN);
    world.say(BOB, "one");
    world.say(EVE, "two");
    world.settle();
    let two = world.entry(world.head());
    world.show(ANN, two);
    world.assert_alarm(ANN, AlarmKind::Gap);
}

#[test]
fn entry_with_a_number_without_measure_strands_nobody() {
    let mut world = three(1404);
    let (last, read) = (world.entry(world.head()), world.cursor(BOB));
    for _ in 0..3 {
        world.show(BOB, Deliver { seq: 1 << 63, ..last.clone() });
    }
    world.assert_alarm(BOB, AlarmKind::Gap);
    assert_eq!(world.cursor(BOB), read, "{}", world.story(BOB));
    world.connect(BOB);
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn relay_that_skips_the_same_entries_again_is_asked_in_less_haste() {
    let mut world = three(1405);
    world.capture(ANN);
    world.say(BOB, "one");
    world.say(EVE, "two");
    world.settle();
    let two = world.entry(world.head());
    world.devices[ANN].online = false;
    for n in 0..3 {
        world.begin_join(ANN);
        let joined = Joined {
            head: world.head(),
            last_commit: world.relay.last_commit,
            generation: world.relay.generation.to_vec().into(),
            ..Joined::default()
        };
        world.frame(ANN, Frame::Joined(joined));
        let input = Input::Frame(RelayFrame { frame: Some(Frame::Deliver(two.clone())) });
        let output = world.handle(ANN, input).unwrap();
        assert_eq!(output.reopen, n == 0, "{n}");
        let output = world.handle(ANN, Input::Tick).unwrap();
        assert!(
            !output.reopen && (n == 0 || output.wake_at.is_some_and(|at| at <= world.now + 60_001)),
            "{n}"
        );
        if n > 0 {
            world.now += 60_001;
            assert!(world.handle(ANN, Input::Tick).unwrap().reopen, "{n}");
        }
    }
}

#[test]
fn whoever_was_led_past_the_end_of_the_log_comes_back_unless_a_member_was_there() {
    for is_there in [false, true] {
        let mut world = three(1406);
        let read = world.cursor(BOB);
        if is_there {
            for n in 0..3 {
                world.say(ANN, &format!("{n}"));
                world.settle();
            }
        }
        let read = if is_there { world.cursor(BOB) } else { read };
        let oldest = if is_there { read + 1 } else { 1 << 63 };
        world.show_oldest(BOB, oldest.max(read + 2));
        assert!(world.cursor(BOB) > read, "{}", world.story(BOB));
        if is_there {
            // Said when the log was so long.
            let ann = world.leaf(ANN);
            let bob = world.devices[BOB].engine.as_mut().unwrap();
            bob.landed(read, ann);
            assert_eq!(bob.meta.leapt_from, None);
        }
        world.connect(BOB);
        world.settle();
        world.assert_alarm(BOB, AlarmKind::Rollback);
        match is_there {
            true => assert_eq!(world.cursor(BOB), read + 1, "{}", world.story(BOB)),
            false => world.assert_talks(&[ANN, BOB, EVE]),
        }
    }
}

#[test]
fn whoever_was_led_past_the_end_by_the_relay_and_a_member_goes_back_when_told_to() {
    const FAR: u64 = 1 << 50;
    for names in [&["eve", "bob"][..], &["eve", "bob", "ann"]] {
        let mut world = World::room_of(names, crate::crypto::suite::Suite::Classic, 1407);
        let (eve, from) = (0, world.cursor(BOB));
        let mut peer = world.hostile(eve);
        // Twice, and in between it has a member say so.
        for far in [FAR, FAR + 100] {
            world.show_oldest(BOB, far);
            let mut said = world.content(eve, far - FAR + 1, "so far");
            let view = said.view.as_mut().unwrap();
            (view.seq, view.running_hash) = (far - 1, Vec::new().into());
            let envelope = world.said(eve, &mut peer, &said).into();
            let at_ms = world.now;
            world.show(BOB, Deliver { seq: far, at_ms, envelope, ..Deliver::default() });
            assert_eq!(world.devices[BOB].engine.as_ref().unwrap().meta.leapt_from, None);
            world.command(BOB, Command::Rename(format!("bob {far}")));
        }
        assert_eq!(world.cursor(BOB), FAR + 100);
        world.say(BOB, "is anybody here");
        world.connect(BOB);
        world.settle();
        world.assert_alarm(BOB, AlarmKind::Rollback);
        assert!(world.errors(BOB).contains(&"led_astray"), "{}", world.story(BOB));
        assert_eq!(world.texts(eve), Vec::<String>::new(), "nothing is said where it was read already");
        world.command(BOB, Command::Accept);
        assert_eq!(world.cursor(BOB), from, "{}", world.story(BOB));
        world.settle();
        for i in [eve, names.len() - 1] {
            assert!(
                world.texts(i).contains(&"is anybody here".to_owned()),
                "device {i}: {}",
                world.story(BOB)
            );
        }
        world.command(BOB, Command::Accept);
        assert!(world.errors(BOB).contains(&"nothing_to_accept"), "{}", world.story(BOB));
        // Her program knows what it said.
        world.devices[eve].engine.as_mut().unwrap().meta.next_counter = 200;
        for i in (0..names.len()).filter(|i| *i != BOB) {
            assert_eq!(world.alarms(i), [], "device {i}: {}", world.story(i));
        }
        world.assert_talks(&(0..names.len()).collect::<Vec<_>>());
        // What came at the false end was told; whoever counts from there hears all that comes.
        let told: Vec<u64> = world.devices[BOB].history.iter().map(|(seq, _)| *seq).collect();
        assert!(told[0] >= FAR && told.len() > 3, "{told:?}");
        assert!(told.is_sorted_by(|before, after| before < after), "{told:?}");
    }
}

#[test]
fn number_beyond_all_logs_is_not_told_even_where_the_relay_has_led_to_it() {
    let mut world = three(1409);
    let last = world.entry(world.head());
    world.show_oldest(BOB, 1 << 62);
    world.show(BOB, Deliver { seq: 1 << 62, ..last });
    assert!(world.cursor(BOB) < 1 << 62, "{}", world.story(BOB));
    world.connect(BOB);
    world.settle();
    world.say(ANN, "near");
    world.settle();
    let (seq, _) = world.devices[BOB].history.last().unwrap();
    assert!(*seq <= world.head(), "the relay decides what number it has: {seq}");
}

/// What was said at a false end of the log, and taken by the relay without an answer, is in the log: once, and nobody's profile
/// is to blame.
#[test]
fn what_was_said_at_a_false_end_of_the_log_is_not_said_twice() {
    let mut world = three(1408);
    world.capture(BOB);
    let (read, far) = (world.cursor(BOB), world.head() + 100);
    world.begin_join(BOB);
    world.relay.streams.remove(&BOB);
    let (last_commit, generation) = (world.relay.last_commit, world.relay.generation.to_vec().into());
    let joined = Joined { head: far, oldest: far + 1, last_commit, generation, ..Joined::default() };
    world.frame(BOB, Frame::Joined(joined));
    world.devices[BOB].online = false;
    world.say(BOB, "once");
    let item = world.devices[BOB].engine.as_ref().unwrap().outbox.values().next().unwrap();
    let (id, envelope) = (item.publish_id.clone().into(), item.envelope.clone().into());
    assert!(item.read == far && !item.envelope.is_empty(), "it was sealed there");
    let publish = Publish { id, envelope, ..Publish::default() };
    let key = world.access_key(BOB).key;
    assert!(matches!(world.relay.publish_by(&key, &publish), Frame::Published(_)));
    world.connect(BOB);
    world.settle();
    assert!(world.cursor(BOB) > read);
    for i in [ANN, BOB, EVE] {
        assert_eq!(world.texts(i), ["once"], "device {i}: {}", world.story(i));
    }
    assert_eq!(world.alarms(BOB), [AlarmKind::Gap, AlarmKind::Rollback], "what the relay said, and no more");
    world.assert_talks(&[ANN, BOB, EVE]);
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
    world.devices[ANN].online = false;
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    // Ann is told another story: the relay takes her commit at the same place.
    world.command(ANN, Command::Rename("anna".to_owned()));
    let own = world.devices[ANN].engine.as_ref().unwrap().pending.clone().unwrap();
    let commit = world.relay.last_commit;
    world.show_before(ANN, commit);
    let mut entry = world.entry(commit);
    entry.envelope = own.envelope.clone().into();
    entry.access = own.part.clone().unwrap().access;
    world.show(ANN, entry);
    world.say(BOB, "anybody?");
    world.settle();
    let next = world.head() + 1;
    world.show_before(ANN, next);
    world.assert_alarm(ANN, AlarmKind::Fork);
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
    world.relay.append(said);
    world.settle();
    for i in [ANN, BOB, EVE] {
        world.assert_alarm(i, AlarmKind::Rollback);
    }
}

#[test]
fn offer_to_go_on_with_another_log_ends_when_the_known_one_is_back() {
    let mut world = three(1401);
    world.say(BOB, "one");
    world.settle();
    world.disconnect(BOB);
    let honest = world.relay.clone();
    world.relay.log.pop();
    world.relay.generation = [8; 16];
    world.connect(BOB);
    world.settle();
    assert!(world.errors(BOB).contains(&"relay_restored"), "{}", world.story(BOB));
    world.relay = honest;
    world.connect(BOB);
    world.settle();
    // Whoever says so now would go back to a log that nobody has.
    world.command(BOB, Command::Accept);
    world.settle();
    assert!(world.errors(BOB).contains(&"nothing_to_accept"), "{}", world.story(BOB));
    assert_eq!(world.alarms(BOB), [], "{}", world.story(BOB));
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn whoever_was_led_past_the_end_of_the_log_does_not_say_the_same_for_ever() {
    let mut world = three(1402);
    let beyond = world.head() + 300;
    world.show_oldest(BOB, beyond);
    // As if a member had been there.
    world.devices[BOB].engine.as_mut().unwrap().meta.leapt_from = None;
    world.connect(BOB);
    world.say(BOB, "once");
    world.settle();
    world.assert_alarm(BOB, AlarmKind::Rollback);
    assert!(world.head() < 20, "{} entries: {}", world.head(), world.story(BOB));
    world.assert_talks(&[ANN, EVE]);
}

#[test]
fn commit_that_the_relay_did_not_show_to_most_keeps_nobody_in_another_epoch() {
    let mut world = three(1403);
    world.command(BOB, Command::Rename("rob".to_owned()));
    // In its place they are shown something else.
    let line = world.entry(world.head() - 1);
    for i in [ANN, EVE] {
        let seq = world.cursor(i) + 1;
        world.show(i, Deliver { seq, ..line.clone() });
        drop(world.relay.next(i));
    }
    world.settle();
    for _ in 0..2 {
        world.now += 60_000;
        world.command(ANN, Command::Rename(format!("ann at {}", world.now)));
        [ANN, BOB, EVE].into_iter().for_each(|i| world.connect(i));
        world.settle();
    }
    world.assert_talks(&[ANN, BOB, EVE]);
}

/// Bob's commit, of which the relay says where it is.
fn says_where(world: &mut World, seq: u64) -> Vec<u8> {
    let id = world.devices[BOB].engine.as_ref().unwrap().pending.as_ref().unwrap().publish_id.clone();
    world.frame(BOB, Frame::Published(Published { id: id.clone().into(), seq, at_ms: 0 }));
    id
}

#[test]
fn commit_that_is_where_the_relay_showed_something_else_is_made_anew() {
    let mut world = three(435);
    world.capture(BOB);
    world.command(BOB, Command::Rename("rob".to_owned()));
    let seq = world.cursor(BOB) + 1;
    world.show(BOB, Deliver { seq, at_ms: world.now, envelope: vec![7; 293].into(), ..Deliver::default() });
    let id = says_where(&mut world, seq);
    world.assert_alarm(BOB, AlarmKind::Gap);
    let engine = world.devices[BOB].engine.as_ref().unwrap();
    assert_eq!(engine.link.commit_acked, 0, "it waits for what is behind it");
    assert!(engine.pending.as_ref().is_none_or(|pending| pending.publish_id != id));
}

#[test]
fn who_waits_for_its_commit_does_not_wake_for_what_it_could_not_do_meanwhile() {
    let mut world = three(436);
    world.capture(BOB);
    world.command(BOB, Command::Rename("rob".to_owned()));
    let seq = world.cursor(BOB) + 1;
    says_where(&mut world, seq);
    // The daily update is due, and the relay shows nothing.
    world.now += 25 * 3_600_000;
    world.input(BOB, Input::Tick);
    let engine = world.devices[BOB].engine.as_ref().unwrap();
    assert_eq!(engine.link.commit_acked, seq);
    assert_eq!(engine.wake_at(world.now), None);
}

/// Bob does this, and what he sends is lost.
fn unheard(world: &mut World, input: Input) {
    let output = world.handle(BOB, input).unwrap();
    world.save(BOB, &output);
}

#[test]
fn who_loses_one_race_after_the_other_is_not_out() {
    let mut world = three(437);
    world.disconnect(EVE);
    world.capture(BOB);
    unheard(&mut world, Input::Command(Command::Rename("rob".to_owned())));
    let confirmed = world.relay.access.as_ref().unwrap().head.confirmed.position;
    for n in 0..7 {
        world.command(ANN, Command::Rename(format!("ann {n}")));
        while world.deliver_one(ANN) {}
        let winner = world.entry(world.head());
        assert!(winner.is_commit);
        let pending = world.devices[BOB].engine.as_ref().unwrap().pending.as_ref().unwrap();
        let id = pending.publish_id.clone().into();
        // What won comes before the answer: that is read, and what was sent stands on what is not the newest any more.
        for seq in world.cursor(BOB) + 1..=winner.seq {
            let shown = RelayFrame { frame: Some(Frame::Deliver(world.entry(seq))) };
            unheard(&mut world, Input::Frame(shown));
        }
        let code = Code::Conflict.into();
        let refused = Refused { id, code, last_commit: winner.seq, confirmed, ..Refused::default() };
        unheard(&mut world, Input::Frame(RelayFrame { frame: Some(Frame::Refused(refused)) }));
        world.now += 120_000;
        unheard(&mut world, Input::Tick);
    }
    let engine = world.devices[BOB].engine.as_ref().unwrap();
    assert!(engine.back.out.is_none(), "{}", world.story(BOB));
    assert_eq!(world.epoch(BOB), world.epoch(ANN));
}
