//! This device is out: it cannot follow the group, though for the others it may still be a member. It commits
//! nothing, repairs nothing and writes no slot; it votes, where a commit put it out, and asks to be let back in
//! (`resync`). What is said meanwhile waits.

use proto::access::OFFER_GRACE_MS;

use super::{Engine, Millis, OutCause, Problem, state::OutRow};

/// A request is made no sooner than this after a device went out: votes may undo what put it out.
pub(super) const RESYNC_AFTER_MS: u64 = OFFER_GRACE_MS;

/// Why a device is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A commit that others have taken and this device cannot take.
    Commit(u64),
    /// Commits that the relay does not keep any more.
    Away,
    /// This profile is older than what it already did.
    OldProfile,
    /// A majority undid what this device had taken.
    Undone,
    /// The relay lost commits that this device has taken.
    Restored,
}

/// A device of which a backup is left asks at once, in milliseconds of any clock: nothing can undo what put it out.
pub(super) const AT_ONCE: Millis = 1;

impl Cause {
    fn reason(self) -> OutCause {
        match self {
            Self::Commit(_) => OutCause::Commit,
            Self::Away => OutCause::Away,
            Self::OldProfile => OutCause::OldProfile,
            Self::Undone => OutCause::Undone,
            Self::Restored => OutCause::Restored,
        }
    }
}

/// Nothing waits longer, in milliseconds: two hours, which is more than the longest pause between two rounds of asking.
pub(super) const LONGEST_MS: u64 = 2 * 3600 * 1000;

impl Engine {
    /// What was put off under a clock that was ahead must not wait for that date.
    pub(super) fn cap_waits(&mut self, now: Millis) {
        let latest = now.saturating_add(LONGEST_MS);
        let out = self.back.out.as_mut().map(|out| &mut out.not_before);
        let untaken = self.books.untaken.as_mut().map(|untaken| &mut untaken.until);
        for at in [out, untaken].into_iter().flatten().filter(|at| **at > latest) {
            *at = latest;
        }
    }

    /// Once, with one sentence; later causes change nothing.
    pub(super) fn go_out(&mut self, cause: Cause) {
        if self.back.out.is_some() {
            return;
        }
        if self.back.trial.is_some() && self.refuse_return(cause).is_ok() {
            return;
        }
        let Some(group) = &self.group else { return };
        let mut row = OutRow::default();
        (row.leaf, row.epoch) = (group.leaf(), group.epoch());
        if let Cause::Commit(seq) = cause {
            row.cause = seq;
            // Not of what was taken here.
            if seq > self.books.position {
                let step = self.books.untaken.as_ref().map(|untaken| untaken.step.clone());
                let named = self.ledger.step_name(seq).map(|name| name.0.to_vec());
                row.step = named.or(step).unwrap_or_default();
            }
            // One that is only closed to this device is voted against when nobody lets it back in: votes stay, and
            // those of devices that were helped could undo what everybody has built on.
            if !row.step.is_empty() && self.books.untaken.as_ref().is_some_and(|untaken| untaken.broken) {
                self.want_vote(seq, row.step.clone());
            }
        }
        row.set_why(cause.reason());
        self.back.out = Some(row);
        self.set_pending(None);
        self.link.told_out = true;
        self.refuse(Problem::Out(cause.reason()));
    }

    /// Said once more where the program was started anew since.
    pub(super) fn say_that_it_is_out(&mut self) {
        if let Some(out) = self.back.out.as_ref().filter(|_| !self.link.told_out) {
            let cause = out.why();
            self.link.told_out = true;
            self.refuse(Problem::Out(cause));
        }
    }
}
