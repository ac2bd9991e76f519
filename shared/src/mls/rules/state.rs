//! What a room's state may be, whoever made it.

use std::collections::BTreeSet;

use proto::RoomId;

use super::Violation;
use crate::{
    content::{self, room::InvitePolicy},
    identity::{clean_name, clean_topic, credential::Account},
    invite::{MAX_INVITES, signed_by_maker},
};

/// Of this protocol.
pub const ROOM_VERSION: u32 = 2;

/// Most chat lines of before that a room's policy may hand to newcomers.
pub const MAX_PAST: u32 = 1_000;

/// Most moderators: a kilobyte of the group's state.
pub const MAX_MODERATORS: usize = 32;

/// Devices of one account in a room, unless told otherwise: a telephone, two computers, and two that were lost.
pub const SEATS_PER_ACCOUNT: u32 = 5;

/// Most devices that a room's policy may give to one account.
pub const MAX_SEATS: u32 = 32;

/// The room's state by itself: sizes, counts, signatures, no two invites alike.
pub(crate) fn check_room(id: &[u8], room: &content::Room) -> Result<(), Violation> {
    let Ok(id) = RoomId::try_from(id) else { return Err(Violation::Room) };
    let moderators: BTreeSet<_> = room.moderators.iter().filter(|one| one.len() == 32).collect();
    let good = clean_name(&room.name).as_deref() == Ok(&*room.name)
        && clean_topic(&room.topic).as_deref() == Ok(&*room.topic)
        && room.version == ROOM_VERSION
        && room.past_lines <= MAX_PAST
        && (1..=MAX_SEATS).contains(&room.seats_per_account)
        && InvitePolicy::try_from(room.invite_policy).is_ok()
        && (1..=MAX_MODERATORS).contains(&room.moderators.len())
        && moderators.len() == room.moderators.len()
        && !(room.own_devices && (room.open || room.moderators.len() != 1))
        && room.invites.len() <= MAX_INVITES;
    if !good {
        return Err(Violation::Room);
    }
    let mut seen = BTreeSet::new();
    let all_differ = room.invites.iter().all(|invite| parts(invite).iter().all(|part| seen.insert(*part)));
    let signed = room.invites.iter().all(|invite| signed_by_maker(&id, invite));
    if all_differ && signed { Ok(()) } else { Err(Violation::Invite) }
}

/// What a room keeps for ever. An open room keeps its one invite as well.
pub(super) fn check_unchanged(before: &content::Room, after: &content::Room) -> Result<(), Violation> {
    let fixed = |room: &content::Room| {
        (room.name.clone(), room.open, room.version, room.past_lines, room.own_devices)
    };
    match fixed(before) != fixed(after) || (before.open && before.invites != after.invites) {
        true => Err(Violation::RoomChanged),
        false => Ok(()),
    }
}

/// A room of a person's own devices has members of one account alone: the one that moderates it.
pub(super) fn check_own_devices(room: &content::Room, account: &Account) -> Result<(), Violation> {
    let is_owner = room.moderators.iter().any(|one| **one == account.fingerprint.0);
    if is_owner || !room.own_devices { Ok(()) } else { Err(Violation::OtherAccount) }
}

/// An invite for devices of one account lets in no other.
pub(super) fn check_bound(invite: &content::Invite, account: &Account) -> Result<(), Violation> {
    match invite.account.is_empty() || *invite.account == account.fingerprint.0 {
        true => Ok(()),
        false => Err(Violation::OtherAccount),
    }
}

/// What no two invites share.
pub(super) fn parts(invite: &content::Invite) -> [&[u8]; 4] {
    [&invite.id, &invite.access_key, &invite.join_key, &invite.kem_key]
}
