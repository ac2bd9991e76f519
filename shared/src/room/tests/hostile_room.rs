//! A member that commits what a room may not become.

use bytes::Bytes;
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
    room::AlarmKind,
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

fn invite(n: u8) -> content::Invite {
    InviteSecret::from_bytes([n; 32]).to_content(0, 0)
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
    room_is_refused(103, Violation::Room, |_, room| room.version = 2);
}

#[test]
fn more_invites_than_a_room_may_have_are_refused() {
    room_is_refused(104, Violation::Room, |_, room| room.invites = (0..17).map(invite).collect());
}

#[test]
fn two_invites_of_one_id_are_refused() {
    room_is_refused(105, Violation::Room, |_, room| {
        let mut twin = invite(1);
        twin.id = room.invites[0].id.clone();
        room.invites.push(twin);
    });
}

#[test]
fn invite_with_a_short_key_is_refused() {
    room_is_refused(106, Violation::Room, |_, room| {
        let mut short = invite(1);
        short.seal_key = Bytes::from_static(&[1; 31]);
        room.invites.push(short);
    });
}

#[test]
fn invite_with_a_members_access_key_is_refused() {
    room_is_refused(107, Violation::Leaf, |world, room| {
        let mut stolen = invite(1);
        stolen.access_key = world.access_key(BOB).key;
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
fn removal_that_keeps_the_invites_is_refused() {
    let mut world = three(110);
    let (epoch, bob) = (world.epoch(ANN), world.leaf(BOB));
    let (message, _) = world.hostile(EVE).commit(|b| b.remove_member(bob).unwrap());
    let gone = AccessChange { added: Vec::new(), removed: vec![world.access_key(BOB).key] };
    world.disconnect(EVE);
    world.inject_commit(EVE, message, gone);
    world.settle();
    // Bob cannot see the commit fail with his key gone; Ann refuses it and gives him the key back.
    world.assert_alarm(ANN, AlarmKind::Access);
    world.connect(BOB);
    world.settle();
    assert_eq!(world.members(ANN), 3, "bob was removed");
    assert!(world.relay.keys.contains_key(&*world.access_key(BOB).key), "his key came back");
    assert!(world.epoch(ANN) == epoch + 1, "only the repair moved the epoch");
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn removal_that_keeps_one_part_of_an_invite_is_refused() {
    for part in 0..3 {
        let mut world = three(111);
        let bob = world.leaf(BOB);
        let mut room = world.room(EVE);
        let (old, mut new) = (room.invites[0].clone(), invite(1));
        match part {
            0 => new.seal_key = old.seal_key,
            1 => new.psk = old.psk,
            _ => new.access_key = old.access_key,
        }
        room.invites = vec![new];
        let list = extensions(ROOM_EXTENSION, &room);
        let (message, _) =
            world.hostile(EVE).commit(|b| b.remove_member(bob).unwrap().set_group_context_ext(list).unwrap());
        world.disconnect(EVE);
        let epoch = world.epoch(ANN);
        world.inject_commit(EVE, message, nothing());
        world.settle();
        world.assert_violates(&[ANN, BOB], epoch, Violation::InvitesKept);
    }
}
