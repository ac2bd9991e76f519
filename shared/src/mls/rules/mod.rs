//! The rules that every member enforces on every commit, beyond those of MLS.
//!
//! Each is a function of the group's state, the commit and the log entry's time alone, so all members
//! decide alike. A commit that breaks one takes its position in the log but begins no epoch. Who may do
//! what is in `roles`, what a room may be in `state`.

use bytes::Bytes;
use mls_rs::{
    group::{GroupState, Roster, proposal::Proposal},
    mls_rules::{ProposalInfo, ProposalSource},
};
use mls_rs_core::group::Member;
use proto::RoomId;
use std::collections::BTreeSet;

use crate::{
    content,
    identity::credential::{Account, Holder, account_of},
    identity::verifies,
    invite::join_statement,
    mls::extension::{keys_of, leaf_of, room_of},
};

mod accounts;
mod roles;
mod state;

pub use super::violation::Violation;
pub(crate) use state::check_room;
pub use state::{MAX_MODERATORS, MAX_PAST, MAX_SEATS, ROOM_VERSION, SEATS_PER_ACCOUNT};

/// A commit that the MLS library has accepted, about to be accepted by us.
pub(crate) struct Commit<'a, C: mls_rs::client_builder::MlsConfig> {
    /// The room's id.
    pub(crate) room: &'a [u8],
    pub(crate) external: bool,
    pub(crate) committer: u32,
    pub(crate) proposals: &'a [ProposalInfo<Proposal>],
    pub(crate) note: &'a content::CommitNote,
    pub(crate) before: &'a GroupState,
    pub(crate) room_before: &'a content::Room,
    /// None when the commit removed us.
    pub(crate) after: Option<&'a mls_rs::Group<C>>,
    pub(crate) at: u64,
}

/// Holds a commit against every rule.
pub(crate) fn check_commit<C: mls_rs::client_builder::MlsConfig>(
    commit: &Commit<'_, C>,
) -> Result<(), Violation> {
    if commit.proposals.iter().any(|info| matches!(info.source, ProposalSource::ByReference(_))) {
        return Err(Violation::ByReference);
    }
    let removes = |info: &ProposalInfo<Proposal>| matches!(info.proposal, Proposal::Remove(_));
    match commit.external {
        true if commit.proposals.iter().any(removes) => check_return(commit),
        true => check_join(commit),
        false => check_member_commit(commit),
    }
}

/// A device comes back in the place of its own old leaf: the same account, device, keys and invite, and nothing else
/// changes. Whoever would remove somebody by an external commit is refused here, a joiner included.
fn check_return<C: mls_rs::client_builder::MlsConfig>(commit: &Commit<'_, C>) -> Result<(), Violation> {
    let mut old = None;
    for info in commit.proposals {
        match &info.proposal {
            Proposal::ExternalInit(_) => (),
            Proposal::Remove(remove) if old.is_none() => old = Some(remove.to_remove()),
            Proposal::Remove(_) | Proposal::Psk(_) => return Err(Violation::JoinerRemoves),
            _ => return Err(Violation::ForbiddenProposal),
        }
    }
    let old = commit.before.member_at_index(old.ok_or(Violation::NotItsReturn)?).ok_or(Violation::Leaf)?;
    let after = commit.after.ok_or(Violation::NotItsReturn)?;
    let new = after.member_at_index(commit.committer).ok_or(Violation::Leaf)?;
    let room = RoomId::try_from(&*commit.before.context().group_id).map_err(|_| Violation::Room)?;
    let unique = |member: &Member| {
        Ok(Holder::verify(&room, &member.signing_identity).map_err(|_| Violation::Credential)?.unique())
    };
    let is_same = unique(&old)? == unique(&new)?
        && account(&old)? == account(&new)?
        && old.signing_identity.signature_key == new.signing_identity.signature_key
        && leaf_of(&old)? == leaf_of(&new)?;
    if !is_same {
        return Err(Violation::NotItsReturn);
    }
    accounts::check_entrant(after.roster().members_iter(), commit.committer)?;
    check_unique_keys(after.roster().members_iter(), commit.room_before)
}

fn check_join<C: mls_rs::client_builder::MlsConfig>(commit: &Commit<'_, C>) -> Result<(), Violation> {
    for info in commit.proposals {
        match &info.proposal {
            Proposal::ExternalInit(_) => (),
            Proposal::Remove(_) => return Err(Violation::JoinerRemoves),
            _ => return Err(Violation::ForbiddenProposal),
        }
    }
    let Some(after) = commit.after else { return Err(Violation::JoinerRemoves) };
    let member = after.member_at_index(commit.committer).ok_or(Violation::Leaf)?;
    let joiner = leaf_of(&member)?;
    if !joiner.former_access_key.is_empty() {
        return Err(Violation::Leaf);
    }
    let invite = live(commit.room_before, &joiner.invite_id, commit.at)?;
    let account = account(&member)?;
    let leaf_key = member.signing_identity.signature_key.as_bytes();
    let epoch = commit.before.context().epoch;
    let statement = join_statement(commit.room, epoch, leaf_key, &account.key, &joiner.access_key);
    if !verifies(&invite.join_key, &statement, &joiner.join_signature) {
        return Err(Violation::NoInvite);
    }
    state::check_own_devices(commit.room_before, &account)?;
    state::check_bound(invite, &account)?;
    accounts::check_entrant(after.roster().members_iter(), commit.committer)?;
    check_seats(&after.roster(), commit.room_before, (commit.committer, &account), invite)?;
    check_unique_keys(after.roster().members_iter(), commit.room_before)
}

/// Holds a join of our own against what the others will hold it against, as far as we can know.
pub(crate) fn check_own_join(
    roster: &Roster<'_>,
    own: u32,
    (id, room): (&RoomId, &content::Room),
    invite: &[u8],
    now: u64,
) -> Result<(), Violation> {
    check_room(id.as_bytes(), room)?;
    let invite = live(room, invite, now)?;
    let mut accounts = BTreeSet::new();
    let mut ours = None;
    for member in roster.members_iter() {
        let account = account(&member)?;
        if member.index == own {
            ours = Some(account);
        } else {
            accounts.insert(account.fingerprint);
        }
        state::check_own_devices(room, &account)?;
    }
    accounts::check_entrant(roster.members_iter(), own)?;
    roles::check_moderators(room, &accounts)?;
    let ours = ours.ok_or(Violation::Leaf)?;
    state::check_bound(invite, &ours)?;
    check_seats(roster, room, (own, &ours), invite)?;
    check_unique_keys(roster.members_iter(), room)
}

/// The invite of that id, if it lets anybody in at that time.
fn live<'a>(room: &'a content::Room, id: &[u8], at: u64) -> Result<&'a content::Invite, Violation> {
    let found = room.invites.iter().find(|invite| *invite.id == *id);
    found.filter(|invite| invite.expires_ms == 0 || at < invite.expires_ms).ok_or(Violation::DeadInvite)
}

/// Seats are counted by leaves: of the invite, whose uses are limited, and of the account. A removal ends the invites,
/// so nobody who left is missed.
fn check_seats(
    roster: &Roster<'_>,
    room: &content::Room,
    (joiner, of): (u32, &Account),
    invite: &content::Invite,
) -> Result<(), Violation> {
    let (mut came, mut seats) = (0_u32, 0_u32);
    for member in roster.members_iter().filter(|member| member.index != joiner) {
        came += u32::from(leaf_of(&member)?.invite_id == invite.id);
        seats += u32::from(account(&member)?.key == of.key);
    }
    if invite.max_uses > 0 && came >= invite.max_uses {
        return Err(Violation::UsedUpInvite);
    }
    if seats >= room.seats_per_account { Err(Violation::NoSeat) } else { Ok(()) }
}

fn check_member_commit<C: mls_rs::client_builder::MlsConfig>(
    commit: &Commit<'_, C>,
) -> Result<(), Violation> {
    let (mut removed, mut room_after) = (BTreeSet::new(), commit.room_before.clone());
    for info in commit.proposals {
        match &info.proposal {
            Proposal::Remove(remove) => drop(removed.insert(remove.to_remove())),
            Proposal::GroupContextExtensions(extensions) => {
                room_after = room_of(extensions).map_err(|_| Violation::Room)?;
                if extensions.len() != 1 {
                    return Err(Violation::Room);
                }
            }
            _ => return Err(Violation::ForbiddenProposal),
        }
    }
    check_room(commit.room, &room_after)?;
    state::check_unchanged(commit.room_before, &room_after)?;
    roles::check(&roles::Act::of(commit, &removed, &room_after)?)?;
    // Who is removed does not see the committer's new leaf.
    let Some(after) = commit.after else {
        let roster = commit.before.roster();
        let stay = roster.members_iter().filter(|member| !removed.contains(&member.index));
        return check_unique_keys(stay, &room_after);
    };
    let before = commit.before.member_at_index(commit.committer).ok_or(Violation::Leaf)?;
    let own = after.member_at_index(commit.committer).ok_or(Violation::Leaf)?;
    check_own_leaf((&before, &own), commit.note, removed.is_empty())?;
    check_unique_keys(after.roster().members_iter(), &room_after)
}

/// What a committer may do to its own leaf: bring another access key, with an account that gets another key, or later where the leaf
/// shows such a change and one access key alone. The one of before then stays beside it until a later commit drops it. Two keys are two
/// votes at the relay, so nobody has them without everybody having been told of the change. Who is removed does not see the leaf: of an
/// access key it reads in the note that names the account, and of nothing else.
fn check_own_leaf(
    (before, after): (&Member, &Member),
    note: &content::CommitNote,
    removes_nobody: bool,
) -> Result<(), Violation> {
    let (old, new) = (leaf_of(before)?, leaf_of(after)?);
    let mut expected = old.clone();
    let account_before = account(before)?;
    let is_other = account_before.fingerprint != account(after)?.fingerprint;
    let has_changed = account_before.replaces.is_some();
    let may_bring = is_other || (has_changed && removes_nobody && old.former_access_key.is_empty());
    if new.access_key != old.access_key && may_bring {
        (expected.access_key, expected.former_access_key) = (new.access_key.clone(), old.access_key);
    } else if removes_nobody && new.former_access_key.is_empty() {
        expected.former_access_key = Bytes::new();
    }
    let is_noted = note.account.as_ref().is_none_or(|noted| noted.access_key == new.access_key);
    if new == expected && is_noted { Ok(()) } else { Err(Violation::LeafChanged) }
}

/// No two access keys of the room are alike, or removing one would lock out the other.
fn check_unique_keys(members: impl Iterator<Item = Member>, room: &content::Room) -> Result<(), Violation> {
    let mut seen = BTreeSet::new();
    let mut keys: Vec<_> = room.invites.iter().map(|invite| invite.access_key.clone()).collect();
    for member in members {
        keys.extend(keys_of(leaf_of(&member)?));
    }
    let is_new = |key: Bytes| key.len() == 32 && seen.insert(key);
    if keys.into_iter().all(is_new) { Ok(()) } else { Err(Violation::Leaf) }
}

fn account(member: &Member) -> Result<Account, Violation> {
    account_of(&member.signing_identity).ok_or(Violation::Credential)
}
