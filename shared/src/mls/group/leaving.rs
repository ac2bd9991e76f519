//! A device's own word that it leaves: with it any member may commit its removal.

use ed25519_dalek::{Signer as _, SigningKey};

use super::{Group, Signer};
use crate::{content, identity::verifies};

/// Domain separation. No signature of MLS begins like it: theirs is over a length and "MLS 1.0 " (RFC 9420, 5.1.2).
const LEAVE_CONTEXT: &[u8] = b"schat/2 leave";

/// Most proofs in one commit: so many devices may be removed by it that did not ask a moderator.
pub(crate) const MAX_PROOFS: usize = 64;

impl Signer {
    /// Signs that this leaf leaves the room. None when the key is none of ours.
    pub(crate) fn sign_leave(&self, room: &[u8]) -> Option<[u8; 64]> {
        let seed: &[u8; 32] = self.secret.as_bytes().try_into().ok()?;
        Some(SigningKey::from_bytes(seed).sign(&statement(room, self.public.as_bytes())).to_bytes())
    }
}

impl Group {
    /// Whether `signature` is the word of the device at `leaf` that it leaves.
    pub(crate) fn says_it_leaves(&self, leaf: u32, signature: &[u8]) -> bool {
        let member = self.mls.member_at_index(leaf);
        member.is_some_and(|member| {
            proves_leave(self.mls.group_id(), member.signing_identity.signature_key.as_bytes(), signature)
        })
    }
}

/// Whether the holder of `leaf_key` signed that it leaves. A device that comes back has another key, so that an old
/// proof is of no use against it.
pub(crate) fn proves_leave(room: &[u8], leaf_key: &[u8], signature: &[u8]) -> bool {
    verifies(leaf_key, &statement(room, leaf_key), signature)
}

/// The proof for `leaf` in a commit's note.
pub(crate) fn proof_of(note: &content::CommitNote, leaf: u32) -> Option<&content::LeaveProof> {
    note.leaves.iter().take(MAX_PROOFS).find(|proof| proof.leaf == leaf)
}

fn statement(room: &[u8], leaf_key: &[u8]) -> Vec<u8> {
    [LEAVE_CONTEXT, room, leaf_key].concat()
}
