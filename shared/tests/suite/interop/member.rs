//! A member of a mixed room, behind one face whichever library runs it. All that passes between members is bytes.

use shared::{content, invite::pieces::Tree};

/// What lets others in, and devices back in: a GroupInfo without its tree, and the tree.
pub(super) type Slot = (Vec<u8>, Tree);

/// What all members of an epoch derive alike.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Secrets {
    pub epoch: u64,
    pub authenticator: Vec<u8>,
    /// What seals envelopes.
    pub envelope: Vec<u8>,
    /// What seals the slot.
    pub slot: Vec<u8>,
    /// The public key that the relay obeys.
    pub authority: [u8; 32],
}

pub(super) trait Member {
    fn is_ours(&self) -> bool;
    fn leaf(&self) -> u32;
    fn slot(&self) -> Slot;
    fn secrets(&self) -> Secrets;
    /// The room's state in the GroupContext.
    fn room(&self) -> content::Room;
    /// Enters anew by an external commit that removes the own old leaf (RFC 9420, 12.4.3.2).
    fn come_back(&mut self, slot: &Slot) -> Vec<u8>;
    /// Commits fresh keys, and the removal of a leaf.
    fn commit(&mut self, remove: Option<u32>) -> Vec<u8>;
    /// Takes in somebody's commit; says who joined or came back: the leaf that is new, and the one it replaces.
    fn take(&mut self, commit: &[u8]) -> Change;
    /// Says something, for a place that it names (`mls::group::MessagePlace`).
    fn say(&mut self, line: &[u8]) -> Vec<u8>;
    /// Reads what another member said: its leaf and its line.
    fn hear(&mut self, message: &[u8]) -> (u32, Vec<u8>);
}

/// What a commit did to leaves, as far as a member's library tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// The committer came by an external commit, at this leaf.
    pub entered: Option<u32>,
    /// A leaf that is gone.
    pub removed: Option<u32>,
}
