//! What a commit stands on, and the way back to an earlier one.

use proto::relay::Deliver;

use super::{Engine, Problem, out::Cause};
use crate::mls::group::GroupError;

/// What a commit stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommitGround {
    /// On what this device has taken last.
    OnTop,
    /// On an earlier commit, in the place of what came after.
    Instead,
    /// On a commit that this device could not take.
    Beyond,
    /// On nothing that can be.
    Nowhere,
}

impl Engine {
    /// What a commit stands on, as the relay says.
    pub(super) fn place(&self, entry: &Deliver) -> CommitGround {
        let has_base = |base| self.group.as_ref().is_some_and(|group| group.has_base(base));
        match entry.base {
            base if base == self.books.position => CommitGround::OnTop,
            base if self.books.untaken.as_ref().is_some_and(|untaken| untaken.seq == base) => {
                CommitGround::Beyond
            }
            base if has_base(base) || base == self.books.confirmed => CommitGround::Instead,
            _ => CommitGround::Nowhere,
        }
    }

    /// The group as it was at an earlier commit; who was removed since is owed a removal. False when it is not known any more.
    pub(super) fn return_to(&mut self, base: u64) -> Result<bool, GroupError> {
        let gone = self.gone_since(base)?;
        let is_back = self.go_back_to(base)?;
        self.owe_removals(gone);
        Ok(is_back)
    }

    /// As `return_to`, and whoever was removed since is back.
    pub(super) fn go_back_to(&mut self, base: u64) -> Result<bool, GroupError> {
        let Some(group) = self.group.as_mut().filter(|group| group.has_base(base)) else { return Ok(false) };
        group.to_base(base)?;
        let epoch = group.epoch();
        let lost = self.meta.epochs.iter().any(|row| row.epoch > epoch);
        self.books.position = base;
        self.books.untaken = None;
        self.meta.epochs.retain(|row| row.epoch <= epoch);
        self.keyring.set(&self.meta.epochs);
        let room = group.room()?;
        self.meta.take_room(&room);
        // What was sealed for an epoch that nobody is in any more is said again.
        self.outbox.seal_anew(|item| item.epoch > epoch);
        if lost {
            // What others had under way is of nobody's use, and no forgery.
            self.handover.join_epoch = epoch.max(1);
            self.handover.unreadable_left += group.members()?.len() as u64;
            self.refuse(Problem::TakenBack);
        }
        self.set_pending(None);
        self.settle_gone()?;
        Ok(true)
    }

    /// A commit stands on one that this device has no group of any more: its own join went with what was dropped, or it is out.
    pub(super) fn lost_ground(&mut self) {
        if !self.join_was_dropped() {
            self.go_out(Cause::Undone);
        }
    }
}
