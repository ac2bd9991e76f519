//! What the group looks like: room, members, secrets of the epoch.

use std::collections::{BTreeMap, BTreeSet};

use mls_rs::group::{CommitMessageDescription, NewEpoch, proposal::Proposal};
use mls_rs_core::group::Member;
use prost::Message as _;
use proto::{
    RoomId,
    relay::{AccessKey, access_key::Kind},
};
use zeroize::Zeroizing;

use super::{Applied, Config, ENVELOPE_LABEL, Group, GroupError, keys_of, leaf_of, room_of};
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
            keys.extend(keys_of(leaf_of(&member)?).map(member_key));
        }
        Ok(keys)
    }

    /// The access keys of its members.
    ///
    /// # Errors
    /// [`GroupError`] for a leaf without one.
    pub fn member_keys(&self) -> Result<BTreeSet<Vec<u8>>, GroupError> {
        let mut keys = BTreeSet::new();
        for member in self.mls.roster().members_iter() {
            keys.extend(keys_of(leaf_of(&member)?).map(|key| key.to_vec()));
        }
        Ok(keys)
    }

    /// Whose access key is whose.
    ///
    /// # Errors
    /// As [`Group::members`].
    pub fn holders_of_keys(&self) -> Result<BTreeMap<Vec<u8>, Holder>, GroupError> {
        let mut all = BTreeMap::new();
        for member in self.mls.roster().members_iter() {
            let holder = holder(self.mls.group_id(), &member)?;
            all.extend(keys_of(leaf_of(&member)?).map(|key| (key.to_vec(), holder.clone())));
        }
        Ok(all)
    }

    /// The access keys that the relay should have once a commit that removes `leaves` and sets `room`, and one leaf to what
    /// `changed` says, is in.
    ///
    /// # Errors
    /// As [`Group::access_keys`].
    pub fn access_keys_after(
        &self,
        leaves: &[u32],
        room: &content::Room,
        changed: Option<(u32, &content::Leaf)>,
    ) -> Result<AccessKeys, GroupError> {
        let mut keys: AccessKeys =
            room.invites.iter().map(|invite| (invite.access_key.to_vec(), access_key_of(invite))).collect();
        for member in self.mls.roster().members_iter().filter(|member| !leaves.contains(&member.index)) {
            let leaf = match changed.filter(|(leaf, _)| *leaf == member.index) {
                Some((_, leaf)) => leaf.clone(),
                None => leaf_of(&member)?,
            };
            keys.extend(keys_of(leaf).map(member_key));
        }
        Ok(keys)
    }

    /// The leaf that a commit says its committer has from now on, to those whom it removes. None: as before.
    ///
    /// # Errors
    /// [`Violation::Leaf`] when nobody is there.
    pub fn leaf_noted(&self, applied: &Applied) -> Result<Option<content::Leaf>, GroupError> {
        let note = content::CommitNote::decode(&*applied.note).map_err(|_| Violation::Note)?;
        let Some(account) = note.account else { return Ok(None) };
        let old = leaf_of(&self.mls.member_at_index(applied.leaf).ok_or(Violation::Leaf)?)?;
        let is_new = account.access_key != old.access_key;
        let (access_key, former_access_key) = (account.access_key, old.access_key.clone());
        Ok(is_new.then(|| content::Leaf { access_key, former_access_key, ..old }))
    }
}

fn member_key(key: bytes::Bytes) -> (Vec<u8>, AccessKey) {
    (key.to_vec(), AccessKey { key, kind: Kind::Member.into(), ..AccessKey::default() })
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
