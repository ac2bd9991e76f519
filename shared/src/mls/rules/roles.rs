//! Who may do what: moderators, makers of invites, everybody with their own devices.

use std::collections::{BTreeMap, BTreeSet};

use super::{Commit, Violation, account, state::parts};
use crate::{
    content::{self, room::InvitePolicy},
    identity::Fingerprint,
    mls::leave::{proof_of, proves_leave},
};

/// What a member's commit does to people and policy.
pub(super) struct Act<'a> {
    /// The committer's account key.
    by: [u8; 32],
    is_moderator: bool,
    /// Removed leaves of other accounts, without their own word.
    takes_others: bool,
    removes: bool,
    /// Account keys of who is in the room afterwards.
    stay: BTreeSet<[u8; 32]>,
    before: &'a content::Room,
    after: &'a content::Room,
    at: u64,
}

impl<'a> Act<'a> {
    pub(super) fn of<C: mls_rs::client_builder::MlsConfig>(
        commit: &Commit<'a, C>,
        removed: &BTreeSet<u32>,
        after: &'a content::Room,
    ) -> Result<Self, Violation> {
        let members: BTreeMap<u32, _> =
            commit.before.roster().members_iter().map(|member| (member.index, member)).collect();
        let by = account(members.get(&commit.committer).ok_or(Violation::Leaf)?)?;
        let mut takes_others = false;
        for leaf in removed {
            let member = members.get(leaf).ok_or(Violation::Leaf)?;
            let key = member.signing_identity.signature_key.as_bytes();
            let proof = proof_of(commit.note, *leaf);
            let asked = proof.is_some_and(|proof| proves_leave(commit.room, key, &proof.signature));
            takes_others |= !asked && account(member)? != by;
        }
        let stay = members.iter().filter(|(leaf, _)| !removed.contains(leaf));
        Ok(Self {
            by,
            is_moderator: is_moderator(commit.room_before, &by),
            takes_others,
            removes: !removed.is_empty(),
            stay: stay.map(|(_, member)| account(member)).collect::<Result<_, _>>()?,
            before: commit.room_before,
            after,
            at: commit.at,
        })
    }
}

pub(super) fn check(act: &Act<'_>) -> Result<(), Violation> {
    let policy = |room: &content::Room| (room.disappear_s, room.invite_policy, room.seats_per_account);
    let retopics = act.before.topic != act.after.topic;
    // Whoever is gone is no moderator any more, whoever's commit it was.
    let left = staying(act.before, &act.stay);
    let alters = policy(act.before) != policy(act.after) || left != act.after.moderators;
    if (act.takes_others || alters || retopics) && !act.is_moderator {
        return Err(Violation::NotModerator);
    }
    check_moderators(act.after, &act.stay)?;
    if act.before.open { Ok(()) } else { check_invites(act) }
}

fn check_invites(act: &Act<'_>) -> Result<(), Violation> {
    if act.removes {
        return if act.after.invites.is_empty() { Ok(()) } else { Err(Violation::InvitesKept) };
    }
    let old: BTreeSet<_> = act.before.invites.iter().flat_map(parts).collect();
    for invite in act.after.invites.iter().filter(|invite| !act.before.invites.contains(invite)) {
        if *invite.maker != act.by || parts(invite).iter().any(|part| old.contains(part)) {
            return Err(Violation::Invite);
        }
        if act.before.invite_policy() == InvitePolicy::Moderators && !act.is_moderator {
            return Err(Violation::NotModerator);
        }
    }
    let ended = |invite: &content::Invite| invite.expires_ms != 0 && act.at >= invite.expires_ms;
    let others = |invite: &&content::Invite| *invite.maker != act.by && !ended(invite);
    let revoked = act.before.invites.iter().filter(|invite| !act.after.invites.contains(invite));
    match revoked.filter(others).count() > 0 && !act.is_moderator {
        true => Err(Violation::NotModerator),
        false => Ok(()),
    }
}

/// There is a moderator, and all of them are in the room.
pub(super) fn check_moderators(room: &content::Room, accounts: &BTreeSet<[u8; 32]>) -> Result<(), Violation> {
    let is_in = staying(room, accounts).len() == room.moderators.len();
    if is_in && !room.moderators.is_empty() { Ok(()) } else { Err(Violation::Moderators) }
}

/// The moderators among these accounts.
fn staying(room: &content::Room, accounts: &BTreeSet<[u8; 32]>) -> Vec<bytes::Bytes> {
    let staying: BTreeSet<_> = accounts.iter().map(|key| Fingerprint::of(key).0).collect();
    let is_in = |one: &&bytes::Bytes| <[u8; 32]>::try_from(&***one).is_ok_and(|one| staying.contains(&one));
    room.moderators.iter().filter(is_in).cloned().collect()
}

fn is_moderator(room: &content::Room, account_key: &[u8; 32]) -> bool {
    let who = Fingerprint::of(account_key);
    room.moderators.iter().any(|one| **one == who.0)
}
