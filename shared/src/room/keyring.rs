//! Which key opens an envelope: the epochs' secrets, and the sessions that were already found.
//!
//! An envelope names its key by a key id that only members can compute. A session that is new costs one
//! derivation per leaf and kept epoch; afterwards it is remembered.

use std::collections::{BTreeMap, HashMap};

use proto::RoomId;
use zeroize::Zeroizing;

use super::state::EpochRow;
use crate::{
    crypto::aead::{Envelope, EnvelopeSecret, KeyId, OpeningKey, Origin, Scope, SealingKey, Session},
    crypto::random::Random,
    invite::join_secret,
};

/// Remembered opening keys; beyond that the memory is cleared and keys are derived again.
const MAX_CACHED: usize = 4096;

/// Who sealed an envelope, as its key proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sealer {
    /// A member, in that epoch.
    Leaf { leaf: u32, epoch: u64 },
    /// Somebody who holds an invite.
    Invited,
}

/// The secrets by which a room's envelopes are sealed and opened.
pub(super) struct Keyring {
    room: RoomId,
    epochs: Vec<(u64, EnvelopeSecret, u32)>,
    /// What joins at the end of each epoch are sealed under.
    joins: Vec<EnvelopeSecret>,
    found: HashMap<(u64, Session), (u32, OpeningKey)>,
    leaf_of: BTreeMap<Session, u32>,
}

impl Keyring {
    pub(super) fn new(room: RoomId, rows: &[EpochRow]) -> Self {
        let mut keyring = Self {
            room,
            epochs: Vec::new(),
            joins: Vec::new(),
            found: HashMap::new(),
            leaf_of: BTreeMap::new(),
        };
        keyring.set(rows);
        keyring
    }

    /// Takes over the epochs that can be read now.
    pub(super) fn set(&mut self, rows: &[EpochRow]) {
        let secret = |row: &EpochRow| Some(EnvelopeSecret::new(row.secret.as_slice().try_into().ok()?));
        self.epochs = rows.iter().filter_map(|row| Some((row.epoch, secret(row)?, row.leaves))).collect();
        let join = |row: &EpochRow| Some(join_secret(row.slot_key.as_slice().try_into().ok()?));
        self.joins = rows.iter().rev().filter_map(join).collect();
        let oldest = self.epochs.first().map_or(0, |(epoch, ..)| *epoch);
        self.found.retain(|(epoch, _), _| *epoch >= oldest);
    }

    /// A sealing key for our leaf in the newest epoch.
    pub(super) fn sealing(&self, leaf: u32, session: Session, next: u64) -> Option<(u64, SealingKey)> {
        let (epoch, secret, _) = self.epochs.last()?;
        let scope = self.scope(*epoch, Origin::Leaf(leaf));
        Some((*epoch, SealingKey::resume(secret, &scope, session, next)))
    }

    /// A sealing key for one envelope that is not part of a session: commits, which may lose the race
    /// for their position and must not leave a hole.
    pub(super) fn sealing_once(&self, leaf: u32, random: &Random) -> Option<SealingKey> {
        self.sealing(leaf, Session::random(random), 0).map(|(_, key)| key)
    }

    /// Finds the key, opens and authenticates. None when no key of ours opens it.
    pub(super) fn open(&mut self, envelope: &Envelope<'_>) -> Option<(Sealer, Zeroizing<Vec<u8>>)> {
        self.open_member(envelope).or_else(|| self.open_invited(envelope))
    }

    fn open_member(&mut self, envelope: &Envelope<'_>) -> Option<(Sealer, Zeroizing<Vec<u8>>)> {
        let session = envelope.session();
        for index in (0..self.epochs.len()).rev() {
            let (epoch, secret, leaves) = self.epochs.get(index)?;
            let epoch = *epoch;
            if let Some((leaf, key)) = self.found.get(&(epoch, session)) {
                // Another member may have copied the session, so a key that does not fit proves nothing.
                if let Ok(plain) = key.open(envelope) {
                    return Some((Sealer::Leaf { leaf: *leaf, epoch }, plain));
                }
            }
            let known = self.leaf_of.get(&session).copied();
            for leaf in known.into_iter().chain(0..*leaves) {
                let scope = self.scope(epoch, Origin::Leaf(leaf));
                if KeyId::derive(secret, &scope, session) != envelope.key_id() {
                    continue;
                }
                let key = OpeningKey::new(secret, &scope, session);
                let Ok(plain) = key.open(envelope) else { continue };
                self.remember(epoch, session, leaf, key);
                return Some((Sealer::Leaf { leaf, epoch }, plain));
            }
        }
        None
    }

    fn open_invited(&self, envelope: &Envelope<'_>) -> Option<(Sealer, Zeroizing<Vec<u8>>)> {
        self.joins.iter().find_map(|secret| {
            let scope = self.scope(0, Origin::Invite);
            let key = OpeningKey::new(secret, &scope, envelope.session());
            let plain = (key.key_id() == envelope.key_id()).then(|| key.open(envelope).ok())??;
            Some((Sealer::Invited, plain))
        })
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.found.len().max(self.leaf_of.len())
    }

    fn remember(&mut self, epoch: u64, session: Session, leaf: u32, key: OpeningKey) {
        if self.found.len().max(self.leaf_of.len()) >= MAX_CACHED {
            self.found.clear();
            self.leaf_of.clear();
        }
        self.found.insert((epoch, session), (leaf, key));
        self.leaf_of.insert(session, leaf);
    }

    fn scope(&self, epoch: u64, origin: Origin) -> Scope {
        Scope { room: self.room, epoch, origin }
    }
}
