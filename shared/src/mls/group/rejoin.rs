//! The way back of a device that is still a member for the others and cannot follow the group: an external commit
//! that removes exactly its own old leaf (RFC 9420, 12.4.3.2).

use mls_rs::MlsMessage;
use mls_rs_core::{crypto::SignaturePublicKey, group::Member, identity::SigningIdentity};
use proto::RoomId;
use zeroize::Zeroizing;

use super::{
    Group, GroupError, LEAF_EXTENSION, MAX_EPOCH, Next, Prepared, Signer, Tree, client, extension, keys_of,
    leaf_of,
};
use crate::{
    content,
    crypto::random::Random,
    crypto::suite::Suite,
    identity::{Fingerprint, credential::Holder},
    mls::rules::Violation,
};

impl Group {
    /// Whether a leaf of this tree shows, by the word of the recovery key, that its account took the place of this one.
    pub fn has_heir(id: &RoomId, tree: &Tree, account: &Fingerprint) -> bool {
        let Ok(tree) = tree.to_exported() else { return false };
        let holders = tree.roster().members_iter().map(|member| Holder::verify(id, &member.signing_identity));
        holders.flatten().any(|holder| holder.replaces == Some(*account))
    }

    /// The credential at `leaf` of this tree, and what the leaf says, where it is under that leaf key. Nothing proves it before the
    /// tree is entered.
    pub fn shown_at(
        tree: &Tree,
        leaf: u32,
        key: &SignaturePublicKey,
    ) -> Option<(SigningIdentity, content::Leaf)> {
        let tree = tree.to_exported().ok()?;
        let member = tree.roster().members_iter().find(|member| member.index == leaf)?;
        let said = leaf_of(&member).ok()?;
        Some((member.signing_identity, said)).filter(|(shown, _)| shown.signature_key == *key)
    }

    /// Enters anew with the same leaf key, account, device and access key, in the place of the old `leaf`. The
    /// commit is already applied here.
    ///
    /// # Errors
    /// [`GroupError`] when the GroupInfo does not verify, is not of this room, or has somebody else at that leaf.
    pub fn rejoin(
        (suite, random): (Suite, &Random),
        (signer, identity): (&Signer, SigningIdentity),
        id: &RoomId,
        (group_info, tree): (&[u8], &Tree),
        (old, leaf): (u32, &content::Leaf),
    ) -> Result<(Self, Prepared), GroupError> {
        let group_info = MlsMessage::from_bytes(group_info)?;
        if group_info.epoch().is_none_or(|epoch| epoch >= MAX_EPOCH) {
            return Err(GroupError::Unexpected);
        }
        let parts = client(id, random, Some((signer, identity, suite)));
        let (mls, commit) = parts
            .client
            .external_commit_builder()?
            .with_leaf_node_extensions(extension(LEAF_EXTENSION, leaf))
            .with_removal(old)
            .with_tree_data(tree.to_exported()?)
            .build(group_info)?;
        if mls.group_id() != id.as_bytes() || mls.cipher_suite() != suite.cipher_suite() {
            return Err(GroupError::Unexpected);
        }
        let group_info = mls.group_info_message_allowing_ext_commit(false)?.to_bytes()?;
        let (secrets, tree, next) = (Zeroizing::default(), Tree::of(&mls)?, Next::of(&mls)?);
        let prepared = Prepared { message: commit.to_bytes()?, group_info, tree, secrets, next };
        let mut group = Self::of(mls, parts, random);
        group.keep()?;
        Ok((group, prepared))
    }

    /// The group's public side, as a GroupInfo that we sign: no secret of it. Without the tree.
    ///
    /// # Errors
    /// [`GroupError::Mls`] when the library refuses.
    pub fn public_info(&self) -> Result<Vec<u8>, GroupError> {
        Ok(self.mls.group_info_message_allowing_ext_commit(false)?.to_bytes()?)
    }

    /// The leaf whose access key this is, or was before its account changed.
    pub fn leaf_of_key(&self, access_key: &[u8]) -> Option<u32> {
        let owns =
            |member: &Member| leaf_of(member).is_ok_and(|leaf| keys_of(leaf).any(|key| *key == *access_key));
        self.mls.roster().members_iter().find(owns).map(|member| member.index)
    }

    /// The access keys that the relay has of the member at `leaf`.
    pub fn keys_of_leaf(&self, leaf: u32) -> Vec<Vec<u8>> {
        let leaf = self.mls.member_at_index(leaf).and_then(|member| leaf_of(&member).ok());
        leaf.into_iter().flat_map(keys_of).map(|key| key.to_vec()).collect()
    }

    /// The access key of the member at `leaf`.
    ///
    /// # Errors
    /// [`Violation::Leaf`] when nobody is there.
    pub fn key_of_leaf(&self, leaf: u32) -> Result<Vec<u8>, GroupError> {
        let member = self.mls.member_at_index(leaf).ok_or(Violation::Leaf)?;
        Ok(leaf_of(&member)?.access_key.to_vec())
    }

    /// The signature key of the member at `leaf`.
    pub fn leaf_key(&self, leaf: u32) -> Option<Vec<u8>> {
        Some(self.mls.member_at_index(leaf)?.signing_identity.signature_key.as_bytes().to_vec())
    }

    /// The signature key of the member with this access key. Not with the one of before its account changed: a copy of its device
    /// has that.
    pub fn leaf_key_of(&self, access_key: &[u8]) -> Option<Vec<u8>> {
        let owns = |member: &Member| leaf_of(member).is_ok_and(|leaf| *leaf.access_key == *access_key);
        let member = self.mls.roster().members_iter().find(owns)?;
        Some(member.signing_identity.signature_key.as_bytes().to_vec())
    }

    /// Our own credential, as our leaf has it.
    pub fn own_identity(&self) -> Option<SigningIdentity> {
        Some(self.mls.member_at_index(self.leaf())?.signing_identity)
    }

    /// Our own leaf extension.
    pub fn own_leaf(&self) -> Option<content::Leaf> {
        leaf_of(&self.mls.member_at_index(self.leaf())?).ok()
    }
}
