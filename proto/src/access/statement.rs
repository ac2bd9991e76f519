//! What is signed. Each part has a fixed length, so no two meanings have the same bytes.

use sha2::{Digest, Sha256};

use super::Change;
use crate::{Message, PublicKey, RoomId, relay};

const COMMIT: &[u8] = b"schat/2 commit";
const NAME: &[u8] = b"schat/2 commit name";
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
        Self { envelope: hash(envelope), slot, change: hash(&change) }
    }

    /// The slot's hash, which members are told.
    pub fn slot(&self) -> &[u8; 32] {
        &self.slot
    }
}

/// Which commit it is, wherever it stands: SHA-256 of all of it but the slot, which readers of the log do not get. All
/// zero for the room's beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitName(pub [u8; 32]);

impl CommitName {
    /// `SHA-256("schat/2 commit name" ‖ room ‖ expected ‖ publishing key ‖ next authority ‖ SHA-256 of envelope and change)`.
    pub fn of(
        room: &RoomId,
        expected: u64,
        key: &PublicKey,
        authority: &PublicKey,
        parts: &CommitParts,
    ) -> Self {
        let expected = expected.to_be_bytes();
        Self(hash(&[NAME, &room.0, &expected, &key.0, &authority.0, &parts.envelope, &parts.change].concat()))
    }

    /// Of a commit as the log shows it; none where that is no commit which a relay takes.
    pub fn of_entry(room: &RoomId, entry: &relay::Deliver) -> Option<Self> {
        let change = Change::try_from(entry.access.as_ref()?).ok()?;
        let parts = CommitParts::of(&entry.envelope, [0; 32], &change);
        let (key, authority) =
            (PublicKey::try_from(&*entry.key).ok()?, PublicKey::try_from(&*entry.authority).ok()?);
        Some(Self::of(room, entry.base, &key, &authority, &parts))
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

/// `"schat/2 ack" ‖ room ‖ sequence number ‖ commit's name ‖ publishing key`: signed by the authority that the commit
/// announced, which every member of its epoch has, and by the publishing key, which nobody else has.
pub fn ack_statement(room: &RoomId, seq: u64, name: &CommitName, key: &PublicKey) -> Vec<u8> {
    [ACK, &room.0, &seq.to_be_bytes(), &name.0, &key.0].concat()
}

/// `"schat/2 undo" ‖ room ‖ generation ‖ sequence number ‖ name of the step's first commit`: signed by the publishing
/// key.
pub fn ballot_statement(room: &RoomId, generation: &[u8; 16], seq: u64, step: &CommitName) -> Vec<u8> {
    [UNDO, &room.0, generation, &seq.to_be_bytes(), &step.0].concat()
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
