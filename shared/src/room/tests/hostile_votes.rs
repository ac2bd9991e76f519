//! A relay that wants honest members' votes against a removal that they have taken, or has them drop it: what it makes up
//! belongs to nobody's step, and whom a removal took away hears nothing.

use proto::relay::{AccessChange, Deliver, Joined, relay_frame::Frame};

use super::{
    hostile::{ANN, BOB, EVE},
    hostile_ledger::{engine, show, step, vote},
    takeback::removed,
    world::World,
};
use crate::room::{AlarmKind, Command, Input, Stream, out::Cause};

/// What nobody signed, as if it were the removing member's next commit: to the relay it takes Bob's access away.
fn rubbish(world: &World, i: usize, base: u64) -> Deliver {
    let removed = vec![world.access_key(BOB).key];
    Deliver {
        seq: world.cursor(i) + 1,
        at_ms: world.now,
        envelope: vec![7; 293].into(),
        is_commit: true,
        access: Some(AccessChange { added: Vec::new(), removed }),
        base,
        key: world.access_key(ANN).key,
        authority: vec![3; 32].into(),
        signature: vec![4; 64].into(),
        slot_hash: vec![5; 32].into(),
        ..Deliver::default()
    }
}

/// As `removed`; bob has read on, and nobody else's word. The removal, and what it stands on.
fn removed_for_bob(seed: u64) -> (World, u64, u64) {
    let (mut world, _, base) = removed(seed);
    world.command(ANN, Command::Rename("anna".to_owned()));
    world.settle();
    let removal = engine(&world, ANN).books.offer.as_ref().unwrap().first;
    for seq in world.cursor(BOB) + 1..=world.head() {
        world.devices[BOB].online = true;
        let joined = Joined {
            head: world.cursor(BOB),
            last_commit: engine(&world, BOB).meta.last_commit,
            generation: world.relay.generation.to_vec().into(),
            ..Joined::default()
        };
        if engine(&world, BOB).link.state == Stream::Offline {
            world.begin_join(BOB);
            world.frame(BOB, Frame::Joined(joined));
        }
        let entry = world.entry(seq);
        world.show(BOB, entry);
    }
    assert_eq!(world.members(BOB), 2, "{}", world.story(BOB));
    // It publishes, and is shown nothing that the test does not show.
    world.devices[BOB].inbox.clear();
    let key = world.access_key(BOB).key.to_vec();
    world.relay.streams.insert(BOB, (key, u64::MAX));
    world.disconnect(ANN);
    (world, removal, base)
}

fn has_voted(world: &World) -> bool {
    world.relay.log.iter().any(|entry| entry.ballot.is_some())
}

/// Nobody who was removed can read what device `i` says.
pub(super) fn assert_silent(world: &mut World, i: usize) {
    let before = world.relay.log.len();
    world.say(i, "for those who are in");
    let after = world.relay.log[before..].iter();
    assert!(after.into_iter().all(|entry| entry.is_commit || !entry.resync.is_empty()), "{}", world.story(i));
}

#[test]
fn rubbish_in_the_name_of_whoever_removed_somebody_makes_nobody_vote_against_the_removal() {
    for has_ledger in [true, false] {
        let (mut world, _, _) = removed(1501);
        let removal = world.relay.last_commit;
        if !has_ledger {
            world.devices[ANN].engine.as_mut().unwrap().ledger.close();
        }
        let entry = rubbish(&world, ANN, removal);
        world.show(ANN, entry);
        world.assert_alarm(ANN, AlarmKind::Fork);
        let ann = engine(&world, ANN);
        assert_eq!(ann.books.vote, 0, "{}", world.story(ANN));
        assert!(ann.books.step_name(ann.cursor()).is_empty(), "it belongs to a step");

        let name = step(&world, removal);
        let votes = [EVE, ANN].map(|by| vote(&world, by, removal, name)).to_vec();
        show(&mut world, ANN, votes, removal);
        assert!(world.errors(ANN).contains(&"undone"), "{}", world.story(ANN));
        assert!(engine(&world, ANN).is_haunted(), "{}", world.story(ANN));
        assert_silent(&mut world, ANN);
    }
}

#[test]
fn device_votes_against_nothing_that_it_took_itself() {
    let (mut world, removal, _) = removed_for_bob(1502);
    let bob = world.devices[BOB].engine.as_mut().unwrap();
    assert!(removal < bob.books.position && !bob.books.step_name(removal).is_empty());
    bob.go_out(Cause::Commit(removal));
    world.input(BOB, Input::Tick);
    let until = world.now + 300_000;
    world.run_until(|world| world.now > until);
    let asked = world.relay.log.iter().filter(|entry| !entry.resync.is_empty()).count();
    assert!(asked > 1, "it asked {asked} times: {}", world.story(BOB));
    assert!(!has_voted(&world), "{}", world.story(BOB));
}

#[test]
fn device_that_waits_for_a_way_back_votes_for_no_undoing_of_what_only_the_relay_knows_of() {
    let (mut world, _, _) = removed_for_bob(1503);
    let entry = rubbish(&world, BOB, engine(&world, BOB).books.position);
    let seq = entry.seq;
    world.show(BOB, entry);
    world.devices[BOB].engine.as_mut().unwrap().go_out(Cause::Commit(seq));
    let until = world.now + 300_000;
    world.input(BOB, Input::Tick);
    world.run_until(|world| world.now > until);
    assert!(!has_voted(&world), "{}", world.story(BOB));
}

#[test]
fn device_that_is_told_it_was_removed_votes_against_nothing_that_it_took_itself() {
    for beyond in [false, true] {
        let (mut world, removal, _) = removed_for_bob(1506);
        let name = engine(&world, BOB).books.step_name(removal);
        let bob = world.devices[BOB].engine.as_mut().unwrap();
        bob.ledger.close();
        bob.go_out(Cause::Away);
        let (head, generation) = (bob.cursor(), world.relay.generation.to_vec().into());
        world.begin_join(BOB);
        world.relay.streams.insert(BOB, (world.access_key(BOB).key.to_vec(), u64::MAX));
        let suspended_by = if beyond { head + 1 } else { removal };
        let joined =
            Joined { head, generation, suspended_by, suspended_step: name.into(), ..Joined::default() };
        world.frame(BOB, Frame::Joined(joined));
        assert!(!has_voted(&world), "{}", world.story(BOB));
        world.assert_alarm(BOB, AlarmKind::Fork);
    }
}

/// Device `i` drops the rubbish on a removal by a commit of its own, on what came before both; which the relay shows.
fn drops(world: &mut World, i: usize, base: u64) {
    let entry = rubbish(world, i, engine(world, i).books.position);
    world.show(i, entry);
    world.devices[i].online = false;
    world.now += 60_000;
    world.input(i, Input::Tick);
    let pending = engine(world, i).pending.clone().expect("a commit");
    world.devices[i].online = true;
    let part = pending.part.clone().unwrap();
    assert_eq!(part.expected_last_commit, base, "{}", world.story(i));
    let own = Deliver {
        seq: world.cursor(i) + 1,
        at_ms: world.now,
        envelope: pending.envelope.clone().into(),
        is_commit: true,
        base,
        access: part.access,
        authority: part.authority,
        signature: part.signature,
        key: world.access_key(i).key,
        ..Deliver::default()
    };
    world.show(i, own);
    assert_eq!(engine(world, i).books.confirmed, base, "it went back: {}", world.story(i));
}

#[test]
fn own_commit_in_the_place_of_a_removal_lets_nothing_be_heard_by_who_was_removed() {
    let (mut world, _, base) = removed_for_bob(1504);
    drops(&mut world, BOB, base);
    assert_eq!(world.members(BOB), 3, "bob may remove nobody: {}", world.story(BOB));
    assert!(engine(&world, BOB).is_haunted(), "{}", world.story(BOB));
    assert_silent(&mut world, BOB);
}

#[test]
fn own_commit_of_a_moderator_in_the_place_of_a_removal_removes_once_more() {
    let (mut world, _, base) = removed(1505);
    drops(&mut world, ANN, base);
    assert_eq!(world.members(ANN), 2, "{}", world.story(ANN));
}
