//! The books of what is only offered: what this device knows of what the relay holds for confirmed, and of what stands on
//! top of it. Where the ledger is open they say what it says. Where it is closed they go on by the same rules as
//! `proto::access`, as far as they can be followed without it.
//!
//! Then the relay says which key published a commit and what it stands on. If it lies about that it can set members at
//! odds, as it can by showing them different logs; that shows in what they say they saw.

use proto::{
    PublicKey,
    access::{CommitName, Memory, Step},
    relay::{Deliver, access_key::Kind},
};

use super::{
    Engine,
    kinship::Kinship,
    state::{Books, StepRow},
};

impl Books {
    /// The newest commit that the relay can be asked to build on.
    pub(super) fn newest(&self) -> u64 {
        let step = self.joins.as_ref().or(self.offer.as_ref());
        step.map_or(self.confirmed, |step| step.tip)
    }

    fn steps(&self) -> impl Iterator<Item = &StepRow> {
        [&self.offer, &self.joins].into_iter().flatten()
    }

    /// Whether a member's key came with what is only offered, and was taken.
    pub(super) fn is_offered(&self, key: &[u8]) -> bool {
        self.steps().any(|step| step.added.iter().any(|added| added == key))
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
        }
        if alone {
            self.confirm();
        }
    }

    /// What a commit does. `counts`: it is a member's, whose key is confirmed. `alone`: nobody but its author was a confirmed
    /// member.
    fn commit(&mut self, entry: &Deliver, name: CommitName, counts: bool, alone: bool) {
        self.stand_on(entry.base);
        if counts {
            self.accept(&entry.key, true, false);
        }
        let mut step = match counts {
            true => self.offer.take().unwrap_or_default(),
            false => self.joins.take().unwrap_or_default(),
        };
        step.extend(entry, name);
        if counts {
            step.author = entry.key.to_vec();
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

    /// What a commit that was taken did to members' keys. Of one that was not nothing is noted: nobody whom the group does
    /// not know has a say, so what it may add is nothing to remember.
    fn note_keys(&mut self, entry: &Deliver) {
        let steps = [&mut self.joins, &mut self.offer].into_iter().flatten();
        let step = steps.into_iter().find(|step| step.tip == entry.seq);
        let (Some(step), Some(change)) = (step, &entry.access) else { return };
        let members =
            change.added.iter().filter(|added| added.kind() == Kind::Member).map(|added| &added.key);
        step.added.extend(members.map(|key| key.to_vec()));
        step.removed.extend(change.removed.iter().map(|key| key.to_vec()));
    }

    /// What is not confirmed, as the ledger says; the keys that came and went with it, of those that are known here.
    fn copy(&mut self, state: &Memory) {
        let known: Vec<StepRow> = [self.offer.take(), self.joins.take()].into_iter().flatten().collect();
        let row = |step: &Step| StepRow::of(step, &known, state);
        self.confirmed = state.head.confirmed.position;
        (self.offer, self.joins) = (state.head.offer.as_ref().map(row), state.head.joins.as_ref().map(row));
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
    pub(super) fn bases(&self, trial: Option<u64>) -> Vec<u64> {
        let offer = self.offer.as_ref().filter(|_| self.joins.is_some()).map(|offer| offer.tip);
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

    /// As the ledger has it, with those of the `known` keys that it says belong to it.
    fn of(step: &Step, known: &[Self], state: &Memory) -> Self {
        let of = |key: &[u8], what: fn(&proto::access::KeyRow) -> u64| {
            let row = PublicKey::try_from(key).ok().and_then(|key| state.row(&key).map(what));
            row.is_some_and(|seq| step.has(seq))
        };
        let added = known.iter().flat_map(|row| &row.added).filter(|key| of(key, |row| row.added));
        let removed = known.iter().flat_map(|row| &row.removed).filter(|key| of(key, |row| row.removed));
        Self {
            tip: step.tip.position,
            author: step.author.map(|key| key.0.to_vec()).unwrap_or_default(),
            at: step.at_ms,
            added: added.cloned().collect(),
            removed: removed.cloned().collect(),
            tip_name: step.tip.name.0.to_vec(),
            first: step.first,
            name: step.name.0.to_vec(),
        }
    }
}

impl Engine {
    /// Whether a key's word counts at the relay.
    pub(super) fn is_confirmed(&self, key: &[u8]) -> bool {
        match (self.ledger.now(), PublicKey::try_from(key)) {
            (Some(state), Ok(key)) => state.row(&key).is_some_and(|row| state.head.heeds(row)),
            _ => self.is_member_key(key) && !self.books.is_offered(key),
        }
    }

    /// The books say what the ledger says. False where it is closed.
    pub(super) fn copy_ledger(&mut self) -> bool {
        let Some(state) = self.ledger.now() else { return false };
        let before = (self.books.confirmed, self.books.newest(), self.books.author().to_vec());
        self.books.copy(state);
        if before != (self.books.confirmed, self.books.newest(), self.books.author().to_vec()) {
            // Whoever took what nobody else can take is not alone with it: somebody has to follow.
            self.link.ack_election = true;
        }
        true
    }

    /// Enters a commit, which this device may not be able to take.
    pub(super) fn enter(&mut self, entry: &Deliver) {
        self.enter_by(entry, false);
    }

    /// Enters a commit that this device takes. `alone`: nobody but its author was a confirmed member.
    pub(super) fn enter_taken(&mut self, entry: &Deliver, alone: bool) {
        self.enter_by(entry, alone);
        self.books.note_keys(entry);
    }

    fn enter_by(&mut self, entry: &Deliver, alone: bool) {
        if self.copy_ledger() {
            return;
        }
        let counts = self.kinship(entry) == Kinship::Member && self.is_confirmed(&entry.key);
        self.books.commit(entry, self.name_of(entry), counts, alone && counts);
    }
}
