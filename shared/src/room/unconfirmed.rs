//! Our own join until a member has taken it: another commit may take its place.

use proto::relay::Deliver;

use super::{
    CloseReason, Engine,
    state::{Phase, StepRow},
};

impl Engine {
    /// Our join is in the log, and waits for a member's word.
    pub(super) fn joined_at(&mut self, entry: &Deliver) {
        let name = self.name_of(entry);
        (self.books.position, self.books.confirmed, self.books.offer) = (entry.seq, entry.base, None);
        let mut joins = StepRow::default();
        joins.extend(entry, name);
        joins.added = vec![self.access.public().as_bytes().to_vec()];
        self.books.joins = Some(joins);
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
        if let Some(link) = &mut self.meta.link {
            // What was dropped may have been made up, its epoch too: the inviter's word is what is left.
            link.least_epoch = link.card_epoch;
        }
        if self.meta.link.is_none() {
            self.close(CloseReason::JoinReplaced);
            return true;
        }
        self.group = None;
        self.ledger.close();
        self.set_pending(None);
        self.meta.epochs.clear();
        // In the group that it comes into, whoever is owed a removal is another matter.
        (self.books.again, self.books.gone) = (Vec::new(), Vec::new());
        self.keyring.set(&[]);
        (self.books.offer, self.books.joins, self.books.untaken, self.back.out) = (None, None, None, None);
        self.outbox.seal_anew(|_| true);
        self.set_phase(Phase::Joining);
        self.out.reopen = true;
        true
    }
}
