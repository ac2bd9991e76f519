//! The slot in pieces: what a commit sends, and relays and members that put something else there.

use bytes::Bytes;
use proto::{PieceName, join_pieces, piece_name, split_names};

use super::{
    hostile::{ANN, BOB, EVE, three},
    model::KeptSlot,
    world::World,
};
use crate::{crypto::suite::Suite, invite::link::Link, room::Command};

/// Five members sleep; dan came while they did, so that his slot is the newest and nobody has confirmed it.
fn sleeping(seed: u64) -> (World, Link) {
    let mut world = World::room_of(&["ann", "bob", "eve", "gus", "hal"], Suite::Classic, seed);
    world.command(ANN, Command::Invite { uses: Some(5), expires_ms: None });
    world.settle();
    let link = world.invite(ANN);
    world.settle();
    (0..5).for_each(|i| world.disconnect(i));
    let dan = world.newcomer("dan", 31);
    world.join(dan, &link);
    assert_eq!(world.members(dan), 6, "{}", world.story(dan));
    world.disconnect(dan);
    assert_ne!(world.relay.confirmed(), world.relay.last_commit);
    (world, link)
}

fn names(slot: &KeptSlot) -> Vec<PieceName> {
    split_names(&slot.names).unwrap()
}

/// The newest slot has other pieces; whoever comes next gets in by the last confirmed one, past dan.
fn gets_past(seed: u64, spoil: impl FnOnce(&mut World, &mut Vec<PieceName>, Vec<PieceName>)) {
    let (mut world, link) = sleeping(seed);
    let (newest, confirmed) = (world.relay.last_commit, world.relay.confirmed());
    let old = names(&world.relay.slots[&confirmed]);
    let mut wrong = names(&world.relay.slots[&newest]);
    spoil(&mut world, &mut wrong, old);
    world.relay.slots.get_mut(&newest).unwrap().names = wrong.concat().into();
    let fay = world.newcomer("fay", 32);
    world.join(fay, &link);
    assert!(!world.closed(fay), "{}", world.story(fay));
    assert_eq!(world.members(fay), 6, "five who sleep and fay: {}", world.story(fay));
    world.connect(ANN);
    world.settle();
    assert_eq!(world.members(ANN), 6, "{}", world.story(ANN));
}

#[test]
fn joiner_gets_past_a_slot_with_a_piece_of_another_commit() {
    gets_past(1201, |_, names, old| {
        let stale = (0..old.len()).find(|at| names.get(*at) != old.get(*at)).unwrap();
        names[stale] = old[stale];
    });
}

#[test]
fn joiner_gets_past_a_slot_with_two_pieces_swapped() {
    gets_past(1202, |_, names, _| {
        assert!(names.len() > 1);
        names.swap(0, 1);
    });
}

#[test]
fn joiner_gets_past_a_slot_with_a_piece_withheld() {
    gets_past(1203, |_, names, _| {
        names.pop();
    });
}

#[test]
fn joiner_gets_past_rubbish_that_a_member_sent_for_a_piece() {
    gets_past(1204, |world, names, _| {
        let rubbish = Bytes::from(vec![7; 1040]);
        names[0] = piece_name(&rubbish);
        world.relay.pieces.insert(names[0], rubbish);
    });
}

#[test]
fn joiner_to_whom_a_relay_shows_wrong_pieces_everywhere_is_told_and_stays_out() {
    let (mut world, link) = sleeping(1205);
    for kept in world.relay.slots.values_mut() {
        let mut wrong = names(kept);
        wrong.reverse();
        kept.names = wrong.concat().into();
    }
    let fay = world.newcomer("fay", 33);
    world.join(fay, &link);
    assert!(world.closed(fay), "{}", world.story(fay));
}

#[test]
fn commit_sends_the_pieces_that_it_changed_and_no_more() {
    let names: Vec<String> = (0..12).map(|n| format!("member {n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::room_of(&names, Suite::Pq, 1206);
    let before = world.relay.slots[&world.relay.last_commit].clone();
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    let (slot, sent) = (&world.relay.slots[&world.relay.last_commit], world.relay.last_commit);
    let known = split_names(&before.names).unwrap();
    let all = split_names(&slot.names).unwrap();
    let changed = all.iter().filter(|name| !known.contains(name)).count();
    assert!(changed < all.len(), "some are shared");
    let pieces: Vec<&[u8]> =
        all.iter().filter(|name| !known.contains(name)).map(|name| &*world.relay.pieces[name]).collect();
    let expected = slot.sealed.len() + slot.names.len() + join_pieces(pieces).len();
    assert_eq!(world.relay.brought[&sent], expected);
    assert!(world.relay.refusals.is_empty(), "no pieces were missing on the way");
}

#[test]
fn relay_that_lost_the_slots_pieces_gets_all_of_them_with_the_next_commit() {
    let mut world = three(1207);
    let lost = world.relay.last_commit;
    world.relay.slots.clear();
    world.relay.pieces.clear();
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    assert!(world.relay.last_commit > lost, "{}", world.story(BOB));
    let link = world.invite(ANN);
    let dan = world.newcomer("dan", 34);
    world.join(dan, &link);
    assert_eq!(world.members(dan), 4, "{}", world.story(dan));
}

#[test]
fn member_who_names_other_pieces_costs_the_next_one_a_whole_tree_and_nothing_else() {
    let mut world = three(1208);
    let newest = world.relay.last_commit;
    // As a member's program can leave it: its commit is good, its slot has nothing of the tree.
    world.relay.slots.values_mut().for_each(|slot| slot.names = Bytes::new());
    world.relay.pieces.clear();
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    assert!(world.relay.last_commit > newest, "{}", world.story(BOB));
    world.assert_agreed(&[ANN, BOB, EVE]);
}

#[test]
fn relay_that_says_again_that_pieces_are_missing_is_not_sent_them_again_at_once() {
    let mut world = three(1209);
    let (began, newest) = (world.now, world.relay.last_commit);
    (world.relay.lost, world.relay.loses_pieces) = (0, 4);
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    assert!(world.relay.lost == 4 && world.relay.last_commit > newest, "{}", world.story(BOB));
    // All but the first no were to all pieces.
    assert!(world.now - began >= 3 * 5_000, "{} ms", world.now - began);
    world.assert_agreed(&[ANN, BOB, EVE]);
}
