//! Whose word confirms a commit that is only offered: what members say of it, what age does, and when ours is due.

use proto::{
    access::{CommitName, UNDO_MS},
    relay::Deliver,
};

use super::{Engine, Millis, out::Cause, state::StepRow};
use crate::mls::group::GroupError;

/// Who sees the same need waits a random time below this, in milliseconds, so that mostly one member acts.
const ELECTION_MS: u64 = 2_000;

impl Engine {
    /// Somebody's word that a commit is good, or that this device is the one that cannot follow.
    pub(super) fn check_ack(&mut self, entry: &Deliver) {
        let Some(ack) = &entry.ack else { return };
        if let Some(untaken) = self.meta.untaken.clone().filter(|untaken| untaken.seq == ack.seq) {
            let counts = self.meta.is_confirmed(&entry.key) && self.is_member_key(&entry.key);
            let name = CommitName(untaken.name.as_slice().try_into().unwrap_or_default());
            if counts
                && *entry.key != untaken.key
                && self.acknowledges(entry, untaken.seq, &name, &untaken.authority)
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
        let (Ok(authority), Some(name)) = (group.authority(), self.meta.tip_name(ack.seq)) else { return };
        if ack.seq > self.meta.confirmed && self.acknowledges(entry, ack.seq, &name, &authority.public()) {
            let alone = self.voters().is_ok_and(|voters| voters == 1);
            let joins = self.meta.joins.as_ref().is_some_and(|joins| joins.tip == ack.seq);
            self.meta.accept(&entry.key, joins, alone);
            // Whoever took what nobody else can take is not alone with it: somebody has to follow.
            self.link.ack_election = true;
            self.prune();
        }
    }

    /// What nobody dropped within the time for that is confirmed.
    pub(super) fn check_age(&mut self, at: Millis, now: Millis) {
        let old = |step: &StepRow| at >= step.at.saturating_add(UNDO_MS);
        // By our own clock as well: the relay alone must not end a trial.
        let both = at.min(now);
        if self.meta.trial.as_ref().is_some_and(|trial| both >= trial.at.saturating_add(UNDO_MS)) {
            self.end_trial();
        }
        if self.meta.untaken.is_none() && self.meta.offer.as_ref().is_some_and(old) {
            self.meta.confirm();
            self.prune();
        }
    }

    /// Confirmed members, those included that an offer removes.
    pub(super) fn voters(&self) -> Result<usize, GroupError> {
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let removed: usize =
            [&self.meta.offer, &self.meta.joins].into_iter().flatten().map(|step| step.removed.len()).sum();
        let counts = |leaf: u32| group.key_of_leaf(leaf).is_ok_and(|key| self.meta.is_confirmed(&key));
        Ok(group.members()?.into_iter().filter(|(leaf, _)| counts(*leaf)).count() + removed)
    }

    pub(super) fn prune(&mut self) {
        if self.meta.is_confirmed(&self.own_key()) && self.is_member() {
            // Nobody can take our join back any more.
            self.meta.link = None;
        }
        let bases = self.meta.bases();
        if let Some(group) = &mut self.group {
            group.keep_bases(&bases);
        }
    }

    /// The relay says what is confirmed: where we are unsure, our ledger decides on what we build, or else its word.
    pub(super) fn learn_confirmed(&mut self, confirmed: u64) {
        let Some(group) = &self.group else { return };
        let known = confirmed == self.meta.position || group.has_base(confirmed);
        if !known && confirmed > self.meta.position && confirmed <= self.meta.cursor && self.is_member() {
            // Others have taken what this device has read past.
            self.go_out(Cause::Commit(confirmed));
            return;
        }
        // What is built on is no matter of the relay's word where there is a ledger.
        let booked = self.ledger.confirmed().is_none_or(|ours| ours == confirmed);
        if !known || !booked || confirmed == self.meta.confirmed || self.meta.untaken.is_none() {
            return;
        }
        self.meta.confirmed = confirmed;
        // Of that nobody's word is missing any more.
        self.meta.offer.take_if(|offer| offer.tip == confirmed);
    }

    /// The newest commit waits for somebody's word, and ours counts.
    pub(super) fn owes_ack(&self) -> bool {
        let meta = &self.meta;
        let own = self.own_key();
        // Also where a join that is of no use stands on an offer that is good.
        let offer =
            meta.offer.as_ref().is_some_and(|offer| offer.tip == meta.position && offer.author != own);
        let joins = meta.joins.as_ref().is_some_and(|joins| joins.tip == meta.position);
        (offer || joins)
            && !self.is_haunted()
            && meta.out.is_none()
            && meta.trial.is_none()
            && meta.is_confirmed(&own)
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
}
