//! Commits that are only offered. The relay cannot know whether a commit is valid, so none of one key alone is final:
//! it may be dropped until another member has taken it. Here is what this device knows of that, by the same rules as
//! `proto::access`, and what follows: where the group may have to return to, and whose word is due.
//!
//! The relay says which key published a commit and what it stands on. If it lies about that it can set members at
//! odds, as it can by showing them different logs; that shows in what they say they saw.

use proto::{
    PublicKey,
    access::{KEYS_PER_CHANGE, OFFER_GRACE_MS, UNDO_MS},
    relay::{Deliver, access_key::Kind},
};

use super::{
    Engine, Millis,
    out::Cause,
    state::{Meta, Phase, StepRow, UntakenRow},
};
use crate::mls::group::{Applied, GroupError};

/// Who sees the same need waits a random time below this, in milliseconds, so that mostly one member acts.
const ELECTION_MS: u64 = 2_000;

/// Who cannot take a commit waits this much longer than the relay does, at random below it: clocks differ, and one
/// that drops it is enough.
const JITTER_MS: u64 = 10_000;

/// Keys that are remembered of a step which is not confirmed: what two commits may change.
const MAX_STEP_KEYS: usize = 2 * KEYS_PER_CHANGE;

/// What a commit stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On what this device has taken last.
    OnTop,
    /// On an earlier commit, in the place of what came after.
    Instead,
    /// On a commit that this device could not take.
    Beyond,
    /// On nothing that can be.
    Nowhere,
}

/// What kind of commit it is to the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kinship {
    Member,
    Join,
    Return,
}

impl Meta {
    /// The newest commit that the relay can be asked to build on.
    fn newest(&self) -> u64 {
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

    fn confirm(&mut self) {
        if let Some(offer) = self.offer.take() {
            self.confirmed = offer.tip;
        }
    }

    /// A confirmed key says that what is offered is good, and, if `joins`, what came on top of it: for those it answers
    /// from now on. `alone`: nobody else could say so.
    fn accept(&mut self, key: &[u8], joins: bool, alone: bool) {
        if self.author() != key {
            self.confirm();
        }
        if let Some(joins) = self.joins.take_if(|_| joins) {
            let offer =
                self.offer.get_or_insert_with(|| StepRow { author: key.to_vec(), ..StepRow::default() });
            (offer.tip, offer.at) = (joins.tip, joins.at);
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
    fn commit(&mut self, entry: &Deliver, kinship: Kinship, alone: bool) {
        let key = entry.key.to_vec();
        if entry.base != self.newest() {
            (self.offer, self.joins) = (None, None);
            self.confirmed = entry.base;
        }
        let counts = kinship == Kinship::Member && self.is_confirmed(&key);
        if counts {
            self.accept(&key, true, false);
        }
        let mut step = match counts {
            true => self.offer.take().unwrap_or_default(),
            false => self.joins.take().unwrap_or_default(),
        };
        (step.tip, step.at) = (entry.seq, entry.at_ms);
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

    /// Positions that the relay can return to.
    fn bases(&self) -> Vec<u64> {
        let offer = self.offer.as_ref().filter(|_| self.joins.is_some()).map(|offer| offer.tip);
        let all = [Some(self.confirmed), offer].into_iter().flatten();
        all.filter(|base| *base != self.position).collect()
    }
}

impl Engine {
    /// What a commit stands on, as the relay says.
    pub(super) fn place(&self, entry: &Deliver) -> Place {
        let has_base = |base| self.group.as_ref().is_some_and(|group| group.has_base(base));
        match entry.base {
            base if base == self.meta.position => Place::OnTop,
            base if self.meta.untaken.as_ref().is_some_and(|untaken| untaken.seq == base) => Place::Beyond,
            base if has_base(base) || base == self.meta.confirmed => Place::Instead,
            _ => Place::Nowhere,
        }
    }

    /// What the relay takes it for, of a commit that cannot be opened.
    fn kinship(&self, entry: &Deliver) -> Kinship {
        let is_member = self.group.as_ref().is_some_and(|group| group.leaf_of_key(&entry.key).is_some());
        let adds = entry.access.as_ref().is_some_and(|change| change.added.len() == 1);
        match is_member || !adds {
            true => Kinship::Member,
            false => Kinship::Join,
        }
    }

    /// A commit was applied, and is not kept yet: what it stood on stays at hand until it is confirmed.
    pub(super) fn took(&mut self, entry: &Deliver, applied: &Applied) -> Result<(), GroupError> {
        let kinship = match (&applied.joined, applied.returned) {
            (Some(_), _) => Kinship::Join,
            (_, Some(_)) => Kinship::Return,
            _ => Kinship::Member,
        };
        let alone = self.voters()? + applied.removed.len() == 1;
        let before = self.meta.position;
        self.meta.commit(entry, kinship, alone && kinship == Kinship::Member);
        self.meta.position = entry.seq;
        self.meta.untaken = None;
        let bases = self.meta.bases();
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        if bases.contains(&before) {
            group.keep_base(before);
        }
        group.keep_bases(&bases);
        self.link.ack_election = true;
        self.dirty.meta = true;
        Ok(())
    }

    /// A commit that this device cannot take: nothing is committed here until it is clear whether the others can.
    pub(super) fn cannot_take(&mut self, entry: &Deliver, now: Millis) {
        let kinship = self.kinship(entry);
        let joins = kinship != Kinship::Member;
        self.meta.commit(entry, kinship, false);
        let random = &self.profile.random;
        let wait = match joins {
            true => random.below(ELECTION_MS),
            false => OFFER_GRACE_MS + random.below(JITTER_MS),
        };
        let mut row = UntakenRow::default();
        (row.seq, row.joins, row.until) = (entry.seq, joins, now + 1 + wait);
        (row.key, row.authority) = (entry.key.to_vec(), entry.authority.to_vec());
        if let Some(before) = self.meta.untaken.as_ref().filter(|before| before.key == row.key) {
            // Whoever adds to what nobody can take gains no time by it.
            row.until = row.until.min(before.until);
        }
        row.broken = self.link.broken;
        let own = self.own_key();
        // Whoever locks members out by what nobody can take needs more than half of them to agree.
        let removes = |key: &[u8]| *key == own || self.is_member_key(key);
        if entry.access.as_ref().is_some_and(|change| change.removed.iter().any(|key| removes(key))) {
            self.meta.vote = entry.seq;
        }
        self.meta.untaken = Some(row);
        self.dirty.meta = true;
    }

    /// A commit on one that this device could not take: whose author is another, has taken it.
    pub(super) fn beyond(&mut self, entry: &Deliver, now: Millis) {
        let Some(untaken) = self.meta.untaken.clone() else { return };
        let kinship = self.kinship(entry);
        let counts = kinship == Kinship::Member && self.meta.is_confirmed(&entry.key);
        if counts && *entry.key != untaken.key {
            self.go_out(Cause::Commit(untaken.seq));
            self.meta.commit(entry, kinship, false);
            return;
        }
        self.cannot_take(entry, now);
    }

    /// The group as it was at an earlier commit. False when it is not known any more.
    pub(super) fn return_to(&mut self, base: u64) -> Result<bool, GroupError> {
        let Some(group) = self.group.as_mut().filter(|group| group.has_base(base)) else { return Ok(false) };
        group.to_base(base)?;
        let epoch = group.epoch();
        let lost = self.meta.epochs.iter().any(|row| row.epoch > epoch);
        self.meta.position = base;
        self.meta.untaken = None;
        self.meta.epochs.retain(|row| row.epoch <= epoch);
        self.keyring.set(&self.meta.epochs);
        let room = group.room()?;

        self.meta.disappear_s = room.disappear_s;
        // What was sealed for an epoch that nobody is in any more is said again.
        for item in self.outbox.iter_mut().filter(|item| item.epoch > epoch && !item.envelope.is_empty()) {
            item.envelope.clear();
            item.acked = 0;
            self.dirty.outbox.insert(item.counter);
        }
        if lost {
            // What others had under way is of nobody's use, and no forgery.
            self.meta.join_epoch = epoch.max(1);
            self.meta.unreadable_left += group.members()?.len() as u64;
            self.refuse(
                "taken_back",
                "The last change of this room was taken back: not everybody could follow it.",
                "/members shows who is in.",
            );
        }
        self.set_pending(None);
        self.dirty.meta = true;
        Ok(true)
    }

    /// Somebody's word that a commit is good, or that this device is the one that cannot follow.
    pub(super) fn check_ack(&mut self, entry: &Deliver) {
        let Some(ack) = &entry.ack else { return };
        if let Some(untaken) = self.meta.untaken.clone().filter(|untaken| untaken.seq == ack.seq) {
            let counts = self.meta.is_confirmed(&entry.key) && self.is_member_key(&entry.key);
            if counts
                && *entry.key != untaken.key
                && self.acknowledges(entry, untaken.seq, &untaken.authority)
            {
                self.go_out(Cause::Commit(untaken.seq));
            }
            return;
        }
        // As at the relay: a word for what its author has added to since says nothing of that.
        let is_tip =
            [&self.meta.offer, &self.meta.joins].into_iter().flatten().any(|step| step.tip == ack.seq);
        let counts = is_tip && self.meta.is_confirmed(&entry.key) && self.is_member_key(&entry.key);
        let Some(group) = self.group.as_ref().filter(|_| counts && ack.seq == self.meta.position) else {
            return;
        };
        let Ok(authority) = group.authority() else { return };
        if ack.seq > self.meta.confirmed && self.acknowledges(entry, ack.seq, &authority.public()) {
            let alone = self.voters().is_ok_and(|voters| voters == 1);
            let joins = self.meta.joins.as_ref().is_some_and(|joins| joins.tip == ack.seq);
            self.meta.accept(&entry.key, joins, alone);
            // Whoever took what nobody else can take is not alone with it: somebody has to follow.
            self.link.ack_election = true;
            self.prune();
        }
    }

    /// What nobody dropped within the time for that is confirmed.
    pub(super) fn check_age(&mut self, at: Millis) {
        let old = |step: &StepRow| at >= step.at.saturating_add(UNDO_MS);
        if self.meta.untaken.is_none() && self.meta.offer.as_ref().is_some_and(old) {
            self.meta.confirm();
            self.prune();
        }
    }

    /// Confirmed members, those included that an offer removes.
    fn voters(&self) -> Result<usize, GroupError> {
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let removed: usize =
            [&self.meta.offer, &self.meta.joins].into_iter().flatten().map(|step| step.removed.len()).sum();
        let counts = |leaf: u32| group.key_of_leaf(leaf).is_ok_and(|key| self.meta.is_confirmed(&key));
        Ok(group.members()?.into_iter().filter(|(leaf, _)| counts(*leaf)).count() + removed)
    }

    fn prune(&mut self) {
        if self.meta.is_confirmed(&self.own_key()) && self.is_member() {
            // Nobody can take our join back any more.
            self.meta.link = None;
        }
        let bases = self.meta.bases();
        if let Some(group) = &mut self.group {
            group.keep_bases(&bases);
        }
        self.dirty.meta = true;
    }

    /// The relay says what is confirmed: where we are unsure, its word decides on what we build.
    pub(super) fn learn_confirmed(&mut self, confirmed: u64) {
        let Some(group) = &self.group else { return };
        let known = confirmed == self.meta.position || group.has_base(confirmed);
        if !known && confirmed > self.meta.position && confirmed <= self.meta.cursor && self.is_member() {
            // Others have taken what this device has read past.
            self.go_out(Cause::Commit(confirmed));
            return;
        }
        if !known || confirmed == self.meta.confirmed || self.meta.untaken.is_none() {
            return;
        }
        self.meta.confirmed = confirmed;
        self.dirty.meta = true;
    }

    /// The newest commit waits for somebody's word, and ours counts.
    pub(super) fn owes_ack(&self) -> bool {
        let meta = &self.meta;
        let own = self.own_key();
        // Also where a join that is of no use stands on an offer that is good.
        let offer =
            meta.offer.as_ref().is_some_and(|offer| offer.tip == meta.position && offer.author != own);
        let joins = meta.joins.as_ref().is_some_and(|joins| joins.tip == meta.position);
        (offer || joins) && meta.out.is_none() && meta.is_confirmed(&own)
    }

    /// On which commit ours is to be built; none while we must not commit.
    pub(super) fn foundation(&self) -> Option<u64> {
        let meta = &self.meta;
        let blocked = meta.out.is_some() || !self.is_member();
        match &meta.untaken {
            _ if blocked => None,
            None => Some(meta.position),
            Some(_) => {
                let known = meta.confirmed == meta.position
                    || self.group.as_ref().is_some_and(|group| group.has_base(meta.confirmed));
                (known && meta.is_confirmed(&self.own_key())).then_some(meta.confirmed)
            }
        }
    }

    /// From when on we may commit.
    pub(super) fn commits_from(&self) -> Millis {
        self.meta.untaken.as_ref().map_or(0, |untaken| untaken.until)
    }

    /// Our drop was refused: time goes by before the next one.
    pub(super) fn drop_refused_for_now(&mut self, now: Millis) {
        let jitter = self.profile.random.below(JITTER_MS);
        if let Some(untaken) = &mut self.meta.untaken {
            untaken.until = now + OFFER_GRACE_MS + jitter;
            self.dirty.meta = true;
        }
    }

    /// When to say that a commit is good, if nothing else is said before.
    pub(super) fn ack_due(&mut self, now: Millis) -> bool {
        if std::mem::take(&mut self.link.ack_election) {
            self.link.ack_at = now + 1 + self.profile.random.below(ELECTION_MS);
        }
        self.outbox.is_empty() && self.owes_ack() && now >= self.link.ack_at
    }

    pub(super) fn own_key(&self) -> [u8; 32] {
        self.access.public().0
    }

    pub(super) fn is_member_key(&self, key: &[u8]) -> bool {
        self.group.as_ref().is_some_and(|group| group.leaf_of_key(key).is_some())
    }

    /// A commit stands on one that this device has no group of any more.
    pub(super) fn lost_ground(&mut self, entry: &Deliver) {
        let own = self.own_key();
        let joins = [&self.meta.offer, &self.meta.joins].into_iter().flatten();
        let ours_went = joins.flat_map(|step| &step.added).any(|key| **key == own);
        match ours_went {
            true => drop(self.join_was_dropped()),
            false => self.go_out(Cause::Undone),
        }
        let _ = entry;
    }

    /// Our join is in the log, and waits for a member's word.
    pub(super) fn joined_at(&mut self, entry: &Deliver) {
        let meta = &mut self.meta;
        (meta.position, meta.confirmed, meta.offer) = (entry.seq, entry.base, None);
        let mut joins = StepRow::default();
        (joins.tip, joins.at) = (entry.seq, entry.at_ms);
        joins.added = vec![self.access.public().as_bytes().to_vec()];
        meta.joins = Some(joins);
        self.dirty.meta = true;
    }

    /// The relay does not know our key: our join was passed by before a member had taken it. The invite may still
    /// let us in. False when it was not that.
    pub(super) fn join_was_dropped(&mut self) -> bool {
        let own = self.own_key();
        let waits = self.meta.joins.as_ref().is_some_and(|joins| joins.added.iter().any(|key| **key == own));
        if !waits || !self.is_member() {
            return false;
        }
        if self.meta.link.is_none() {
            self.close("Another change of the room took the place of this join. Ask for a new invite.");
            return true;
        }
        self.group = None;
        self.set_pending(None);
        self.meta.epochs.clear();
        self.keyring.set(&[]);
        (self.meta.offer, self.meta.joins, self.meta.untaken, self.meta.out) = (None, None, None, None);
        for item in self.outbox.iter_mut().filter(|item| !item.envelope.is_empty()) {
            item.envelope.clear();
            item.acked = 0;
            self.dirty.outbox.insert(item.counter);
        }
        self.set_phase(Phase::Joining);
        self.out.reopen = true;
        true
    }
}
