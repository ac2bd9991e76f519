//! A return on trial. One member let this device in, and one member can make up a state of the room. So the group from
//! before is kept until a member of a third account, known from before, has spoken in the one that was entered: nobody
//! can make that up. Whoever came back in the same trouble shows nothing: it may have been led to where this device was. Until then this device vouches for nothing and commits nothing. If the others pass its return by,
//! the old group is what it has again, and it asks anew, for somebody else's answer.

use std::collections::BTreeSet;

use proto::relay::Deliver;

use crate::{
    identity::credential::Holder,
    mls::group::{Group, GroupError},
    room::{
        Engine, OutCause, Problem,
        ground::CommitGround,
        kinship::Kinship,
        out::Cause,
        state::{OutRow, StepRow, TrialRow},
    },
};

impl Engine {
    /// Keeps the group from before, which is a base now, where somebody is there who could show that the return is
    /// good. In a room of two accounts nobody is.
    pub(super) fn begin_trial(&mut self, out: Option<&OutRow>, at: u64) -> Result<(), GroupError> {
        let (position, own) = (self.books.position, self.own_account().0);
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        let third = match out.filter(|_| group.has_base(position)) {
            Some(out) => third_accounts(&group.base(position)?, &out.answerer, &own)?,
            None => BTreeSet::new(),
        };
        let Some(out) = out.filter(|_| !third.is_empty()) else {
            group.keep_bases(&[]);
            self.back.since.clear();
            self.back.back_too.clear();
            return Ok(());
        };
        group.keep_bases(&[position]);
        let mut trial = TrialRow::default();
        (trial.position, trial.at) = (position, at);
        (trial.answerer, trial.refused) = (out.answerer.clone(), out.refused.clone());
        if out.why() == OutCause::Backup {
            (trial.leaf, trial.epoch) = (Some(out.leaf), out.epoch);
        }
        self.back.trial = Some(trial);
        Ok(())
    }

    /// Somebody said something in this group, as MLS has proved.
    pub(in crate::room) fn prove_return(&mut self, who: &Holder) -> Result<(), GroupError> {
        let (Some(trial), Some(group)) = (&self.back.trial, &self.group) else { return Ok(()) };
        if !group.has_base(trial.position) {
            return Ok(());
        }
        let third = third_accounts(&group.base(trial.position)?, &trial.answerer, &self.own_account().0)?;
        let account = who.fingerprint.0;
        if third.contains(&account) && !self.back.back_too.iter().any(|back| **back == account) {
            self.end_trial();
        }
        Ok(())
    }

    /// Whose device comes back while this one does not follow, or is on trial.
    pub(super) fn note_back_too(&mut self, entry: &Deliver) {
        if self.kinship(entry) != Kinship::Return {
            return;
        }
        let account_in = |group: &Group| Some(group.member(group.leaf_of_key(&entry.key)?)?.fingerprint.0);
        let trial = self.back.trial.as_ref().map(|trial| trial.position);
        let before = |group: &Group| group.base(trial.filter(|at| group.has_base(*at))?).ok();
        // What it was before: the group that this device was let into may say anything.
        let old = self.group.as_ref().and_then(before);
        let account = old.as_ref().or(self.group.as_ref()).and_then(account_in);
        let back_too = &mut self.back.back_too;
        // One for each account of the group at most.
        if let Some(account) = account.filter(|account| !back_too.iter().any(|back| *back == *account)) {
            back_too.push(account.to_vec());
        }
    }

    /// The return is good.
    pub(in crate::room) fn end_trial(&mut self) {
        self.back.trial = None;
        self.back.since.clear();
        self.back.back_too.clear();
        self.link.ack_election = true;
        self.prune();
    }

    /// Whether a commit takes the place of the one by which this device came back.
    pub(in crate::room) fn passes_return_by(&self, place: CommitGround, base: u64) -> bool {
        let Some(trial) = &self.back.trial else { return false };
        let known = self.group.as_ref().is_some_and(|group| group.has_base(base));
        match place {
            CommitGround::Nowhere => true,
            CommitGround::Instead => base == trial.position || !known,
            CommitGround::OnTop | CommitGround::Beyond => false,
        }
    }

    /// A chat line of ours was seen in the log.
    pub(in crate::room) fn said_on_trial(&mut self) {
        if let Some(trial) = &mut self.back.trial {
            trial.said = trial.said.saturating_add(1);
        }
    }

    /// The return was no good: back to the group from before, and out.
    ///
    /// # Errors
    /// [`GroupError::Damaged`] when that group is not there.
    pub(in crate::room) fn refuse_return(&mut self, cause: Cause) -> Result<(), GroupError> {
        let own = self.own_key();
        let is_confirmed = self.is_confirmed(&own);
        let Some(trial) = self.back.trial.take() else { return Ok(()) };
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        group.to_base(trial.position)?;
        group.keep_bases(&[]);
        let mut row = OutRow::default();
        (row.leaf, row.epoch) = (group.leaf(), group.epoch());
        if let Some(leaf) = trial.leaf {
            (row.leaf, row.epoch) = (leaf, trial.epoch);
            row.set_why(OutCause::Backup);
        }
        row.refused.clone_from(&trial.refused);
        self.set_pending(None);
        self.forget_keys();
        (self.books.position, self.books.confirmed) = (trial.position, trial.position);
        self.forget_votes();
        (self.books.offer, self.books.joins, self.books.untaken) = (None, None, None);
        if !is_confirmed {
            let (first, tip) = (trial.position, trial.position);
            self.books.joins = Some(StepRow { first, tip, added: vec![own.to_vec()], ..StepRow::default() });
        }
        self.back.out = Some(row);
        self.new_epoch()?;
        self.settle_again()?;
        self.settle_gone()?;
        // What the relay lost or no longer keeps is nobody's lie.
        let is_lie = matches!(cause, Cause::Commit(_) | Cause::Undone);
        let account = if is_lie { trial.answerer.clone() } else { Vec::new() };
        // It asks at once: what it waited for is over.
        self.refuse_account(&account, 0);
        self.refuse(Problem::ReturnRefused { unread: trial.said.into() });
        Ok(())
    }
}

/// Accounts in a group but for two.
fn third_accounts(group: &Group, answerer: &[u8], own: &[u8; 32]) -> Result<BTreeSet<[u8; 32]>, GroupError> {
    let accounts = group.members()?.into_iter().map(|(_, holder)| holder.fingerprint.0);
    Ok(accounts.filter(|account| account != own && *account != *answerer).collect())
}
