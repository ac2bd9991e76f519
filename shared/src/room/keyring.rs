//! Which key opens an envelope: the epochs' secrets, and the sessions that were already found.
//!
//! An envelope names its sender by a tag that only members can compute. The tags of an epoch are computed once, when
//! the epoch begins; so an envelope of nobody costs one look-up, and the first one of a session one derivation.

use std::collections::HashMap;

use proto::RoomId;
use zeroize::Zeroizing;

use super::state::EpochRow;
use crate::{
    crypto::aead::{Envelope, EnvelopeSecret, OpeningKey, Origin, Scope, SealingKey, SenderTag, Session},
    invite::join_secret,
};

/// Remembered opening keys, of about a kilobyte each; beyond that the memory is cleared and keys are derived again.
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
    /// Oldest first, by the same bound as the rows they come from.
    epochs: Vec<(u64, EnvelopeSecret)>,
    /// Every leaf of every epoch: at most the relay's cap on keys, times the epochs.
    senders: HashMap<SenderTag, (u64, u32)>,
    /// What joins and returns at the end of each epoch are sealed under, by their tag.
    joiners: Vec<(SenderTag, EnvelopeSecret)>,
    found: HashMap<(u64, u32, Session), OpeningKey>,
}

impl Keyring {
    pub(super) fn new(room: RoomId, rows: &[EpochRow]) -> Self {
        let mut keyring = Self {
            room,
            epochs: Vec::new(),
            senders: HashMap::new(),
            joiners: Vec::new(),
            found: HashMap::new(),
        };
        keyring.set(rows);
        keyring
    }

    /// Takes over the epochs that can be read now. Tags are derived only for those that are new.
    pub(super) fn set(&mut self, rows: &[EpochRow]) {
        let kept = |epoch: u64| rows.iter().any(|row| row.epoch == epoch);
        self.found.retain(|(epoch, ..), _| kept(*epoch));
        self.senders.retain(|_, (epoch, _)| kept(*epoch));
        let mut known: Vec<_> = std::mem::take(&mut self.epochs);
        for row in rows {
            let Ok(secret) = <&[u8; 32]>::try_from(row.secret.as_slice()) else { continue };
            // A device that begins anew on the same positions has other secrets for them.
            let same = known.iter().position(|(epoch, old)| *epoch == row.epoch && old.expose() == secret);
            let pair = match same {
                Some(index) => known.swap_remove(index),
                None => self.learn(row, EnvelopeSecret::new(*secret)),
            };
            self.epochs.push(pair);
        }
        let scope = self.scope(0, Origin::Invite);
        let joiner = |row: &EpochRow| {
            let secret = join_secret(row.slot_key.as_slice().try_into().ok()?);
            Some((SenderTag::derive(&secret, &scope), secret))
        };
        self.joiners = rows.iter().filter_map(joiner).collect();
    }

    fn learn(&mut self, row: &EpochRow, secret: EnvelopeSecret) -> (u64, EnvelopeSecret) {
        let epoch = row.epoch;
        self.found.retain(|(old, ..), _| *old != epoch);
        self.senders.retain(|_, (old, _)| *old != epoch);
        for leaf in 0..row.leaves {
            let tag = SenderTag::derive(&secret, &self.scope(epoch, Origin::Leaf(leaf)));
            self.senders.insert(tag, (epoch, leaf));
        }
        (epoch, secret)
    }

    /// A sealing key for our leaf in the newest epoch.
    pub(super) fn sealing(&self, leaf: u32, session: Session, next: u64) -> Option<(u64, SealingKey)> {
        let (epoch, secret) = self.epochs.last()?;
        let scope = self.scope(*epoch, Origin::Leaf(leaf));
        Some((*epoch, SealingKey::resume(secret, &scope, session, next)))
    }

    /// Who the envelope says it is of: one look-up, and no evidence.
    pub(super) fn sealer(&self, envelope: &Envelope<'_>) -> Option<Sealer> {
        let tag = envelope.sender();
        let member = self.senders.get(&tag).map(|(epoch, leaf)| Sealer::Leaf { leaf: *leaf, epoch: *epoch });
        member.or_else(|| self.joiners.iter().any(|(joiner, _)| *joiner == tag).then_some(Sealer::Invited))
    }

    /// Finds the key, opens and authenticates. None when no key of ours opens it.
    pub(super) fn open(&mut self, envelope: &Envelope<'_>) -> Option<(Sealer, Zeroizing<Vec<u8>>)> {
        let sealer = self.sealer(envelope)?;
        let plain = match sealer {
            Sealer::Leaf { leaf, epoch } => self.open_member(envelope, leaf, epoch),
            Sealer::Invited => self.open_joiner(envelope),
        };
        Some((sealer, plain?))
    }

    fn open_member(&mut self, envelope: &Envelope<'_>, leaf: u32, epoch: u64) -> Option<Zeroizing<Vec<u8>>> {
        let id = (epoch, leaf, envelope.session());
        if let Some(key) = self.found.get(&id) {
            return key.open(envelope).ok();
        }
        let (_, secret) = self.epochs.iter().rev().find(|(known, _)| *known == epoch)?;
        let key = OpeningKey::new(secret, &self.scope(epoch, Origin::Leaf(leaf)), envelope.session());
        let plain = key.open(envelope).ok()?;
        if self.found.len() >= MAX_CACHED {
            self.found.clear();
        }
        self.found.insert(id, key);
        Some(plain)
    }

    fn open_joiner(&self, envelope: &Envelope<'_>) -> Option<Zeroizing<Vec<u8>>> {
        let tag = envelope.sender();
        let (_, secret) = self.joiners.iter().find(|(joiner, _)| *joiner == tag)?;
        OpeningKey::new(secret, &self.scope(0, Origin::Invite), envelope.session()).open(envelope).ok()
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.found.len()
    }

    fn scope(&self, epoch: u64, origin: Origin) -> Scope {
        Scope { room: self.room, epoch, origin }
    }
}
