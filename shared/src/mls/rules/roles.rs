//! Who may do what: moderators, makers of invites, everybody with their own devices.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Commit, Violation, account,
    accounts::{self, Heirs},
    state::parts,
};
use crate::{
    content::{self, room::InvitePolicy},
    identity::{Fingerprint, credential::Account},
    mls::leave::{proof_of, proves_leave},
};

/// What a member's commit does to people and policy.
pub(super) struct Act<'a> {
    /// The committer's account, as it was.
    by: Account,
    is_moderator: bool,
    /// Removed leaves of other accounts, without their own word and without one that took the place of theirs.
    takes_others: bool,
    /// It removes, or gives the committer's account another key.
    ends_invites: bool,
    /// Accounts of who is in the room afterwards.
    stay: BTreeSet<Fingerprint>,
    heirs: Heirs,
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
        let becomes = accounts::after(commit, &by)?;
        let mut replaced = BTreeSet::new();
        for member in members.values() {
            replaced.extend(account(member)?.replaces);
        }
        let is_ours =
            |one: &Account| one.fingerprint == by.fingerprint || becomes.replaces == Some(one.fingerprint);
        let (mut takes_others, mut others) = (false, Vec::new());
        for (leaf, member) in members.iter().filter(|(leaf, _)| **leaf != commit.committer) {
            let whose = account(member)?;
            // An account that was replaced does nothing any more, least of all to whoever took its place.
            if whose.replaces == Some(by.fingerprint) {
                return Err(Violation::ReplacedKey);
            }
            if !removed.contains(leaf) {
                others.push(whose);
                continue;
            }
            let key = member.signing_identity.signature_key.as_bytes();
            let proof = proof_of(commit.note, *leaf);
            let asked = proof.is_some_and(|proof| proves_leave(commit.room, key, &proof.signature));
            // Whoever has an account that was replaced is taken out by anybody.
            takes_others |= !asked && !is_ours(&whose) && !replaced.contains(&whose.fingerprint);
        }
        if removed.iter().any(|leaf| !members.contains_key(leaf)) {
            return Err(Violation::Leaf);
        }
        let changes = becomes.fingerprint != by.fingerprint;
        if changes {
            accounts::check_among(&becomes, &others)?;
            if others.iter().any(|other| other.fingerprint == by.fingerprint) {
                return Err(Violation::ReplacedKey);
            }
        }
        others.push(becomes);
        Ok(Self {
            by,
            is_moderator: is_moderator(commit.room_before, &by),
            takes_others,
            ends_invites: changes || !removed.is_empty(),
            stay: others.iter().map(|account| account.fingerprint).collect(),
            heirs: Heirs::of(others.into_iter()),
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
    let left = staying(act.before, &act.stay, &act.heirs);
    let alters = policy(act.before) != policy(act.after) || left != act.after.moderators;
    if (act.takes_others || alters || retopics) && !act.is_moderator {
        return Err(Violation::NotModerator);
    }
    check_moderators(act.after, &act.stay)?;
    if act.before.open { Ok(()) } else { check_invites(act) }
}

fn check_invites(act: &Act<'_>) -> Result<(), Violation> {
    if act.ends_invites {
        return if act.after.invites.is_empty() { Ok(()) } else { Err(Violation::InvitesKept) };
    }
    let old: BTreeSet<_> = act.before.invites.iter().flat_map(parts).collect();
    for invite in act.after.invites.iter().filter(|invite| !act.before.invites.contains(invite)) {
        if *invite.maker != act.by.key || parts(invite).iter().any(|part| old.contains(part)) {
            return Err(Violation::Invite);
        }
        if act.before.invite_policy() == InvitePolicy::Moderators && !act.is_moderator {
            return Err(Violation::NotModerator);
        }
    }
    let ended = |invite: &content::Invite| invite.expires_ms != 0 && act.at >= invite.expires_ms;
    let others = |invite: &&content::Invite| *invite.maker != act.by.key && !ended(invite);
    let revoked = act.before.invites.iter().filter(|invite| !act.after.invites.contains(invite));
    match revoked.filter(others).count() > 0 && !act.is_moderator {
        true => Err(Violation::NotModerator),
        false => Ok(()),
    }
}

/// There is a moderator, and all of them are in the room.
pub(super) fn check_moderators(
    room: &content::Room,
    accounts: &BTreeSet<Fingerprint>,
) -> Result<(), Violation> {
    let is_in = staying(room, accounts, &Heirs::default()).len() == room.moderators.len();
    if is_in && !room.moderators.is_empty() { Ok(()) } else { Err(Violation::Moderators) }
}

/// The moderators among these accounts. Whoever took the place of one is one.
fn staying(room: &content::Room, accounts: &BTreeSet<Fingerprint>, heirs: &Heirs) -> Vec<bytes::Bytes> {
    let mut staying: Vec<Fingerprint> = Vec::new();
    for one in &room.moderators {
        let Ok(one) = <[u8; 32]>::try_from(&**one).map(Fingerprint) else { continue };
        let heir = || heirs.get(&one).map(|account| account.fingerprint);
        let now = if accounts.contains(&one) { Some(one) } else { heir() };
        staying.extend(now.filter(|now| accounts.contains(now) && !staying.contains(now)));
    }
    staying.into_iter().map(|one| one.0.to_vec().into()).collect()
}

fn is_moderator(room: &content::Room, account: &Account) -> bool {
    room.moderators.iter().any(|one| **one == account.fingerprint.0)
}
