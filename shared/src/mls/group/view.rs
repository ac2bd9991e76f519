//! What the group looks like: room, members, secrets of the epoch.

use std::collections::{BTreeMap, BTreeSet};

use mls_rs::group::{CommitMessageDescription, NewEpoch, proposal::Proposal};
use mls_rs_core::group::Member;
use proto::{
    RoomId,
    relay::{AccessKey, access_key::Kind},
};
use zeroize::Zeroizing;

use super::{Applied, Config, ENVELOPE_LABEL, Group, GroupError, leaf_of, room_of};
use crate::{content, identity::credential::Holder, invite::access_key_of, mls::rules::Violation};

/// Access keys by public key.
pub type AccessKeys = BTreeMap<Vec<u8>, AccessKey>;

impl Group {
    /// The current epoch.
    pub fn epoch(&self) -> u64 {
        self.mls.current_epoch()
    }

    /// Our leaf.
    pub fn leaf(&self) -> u32 {
        self.mls.current_member_index()
    }

    /// The room's state in the GroupContext.
    ///
    /// # Errors
    /// [`GroupError::Rule`] when the extension is missing or does not parse.
    pub fn room(&self) -> Result<content::Room, GroupError> {
        Ok(room_of(&self.mls.context().extensions)?)
    }

    /// The epoch authenticator (RFC 9420, 8.7).
    ///
    /// # Errors
    /// [`GroupError::Mls`] when the library refuses.
    pub fn authenticator(&self) -> Result<Vec<u8>, GroupError> {
        Ok(self.mls.epoch_authenticator()?.as_bytes().to_vec())
    }

    /// The secret that this epoch's envelopes are sealed under.
    ///
    /// # Errors
    /// [`GroupError::Mls`] when the library refuses.
    pub fn envelope_secret(&self) -> Result<Zeroizing<[u8; 32]>, GroupError> {
        let secret = self.mls.export_secret(ENVELOPE_LABEL, self.mls.group_id(), 32)?;
        let bytes: [u8; 32] = secret.as_bytes().try_into().map_err(|_| GroupError::Unexpected)?;
        Ok(Zeroizing::new(bytes))
    }

    /// How many members there are.
    pub fn size(&self) -> usize {
        self.mls.roster().members_iter().count()
    }

    /// One more than the greatest leaf index in use.
    pub fn leaf_bound(&self) -> u32 {
        self.mls.roster().members_iter().map(|member| member.index + 1).max().unwrap_or(0)
    }

    /// Members by leaf.
    ///
    /// # Errors
    /// [`GroupError::Rule`] when a credential does not verify, which MLS has already ruled out.
    pub fn members(&self) -> Result<Vec<(u32, Holder)>, GroupError> {
        self.mls
            .roster()
            .members_iter()
            .map(|member| Ok((member.index, holder(self.mls.group_id(), &member)?)))
            .collect()
    }

    /// How many leaves came by the invite.
    pub fn uses(&self, invite: &[u8]) -> u32 {
        let came = |member: &Member| leaf_of(member).is_ok_and(|leaf| *leaf.invite_id == *invite);
        self.mls.roster().members_iter().filter(came).map(|_| 1).sum()
    }

    /// The invite that the leaf came by; none for who made the room.
    pub fn invite_of(&self, leaf: u32) -> Option<[u8; 16]> {
        leaf_of(&self.mls.member_at_index(leaf)?).ok()?.invite_id.as_ref().try_into().ok()
    }

    /// The member whose live invite the leaf came by; none in an open room.
    pub fn inviter_of(&self, leaf: u32) -> Option<Holder> {
        let (room, id) = (self.room().ok()?, leaf_of(&self.mls.member_at_index(leaf)?).ok()?.invite_id);
        let invite = room.invites.iter().find(|invite| !room.open && invite.id == id)?;
        let made = |holder: &Holder| *holder.account_key() == *invite.maker;
        Some(self.members().ok()?.into_iter().find(|(_, holder)| made(holder))?.1)
    }

    /// The access keys that the relay should have now.
    ///
    /// # Errors
    /// [`GroupError::Rule`] when a leaf has no access key, which the rules have already ruled out.
    pub fn access_keys(&self) -> Result<AccessKeys, GroupError> {
        let mut keys: AccessKeys = self
            .room()?
            .invites
            .iter()
            .map(|invite| (invite.access_key.to_vec(), access_key_of(invite)))
            .collect();
        for member in self.mls.roster().members_iter() {
            let key = leaf_of(&member)?.access_key;
            keys.insert(key.to_vec(), member_key(key));
        }
        Ok(keys)
    }

    /// The access keys of its members.
    ///
    /// # Errors
    /// [`GroupError`] for a leaf without one.
    pub fn member_keys(&self) -> Result<BTreeSet<Vec<u8>>, GroupError> {
        self.mls.roster().members_iter().map(|member| Ok(leaf_of(&member)?.access_key.to_vec())).collect()
    }

    /// Whose access key is whose.
    ///
    /// # Errors
    /// As [`Group::members`].
    pub fn holders_of_keys(&self) -> Result<BTreeMap<Vec<u8>, Holder>, GroupError> {
        let of = |member: Member| {
            Ok((leaf_of(&member)?.access_key.to_vec(), holder(self.mls.group_id(), &member)?))
        };
        self.mls.roster().members_iter().map(of).collect()
    }

    /// The access keys that the relay should have once a commit of ours that removes `leaves` and sets
    /// `room` is in.
    ///
    /// # Errors
    /// As [`Group::access_keys`].
    pub fn access_keys_after(&self, leaves: &[u32], room: &content::Room) -> Result<AccessKeys, GroupError> {
        let mut keys: AccessKeys =
            room.invites.iter().map(|invite| (invite.access_key.to_vec(), access_key_of(invite))).collect();
        for member in self.mls.roster().members_iter().filter(|member| !leaves.contains(&member.index)) {
            let key = leaf_of(&member)?.access_key;
            keys.insert(key.to_vec(), member_key(key));
        }
        Ok(keys)
    }
}

fn member_key(key: bytes::Bytes) -> AccessKey {
    AccessKey { key, kind: Kind::Member.into(), expires_ms: 0, max_uses: 0, ..AccessKey::default() }
}

pub(super) fn holder(room: &[u8], member: &Member) -> Result<Holder, GroupError> {
    let room = RoomId::try_from(room).map_err(|_| GroupError::Unexpected)?;
    Ok(Holder::verify(&room, &member.signing_identity).map_err(|_| Violation::Credential)?)
}

pub(super) fn applied(
    mls: &mls_rs::Group<Config>,
    done: &CommitMessageDescription,
    epoch: &NewEpoch,
    removed_us: bool,
) -> Result<Applied, GroupError> {
    let before = epoch.prior_state();
    let holder = |member: &Member| holder(mls.group_id(), member);
    let committer = match before.member_at_index(done.committer).filter(|_| !done.is_external) {
        Some(member) if removed_us => holder(&member)?,
        _ => holder(&mls.member_at_index(done.committer).ok_or(Violation::Leaf)?)?,
    };
    let was = match before.member_at_index(done.committer).filter(|_| !done.is_external) {
        Some(member) => Some(holder(&member)?),
        None => None,
    };
    let (mut removed, mut extensions) = (Vec::new(), &before.context().extensions);
    for info in epoch.applied_proposals() {
        match &info.proposal {
            Proposal::Remove(remove) => {
                let leaf = remove.to_remove();
                removed.push((leaf, holder(&before.member_at_index(leaf).ok_or(Violation::Leaf)?)?));
            }
            Proposal::GroupContextExtensions(changed) => extensions = changed,
            _ => {}
        }
    }
    let room = if removed_us { Some(room_of(extensions)?) } else { None };
    // The rules let an external commit remove nobody but the committer's own old leaf.
    let returned = removed.first().filter(|_| done.is_external).map(|(leaf, _)| *leaf);
    if returned.is_some() {
        removed.clear();
    }
    let joined = (done.is_external && returned.is_none()).then(|| committer.clone());
    let note = done.authenticated_data.clone();
    Ok(Applied { committer, was, leaf: done.committer, joined, returned, removed, removed_us, room, note })
}
