//! A device's own word that it leaves: with it any member may commit its removal.

use ed25519_dalek::{Signer as _, SigningKey};

use super::{Group, Signer};
use crate::mls::leave::{proves_leave, statement};

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
