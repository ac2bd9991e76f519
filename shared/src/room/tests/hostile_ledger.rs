//! A relay that says of votes, acknowledgements and changes what their authors did not say. Each device keeps the
//! relay's ledger for itself, and believes nothing else.

use proto::{
    PublicKey,
    access::{CommitName, ack_statement},
    relay::{Ack, Ballot, Deliver, Joined, relay_frame::Frame},
};

use super::{
    hostile::{ANN, BOB, EVE, nothing, three},
    world::World,
};
use crate::{
    crypto::suite::Suite,
    room::{AlarmKind, Command, Engine},
};

const DAN: usize = 3;

pub(super) fn engine(world: &World, i: usize) -> &Engine {
    world.devices[i].engine.as_ref().unwrap()
}

/// Ann removes eve, and everybody has taken that. Which entry it is.
fn removed(seed: u64) -> (World, u64) {
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, seed);
    let eve = world.devices[EVE].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(eve));
    world.settle();
    let key = world.access_key(EVE).key;
    let removes = |entry: &&Deliver| entry.access.iter().any(|change| change.removed.contains(&key));
    let removal = world.relay.log.iter().find(removes).unwrap().seq;
    assert!(world.relay.confirmed() >= removal);
    for i in [ANN, BOB, DAN] {
        world.capture(i);
        world.assert_ledger(i);
    }
    (world, removal)
}

/// The step that a commit belongs to, as the relay and all members have it.
pub(super) fn step(world: &World, seq: u64) -> CommitName {
    world.relay.access.as_ref().unwrap().step_of(seq).unwrap().name
}

/// What device `i` says against a commit, as the relay shows it.
pub(super) fn vote(world: &World, i: usize, seq: u64, step: CommitName) -> Deliver {
    let ballot = engine(world, i).ballot(seq, &step);
    Deliver { at_ms: world.now, key: world.access_key(i).key, ballot, ..Deliver::default() }
}

/// Shows device `i` these entries, and says of the last that it undoes a commit.
pub(super) fn show(world: &mut World, i: usize, votes: Vec<Deliver>, undone: u64) {
    let last = votes.len() - 1;
    for (n, vote) in votes.into_iter().enumerate() {
        let undone = if n == last { undone } else { 0 };
        let seq = world.cursor(i) + 1;
        world.show(i, Deliver { seq, undone, ..vote });
    }
}

/// The removal stands for device `i`, and it knows that it is deceived.
fn assert_not_deceived(world: &World, i: usize) {
    world.assert_alarm(i, AlarmKind::Fork);
    assert_eq!(world.members(i), 3, "device {i}: {}", world.story(i));
    for code in ["undone", "out", "taken_back"] {
        assert!(!world.errors(i).contains(&code), "device {i}: {}", world.story(i));
    }
}

#[test]
fn undoing_that_no_more_than_half_voted_for_is_not_believed() {
    for i in [ANN, BOB] {
        let (mut world, removal) = removed(1201);
        let step = step(&world, removal);
        let votes = [EVE, DAN].map(|by| vote(&world, by, removal, step)).to_vec();
        show(&mut world, i, votes, removal);
        assert_not_deceived(&world, i);
    }
}

#[test]
fn one_vote_shown_three_times_is_one() {
    let (mut world, removal) = removed(1202);
    let votes = vec![vote(&world, EVE, removal, step(&world, removal)); 3];
    show(&mut world, ANN, votes, removal);
    assert_not_deceived(&world, ANN);
}

#[test]
fn votes_that_were_cast_against_another_commit_at_that_place_do_not_count() {
    // What the voters were shown there, and voted against.
    let other = CommitName([7; 32]);
    for (i, renamed) in [(ANN, false), (ANN, true), (BOB, true)] {
        let (mut world, removal) = removed(1203);
        let mut votes: Vec<_> = [BOB, EVE, DAN].map(|by| vote(&world, by, removal, other)).to_vec();
        if renamed {
            let step = step(&world, removal).0.to_vec();
            let named = |ballot: &mut Ballot| ballot.step = step.clone().into();
            votes.iter_mut().flat_map(|vote| &mut vote.ballot).for_each(named);
        }
        show(&mut world, i, votes, removal);
        assert_not_deceived(&world, i);
    }
}

#[test]
fn undoing_that_more_than_half_voted_for_is_taken_and_not_to_be_hidden() {
    let (mut world, removal) = removed(1204);
    let step = step(&world, removal);
    let votes = || [BOB, EVE, DAN].map(|by| vote(&world, by, removal, step)).to_vec();
    let (open, hidden) = (votes(), votes());
    show(&mut world, ANN, hidden, 0);
    world.assert_alarm(ANN, AlarmKind::Fork);
    show(&mut world, BOB, open, removal);
    assert_eq!(world.alarms(BOB), [], "{}", world.story(BOB));
    assert!(world.errors(BOB).contains(&"undone"), "{}", world.story(BOB));
}

/// Eve commits, and only ann is there. Which entry it is, and eve's word for it under bob's name.
fn forged_word(seed: u64) -> (World, u64, Deliver) {
    let mut world = three(seed);
    world.disconnect(BOB);
    world.capture(ANN);
    world.command(EVE, Command::Rename("eva".to_owned()));
    world.settle();
    let seq = world.relay.last_commit;
    let commit = world.entry(seq);
    let rest = (world.cursor(ANN) + 1..=seq).map(|seq| world.entry(seq)).collect::<Vec<_>>();
    rest.into_iter().for_each(|entry| world.show(ANN, entry));
    let name = CommitName::of_entry(&world.room_id(ANN), &commit).unwrap();
    let bob = world.access_key(BOB).key;
    let statement = ack_statement(&world.room_id(ANN), seq, &name, &PublicKey::try_from(&*bob).unwrap());
    let eve = engine(&world, EVE);
    let signature = eve.group.as_ref().unwrap().authority().unwrap().sign(&statement).to_vec().into();
    let key_signature = eve.access.sign_statement(&statement).to_vec().into();
    let word = Deliver {
        seq: seq + 1,
        at_ms: world.now,
        envelope: world.relay.log[0].envelope.clone(),
        key: bob,
        ack: Some(Ack { seq, signature, key_signature }),
        ..Deliver::default()
    };
    (world, seq, word)
}

#[test]
fn word_for_a_change_in_another_members_name_is_not_believed() {
    let (mut world, seq, word) = forged_word(1205);
    world.show(ANN, word);
    world.assert_alarm(ANN, AlarmKind::Fork);
    let ann = engine(&world, ANN);
    assert_ne!((ann.books.confirmed, ann.ledger.confirmed()), (seq, Some(seq)), "{}", world.story(ANN));
    assert!(ann.books.confirmed < seq && ann.ledger.confirmed() < Some(seq), "{}", world.story(ANN));
}

#[test]
fn word_in_another_members_name_is_not_believed_without_a_ledger_either() {
    let (mut world, seq, word) = forged_word(1206);
    world.devices[ANN].engine.as_mut().unwrap().ledger.close();
    world.show(ANN, word);
    let ann = engine(&world, ANN);
    assert!(ann.books.confirmed < seq, "{}", world.story(ANN));
}

#[test]
fn change_that_its_epochs_authority_did_not_sign_is_told() {
    for (i, has_ledger) in [(ANN, true), (BOB, true), (BOB, false)] {
        let mut world = three(1207);
        world.capture(i);
        if !has_ledger {
            world.devices[i].engine.as_mut().unwrap().ledger.close();
        }
        world.command(EVE, Command::Rename("eva".to_owned()));
        world.settle();
        let mut commit = world.entry(world.relay.last_commit);
        let mut signature = commit.signature.to_vec();
        signature[0] ^= 1;
        commit.signature = signature.into();
        for seq in world.cursor(i) + 1..commit.seq {
            let before = world.entry(seq);
            world.show(i, before);
        }
        world.show(i, commit);
        world.assert_alarm(i, AlarmKind::Fork);
    }
}

#[test]
fn ledger_agrees_with_the_relay_whoever_comes_goes_and_starts_again() {
    let mut world = three(1208);
    let (message, _) = world.hostile(EVE).commit(|b| b);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    let link = world.invite(ANN);
    let dan = world.newcomer("dan", 955);
    world.join(dan, &link);
    world.crash(BOB);
    world.restart(BOB);
    world.assert_ledger(BOB);
    world.connect(BOB);
    let rob = world.devices[BOB].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(rob));
    world.settle();
    for i in [ANN, EVE, dan] {
        world.crash(i);
        world.restart(i);
        world.assert_ledger(i);
    }
    assert!(engine(&world, ANN).ledger.is_own() && !engine(&world, dan).ledger.is_own());
}

#[test]
fn device_that_lost_entries_closes_its_ledger_and_opens_it_at_the_next_join() {
    let mut world = three(1209);
    world.capture(ANN);
    for text in ["one", "two"] {
        world.say(BOB, text);
        world.settle();
    }
    let head = world.head();
    world.show_oldest(ANN, head);
    assert_eq!(engine(&world, ANN).ledger.confirmed(), None);
    world.crash(ANN);
    world.restart(ANN);
    assert_eq!(engine(&world, ANN).ledger.confirmed(), None, "nothing stays of it in storage");
    world.connect(ANN);
    world.settle();
    world.assert_ledger(ANN);
}

#[test]
fn relay_that_does_not_say_how_things_stand_is_told_of_once_in_a_stream() {
    let mut world = three(1214);
    world.capture(ANN);
    world.devices[ANN].engine.as_mut().unwrap().ledger.close();
    let generation: bytes::Bytes = world.relay.generation.to_vec().into();
    for access in [Vec::new(), vec![7; 90]] {
        let before = world.errors(ANN).len();
        world.begin_join(ANN);
        let (head, last_commit, generation) =
            (world.cursor(ANN), world.relay.last_commit, generation.clone());
        let joined = Joined { head, last_commit, generation, access: access.into(), ..Joined::default() };
        world.frame(ANN, Frame::Joined(joined.clone()));
        world.frame(ANN, Frame::Joined(joined));
        assert_eq!(world.errors(ANN)[before..], ["relay"], "{}", world.story(ANN));
    }
}

#[test]
fn ledger_of_an_entry_that_is_not_there_is_not_taken() {
    let mut world = three(1210);
    let access = |position| world.relay.access.as_ref().unwrap().to_snapshot(position).unwrap().into();
    let joined = |position| Joined { head: world.head(), access: access(position), ..Joined::default() };
    let (ahead, true_one) = (joined(u64::MAX), joined(world.head()));
    let ann = world.devices[ANN].engine.as_mut().unwrap();
    ann.ledger.close();
    ann.learn_ledger(&ahead);
    assert_eq!(ann.ledger.confirmed(), None, "it would never be looked into again");
    ann.learn_ledger(&true_one);
    assert!(ann.ledger.confirmed().is_some());
}

#[test]
fn votes_for_something_else_undo_nothing_without_a_ledger_either() {
    for (seed, deciding) in [(1211, true), (1212, false)] {
        let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, seed);
        world.capture(BOB);
        let eve = world.devices[EVE].profile.identity.fingerprint();
        world.command(ANN, Command::Remove(eve));
        world.settle();
        let removal = world.relay.last_commit;
        for seq in world.cursor(BOB) + 1..=removal {
            let before = world.entry(seq);
            world.show(BOB, before);
        }
        let name = step(&world, removal);
        world.devices[BOB].engine.as_mut().unwrap().ledger.close();
        // Good votes against something that they were told, or good ones against the removal and a deciding one that is not.
        let other = if deciding { CommitName([7; 32]) } else { name };
        let mut votes: Vec<_> = [EVE, DAN, BOB].map(|by| vote(&world, by, removal, other)).to_vec();
        if !deciding {
            votes.remove(1);
            let last = votes.last_mut().unwrap().ballot.as_mut().unwrap();
            last.signature = vec![0; 64].into();
        }
        show(&mut world, BOB, votes, removal);
        assert_not_deceived(&world, BOB);
    }
}

#[test]
fn one_member_has_one_vote_on_a_step_wherever_in_it() {
    let (mut world, removal) = removed(1213);
    let step = step(&world, removal);
    for seq in removal..removal + 3 {
        let vote = vote(&world, DAN, seq, step);
        let bob = world.devices[BOB].engine.as_mut().unwrap();
        bob.count_vote(&vote);
        assert_eq!(bob.books.votes.len(), 1);
    }
}
