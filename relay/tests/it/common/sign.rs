//! Signatures of commits. All epochs of a test have the same authority; a join is signed by its invite.

use ed25519_dalek::{Signer, SigningKey};
use proto::{
    PublicKey, RoomId,
    access::{Change, CommitName, CommitParts, ack_statement, ballot_statement, commit_statement},
    relay::{Ack, Ballot, CommitPart},
    slot_hash,
};
use relay::log::{self, Publish};

/// Of every epoch.
pub(crate) fn authority() -> SigningKey {
    super::key(0xee)
}

pub(crate) fn public(key: &SigningKey) -> PublicKey {
    PublicKey(key.verifying_key().to_bytes())
}

/// Signs a commit part that has no signature yet.
pub(crate) fn sign_part(
    room: &RoomId,
    key: &PublicKey,
    signer: &SigningKey,
    envelope: &[u8],
    part: CommitPart,
) -> CommitPart {
    if !part.signature.is_empty() {
        return part;
    }
    let announced = PublicKey::try_from(&*part.authority).unwrap();
    // What cannot be parsed is not looked at any further.
    let change = part.access.as_ref().and_then(|change| Change::try_from(change).ok()).unwrap_or_default();
    let parts = CommitParts::of(envelope, slot_hash(&part.slot, &part.piece_names), &change);
    let statement = commit_statement(room, part.expected_last_commit, key, &announced, &parts);
    CommitPart { signature: signer.sign(&statement).to_bytes().to_vec().into(), ..part }
}

/// The same for a publish that is parsed already.
pub(crate) fn sign_publish(
    room: &RoomId,
    key: &PublicKey,
    signer: &SigningKey,
    mut publish: Publish,
) -> Publish {
    if let Some(log::Commit { slot, part }) = &mut publish.commit {
        part.parts = CommitParts::of(&publish.envelope, slot.hash(), &part.change);
        let statement = commit_statement(room, part.expected, key, &part.authority, &part.parts);
        part.signature = signer.sign(&statement).to_bytes();
    }
    publish
}

/// A commit that nobody has signed.
pub(crate) fn part(expected: u64, change: Change) -> proto::access::Commit {
    let (authority, signature) = (public(&authority()), [0; 64]);
    proto::access::Commit {
        expected,
        instead_of: 0,
        change,
        authority,
        signature,
        parts: CommitParts::default(),
    }
}

/// Which commit it is that `key` publishes.
pub(crate) fn name(room: &RoomId, key: &SigningKey, envelope: &[u8], part: &CommitPart) -> CommitName {
    let change = Change::try_from(&part.access.clone().unwrap_or_default()).unwrap();
    let parts = CommitParts::of(envelope, slot_hash(&part.slot, &part.piece_names), &change);
    let announced = PublicKey::try_from(&*part.authority).unwrap();
    CommitName::of(room, part.expected_last_commit, &public(key), &announced, &parts)
}

/// A member says that it has taken a commit.
pub(crate) fn ack(room: &RoomId, key: &SigningKey, seq: u64, name: CommitName) -> Ack {
    let statement = ack_statement(room, seq, &name, &public(key));
    let signature = authority().sign(&statement).to_bytes().to_vec().into();
    Ack { seq, signature, key_signature: key.sign(&statement).to_bytes().to_vec().into() }
}

/// A vote for the undoing of a commit.
pub(crate) fn ballot(
    room: &RoomId,
    generation: &[u8],
    key: &SigningKey,
    (seq, step): (u64, CommitName),
) -> Ballot {
    let statement = ballot_statement(room, generation.try_into().unwrap(), seq, &step);
    Ballot { seq, step: step.0.to_vec().into(), signature: key.sign(&statement).to_bytes().to_vec().into() }
}
