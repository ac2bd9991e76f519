//! What is signed. Each part has a fixed length, so no two meanings have the same bytes.

use sha2::{Digest, Sha256};

use super::Change;
use crate::{Message, PublicKey, RoomId, relay};

const COMMIT: &[u8] = b"schat/2 commit";
const ACK: &[u8] = b"schat/2 ack";
const UNDO: &[u8] = b"schat/2 undo";

/// Hashes of what a commit brings: made once, where the bytes come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CommitParts {
    envelope: [u8; 32],
    slot: [u8; 32],
    change: [u8; 32],
}

impl CommitParts {
    /// Of an envelope, a slot's hash ([`slot_hash`](crate::slot_hash)) and a change of access keys.
    pub fn of(envelope: &[u8], slot: [u8; 32], change: &Change) -> Self {
        let change = relay::AccessChange::from(change).encode_to_vec();
        let hash = |bytes: &[u8]| Sha256::digest(bytes).into();
        Self { envelope: hash(envelope), slot, change: hash(&change) }
    }

    /// The slot's hash, which members are told.
    pub fn slot(&self) -> &[u8; 32] {
        &self.slot
    }
}

/// `"schat/2 commit" ‖ room ‖ expected ‖ publishing key ‖ next authority ‖ hashes of envelope, slot and change`:
/// signed by the authority of the epoch that the commit ends, or by the publishing key for a join or a return.
pub fn commit_statement(
    room: &RoomId,
    expected: u64,
    key: &PublicKey,
    authority: &PublicKey,
    parts: &CommitParts,
) -> Vec<u8> {
    let CommitParts { envelope, slot, change } = parts;
    let expected = expected.to_be_bytes();
    [COMMIT, &room.0, &expected, &key.0, &authority.0, envelope, slot, change].concat()
}

/// `"schat/2 ack" ‖ room ‖ sequence number ‖ publishing key`: signed by the authority that the commit there announced.
pub fn ack_statement(room: &RoomId, seq: u64, key: &PublicKey) -> Vec<u8> {
    [ACK, &room.0, &seq.to_be_bytes(), &key.0].concat()
}

/// `"schat/2 undo" ‖ room ‖ generation ‖ sequence number`: signed by the publishing key.
pub fn ballot_statement(room: &RoomId, generation: &[u8; 16], seq: u64) -> Vec<u8> {
    [UNDO, &room.0, generation, &seq.to_be_bytes()].concat()
}
