//! Whoever has the old key of an account, once its owner comes in with the new one.
//!
//! A thief who was faster, and took the owner's devices out, has leaves here and the account's rights. The owner's join is only
//! offered, and until a member has built on it the relay lets the thief drop it. So nobody waits for the owner: whoever sees
//! the join takes the old leaves out at once, by a commit on top of it. If the thief was faster once more, what it made is
//! refused, dropped, and voted against.

use super::{Engine, state::Books};
use crate::{
    identity::{Fingerprint, credential::Holder},
    mls::group::{Applied, GroupError},
};

/// Accounts that are remembered, the last ones: each had a leaf here when its owner came.
const MAX_REPLACED: usize = 64;

impl Books {
    fn note_replaced(&mut self, old: &Fingerprint) {
        if !self.replaced.iter().any(|one| **one == old.0) {
            self.replaced.push(old.0.to_vec());
            self.replaced.drain(..self.replaced.len().saturating_sub(MAX_REPLACED));
        }
    }
}

impl Engine {
    /// A commit was taken. If somebody came by it in the place of an account that is here, the leaves of that one are to go.
    pub(super) fn note_heir(&mut self, applied: &Applied) -> Result<(), GroupError> {
        let enters = applied.joined.is_some() || applied.returned.is_some();
        let old = applied.joined.as_ref().and_then(|joined| joined.replaces);
        let Some(old) = old else { return if enters { Ok(()) } else { self.settle_replaced() } };
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let left = group.members()?.into_iter().filter(|(_, holder)| holder.fingerprint == old);
        let left: Vec<_> = left.map(|(_, holder)| holder.unique()).collect();
        if left.is_empty() {
            return Ok(());
        }
        self.books.note_replaced(&old);
        // A device of that account cannot do anything here any more, but say that what another one of it made is good.
        if self.own_account() == old {
            return Ok(());
        }
        left.into_iter().for_each(|unique| self.want_removed(unique));
        self.link.heir_election = true;
        Ok(())
    }

    /// A member's commit stands. What it was built on is settled: of accounts whose owner is not here, or that are gone,
    /// nothing is to be remembered.
    fn settle_replaced(&mut self) -> Result<(), GroupError> {
        if self.books.replaced.is_empty() {
            return Ok(());
        }
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let members = group.members()?;
        let has = |is: &dyn Fn(&Holder) -> bool| members.iter().any(|(_, holder)| is(holder));
        self.books.replaced.retain(|old| {
            has(&|holder| holder.replaces.is_some_and(|one| one.0[..] == **old))
                && has(&|holder| holder.fingerprint.0[..] == **old)
        });
        Ok(())
    }

    /// Whether it is a commit of an account whose owner this device saw come in with another key, even where the commit is
    /// built so that the owner is not here.
    pub(super) fn is_by_replaced(&self, applied: &Applied) -> bool {
        let before = applied.was.as_ref().unwrap_or(&applied.committer);
        let changes = applied.committer.replaces == Some(before.fingerprint);
        !changes && self.books.replaced.iter().any(|old| **old == before.fingerprint.0)
    }
}
