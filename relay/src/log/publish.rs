//! What is written: rooms as they begin, envelopes, commits. Its lengths were checked where it was parsed.

use std::{collections::BTreeSet, net::IpAddr};

use bytes::Bytes;
use proto::{
    PieceName, PublicKey, PublishId,
    access::{self, AccessKey, Ack, Ballot, Grant, Malformed},
    relay::{self, Deliver},
    slot_hash, split_names,
};
use tokio::sync::OwnedSemaphorePermit;

use crate::policy::pool::Lease;

/// A room as it begins.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The first slot, with all its pieces.
    pub slot: NewSlot,
    /// The first access keys, no key twice; the key that joins is the first of them, as a member.
    pub keys: Vec<AccessKey>,
    /// The first epoch's authority.
    pub authority: PublicKey,
    /// Where it comes from, once that is known: who pays for what the room will take.
    pub address: Option<IpAddr>,
}

/// An envelope to append.
#[derive(Debug)]
pub struct Publish {
    /// The client's name for it.
    pub id: PublishId,
    /// Opaque.
    pub envelope: Bytes,
    /// Set when it is a commit.
    pub commit: Option<Commit>,
    /// Set by who has taken a commit that is only offered.
    pub ack: Option<Ack>,
    /// Set to vote for the undoing of a commit; then nothing else is set.
    pub ballot: Option<Ballot>,
    /// Of a device that asks to be let back in, or of who answers it; opaque. Then nothing else is set.
    pub resync: Bytes,
    /// The share of the memory budget that its bytes hold until they are on disk.
    pub memory: Memory,
    /// The address whose turn it takes on the way to the disk; `None` where no client sent it.
    pub payer: Option<IpAddr>,
}

/// What makes a publish conditional, and what changes with it.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The next slot.
    pub slot: NewSlot,
    /// What it is built on, what happens to the access keys, and who says so.
    pub part: access::Commit,
}

/// A slot as it comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSlot {
    /// All but the tree; opaque.
    pub sealed: Bytes,
    /// Names of all pieces of the tree, 32 bytes each, none twice.
    pub names: Bytes,
    /// Those pieces that came with it, by their names, each of which is in `names`.
    pub pieces: Vec<(PieceName, Bytes)>,
}

/// A share of a memory budget, given back on drop.
#[derive(Debug, Default)]
pub struct Memory {
    _permit: Option<OwnedSemaphorePermit>,
    _lease: Option<Lease>,
}

impl From<OwnedSemaphorePermit> for Memory {
    fn from(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: Some(permit), _lease: None }
    }
}

impl From<Lease> for Memory {
    /// Its peer has done its part.
    fn from(lease: Lease) -> Self {
        lease.settle();
        Self { _permit: None, _lease: Some(lease) }
    }
}

impl NewSlot {
    /// What no slot names is refused: it would stay for ever.
    ///
    /// # Errors
    /// [`Malformed`], also for names that are none.
    pub fn new(sealed: Bytes, names: Bytes, pieces: Vec<(PieceName, Bytes)>) -> Result<Self, Malformed> {
        let all: BTreeSet<PieceName> = split_names(&names).map_err(|_| Malformed)?.into_iter().collect();
        match pieces.iter().all(|(name, _)| all.contains(name)) {
            true => Ok(Self { sealed, names, pieces }),
            false => Err(Malformed),
        }
    }

    /// What a commit's signature covers of it.
    pub fn hash(&self) -> [u8; 32] {
        slot_hash(&self.sealed, &self.names)
    }

    /// Bytes that it brings to the disk.
    pub fn size(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|(_, piece)| piece.len()).sum();
        pieces.saturating_add(self.sealed.len()).saturating_add(self.names.len())
    }
}

/// A slot without pieces.
impl<T: Into<Bytes>> From<T> for NewSlot {
    fn from(sealed: T) -> Self {
        Self { sealed: sealed.into(), ..Self::default() }
    }
}

impl Publish {
    /// Nothing but an envelope.
    pub fn plain(id: PublishId, envelope: Bytes) -> Self {
        let (commit, ack, ballot, resync) = (None, None, None, Bytes::new());
        Self { id, envelope, commit, ack, ballot, resync, memory: Memory::default(), payer: None }
    }

    /// Bytes that the publish brings to the disk, roughly.
    pub fn size(&self) -> usize {
        let keys = |commit: &Commit| commit.part.change.added.iter().map(key_size).sum::<usize>();
        let commit = self.commit.as_ref().map_or(0, |commit| commit.slot.size() + keys(commit));
        self.envelope.len() + self.resync.len() + commit
    }
}

/// Bytes of a key, with an invite's card.
fn key_size(key: &AccessKey) -> usize {
    match &key.grant {
        Grant::Member => key.key.0.len(),
        Grant::Invite { card, .. } => key.key.0.len() + card.len(),
    }
}

/// The entry that a publish becomes. Whose it is says the relay only where it must: envelopes have an author of
/// their own inside.
pub(super) fn entry(key: &PublicKey, publish: &Publish, seq: u64, at_ms: u64) -> Deliver {
    let signed = |signature: &[u8; 64]| Bytes::copy_from_slice(signature);
    let has_key = publish.commit.is_some()
        || publish.ack.is_some()
        || publish.ballot.is_some()
        || !publish.resync.is_empty();
    let mut entry = Deliver {
        seq,
        at_ms,
        envelope: publish.envelope.clone(),
        key: if has_key { Bytes::copy_from_slice(&key.0) } else { Bytes::new() },
        ack: publish.ack.as_ref().map(|ack| relay::Ack {
            seq: ack.seq,
            signature: signed(&ack.signature),
            key_signature: signed(&ack.key_signature),
        }),
        ballot: publish.ballot.as_ref().map(|ballot| relay::Ballot {
            seq: ballot.seq,
            step: Bytes::copy_from_slice(&ballot.step.0),
            signature: signed(&ballot.signature),
        }),
        resync: publish.resync.clone(),
        ..Deliver::default()
    };
    if let Some(Commit { part, .. }) = &publish.commit {
        entry.is_commit = true;
        entry.access = Some((&part.change).into());
        entry.base = part.expected;
        entry.authority = Bytes::copy_from_slice(&part.authority.0);
        entry.signature = signed(&part.signature);
        entry.slot_hash = Bytes::copy_from_slice(part.parts.slot());
    }
    entry
}
