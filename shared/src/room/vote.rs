//! Votes for an undoing: ours, and what follows when a majority undid something.

use proto::{
    access::CommitName,
    relay::{Deliver, Publish},
};

use super::{
    Engine, Millis, Problem,
    out::Cause,
    state::{EpochRow, VoteRow},
};
use crate::mls::group::GroupError;

/// Votes that wait for another one to be answered, at most; of more the oldest are given up.
pub(super) const MAX_VOTES_LATER: usize = 16;

impl Engine {
    /// This device votes against the commit at `seq`, of the step of this name; what it would vote against before comes after that.
    pub(super) fn want_vote(&mut self, seq: u64, step: Vec<u8>) {
        let books = &mut self.books;
        books.votes_later.retain(|later| later.step != step);
        if books.vote != 0 && books.vote_step != step {
            let first = books.votes_later.len().saturating_sub(MAX_VOTES_LATER - 1);
            books.votes_later.drain(..first);
            let step = std::mem::take(&mut books.vote_step);
            books.votes_later.push(VoteRow { seq: books.vote, step, ..VoteRow::default() });
        }
        (books.vote, books.vote_step) = (seq, step);
    }

    /// The vote has been answered, or there is nothing left that it could be for.
    fn vote_is_settled(&mut self) {
        let books = &mut self.books;
        let next = books.votes_later.pop().unwrap_or_default();
        (books.vote, books.vote_step) = (next.seq, next.step);
    }

    /// It votes against nothing any more.
    pub(super) fn forget_votes(&mut self) {
        self.books.votes_later.clear();
        self.books.vote = 0;
    }

    /// A vote that is due: whoever was put out wants the commit undone.
    pub(super) fn vote(&mut self) -> Option<Publish> {
        let ballot = loop {
            let seq = self.books.vote;
            if seq == 0 {
                return None;
            }
            // As the ledger says; else as it was told, or as far as is known without it.
            let told = || self.books.vote_step.as_slice().try_into().ok().map(CommitName);
            let step = self.ledger.step_name(seq).or_else(told);
            match step.and_then(|step| self.ballot(seq, &step)) {
                Some(ballot) => break ballot,
                None => self.vote_is_settled(),
            }
        };
        let id = self.profile.random.bytes::<16>().to_vec();
        self.link.ballot.clone_from(&id);
        Some(Publish { id: id.into(), ballot: Some(ballot), ..Publish::default() })
    }

    /// The relay has answered a ballot of ours, if that is what it answered: it counts, or there is nothing left to vote on. A majority
    /// may have been there before it.
    pub(super) fn ballot_answered(&mut self, id: &[u8]) -> bool {
        let is_it = !id.is_empty() && self.link.ballot == id;
        if is_it {
            self.link.ballot.clear();
            self.vote_is_settled();
        }
        is_it
    }

    /// A majority undid the commit at `entry.undone` and all after it. `returns`: the group may go back there.
    pub(super) fn undone(&mut self, entry: &Deliver, returns: bool, now: Millis) -> Result<(), GroupError> {
        let from = entry.undone;
        self.books.untaken = self.books.untaken.take().filter(|untaken| untaken.seq < from);
        let was_out = self.back.out.take_if(|out| out.cause >= from).is_some();
        self.books.votes_later.retain(|later| later.seq < from);
        if self.books.vote >= from {
            self.vote_is_settled();
        }
        (self.books.offer, self.books.joins) = (None, None);
        if let Some(ballot) = &entry.ballot {
            // They have had their effect.
            self.books.votes.retain(|vote| vote.step != *ballot.step);
        }
        // What the relay calls the last commit now, it says itself.
        self.meta.last_commit = 0;
        self.refuse(Problem::Undone { entry: from });
        if self.books.position >= from {
            let bases = [self.books.confirmed];
            let base = bases.into_iter().find(|base| returns && *base < from);
            let known = match base {
                Some(base) => self.outvoted_to(base)?,
                None => false,
            };
            if !known {
                self.go_out(Cause::Undone);
            }
        }
        if self.back.out.is_none() {
            self.books.confirmed = self.books.position;
            // The relay has no slot now, and whoever was put out needs one.
            self.wishes.want_update = true;
            self.link.commit_not_before = now + 1 + self.profile.random.below(2_000);
        }
        if was_out && self.back.out.is_none() {
            self.refuse(Problem::Back { has_missed: false });
        }
        Ok(())
    }

    /// Whether what a majority has undone was out of the way before, dropped by a commit that stands: then the undoing
    /// changes who has access, and takes nothing back.
    pub(super) fn was_dropped(&self, undone: u64) -> bool {
        let first = [&self.books.offer, &self.books.joins].into_iter().flatten().map(|step| step.first).min();
        let is_before = self.books.confirmed < undone && first.is_some_and(|first| undone < first);
        self.ledger.tip().map_or(is_before, |tip| undone <= tip)
    }

    /// A majority undid what had been dropped.
    pub(super) fn undone_besides(&mut self, entry: &Deliver) {
        let Some(ballot) = &entry.ballot else { return };
        self.books.votes.retain(|vote| vote.step != *ballot.step);
        self.books.votes_later.retain(|later| later.step != *ballot.step);
        if *self.books.vote_step == *ballot.step {
            self.vote_is_settled();
        }
    }

    /// Whether this device took it, and is in the group that it made; or took a removal of that step, which a vote would undo as well.
    /// Another commit of such a step may be what nobody can take.
    pub(super) fn has_taken(&self, seq: u64, step: &[u8]) -> bool {
        let rows = &self.meta.epochs;
        let first = rows.iter().find(|row| row.name == step).map(|row| row.seq);
        let removes = |row: &EpochRow| row.access.as_ref().is_none_or(|change| !change.removed.is_empty());
        let removed = first.is_some_and(|first| rows.iter().any(|row| row.seq >= first && removes(row)));
        let is_of_it = || *self.books.step_name(seq) == *step;
        !self.ledger.is_own()
            && (rows.iter().any(|row| row.seq == seq && seq != 0) || (removed && !is_of_it()))
    }
}
