//! What a device signs when it leaves, and what of that stands in a commit.

use crate::{content, identity::verifies};

/// Domain separation. No signature of MLS begins like it: theirs is over a length and "MLS 1.0 " (RFC 9420, 5.1.2).
const LEAVE_CONTEXT: &[u8] = b"schat/2 leave";

/// Most proofs in one commit: so many devices may be removed by it that did not ask a moderator.
pub(crate) const MAX_PROOFS: usize = 64;

/// Whether the holder of `leaf_key` signed that it leaves. A device that comes back has another key, so that an old
/// proof is of no use against it.
pub(crate) fn proves_leave(room: &[u8], leaf_key: &[u8], signature: &[u8]) -> bool {
    verifies(leaf_key, &statement(room, leaf_key), signature)
}

/// The proof for `leaf` in a commit's note.
pub(crate) fn proof_of(note: &content::CommitNote, leaf: u32) -> Option<&content::LeaveProof> {
    note.leaves.iter().take(MAX_PROOFS).find(|proof| proof.leaf == leaf)
}

/// What is signed.
pub(super) fn statement(room: &[u8], leaf_key: &[u8]) -> Vec<u8> {
    [LEAVE_CONTEXT, room, leaf_key].concat()
}
