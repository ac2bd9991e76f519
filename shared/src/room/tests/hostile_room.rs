//! A member that commits what a room may not become.

use mls_rs::ExtensionList;
use mls_rs_core::extension::Extension;
use proto::relay::AccessChange;

use super::{
    hostile::{ANN, BOB, EVE, extensions, nothing, three},
    world::World,
};
use crate::{
    content,
    invite::InviteSecret,
    mls::group::{LEAF_EXTENSION, ROOM_EXTENSION},
    mls::rules::{MAX_PAST, Violation},
};

/// Eve commits the room that `change` makes; nobody takes it, because of `violation`.
fn room_is_refused(seed: u64, violation: Violation, change: impl Fn(&World, &mut content::Room)) {
    let mut world = three(seed);
    let epoch = world.epoch(ANN);
    let mut room = world.room(EVE);
    change(&world, &mut room);
    let list = extensions(ROOM_EXTENSION, &room);
    let (message, _) = world.hostile(EVE).commit(|b| b.set_group_context_ext(list).unwrap());
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, violation);
}

/// An invite of eve's own.
fn invite(world: &World, n: u8) -> content::Invite {
    world.listed(EVE, &InviteSecret::from_bytes([n; 20]), (0, 0))
}

#[test]
fn room_name_cannot_change() {
    room_is_refused(101, Violation::RoomChanged, |_, room| room.name = "other".to_owned());
}

#[test]
fn private_room_cannot_become_open() {
    room_is_refused(102, Violation::RoomChanged, |_, room| room.open = true);
}

#[test]
fn room_that_does_not_share_its_past_cannot_begin_to() {
    room_is_refused(107, Violation::RoomChanged, |_, room| room.past_lines = 500);
}

#[test]
fn room_cannot_share_more_than_members_would_hand_over() {
    room_is_refused(108, Violation::Room, |_, room| room.past_lines = MAX_PAST + 1);
}

#[test]
fn room_version_cannot_change() {
    room_is_refused(103, Violation::Room, |_, room| room.version = 3);
}

#[test]
fn more_invites_than_a_room_may_have_are_refused() {
    room_is_refused(104, Violation::Room, |world, room| {
        room.invites = (0..17).map(|n| invite(world, n)).collect();
    });
}

#[test]
fn two_invites_of_one_id_are_refused() {
    room_is_refused(105, Violation::Invite, |world, room| {
        let limits = [(0, 0), (0, 5)];
        let secret = InviteSecret::from_bytes([1; 20]);
        room.invites.extend(limits.map(|limits| world.listed(EVE, &secret, limits)));
    });
}

#[test]
fn invite_with_a_short_key_is_refused() {
    room_is_refused(106, Violation::Invite, |world, room| {
        let mut short = invite(world, 1);
        short.kem_key = short.kem_key.slice(1..);
        room.invites.push(short);
    });
}

#[test]
fn invite_with_a_members_access_key_is_refused() {
    room_is_refused(107, Violation::Leaf, |world, room| {
        let mut stolen = invite(world, 1);
        stolen.access_key = world.access_key(BOB).key;
        resign(world, EVE, &mut stolen);
        room.invites.push(stolen);
    });
}

#[test]
fn room_without_its_extension_is_refused() {
    let mut world = three(108);
    let epoch = world.epoch(ANN);
    let (message, _) = world.hostile(EVE).commit(|b| b.set_group_context_ext(ExtensionList::new()).unwrap());
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, Violation::Room);
}

#[test]
fn group_context_with_another_extension_is_refused() {
    let mut world = three(109);
    let epoch = world.epoch(ANN);
    let mut list = extensions(ROOM_EXTENSION, &world.room(EVE));
    list.set(Extension::new(LEAF_EXTENSION, vec![1]));
    let (message, _) = world.hostile(EVE).commit(|b| b.set_group_context_ext(list).unwrap());
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, Violation::Room);
}

#[test]
fn removal_that_keeps_the_invites_is_undone() {
    let mut world = three(110);
    world.make_moderators(&[EVE]);
    let (epoch, bob) = (world.epoch(ANN), world.leaf(BOB));
    let (message, _) = world.hostile(EVE).commit(|b| b.remove_member(bob).unwrap());
    let key = world.access_key(BOB).key;
    let gone = AccessChange { added: Vec::new(), removed: vec![key.clone()] };
    world.disconnect(EVE);
    let removal = world.inject_commit(EVE, message, gone);
    assert!(!world.relay.keys.contains_key(&*key), "a removal works at once");
    // Neither takes it. Bob may only vote now, and with ann that is a majority of three.
    world.settle();
    assert!(world.relay.log.iter().any(|entry| entry.undone == removal), "{}", world.story(ANN));
    world.connect(BOB);
    world.settle();
    assert!(world.relay.keys.contains_key(&*key), "his key came back");
    assert_eq!((world.members(ANN), world.members(BOB)), (3, 3));
    world.assert_violates(&[ANN, BOB], epoch, Violation::InvitesKept);
}

/// Who is removed holds the commit against what the others hold it against; else it alone would take it, and be closed for
/// good.
#[test]
fn removal_that_leaves_a_key_at_the_relay_is_taken_by_nobody() {
    let mut world = three(112);
    world.make_moderators(&[EVE]);
    let (epoch, bob) = (world.epoch(ANN), world.leaf(BOB));
    let mut room = world.room(EVE);
    let removed = room.invites.drain(..).map(|invite| invite.access_key).collect();
    let list = extensions(ROOM_EXTENSION, &room);
    let (message, _) =
        world.hostile(EVE).commit(|b| b.remove_member(bob).unwrap().set_group_context_ext(list).unwrap());
    world.disconnect(EVE);
    world.inject_commit(EVE, message, AccessChange { added: Vec::new(), removed });
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, Violation::FalseAccess);
    world.assert_talks(&[ANN, BOB]);
    assert_eq!((world.members(ANN), world.members(BOB)), (3, 3));
}

#[test]
fn removal_that_keeps_an_invite_or_brings_one_is_refused() {
    // Ann may remove, but not like that: bob knows the old link, and reads the commit that would bring a new one.
    for brings_one in [false, true] {
        let mut world = three(111);
        let bob = world.leaf(BOB);
        let mut room = world.room(ANN);
        if brings_one {
            room.invites = vec![world.listed(ANN, &InviteSecret::from_bytes([1; 20]), (0, 0))];
        }
        let list = extensions(ROOM_EXTENSION, &room);
        let (message, _) =
            world.hostile(ANN).commit(|b| b.remove_member(bob).unwrap().set_group_context_ext(list).unwrap());
        world.disconnect(ANN);
        let epoch = world.epoch(EVE);
        world.inject_commit(ANN, message, nothing());
        world.settle();
        world.assert_violates(&[BOB, EVE], epoch, Violation::InvitesKept);
    }
}

/// Signs it anew, as whoever wants to deceive would.
fn resign(world: &World, i: usize, invite: &mut content::Invite) {
    let statement = crate::invite::invite_statement(&world.room_id(i), invite);
    invite.signature = world.devices[i].profile.identity.sign(&statement).to_vec().into();
}
