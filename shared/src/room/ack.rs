//! Whose word confirms a commit that is only offered: what members say of it, what age does, and when ours is due.

use proto::{access::UNDO_MS, relay::Deliver};

use super::{Engine, Millis, out::Cause, state::StepRow};
use crate::mls::group::GroupError;

/// Who sees the same need waits a random time below this, in milliseconds, so that mostly one member acts.
const ELECTION_MS: u64 = 2_000;

impl Engine {
    /// Somebody's word that a commit is good, where no ledger says what becomes of it.
    pub(super) fn check_ack(&mut self, entry: &Deliver) {
        let Some(ack) = entry.ack.as_ref().filter(|_| self.ledger.now().is_none()) else { return };
        // As at the relay: a word for what its author has added to since says nothing of that.
        let is_tip =
            [&self.books.offer, &self.books.joins].into_iter().flatten().any(|step| step.tip == ack.seq);
        if !is_tip || ack.seq <= self.books.confirmed || !self.is_confirmed(&entry.key) {
            return;
        }
        let untaken = self.books.untaken.as_ref().filter(|untaken| untaken.seq == ack.seq);
        let authority = match (untaken, &self.group) {
            (Some(untaken), _) => Ok(untaken.authority.clone()),
            (None, Some(group)) if ack.seq == self.books.position => {
                group.authority().map(|authority| authority.public().to_vec())
            }
            _ => return,
        };
        let alone = untaken.is_none() && self.voters().is_ok_and(|voters| voters == 1);
        let (Ok(authority), Some(name)) = (authority, self.books.tip_name(ack.seq)) else { return };
        if self.acknowledges(entry, ack.seq, &name, &authority) {
            let joins = self.books.joins.as_ref().is_some_and(|joins| joins.tip == ack.seq);
            self.books.accept(&entry.key, joins, alone);
            // Whoever took what nobody else can take is not alone with it: somebody has to follow.
            self.link.ack_election = true;
        }
    }

    /// The books after an entry, and what follows from them: what this device could not take may be settled now, or
    /// somebody answers for it.
    pub(super) fn settle_books(&mut self, now: Millis) {
        self.copy_ledger();
        if self.back.out.is_some() || !self.is_member() {
            return;
        }
        if self.is_left_behind() {
            self.go_out(Cause::Commit(self.books.confirmed));
        } else {
            self.answered_for(now);
            self.prune();
        }
    }

    /// What others have settled is beyond what this device has taken.
    pub(super) fn is_left_behind(&self) -> bool {
        self.books.confirmed > self.books.position
    }

    /// What nobody dropped within the time for that is confirmed: by the ledger, where it is open, with the next commit.
    pub(super) fn check_age(&mut self, at: Millis, now: Millis) {
        let old = |step: &StepRow| at >= step.at.saturating_add(UNDO_MS);
        // By our own clock as well: the relay alone must not end a trial.
        let both = at.min(now);
        if self.back.trial.as_ref().is_some_and(|trial| both >= trial.at.saturating_add(UNDO_MS)) {
            self.end_trial();
        }
        let is_ours_to_say = self.books.untaken.is_none() && self.ledger.now().is_none();
        if is_ours_to_say && self.books.offer.as_ref().is_some_and(old) {
            self.books.confirm();
        }
    }

    /// Confirmed members, those included that an offer removes, where no ledger counts them.
    pub(super) fn voters(&self) -> Result<usize, GroupError> {
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let removed: usize =
            [&self.books.offer, &self.books.joins].into_iter().flatten().map(|step| step.removed.len()).sum();
        let counts = |leaf: u32| group.keys_of_leaf(leaf).iter().any(|key| !self.books.is_offered(key));
        Ok(group.members()?.into_iter().filter(|(leaf, _)| counts(*leaf)).count() + removed)
    }

    pub(super) fn prune(&mut self) {
        if self.is_member() && self.is_here_to_stay() {
            self.meta.link = None;
        }
        let bases = self.books.bases(self.back.trial.as_ref().map(|trial| trial.position));
        if let Some(group) = &mut self.group {
            group.keep_bases(&bases);
        }
    }

    /// The relay says what is confirmed: where we are unsure and have no ledger, its word decides on what we build.
    pub(super) fn learn_confirmed(&mut self, confirmed: u64) {
        // What is built on is no matter of the relay's word where there is a ledger: what it says, it says when it has read so far.
        let Some(group) = self.group.as_ref().filter(|_| !self.ledger.is_open()) else { return };
        let known = confirmed == self.books.position || group.has_base(confirmed);
        if !known && confirmed > self.books.position && confirmed <= self.meta.cursor && self.is_member() {
            // Others have taken what this device has read past.
            self.go_out(Cause::Commit(confirmed));
            return;
        }
        if known && self.books.untaken.is_some() {
            self.books.confirmed = confirmed;
            // Of that nobody's word is missing any more.
            self.books.offer.take_if(|offer| offer.tip == confirmed);
        }
    }

    /// The newest commit waits for somebody's word, and ours counts.
    pub(super) fn owes_ack(&self) -> bool {
        let own = self.own_key();
        // Also where a join that is of no use stands on an offer that is good.
        let offer = self
            .books
            .offer
            .as_ref()
            .is_some_and(|offer| offer.tip == self.books.position && offer.author != own);
        let joins = self.books.joins.as_ref().is_some_and(|joins| joins.tip == self.books.position);
        (offer || joins)
            && !self.link.no_acks
            && !self.is_haunted()
            && self.back.out.is_none()
            && self.back.trial.is_none()
            && self.is_confirmed(&own)
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
