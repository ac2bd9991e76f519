//! Our own join until a member has taken it: another commit may take its place.

use proto::relay::Deliver;

use super::{
    CloseReason, Engine, Problem,
    state::{Phase, StepRow},
};
use crate::mls::group::Applied;

impl Engine {
    /// Our join is in the log, and waits for a member's word.
    pub(super) fn joined_at(&mut self, entry: &Deliver) {
        let name = self.name_of(entry);
        (self.books.position, self.books.confirmed, self.books.offer) = (entry.seq, entry.base, None);
        let mut joins = StepRow::default();
        joins.extend(entry, name);
        joins.added = vec![self.access.public().as_bytes().to_vec()];
        self.books.joins = Some(joins);
        self.books.is_built_on = false;
    }

    /// A commit was taken. Whoever removed somebody is confirmed, and has ended our invite, but in an open room: only the group of
    /// before would let us in by it. Any other one counts if its author, as MLS proves, was there before us.
    pub(super) fn note_built_on(&mut self, applied: &Applied) {
        if !applied.removed.is_empty() && !self.meta.open {
            self.meta.link = None;
        }
        let Some(group) = &self.group else { return };
        let is_ours = applied.leaf == group.leaf();
        let enters = applied.joined.is_some() || applied.returned.is_some();
        let was_there = group.keys_of_leaf(applied.leaf).iter().any(|key| !self.books.is_offered(key));
        self.books.is_built_on |= !is_ours && !enters && was_there;
    }

    /// Whether our join is not taken back any more. Without a ledger that is not known, since whose word counts is only guessed;
    /// but the relay must not lead whoever saw a member build on its join back behind that. A ledger that is not read up to yet
    /// will tell.
    pub(super) fn is_here_to_stay(&self) -> bool {
        match self.ledger.now() {
            Some(_) => self.is_confirmed(&self.own_key()),
            None => self.books.is_built_on && !self.ledger.is_open(),
        }
    }

    /// The relay does not know our key: our join was passed by before a member had taken it. The invite may still
    /// let us in. False when it was not that.
    pub(super) fn join_was_dropped(&mut self) -> bool {
        let own = self.own_key();
        // Whoever keeps a link does not know its key confirmed.
        let waits = self.books.is_offered(&own) || self.meta.link.is_some();
        if !waits || !self.is_member() {
            return false;
        }
        let Some(link) = &mut self.meta.link else {
            self.close(CloseReason::JoinReplaced);
            return true;
        };
        // What was dropped may have been made up, its epoch too: the inviter's word is what is left.
        link.least_epoch = link.card_epoch;
        // The relay alone may say so: people learn of it, and of the group that comes nothing is known.
        self.refuse(Problem::PlaceLost);
        self.link.announced = false;
        self.peers.clear();
        self.group = None;
        self.ledger.close();
        self.set_pending(None);
        self.meta.epochs.clear();
        // It comes into no group with somebody whom it saw removed, or who is owed that again.
        let owed = std::mem::take(&mut self.books.again);
        self.note_all_gone(owed);
        self.keyring.set(&[]);
        (self.books.offer, self.books.joins, self.books.untaken, self.back.out) = (None, None, None, None);
        (self.back.trial, self.back.bridge) = (None, None);
        self.back.since.clear();
        self.back.back_too.clear();
        self.outbox.seal_anew(|_| true);
        self.set_phase(Phase::Joining);
        self.out.reopen = true;
        true
    }
}
