//! A relay that plots with a removed member: it shows what would take the removal back.

use proto::{
    PublicKey,
    access::{Change, CommitParts, commit_statement},
    relay::{AccessChange, Ballot, Deliver, relay_frame::Frame},
};

use super::{
    hostile::{ANN, BOB, EVE, adds, member_key, nothing, three},
    hostile_joiner::Stranger,
    world::World,
};
use crate::{
    content::sealed,
    crypto::suite::Suite,
    mls::group::hostile::last_announced,
    room::{AlarmKind, Command},
};

/// Ann removes Eve, and nobody else has seen that yet. What Eve's own commit of before looks like, and the commit that it
/// stands on.
pub(super) fn removed(seed: u64) -> (World, Vec<u8>, u64) {
    let mut world = three(seed);
    world.disconnect(BOB);
    let (message, _) = world.hostile(EVE).commit(|builder| builder);
    let envelope = world.own_envelope(EVE, sealed::Body::KeyShare(message.into()));
    world.disconnect(EVE);
    let base = world.relay.confirmed();
    let eve = world.devices[EVE].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(eve));
    world.settle();
    assert_eq!(world.members(ANN), 2);
    (world, envelope, base)
}

/// Signed by the authority of the epoch that the removed member was in. The key is whatever the relay says: somebody
/// else's.
pub(super) fn shown(world: &World, base: u64, envelope: Vec<u8>) -> Deliver {
    shown_with(world, base, envelope, AccessChange::default(), [5; 32])
}

fn shown_with(
    world: &World,
    base: u64,
    envelope: Vec<u8>,
    access: AccessChange,
    authority: [u8; 32],
) -> Deliver {
    let (key, change) = (world.access_key(BOB).key, Change::try_from(&access).unwrap());
    let parts = CommitParts::of(&envelope, [0; 32], &change);
    let (publisher, announced) = (PublicKey::try_from(&*key).unwrap(), PublicKey(authority));
    let statement = commit_statement(&world.room_id(EVE), base, &publisher, &announced, &parts);
    let eve = world.devices[EVE].engine.as_ref().unwrap();
    let signature = eve.group.as_ref().unwrap().authority().unwrap().sign(&statement);
    Deliver {
        seq: world.head() + 1,
        at_ms: world.now,
        envelope: envelope.into(),
        is_commit: true,
        access: Some(access),
        base,
        authority: announced.0.to_vec().into(),
        signature: signature.to_vec().into(),
        slot_hash: parts.slot().to_vec().into(),
        key,
        ..Deliver::default()
    }
}

#[test]
fn commit_of_the_removed_member_does_not_take_its_removal_back() {
    let (mut world, envelope, base) = removed(1101);
    let entry = shown(&world, base, envelope);
    world.frame(ANN, Frame::Deliver(entry));
    world.assert_alarm(ANN, AlarmKind::Fork);
    let engine = world.devices[ANN].engine.as_ref().unwrap();
    assert_eq!(engine.group.as_ref().unwrap().members().unwrap().len(), 2, "{}", world.story(ANN));
}

#[test]
fn rubbish_in_the_place_of_a_removal_does_not_have_anything_said_to_the_removed_member() {
    let (mut world, _, base) = removed(1102);
    let entry = shown(&world, base, vec![7; 293]);
    world.frame(ANN, Frame::Deliver(entry));
    let engine = world.devices[ANN].engine.as_ref().unwrap();
    assert!(engine.is_haunted(), "{}", world.story(ANN));
    let before = world.relay.log.len();
    world.say(ANN, "for bob alone");
    assert!(world.relay.log[before..].iter().all(|entry| entry.is_commit), "{}", world.story(ANN));
}

#[test]
fn old_link_brings_nobody_in_while_a_removal_is_owed() {
    let mut world = three(1105);
    let link = world.invite(ANN);
    world.say(BOB, "so it is confirmed");
    world.settle();
    world.disconnect(BOB);
    let stranger = Stranger::with(&world, &link);
    let (_, envelope) = stranger.made(&world);
    let authority = last_announced();
    world.disconnect(EVE);
    let base = world.relay.confirmed();
    let eve = world.devices[EVE].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(eve));
    world.settle();
    assert_eq!(world.members(ANN), 2);
    let entry = shown_with(&world, base, envelope, adds(member_key(&stranger.access)), authority);
    world.frame(ANN, Frame::Deliver(entry));
    world.assert_alarm(ANN, AlarmKind::Fork);
    let engine = world.devices[ANN].engine.as_ref().unwrap();
    assert!(engine.is_haunted(), "{}", world.story(ANN));
    assert_eq!(world.members(ANN), 3, "nobody came: {}", world.story(ANN));
}

#[test]
fn removed_member_commits_nothing_on_what_rubbish_took_its_removal_back_to() {
    let (mut world, envelope, base) = removed(1106);
    let authority = last_announced();
    let entry = shown(&world, base, vec![7; 293]);
    world.frame(ANN, Frame::Deliver(entry));
    let epoch = world.epoch(ANN);
    let entry = shown_with(&world, base, envelope, AccessChange::default(), authority);
    let seq = world.cursor(ANN) + 1;
    world.frame(ANN, Frame::Deliver(Deliver { seq, ..entry }));
    world.assert_alarm(ANN, AlarmKind::Fork);
    assert_eq!(world.epoch(ANN), epoch, "{}", world.story(ANN));
}

#[test]
fn device_that_says_nothing_to_the_removed_member_does_not_wake_for_it_all_the_time() {
    let (mut world, _, base) = removed(1107);
    // As of somebody who may remove nobody.
    world.devices[ANN].engine.as_mut().unwrap().link.no_commits = true;
    let entry = shown(&world, base, vec![7; 293]);
    world.frame(ANN, Frame::Deliver(entry));
    assert!(world.devices[ANN].engine.as_ref().unwrap().is_haunted(), "{}", world.story(ANN));
    world.say(ANN, "for bob alone");
    let wake = world.devices[ANN].wake;
    assert!(wake.is_none_or(|at| at > world.now + 1_000), "{wake:?} at {}", world.now);
}

#[test]
fn undoing_that_too_few_voted_for_is_not_believed() {
    let (mut world, _, _) = removed(1103);
    let seq = world.head();
    let entry = Deliver {
        is_commit: false,
        access: None,
        ballot: Some(Ballot { seq, step: vec![9; 32].into(), signature: vec![9; 64].into() }),
        undone: seq,
        ..shown(&world, 0, Vec::new())
    };
    world.frame(ANN, Frame::Deliver(entry));
    world.assert_alarm(ANN, AlarmKind::Fork);
    assert_eq!(world.members(ANN), 2, "{}", world.story(ANN));
}

#[test]
fn undoing_of_what_was_dropped_before_takes_nothing_back() {
    const DAN: usize = 3;
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, 1104);
    world.disconnect(DAN);
    // To the relay it removes dan, to the group nobody.
    let (message, _) = world.hostile(EVE).commit(|builder| builder);
    let removed = vec![world.access_key(DAN).key];
    let seq = world.inject_commit(EVE, message, AccessChange { removed, ..nothing() });
    world.settle();
    let members = [ANN, BOB];
    assert!(members.iter().all(|i| world.stands_on(*i).iter().all(|other| *other != seq)), "it was dropped");
    // The third of four votes.
    world.connect(DAN);
    world.settle();
    assert!(world.relay.log.iter().any(|entry| entry.undone == seq), "{}", world.story(DAN));
    for i in members {
        assert!(!world.errors(i).contains(&"out"), "device {i}: {}", world.story(i));
    }
    world.connect(DAN);
    world.settle();
    world.assert_talks(&[ANN, BOB, DAN]);
}

#[test]
fn removal_by_a_commit_that_nobody_took_is_not_made_up_for() {
    const DAN: usize = 3;
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, 1105);
    world.make_moderators(&[DAN]);
    // Everybody takes the first one of eve's step, nobody the second.
    world.command(EVE, Command::Rename("eva".to_owned()));
    while world.deliver_one(EVE) {}
    let (message, _) = world.hostile(EVE).commit(|builder| builder);
    let removed = vec![world.access_key(BOB).key];
    let seq = world.inject_commit(EVE, message, AccessChange { removed, ..nothing() });
    world.settle();
    world.connect(BOB);
    world.settle();
    for i in [ANN, DAN] {
        let engine = world.devices[i].engine.as_ref().unwrap();
        assert!(world.stands_on(i).iter().all(|other| *other != seq), "it was dropped");
        assert!(!engine.is_haunted() && world.members(i) == 4, "device {i}: {}", world.story(i));
    }
    world.assert_talks(&[ANN, DAN]);
}
