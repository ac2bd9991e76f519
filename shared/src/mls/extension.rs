//! What the group carries of ours: a room's state in its context, a leaf's access key and invite in the leaf.

use bytes::Bytes;
use mls_rs::ExtensionList;
use mls_rs_core::{extension::ExtensionType, group::Member};

use super::violation::Violation;
use crate::{canonical, content};

/// Leaf node extension that holds a [`content::Leaf`] (private-use range, RFC 9420, 17.3).
pub const LEAF_EXTENSION: ExtensionType = ExtensionType::new(0xF5C2);

/// GroupContext extension that holds the [`content::Room`].
pub const ROOM_EXTENSION: ExtensionType = ExtensionType::new(0xF5C3);

/// The room's state in the group's context.
pub(crate) fn room_of(extensions: &ExtensionList) -> Result<content::Room, Violation> {
    let extension = extensions.get(ROOM_EXTENSION).ok_or(Violation::Room)?;
    canonical::decode(&extension.extension_data).ok_or(Violation::Room)
}

/// The access keys that the relay has of a leaf: its own, and the one of before a change of the account's key until that goes.
pub(crate) fn keys_of(leaf: content::Leaf) -> impl Iterator<Item = Bytes> {
    [leaf.access_key, leaf.former_access_key].into_iter().filter(|key| !key.is_empty())
}

/// Versions, suites and types that a leaf may say it supports: ours says nine. A leaf stays in every member's state.
const MAX_ABILITIES: usize = 64;

/// The leaf's extension, its only one.
pub(crate) fn leaf_of(member: &Member) -> Result<content::Leaf, Violation> {
    let extension = member.extensions.get(LEAF_EXTENSION).ok_or(Violation::Leaf)?;
    let abilities = &member.capabilities;
    let abilities = abilities.protocol_versions().len()
        + abilities.cipher_suites().len()
        + abilities.extensions().len()
        + abilities.proposals().len()
        + abilities.credentials().len();
    if member.extensions.len() != 1 || abilities > MAX_ABILITIES {
        return Err(Violation::Leaf);
    }
    let leaf: content::Leaf = canonical::decode(&extension.extension_data).ok_or(Violation::Leaf)?;
    let is_sized = leaf.access_key.len() == 32
        && matches!(leaf.former_access_key.len(), 0 | 32)
        && matches!(leaf.invite_id.len(), 0 | 16);
    is_sized.then_some(leaf).ok_or(Violation::Leaf)
}
