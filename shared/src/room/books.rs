//! The books of what is only offered, by the same rules as `proto::access`: what this device knows of what the relay
//! holds for confirmed, and of what stands on top of it.
//!
//! The relay says which key published a commit and what it stands on. If it lies about that it can set members at
//! odds, as it can by showing them different logs; that shows in what they say they saw.

use proto::{
    PublicKey,
    access::{CommitName, KEYS_PER_CHANGE},
    relay::{Deliver, access_key::Kind},
};

use super::state::{Meta, StepRow};

/// Keys that are remembered of a step which is not confirmed: what two commits may change.
const MAX_STEP_KEYS: usize = 2 * KEYS_PER_CHANGE;

/// What kind of commit it is to the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kinship {
    Member,
    Join,
    Return,
}

impl Meta {
    /// The newest commit that the relay can be asked to build on.
    pub(super) fn newest(&self) -> u64 {
        let step = self.joins.as_ref().or(self.offer.as_ref());
        step.map_or(self.confirmed, |step| step.tip)
    }

    /// Whether a member's key counts: it is not itself only offered.
    pub(super) fn is_confirmed(&self, key: &[u8]) -> bool {
        [&self.offer, &self.joins]
            .into_iter()
            .flatten()
            .all(|step| step.added.iter().all(|added| added != key))
    }

    fn author(&self) -> &[u8] {
        self.offer.as_ref().map_or(&[], |offer| &offer.author)
    }

    pub(super) fn confirm(&mut self) {
        if let Some(offer) = self.offer.take() {
            self.confirmed = offer.tip;
        }
    }

    /// A confirmed key says that what is offered is good, and, if `joins`, what came on top of it: for those it answers
    /// from now on. `alone`: nobody else could say so.
    pub(super) fn accept(&mut self, key: &[u8], joins: bool, alone: bool) {
        if self.author() != key {
            self.confirm();
        }
        if let Some(joins) = self.joins.take_if(|_| joins) {
            let (first, name) = (joins.first, joins.name);
            let offer = self.offer.get_or_insert_with(|| StepRow {
                author: key.to_vec(),
                first,
                name,
                ..StepRow::default()
            });
            (offer.tip, offer.tip_name, offer.at) = (joins.tip, joins.tip_name, joins.at);
            offer.added.extend(joins.added);
            offer.added.truncate(MAX_STEP_KEYS);
        }
        if alone {
            self.confirm();
        }
    }

    /// What a commit of a step does to keys, as the relay says. Nothing says yet that it is true, so it is bounded: of
    /// more than a commit may change, a device that is told so knows no more than that it cannot take it.
    fn note_keys(step: &mut StepRow, entry: &Deliver) {
        let Some(change) = &entry.access else { return };
        let members =
            change.added.iter().filter(|added| added.kind() == Kind::Member).map(|added| &added.key);
        let fits = |key: &&bytes::Bytes| key.len() == PublicKey::LEN;
        let room = MAX_STEP_KEYS.saturating_sub(step.added.len());
        step.added.extend(members.filter(fits).take(room).map(|key| key.to_vec()));
        let room = MAX_STEP_KEYS.saturating_sub(step.removed.len());
        step.removed.extend(change.removed.iter().filter(fits).take(room).map(|key| key.to_vec()));
    }

    /// What a commit does. `alone`: nobody but its author was a confirmed member.
    pub(super) fn commit(&mut self, entry: &Deliver, name: CommitName, kinship: Kinship, alone: bool) {
        let key = entry.key.to_vec();
        self.stand_on(entry.base);
        let counts = kinship == Kinship::Member && self.is_confirmed(&key);
        if counts {
            self.accept(&key, true, false);
        }
        let mut step = match counts {
            true => self.offer.take().unwrap_or_default(),
            false => self.joins.take().unwrap_or_default(),
        };
        step.extend(entry, name);
        Self::note_keys(&mut step, entry);
        if counts {
            step.author = key;
            self.offer = Some(step);
            if alone {
                self.confirm();
            }
        } else {
            self.joins = Some(step);
        }
    }

    /// What came after that commit is dropped.
    pub(super) fn stand_on(&mut self, base: u64) {
        if base != self.newest() {
            (self.offer, self.joins) = (None, None);
            self.confirmed = base;
        }
    }

    /// Which commit is the newest of a step, if this is it.
    pub(super) fn tip_name(&self, seq: u64) -> Option<CommitName> {
        let step = [&self.joins, &self.offer].into_iter().flatten().find(|step| step.tip == seq)?;
        step.tip_name.as_slice().try_into().ok().map(CommitName)
    }

    /// Which commit began the step that this one belongs to: what a vote against it names.
    pub(super) fn step_name(&self, seq: u64) -> Vec<u8> {
        let has = |step: &&StepRow| (step.first..=step.tip).contains(&seq);
        let step = [&self.joins, &self.offer].into_iter().flatten().find(has);
        step.map_or_else(Vec::new, |step| step.name.clone())
    }

    /// Positions that the relay can return to, and the one that we may have to.
    pub(super) fn bases(&self) -> Vec<u64> {
        let offer = self.offer.as_ref().filter(|_| self.joins.is_some()).map(|offer| offer.tip);
        let trial = self.trial.as_ref().map(|trial| trial.position);
        let all = [Some(self.confirmed), offer, trial].into_iter().flatten();
        all.filter(|base| *base != self.position).collect()
    }
}

impl StepRow {
    /// One more commit belongs to it.
    pub(super) fn extend(&mut self, entry: &Deliver, name: CommitName) {
        if self.name.is_empty() {
            (self.first, self.name) = (entry.seq, name.0.to_vec());
        }
        (self.tip, self.tip_name, self.at) = (entry.seq, name.0.to_vec(), entry.at_ms);
    }
}
