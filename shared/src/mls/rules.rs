//! The rules that every member enforces on every commit, beyond those of MLS.
//!
//! Each is a function of the group's state, the commit and the log entry's time alone, so all members
//! decide alike. A commit that breaks one takes its position in the log but begins no epoch.

use mls_rs::{
    group::{GroupState, Roster, proposal::Proposal},
    mls_rules::{ProposalInfo, ProposalSource},
};
use mls_rs_core::group::Member;
use std::collections::BTreeSet;

use crate::{
    content,
    identity::clean_name,
    identity::credential::Holder,
    invite::MAX_INVITES,
    mls::group::{leaf_of, room_of},
};

/// Most chat lines of before that a room's policy may hand to newcomers.
pub const MAX_PAST: u32 = 1_000;

/// A rule that a commit broke. The names say the wrong.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Violation {
    /// A proposal by reference: only what the committer itself signed counts.
    #[error("the commit takes up a proposal by reference")]
    ByReference,
    /// A proposal that this protocol does not use.
    #[error("the commit holds a proposal of a kind that is not used here")]
    ForbiddenProposal,
    /// An external commit that removes a member.
    #[error("a joiner tries to remove a member")]
    JoinerRemoves,
    /// A return that is not the same device with the same keys, or does more than come back.
    #[error("a device that comes back is not the one that it replaces")]
    NotItsReturn,
    /// The authority announced to the relay is not the one of the epoch that the commit begins.
    #[error("the commit tells the relay another authority than the group's")]
    FalseAuthority,
    /// The commit changes the relay's access keys in another way than the group.
    #[error("the commit changes who may use the relay in another way than the group")]
    FalseAccess,
    /// An external commit without exactly one invite's PSK.
    #[error("a joiner does not prove an invite")]
    NoInvite,
    /// The invite is not live: unknown, revoked or expired.
    #[error("a joiner proves an invite that is not live")]
    DeadInvite,
    /// The invite let in as many as it may.
    #[error("a joiner proves an invite that is used up")]
    UsedUpInvite,
    /// A leaf without a proper Leaf extension, or one whose access key is somebody else's.
    #[error("a leaf's access key or invite is missing or not its own")]
    Leaf,
    /// An update that changes what must stay.
    #[error("an update changes the committer's access key or invite")]
    LeafChanged,
    /// A credential that does not verify.
    #[error("a credential does not verify")]
    Credential,
    /// The room extension is missing or malformed.
    #[error("the room's state is malformed")]
    Room,
    /// Name, openness, version or sharing of the past changed.
    #[error("the commit changes what a room keeps for ever")]
    RoomChanged,
    /// A removal that leaves the shared invites as they were.
    #[error("a removal does not rotate the room's invites")]
    InvitesKept,
    /// The GroupInfo is older than the link says or than what was already seen.
    #[error("the room's state is older than it was")]
    OldGroupInfo,
}

/// A commit that the MLS library has accepted, about to be accepted by us.
pub(crate) struct Commit<'a, C: mls_rs::client_builder::MlsConfig> {
    pub(crate) external: bool,
    pub(crate) committer: u32,
    pub(crate) proposals: &'a [ProposalInfo<Proposal>],
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
    let unique = |member: &Member| {
        Ok(Holder::verify(&member.signing_identity).map_err(|_| Violation::Credential)?.unique())
    };
    let is_same = unique(&old)? == unique(&new)?
        && old.signing_identity.signature_key == new.signing_identity.signature_key
        && leaf_of(&old)? == leaf_of(&new)?;
    if !is_same {
        return Err(Violation::NotItsReturn);
    }
    check_unique_keys(&after.roster(), commit.room_before)
}

fn check_join<C: mls_rs::client_builder::MlsConfig>(commit: &Commit<'_, C>) -> Result<(), Violation> {
    let mut psk = None;
    for info in commit.proposals {
        match &info.proposal {
            Proposal::ExternalInit(_) => (),
            Proposal::Psk(proposal) if psk.is_none() => {
                psk = Some(proposal.external_psk_id().ok_or(Violation::ForbiddenProposal)?);
            }
            Proposal::Remove(_) => return Err(Violation::JoinerRemoves),
            _ => return Err(Violation::ForbiddenProposal),
        }
    }
    let psk = psk.ok_or(Violation::NoInvite)?;
    let live = |invite: &&content::Invite| invite.expires_ms == 0 || commit.at < invite.expires_ms;
    let invite = commit
        .room_before
        .invites
        .iter()
        .filter(live)
        .find(|i| *i.id == **psk)
        .ok_or(Violation::DeadInvite)?;
    if invite.max_uses > 0 && uses(&commit.before.roster(), &invite.id)? >= invite.max_uses {
        return Err(Violation::UsedUpInvite);
    }
    let Some(after) = commit.after else { return Err(Violation::JoinerRemoves) };
    let joiner = leaf_of(&after.member_at_index(commit.committer).ok_or(Violation::Leaf)?)?;
    if joiner.invite_id != invite.id {
        return Err(Violation::Leaf);
    }
    check_unique_keys(&after.roster(), commit.room_before)
}

/// Holds a join of our own against what the others will hold it against, as far as we can know.
pub(crate) fn check_own_join(
    roster: &Roster<'_>,
    own: u32,
    room: &content::Room,
    id: &[u8],
) -> Result<(), Violation> {
    check_room(room)?;
    let invite = room.invites.iter().find(|invite| *invite.id == *id).ok_or(Violation::DeadInvite)?;
    let mut came = 0;
    for member in roster.members_iter().filter(|member| member.index != own) {
        came += u32::from(leaf_of(&member)?.invite_id == invite.id);
    }
    if invite.max_uses > 0 && came >= invite.max_uses {
        return Err(Violation::UsedUpInvite);
    }
    check_unique_keys(roster, room)
}

/// How many members came by the invite. A removal rotates the invites, so nobody who left is missed.
fn uses(roster: &Roster<'_>, invite: &[u8]) -> Result<u32, Violation> {
    roster.members_iter().try_fold(0, |n, member| Ok(n + u32::from(leaf_of(&member)?.invite_id == invite)))
}

fn check_member_commit<C: mls_rs::client_builder::MlsConfig>(
    commit: &Commit<'_, C>,
) -> Result<(), Violation> {
    let (mut removes, mut room_after) = (false, commit.room_before.clone());
    for info in commit.proposals {
        match &info.proposal {
            Proposal::Remove(_) => removes = true,
            Proposal::GroupContextExtensions(extensions) => {
                room_after = room_of(extensions).map_err(|_| Violation::Room)?;
                if extensions.len() != 1 {
                    return Err(Violation::Room);
                }
            }
            _ => return Err(Violation::ForbiddenProposal),
        }
    }
    check_room(&room_after)?;
    check_room_change(commit.room_before, &room_after, removes)?;
    let Some(after) = commit.after else { return Ok(()) };
    let leaf = |member: Option<Member>| leaf_of(&member.ok_or(Violation::Leaf)?);
    if leaf(commit.before.member_at_index(commit.committer))?
        != leaf(after.member_at_index(commit.committer))?
    {
        return Err(Violation::LeafChanged);
    }
    check_unique_keys(&after.roster(), &room_after)
}

fn check_room_change(before: &content::Room, after: &content::Room, removes: bool) -> Result<(), Violation> {
    let fixed = |room: &content::Room| (room.name.clone(), room.open, room.version, room.past_lines);
    if fixed(before) != fixed(after) || (before.open && before.invites != after.invites) {
        return Err(Violation::RoomChanged);
    }
    let kept = |invite: &content::Invite| {
        before.invites.iter().any(|old| {
            old.id == invite.id
                || old.seal_key == invite.seal_key
                || old.psk == invite.psk
                || old.access_key == invite.access_key
        })
    };
    match removes && !before.open && after.invites.iter().any(kept) {
        true => Err(Violation::InvitesKept),
        false => Ok(()),
    }
}

/// The room's state by itself: sizes, counts, no two invites alike.
pub(crate) fn check_room(room: &content::Room) -> Result<(), Violation> {
    let sized = |i: &content::Invite| {
        i.id.len() == 16 && i.seal_key.len() == 32 && i.psk.len() == 32 && i.access_key.len() == 32
    };
    let ids: BTreeSet<_> = room.invites.iter().map(|invite| &invite.id).collect();
    let good = clean_name(&room.name).as_deref() == Ok(&*room.name)
        && room.version == 1
        && room.past_lines <= MAX_PAST
        && room.invites.len() <= MAX_INVITES
        && room.invites.iter().all(sized)
        && ids.len() == room.invites.len();
    good.then_some(()).ok_or(Violation::Room)
}

/// No two access keys of the room are alike, or removing one would lock out the other.
fn check_unique_keys(roster: &Roster<'_>, room: &content::Room) -> Result<(), Violation> {
    let mut seen: BTreeSet<Vec<u8>> = BTreeSet::new();
    let invites = room.invites.iter().map(|invite| Ok(invite.access_key.to_vec()));
    let members = roster.members_iter().map(|member| Ok(leaf_of(&member)?.access_key.to_vec()));
    for key in invites.chain(members) {
        let key = key?;
        if key.len() != 32 || !seen.insert(key) {
            return Err(Violation::Leaf);
        }
    }
    Ok(())
}
