//! A removed member and the relay lead a device that has taken the removal to where it did not happen: by the answer of a
//! member who has not heard of it, and follows another log.

use prost::Message as _;
use proto::relay::{ClientFrame, Deliver, Publish, Slot, client_frame, relay_frame::Frame};

use super::{
    hostile::{ANN, BOB, EVE, nothing},
    hostile_ledger::engine,
    resync::bob_is_out,
    takeback::{removed, shown},
    world::World,
};
use crate::{
    content::{self, ResyncState, resync, sealed},
    crypto::suite::Suite,
    mls::group::hostile::announced,
    room::{Command, Engine, Input, out::Cause, resync::judge::Fit},
};

const DAN: usize = 3;

fn engine_mut(world: &mut World, i: usize) -> &mut Engine {
    world.devices[i].engine.as_mut().unwrap()
}

/// What nobody looks into.
fn filler(world: &World, seq: u64) -> Deliver {
    let key = world.access_key(ANN).key;
    Deliver { seq, at_ms: world.now, key, resync: vec![1].into(), ..Deliver::default() }
}

pub(super) fn resync(world: &World, i: usize, seq: u64, resync: Vec<u8>) -> Deliver {
    Deliver {
        seq,
        at_ms: world.now,
        key: world.access_key(i).key,
        resync: resync.into(),
        ..Deliver::default()
    }
}

/// Device `i` is out and asks: what it says.
pub(super) fn asks(world: &mut World, i: usize, cause: Cause) -> Vec<u8> {
    let now = world.now;
    let engine = engine_mut(world, i);
    engine.go_out(cause);
    engine.find_back(now).unwrap();
    engine.find_back(now + 60_000).unwrap();
    let request = &engine.back.out.as_ref().unwrap().request;
    let request = content::ResyncRequest::decode(&request[..]).unwrap();
    content::Resync { body: Some(resync::Body::Request(request)) }.encode_to_vec()
}

/// What device `i` answers, if it does.
pub(super) fn answers(world: &mut World, i: usize) -> Option<Vec<u8>> {
    let now = world.now;
    let engine = engine_mut(world, i);
    engine.answer_due(now + 10_000).unwrap();
    let frames = std::mem::take(&mut engine.out.frames);
    frames.into_iter().rev().find_map(|ClientFrame { frame }| match frame {
        Some(client_frame::Frame::Publish(Publish { resync, .. })) if !resync.is_empty() => {
            Some(resync.to_vec())
        }
        _ => None,
    })
}

/// Ann removes eve, and bob has taken that. Dan was shown a commit of eve's instead, and made one on it: at a position
/// where bob read a line, or a commit that he could not take. Bob goes out and asks, dan answers; bob is shown the slot.
fn lured(seed: u64, at_a_commit: bool, has_list: bool) -> World {
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, seed);
    world.capture(DAN);
    let base = engine(&world, DAN).books.position;
    let (message, _) = world.hostile(EVE).commit(|b| b);
    let authority = announced(&message).to_vec().into();
    let envelope = world.own_envelope(EVE, sealed::Body::KeyShare(message.into()));
    let eve = world.devices[EVE].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(eve));
    world.settle();
    for (i, text) in [(ANN, "one"), (BOB, "two")] {
        world.say(i, text);
        world.settle();
    }
    world.capture(BOB);
    assert_eq!(world.members(BOB), 3);
    for i in [BOB, DAN] {
        world.devices[i].online = false;
    }
    if at_a_commit {
        let rubbish = Deliver {
            seq: world.cursor(BOB) + 1,
            at_ms: world.now,
            envelope: vec![7; 293].into(),
            is_commit: true,
            access: Some(nothing()),
            base: engine(&world, BOB).books.position,
            key: world.access_key(ANN).key,
            authority: vec![3; 32].into(),
            signature: vec![4; 64].into(),
            slot_hash: vec![5; 32].into(),
            ..Deliver::default()
        };
        world.show(BOB, rubbish);
    }
    if !has_list {
        let bob = engine_mut(&mut world, BOB);
        bob.books.gone.clear();
        bob.ledger.close();
    }
    let last = world.cursor(BOB);
    for seq in world.cursor(DAN) + 1..last - 1 {
        let filler = filler(&world, seq);
        world.show(DAN, filler);
    }
    let key = world.access_key(EVE).key;
    let (seq, at_ms) = (last - 1, world.now);
    let (signature, slot_hash) = (vec![4; 64].into(), vec![5; 32].into());
    let entry = Deliver {
        seq,
        at_ms,
        envelope: envelope.into(),
        is_commit: true,
        access: Some(nothing()),
        base,
        key,
        authority,
        signature,
        slot_hash,
        ..Deliver::default()
    };
    world.show(DAN, entry);
    let dan = engine_mut(&mut world, DAN);
    assert_eq!(dan.books.position, seq);
    // The slot is to be whole.
    dan.link.all_pieces = true;
    dan.commit(at_ms).unwrap();
    let pending = dan.pending.clone().unwrap();
    let part = pending.part.clone().unwrap();
    let own = Deliver {
        seq: last,
        at_ms,
        envelope: pending.envelope.clone().into(),
        is_commit: true,
        access: part.access,
        base: seq,
        key: world.access_key(DAN).key,
        authority: part.authority,
        signature: part.signature,
        ..Deliver::default()
    };
    world.show(DAN, own);
    assert_eq!((world.epoch(DAN), world.members(DAN)), (world.epoch(BOB) + 1, 4), "{}", world.story(DAN));
    if !has_list {
        // Nor does he know the log any more.
        let dan = engine_mut(&mut world, DAN);
        dan.meta.running_hash.clear();
        dan.meta.marks.clear();
    }
    let asked = asks(&mut world, BOB, Cause::Commit(last));
    for i in [BOB, DAN] {
        let entry = resync(&world, BOB, last + 1, asked.clone());
        world.show(i, entry);
    }
    let answer = answers(&mut world, DAN).expect("an answer");
    let entry = resync(&world, DAN, last + 2, answer);
    world.show(BOB, entry);
    let slot = Slot { last_commit: last, sealed: part.slot, pieces: part.pieces };
    world.frame(BOB, Frame::Slot(slot));
    world
}

fn assert_stays_out(world: &World) {
    let bob = engine(world, BOB);
    assert!(bob.pending.is_none() && bob.back.out.is_some(), "{}", world.story(BOB));
}

#[test]
fn state_that_began_where_this_device_read_a_line_is_refused() {
    let world = lured(1701, false, false);
    assert_stays_out(&world);
    assert!(engine(&world, BOB).back.out.as_ref().unwrap().slot_key.is_empty());
}

#[test]
fn nobody_comes_back_to_a_group_with_somebody_who_was_seen_removed() {
    let world = lured(1702, true, true);
    assert_stays_out(&world);
    world.assert_alarm(BOB, crate::room::AlarmKind::Rollback);
}

#[test]
fn group_with_somebody_who_is_no_member_is_known_by_the_ledger_and_by_the_list() {
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, 1703);
    world.capture(DAN);
    let eve = world.devices[EVE].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(eve));
    world.settle();
    let has_gone = |world: &World, of: usize| {
        engine(world, BOB).has_gone(engine(world, of).group.as_ref().unwrap()).unwrap()
    };
    assert!(has_gone(&world, DAN) && !has_gone(&world, ANN));
    let gone = std::mem::take(&mut engine_mut(&mut world, BOB).books.gone);
    assert!(!gone.is_empty() && has_gone(&world, DAN), "the ledger says it: {}", world.story(BOB));
    let bob = engine_mut(&mut world, BOB);
    bob.ledger.close();
    bob.books.gone = gone;
    assert!(has_gone(&world, DAN) && !has_gone(&world, ANN), "the list says it: {}", world.story(BOB));
}

#[test]
fn whoever_has_to_remove_somebody_lets_nobody_in() {
    let (mut world, _, base) = removed(1704);
    let asked = asks(&mut world, BOB, Cause::Away);
    let entry = shown(&world, base, vec![7; 293]);
    let seq = entry.seq + 1;
    world.show(ANN, entry);
    assert!(engine(&world, ANN).is_haunted(), "{}", world.story(ANN));
    engine_mut(&mut world, ANN).books.untaken = None;
    let entry = resync(&world, BOB, seq, asked);
    world.show(ANN, entry);
    assert_eq!(answers(&mut world, ANN), None);
    // As soon as it has.
    engine_mut(&mut world, ANN).books.again.clear();
    assert!(answers(&mut world, ANN).is_some());
}

#[test]
fn answer_from_beyond_what_was_read_or_of_a_line_is_not_of_this_log() {
    let mut world = bob_is_out(1705);
    assert!(world.until_asked());
    world.disconnect(ANN);
    world.disconnect(DAN);
    for _ in 0..3 {
        world.relay.append(vec![7; 293]);
    }
    while world.deliver_one(BOB) {}
    world.input(BOB, Input::Tick);
    let view = Some(engine(&world, ANN).own_view());
    let (last_commit, cursor) = (world.relay.last_commit, world.cursor(BOB));
    let epoch = world.epoch(ANN);
    let state = ResyncState { epoch, slot_key: vec![9; 32].into(), last_commit, view };
    let bob = engine_mut(&mut world, BOB);
    assert_eq!(bob.judge(&state), Fit::Extends, "the true one");
    let view =
        |seq| Some(content::View { seq, running_hash: vec![1; 32].into(), ..content::View::default() });
    let beyond = ResyncState { view: view(cursor + 1), ..state.clone() };
    assert_eq!(bob.judge(&beyond), Fit::No);
    let of_a_line = ResyncState { last_commit: cursor, epoch: epoch + 1, ..state };
    assert_eq!(bob.judge(&of_a_line), Fit::No);
}
