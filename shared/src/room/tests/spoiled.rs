//! A member whose commits only some can open, and members that collude. Whoever is put out comes back, or a majority
//! undoes it; nobody is stranded in silence.

use proto::access::Refusal;
use proto::relay::{AccessChange, Joined, Refused, RelayFrame, refused::Code, relay_frame::Frame};

use super::{
    hostile::{ANN, BOB, EVE, adds, member_key, nothing, three},
    hostile_joiner::Stranger,
    world::World,
};
use crate::{
    crypto::suite::{Suite, spoil::spoiling},
    invite::AccessSecret,
    room::{Alarm, AlarmKind, CloseReason, Command, Event, Input},
};

const DAN: usize = 3;

fn four(seed: u64) -> World {
    World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, seed)
}

/// Eve commits an update whose path is spoiled at these places, and goes.
fn spoil(world: &mut World, places: &[usize]) -> u64 {
    let mut eve = world.hostile(EVE);
    let (message, _) = spoiling(places, || eve.commit(|b| b));
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing())
}

fn back(world: &World, i: usize) -> bool {
    world.devices[i].events.iter().any(|event| matches!(event, Event::DeviceBack(_)))
}

#[test]
fn commit_spoiled_for_one_or_for_half_does_not_put_them_out_for_good() {
    for place in 0..2 {
        let mut world = four(1001);
        world.say(DAN, "all well");
        world.settle();
        spoil(&mut world, &[place]);
        world.settle();
        let agreed = world.authenticator(ANN);
        for i in [BOB, DAN] {
            assert_eq!(world.authenticator(i), agreed, "place {place}: {}", world.story(i));
        }
        let is_out = |i: &usize| world.errors(*i).contains(&"out");
        let (out, others): (Vec<_>, Vec<_>) = [ANN, BOB, DAN].into_iter().partition(is_out);
        assert!(!out.is_empty(), "nobody was put out by place {place}");
        assert!(out.iter().all(|i| world.errors(*i).contains(&"back")), "{}", world.story(out[0]));
        assert!(others.iter().all(|i| back(&world, *i)), "it is told");
        world.assert_talks(&[ANN, BOB, DAN]);
    }
}

#[test]
fn commit_spoiled_for_all_others_is_dropped_and_puts_nobody_out() {
    let mut world = four(1002);
    let epoch = world.epoch(ANN);
    spoil(&mut world, &[0, 1, 2]);
    world.settle();
    for i in [ANN, BOB, DAN] {
        assert!(!world.errors(i).contains(&"out"), "{}", world.story(i));
        assert_eq!(world.epoch(i), epoch + 1, "another took its place");
    }
    world.connect(EVE);
    world.settle();
    world.assert_talks(&[ANN, BOB, DAN]);
}

#[test]
fn what_a_stranded_device_says_waits_until_it_is_back() {
    let mut world = four(1003);
    spoil(&mut world, &[1]);
    world.settle();
    let out: Vec<usize> = [ANN, BOB, DAN].into_iter().filter(|i| world.errors(*i).contains(&"out")).collect();
    assert!(!out.is_empty());
    let mut world = four(1003);
    spoil(&mut world, &[1]);
    for _ in 0..60 {
        (0..4).for_each(|i| {
            world.deliver_one(i);
        });
    }
    for i in &out {
        world.say(*i, "do you hear me?");
    }
    world.settle();
    for i in [ANN, BOB, DAN] {
        assert!(world.texts(i).contains(&"do you hear me?".to_owned()), "device {i}: {}", world.story(i));
    }
}

/// Who of them is out, and not back.
fn stranded(world: &World) -> Option<usize> {
    let is_out =
        |i: &usize| world.devices[*i].engine.as_ref().is_some_and(|engine| engine.back.out.is_some());
    [ANN, BOB, DAN].into_iter().find(is_out)
}

#[test]
fn stranded_device_commits_nothing_and_locks_nobody_out() {
    let mut world = four(1004);
    let spoiled = spoil(&mut world, &[0]);
    assert!(world.run_until(|world| stranded(world).is_some()));
    let out = stranded(&world).unwrap();
    assert!(world.errors(out).contains(&"out"), "{}", world.story(out));
    // It would like to: to be called otherwise, to make a link, and to drop what it could not take.
    world.command(out, Command::Rename("somebody".to_owned()));
    world.command(out, Command::Invite { uses: Some(1), expires_ms: None });
    let host = [ANN, BOB, DAN].into_iter().find(|i| *i != out).unwrap();
    world.command(host, Command::Rename("other".to_owned()));
    world.command(host, Command::Invite { uses: Some(2), expires_ms: None });
    let link = |world: &World| {
        world.devices[host].events.iter().rev().find_map(|event| match event {
            Event::Invite { link, max_uses: 2, .. } => Some(link.clone()),
            _ => None,
        })
    };
    assert!(world.run_until(|world| link(world).is_some()), "{}", world.story(host));
    let (fay, link) = (world.newcomer("fay", 907), link(&world).unwrap());
    world.devices[fay].engine =
        Some(crate::room::Engine::join(&world.devices[fay].profile, &link, world.now).unwrap());
    world.connect(fay);
    let is_in = |world: &World| {
        let came = world.devices[fay].events.iter().any(|event| matches!(event, Event::Joined(_)));
        came && world.members(host) == 5
    };
    assert!(world.run_until(is_in), "a newcomer was locked out: {}", world.story(fay));
    // All of that while it is out: it has asked for help at most.
    assert_eq!(stranded(&world), Some(out), "it is back already: {}", world.story(out));
    let key = world.access_key(out).key;
    let after = usize::try_from(spoiled).unwrap();
    for entry in world.relay.log[after..].iter().filter(|entry| entry.key == key) {
        assert!(!entry.is_commit && entry.ack.is_none() && entry.ballot.is_none(), "{entry:?}");
    }
    assert_eq!(world.relay.refusals, [], "it tried to");
    world.settle();
    assert!(world.errors(out).contains(&"back"), "{}", world.story(out));
    // Then it does what it wanted.
    assert!(world.relay.log[after..].iter().any(|entry| entry.is_commit && entry.key == key));
    world.assert_talks(&[ANN, BOB, DAN, fay]);
}

#[test]
fn room_of_two_survives_a_commit_that_the_other_cannot_open() {
    let mut world = World::room_of(&["ann", "bob", "eve"], Suite::Classic, 1005);
    let bob = world.devices[BOB].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(bob));
    world.settle();
    let (stands_on, epoch) = (world.relay.last_commit, world.epoch(ANN));
    let spoiled = spoil(&mut world, &[0]);
    world.settle();
    assert_eq!((world.members(ANN), world.epoch(ANN)), (2, epoch + 1));
    // Ann's own commit stands in the place of eve's, and what she says is said in its epoch.
    let last = world.relay.log.iter().rev().find(|entry| entry.is_commit).unwrap().clone();
    assert!(last.seq > spoiled && last.seq == world.relay.last_commit);
    assert_eq!((last.base, last.key), (stands_on, world.access_key(ANN).key));
    world.say(ANN, "still here");
    world.settle();
    assert_eq!(world.texts(ANN), ["still here"]);
    // Eve's program, which knows nothing of what was done in her name, finds the way back.
    world.connect(EVE);
    world.settle();
    world.assert_talks(&[ANN, EVE]);
}

#[test]
fn who_is_put_out_of_a_room_of_two_is_told_how_many_there_were() {
    for (people, names) in [(2, &["ann", "bob"][..]), (4, &["ann", "bob", "eve", "dan"])] {
        let mut world = World::room_of(names, Suite::Classic, 1019);
        let bob = world.devices[BOB].profile.identity.fingerprint();
        world.disconnect(BOB);
        world.command(ANN, Command::Remove(bob));
        world.settle();
        // He has not read it, and the relay says that it may still be undone.
        world.connect(BOB);
        world.settle();
        let told = world.devices[BOB].events.iter().find_map(|event| match event {
            Event::Closed { reason: CloseReason::RemovedAndVoted { members, .. }, .. } => Some(*members),
            _ => None,
        });
        assert_eq!(told, Some(people), "{}", world.story(BOB));
    }
}

#[test]
fn member_that_wakes_late_finds_its_way_past_what_was_dropped() {
    let mut world = four(1006);
    world.disconnect(DAN);
    spoil(&mut world, &[0, 1, 2]);
    world.settle();
    world.command(ANN, Command::Rename("anna".to_owned()));
    world.settle();
    world.connect(DAN);
    world.settle();
    world.assert_talks(&[ANN, BOB, DAN]);
}

#[test]
fn commit_of_nobodys_authority_is_refused_by_all() {
    let mut world = three(1007);
    let epoch = world.epoch(ANN);
    let (message, _) = world.hostile(EVE).commit(|b| b);
    world.disconnect(EVE);
    let envelope = world.own_envelope(EVE, crate::content::sealed::Body::KeyShare(message.into()));
    let part = proto::relay::CommitPart { authority: vec![1; 32].into(), ..world.part(nothing()) };
    world.inject(envelope, Some(part));
    for _ in 0..40 {
        (0..2).for_each(|i| {
            world.deliver_one(i);
        });
    }
    assert_eq!((world.epoch(ANN), world.epoch(BOB)), (epoch, epoch));
    world.settle();
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn sleeper_whose_commits_the_relay_does_not_keep_any_more_comes_back() {
    let mut world = three(1008);
    world.disconnect(BOB);
    world.command(ANN, Command::Rename("anna".to_owned()));
    world.settle();
    for _ in 0..64 {
        world.inject(vec![0; 293], None);
    }
    world.settle();
    world.relay.oldest = world.head() - 10;
    world.connect(BOB);
    world.settle();
    assert!(!world.closed(BOB), "{}", world.story(BOB));
    assert!(
        world.errors(BOB).contains(&"out") && world.errors(BOB).contains(&"back"),
        "{}",
        world.story(BOB)
    );
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn profile_from_before_its_own_commit_comes_back() {
    let mut world = three(1009);
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
fn restored_relay_is_told_once_and_the_room_goes_on_when_people_agree() {
    for lost in [30usize, 1_100] {
        let mut world = three(1014);
        for n in 0..lost {
            world.say(BOB, &format!("{n}"));
            world.settle();
        }
        for i in [ANN, BOB, EVE] {
            world.disconnect(i);
        }
        let keep = world.relay.log.len() - lost;
        world.relay.ids.retain(|_, seq| *seq <= keep as u64);
        world.relay.log.truncate(keep);
        world.relay.generation = [8; 16];
        for i in [ANN, BOB, EVE] {
            world.connect(i);
            world.say(i, &format!("are you there? {i}"));
        }
        world.settle();
        for i in [ANN, BOB, EVE] {
            let told = world.errors(i).into_iter().filter(|code| *code == "relay_restored").count();
            assert_eq!((told, world.alarms(i).len()), (1, 0), "device {i}: {}", world.story(i));
        }
        assert_eq!(world.relay.log.len(), keep, "nothing is said before a person agrees");
        world.crash(ANN);
        world.restart(ANN);
        for _ in 0..2 {
            world.connect(ANN);
            world.settle();
            world.disconnect(ANN);
        }
        let told = world.errors(ANN).into_iter().filter(|code| *code == "relay_restored").count();
        assert_eq!(told, 2, "once more after a restart: {}", world.story(ANN));
        world.connect(ANN);
        world.settle();
        for i in [ANN, BOB, EVE] {
            world.command(i, Command::Accept);
            world.settle();
        }
        for i in [ANN, BOB, EVE] {
            assert!(
                world.texts(i).iter().any(|text| text.starts_with("are you there?")),
                "{}",
                world.story(i)
            );
        }
        world.assert_talks(&[ANN, BOB, EVE]);
    }
}

#[test]
fn vote_that_comes_too_late_costs_nobody_the_room() {
    let names = ["ann", "bob", "eve", "dan", "fay", "gus", "ida"];
    let mut world = World::room_of(&names, Suite::Classic, 1011);
    let (message, _) = world.hostile(EVE).commit(|builder| builder);
    let removed = vec![world.access_key(DAN).key];
    let seq = world.inject_commit(EVE, message, AccessChange { removed, ..nothing() });
    world.settle();
    let late = world.relay.refusals.iter().filter(|refusal| **refusal == Refusal::NotAllowed).count();
    assert!(late > 0, "nobody was late");
    assert!(world.relay.log.iter().any(|entry| entry.undone == seq));
    let honest = [ANN, BOB, DAN, 4, 5, 6];
    for i in honest {
        assert!(!world.closed(i), "device {i}: {}", world.story(i));
    }
    world.connect(DAN);
    world.settle();
    world.assert_talks(&honest);
}

#[test]
fn newcomer_on_whose_join_rubbish_stands_waits_for_a_member() {
    let mut world = three(1012);
    let link = world.invite(ANN);
    world.settle();
    for i in [ANN, BOB, EVE] {
        world.disconnect(i);
    }
    let new = world.newcomer("fay", 1012);
    world.join(new, &link);
    world.settle();
    let key = AccessSecret::generate(&world.devices[EVE].profile.random);
    let part = world.part(adds(member_key(&key)));
    world.inject(vec![7; 293], Some(part));
    world.settle();
    assert!(!world.errors(new).contains(&"out") && !world.closed(new), "{}", world.story(new));
    for i in [ANN, BOB, EVE] {
        world.connect(i);
    }
    world.settle();
    world.assert_talks(&[ANN, BOB, EVE, new]);
}

#[test]
fn newcomer_whose_join_went_with_what_the_one_who_answered_for_it_offered_joins_again() {
    for is_there in [false, true] {
        let mut world = three(1019);
        let link = world.invite(ANN);
        world.settle();
        world.disconnect(ANN);
        world.disconnect(BOB);
        let new = world.newcomer("fay", 1019);
        world.join(new, &link);
        world.settle();
        let fay = world.devices[new].engine.as_ref().unwrap();
        let answered =
            fay.books.offer.as_ref().is_some_and(|offer| offer.added.contains(&fay.own_key().to_vec()));
        assert!(answered, "eve has given her word: {}", world.story(new));
        if !is_there {
            world.disconnect(new);
        }
        let rubbish = spoil(&mut world, &[0, 1, 2]);
        world.connect(ANN);
        world.connect(BOB);
        world.settle();
        assert!(!world.stands_on(ANN).contains(&rubbish), "it was dropped");
        world.connect(new);
        world.settle();
        assert!(!world.closed(new), "{}", world.story(new));
        world.assert_talks(&[ANN, BOB, new]);
    }
}

#[test]
fn join_that_one_cannot_take_is_no_fork_of_the_log() {
    let mut refused = false;
    for place in 0..2 {
        let mut world = three(1014);
        let link = world.invite(ANN);
        world.say(BOB, "all well");
        world.settle();
        world.disconnect(ANN);
        world.disconnect(BOB);
        let stranger = Stranger::with(&world, &link);
        spoiling(&[place], || stranger.join(&mut world));
        refused |= world.errors(EVE).contains(&"invalid_commit");
        world.connect(ANN);
        world.connect(BOB);
        world.settle();
        world.assert_talks(&[ANN, BOB, EVE]);
        for i in [ANN, BOB, EVE] {
            // What was said where one could not follow, before that was dropped, one misses, and is told.
            assert!(
                !world.alarms(i).contains(&AlarmKind::Fork),
                "place {place}, device {i}: {}",
                world.story(i)
            );
        }
    }
    assert!(refused, "eve could take both");
}

#[test]
fn who_was_out_compares_nothing_of_that_time_later_either() {
    for place in 0..2 {
        let mut world = four(1015);
        world.say(DAN, "all well");
        world.settle();
        spoil(&mut world, &[place]);
        world.settle();
        let honest = [ANN, BOB, DAN];
        world.assert_talks(&honest);
        let key = AccessSecret::generate(&world.devices[EVE].profile.random);
        let part = world.part(adds(member_key(&key)));
        world.inject(vec![7; 293], Some(part));
        world.settle();
        world.assert_talks(&honest);
        for i in honest {
            assert!(!world.alarms(i).contains(&AlarmKind::Fork), "place {place}, {i}: {}", world.story(i));
        }
    }
}

#[test]
fn relay_restored_with_nothing_lost_is_read_on_behind_a_gap() {
    let mut world = three(1016);
    world.disconnect(BOB);
    world.command(ANN, Command::Rename("anna".to_owned()));
    world.settle();
    for _ in 0..64 {
        world.inject(vec![0; 293], None);
    }
    world.settle();
    world.relay.oldest = world.head() - 10;
    world.connect(BOB);
    world.settle();
    world.assert_talks(&[ANN, BOB, EVE]);
    let before = world.alarms(BOB);
    (0..3).for_each(|i| world.disconnect(i));
    world.relay.generation = [8; 16];
    (0..3).for_each(|i| world.connect(i));
    world.settle();
    world.assert_talks(&[ANN, BOB, EVE]);
    assert_eq!(world.alarms(BOB), before, "{}", world.story(BOB));
    assert_eq!(world.errors(BOB).iter().filter(|code| **code == "out").count(), 1, "{}", world.story(BOB));
}

#[test]
fn what_was_done_under_a_clock_that_was_ahead_puts_off_nothing_for_years() {
    const YEAR: u64 = 365 * 24 * 3600 * 1000;
    let mut world = three(1017);
    let now = world.now;
    world.now = now + 10 * YEAR;
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    world.now = now + 60_000;
    let epoch = world.epoch(BOB);
    world.input(BOB, Input::Tick);
    world.settle();
    assert!(world.epoch(BOB) > epoch, "no update: {}", world.story(BOB));
    // Out, under such a clock: it asks when the clock is right again.
    let backup = world.devices[BOB].rows.clone();
    world.command(BOB, Command::Rename("bo".to_owned()));
    world.settle();
    world.put_back(BOB, backup);
    world.now += 10 * YEAR;
    world.connect(BOB);
    let waits = |world: &World| {
        let engine = world.devices[BOB].engine.as_ref().unwrap();
        engine.back.out.as_ref().is_some_and(|out| out.not_before > now + YEAR)
    };
    assert!(world.run_until(waits), "{}", world.story(BOB));
    world.disconnect(BOB);
    world.now -= 10 * YEAR;
    world.connect(BOB);
    let asked = world.now;
    world.settle();
    world.now = asked + 3 * 3_600_000;
    world.input(BOB, Input::Tick);
    world.settle();
    assert!(world.errors(BOB).contains(&"back"), "{}", world.story(BOB));
}

#[test]
fn device_that_was_removed_while_it_was_out_accuses_nobody() {
    let mut world = three(1018);
    let backup = world.devices[BOB].rows.clone();
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    world.put_back(BOB, backup);
    world.connect(BOB);
    assert!(world.run_until(|world| world.errors(BOB).contains(&"out")), "{}", world.story(BOB));
    // It passed its removal by, as everything while it is out.
    let engine = world.devices[BOB].engine.as_mut().unwrap();
    engine.ledger.close();
    let (read, generation) = (engine.cursor(), engine.meta.generation.clone());
    world.begin_join(BOB);
    let joined = Joined {
        head: read,
        generation: generation.into(),
        suspended_by: read,
        suspended_step: vec![3; 32].into(),
        ..Joined::default()
    };
    world.frame(BOB, Frame::Joined(joined));
    assert!(world.closed(BOB), "{}", world.story(BOB));
    let accuses = |event: &Event| matches!(event, Event::Alarm(Alarm::FalselyRemoved { .. }));
    assert!(!world.devices[BOB].events.iter().any(accuses), "{}", world.story(BOB));
}

#[test]
fn device_whose_every_commit_the_relay_refuses_asks_to_be_let_back_in() {
    let mut world = four(1009);
    let spoiled = spoil(&mut world, &[0, 1, 2]);
    world.disconnect(ANN);
    world.disconnect(DAN);
    while world.deliver_one(BOB) {}
    for _ in 0..8 {
        world.now += 60_000;
        world.input(BOB, Input::Tick);
        let device = &mut world.devices[BOB];
        let id = device.engine.as_ref().unwrap().link.in_flight.clone();
        device.inbox.clear();
        let Some(id) = id.filter(|_| device.engine.as_ref().unwrap().back.out.is_none()) else { break };
        // As if it built on something that the relay never had.
        let refused = Refused {
            id: id.into(),
            code: Code::Conflict.into(),
            last_commit: spoiled,
            confirmed: 1,
            ..Refused::default()
        };
        world.input(BOB, Input::Frame(RelayFrame { frame: Some(Frame::Refused(refused)) }));
    }
    assert!(world.errors(BOB).contains(&"out"), "{}", world.story(BOB));
}
