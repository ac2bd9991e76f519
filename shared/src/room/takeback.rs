//! Going back behind a change that this device had taken. The relay says which commit another one stands on, and it may
//! help somebody who was removed: so nobody's own removal is taken back by a commit of theirs, whatever key the relay
//! names; what was removed is removed again before anything is said; and that a majority undid something is believed
//! when their votes were seen.

use std::collections::BTreeSet;

use proto::{
    PublicKey,
    access::{CommitName, ballot_statement},
    relay::Deliver,
};

use super::{Alarm, Engine, state::VoteRow};
use crate::{
    content,
    crypto::aead::Envelope,
    identity::{credential::Holder, verifies},
    mls::group::{Applied, Group, GroupError},
};
use prost::Message as _;

/// Votes that are kept, of whichever commits. When full, the oldest go: one key has one for each step.
const MAX_VOTES: usize = 4096;

/// Bytes of the account's key, with which what names a member begins.
const ACCOUNT: usize = 32;

/// Members whose removal was taken back, at most: as many as one commit removes. Further ones are not remembered.
const MAX_AGAIN: usize = 1024;

impl Engine {
    /// A commit takes the place of what came after an earlier one: the group returns there. False when it must not.
    pub(super) fn fall_back(&mut self, entry: &Deliver) -> Result<bool, GroupError> {
        let Some(group) = self.group.as_ref().filter(|group| group.has_base(entry.base)) else {
            return Ok(false);
        };
        let mut base = group.base(entry.base)?;
        let gone = self.removed_since(&base)?;
        let author = if gone.is_empty() { None } else { self.author_at(&mut base, entry) };
        if author.is_some_and(|author| gone.iter().any(|gone| is_same_account(gone, &author))) {
            self.alarm(Alarm::OwnRemovalUndone { entry: entry.seq });
            return Ok(false);
        }
        self.return_to(entry.base)
    }

    /// Who was removed since an earlier commit; nobody where its group is not known.
    pub(super) fn gone_since(&self, base: u64) -> Result<Vec<Vec<u8>>, GroupError> {
        match self.group.as_ref().filter(|group| group.has_base(base)) {
            Some(group) => self.removed_since(&group.base(base)?),
            None => Ok(Vec::new()),
        }
    }

    /// Whose removal was taken back is removed again before anything is said.
    pub(super) fn owe_removals(&mut self, gone: Vec<Vec<u8>>) {
        for unique in gone {
            if self.books.again.len() < MAX_AGAIN && !self.books.again.contains(&unique) {
                self.books.again.push(unique.clone());
            }
            self.want_removed(unique);
        }
    }

    /// A majority undid what came after a commit: the group returns there. Whom it removed is removed again, since a vote is about
    /// what somebody could not take, and the rest of its step may have been good; but for those of `forgiven`. False when
    /// it is not known any more.
    pub(super) fn outvoted_to(&mut self, base: u64) -> Result<bool, GroupError> {
        let mut owed = self.gone_since(base)?;
        let forgiven = self.forgiven_since(base)?;
        owed.retain(|unique| unique.get(..ACCOUNT).is_none_or(|account| !forgiven.contains(account)));
        let is_back = self.go_back_to(base)?;
        self.owe_removals(owed);
        Ok(is_back)
    }

    /// The accounts of whom was removed since, where those are more than half of all accounts: then the room is theirs. Devices
    /// do not count: an account could have as many as the room has seats for. Nor does one whose place another took by the
    /// word of its recovery key: what is left of it is a thief's. In a room of one account it is that one's own affair.
    fn forgiven_since(&self, base: u64) -> Result<BTreeSet<Vec<u8>>, GroupError> {
        let Some(group) = self.group.as_ref().filter(|group| group.has_base(base)) else {
            return Ok(BTreeSet::new());
        };
        let before = group.base(base)?;
        let all: BTreeSet<_> = before.members()?.into_iter().map(|(_, who)| *who.account_key()).collect();
        let replaced: BTreeSet<_> =
            group.members()?.into_iter().filter_map(|(_, who)| who.replaces).collect();
        let removed: BTreeSet<_> = self.removed_since(&before)?.into_iter().collect();
        let counts = |who: &Holder| !replaced.contains(&who.fingerprint) && removed.contains(&who.unique());
        let gone = before.members()?.into_iter().map(|(_, who)| who).filter(counts);
        let gone: BTreeSet<_> = gone.map(|who| who.account_key().to_vec()).collect();
        let is_theirs = all.len() > 1 && gone.len().saturating_mul(2) > all.len();
        Ok(if is_theirs { gone } else { BTreeSet::new() })
    }

    /// Who was removed by what this device has taken since: not by what it could not take, which may have removed
    /// anybody's access. A device whose account has another key is still there.
    pub(super) fn removed_since(&self, base: &Group) -> Result<Vec<Vec<u8>>, GroupError> {
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let present: Vec<_> = group.members()?.into_iter().map(|(_, holder)| holder).collect();
        let uniques: BTreeSet<_> = present.iter().map(Holder::unique).collect();
        let became = |who: &Holder| present.iter().any(|is| is.succeeds(who));
        let before = base.members()?.into_iter().map(|(_, holder)| holder);
        let gone = before.filter(|who| !uniques.contains(&who.unique()) && !became(who));
        Ok(gone.map(|who| who.unique()).collect())
    }

    /// Who made the commit, as the group at its base proves; none when it proves nothing.
    fn author_at(&mut self, base: &mut Group, entry: &Deliver) -> Option<Vec<u8>> {
        let envelope = Envelope::parse(&entry.envelope).ok()?;
        let (_, plain) = self.keyring.open(&envelope)?;
        let content::sealed::Body::KeyShare(message) = content::Sealed::decode(plain.as_slice()).ok()?.body?
        else {
            return None;
        };
        Some(base.process(&message, entry.at_ms).ok()?.committer.unique())
    }

    /// Whether a commit brings somebody in, or is made by somebody, while it is owed to remove them again: an old link still counts
    /// in the group that this device went back to, and so do the keys of who was removed.
    pub(super) fn helps_removed(&self, applied: &Applied) -> bool {
        let author = applied.committer.unique();
        let is_theirs = self.books.again.iter().any(|again| is_same_account(again, &author));
        self.is_haunted() && (applied.joined.is_some() || is_theirs)
    }

    /// Whether somebody is in the group whose removal was taken back: nothing is said to them.
    pub(super) fn is_haunted(&self) -> bool {
        !self.books.again.is_empty()
    }

    /// Whoever is not a member any more needs no removing.
    pub(super) fn settle_again(&mut self) -> Result<(), GroupError> {
        if self.books.again.is_empty() {
            return Ok(());
        }
        let Some(group) = &self.group else { return Ok(()) };
        let members = group.members()?;
        self.books.again.retain(|unique| members.iter().any(|(_, holder)| holder.unique() == *unique));
        Ok(())
    }

    /// A vote for an undoing, if it is a member's own.
    pub(super) fn count_vote(&mut self, entry: &Deliver) {
        let Some(ballot) = &entry.ballot else { return };
        let (Ok(key), Ok(generation), Ok(step)) = (
            PublicKey::try_from(&*entry.key),
            self.meta.generation.as_slice().try_into(),
            (&*ballot.step).try_into().map(CommitName),
        ) else {
            return;
        };
        let statement = ballot_statement(&self.room, &generation, ballot.seq, &step);
        let row = VoteRow { seq: ballot.seq, key: entry.key.to_vec(), step: ballot.step.to_vec() };
        // One for each step, wherever in it.
        let is_new = !self.books.votes.iter().any(|vote| vote.key == row.key && vote.step == row.step);
        // The group is read last: it costs most.
        if is_new
            && verifies(&key.0, &statement, &ballot.signature)
            && self.electorate().contains(&*entry.key)
        {
            let first = self.books.votes.len().saturating_sub(MAX_VOTES - 1);
            self.books.votes.drain(..first);
            self.books.votes.push(row);
        }
    }

    /// Whether what this ballot is said to undo is the step that it names, as this device has read it; false where it
    /// does not remember that one.
    pub(super) fn begins_with(&self, entry: &Deliver) -> bool {
        let Some(ballot) = &entry.ballot else { return false };
        let steps = [&self.books.joins, &self.books.offer].into_iter().flatten();
        steps.into_iter().any(|step| step.first == entry.undone && *step.name == *ballot.step)
    }

    /// Whether the votes that were seen undo what this ballot is said to: those for the step that it names.
    pub(super) fn is_outvoted(&self, entry: &Deliver) -> bool {
        let Some(ballot) = entry.ballot.as_ref().filter(|ballot| ballot.seq >= entry.undone) else {
            return false;
        };
        let is_of_another = self.step_is_known(entry.undone) && !self.begins_with(entry);
        let electorate = self.electorate();
        let same = |vote: &&VoteRow| vote.step == *ballot.step && electorate.contains(&vote.key);
        // One row for each key: see `count_vote`.
        let votes: Vec<_> = self.books.votes.iter().filter(same).collect();
        // Also the one that is said to decide has to be good.
        !is_of_another
            && votes.iter().any(|vote| *vote.key == *entry.key)
            && votes.len().saturating_mul(2) > electorate.len()
    }

    fn step_is_known(&self, seq: u64) -> bool {
        !self.books.step_name(seq).is_empty()
    }

    /// The keys of the last confirmed epoch; where that is not known any more, of the present one. Who came since has no say:
    /// anybody with a link could come.
    fn electorate(&self) -> BTreeSet<Vec<u8>> {
        let base = self.confirmed_base();
        let keys = base.as_ref().or(self.group.as_ref()).and_then(|group| group.member_keys().ok());
        keys.unwrap_or_default()
    }

    fn confirmed_base(&self) -> Option<Group> {
        let group = self.group.as_ref().filter(|group| group.has_base(self.books.confirmed))?;
        group.base(self.books.confirmed).ok()
    }
}

/// Whether two members, account and device, are of one account.
fn is_same_account(one: &[u8], other: &[u8]) -> bool {
    one.get(..ACCOUNT).is_some_and(|account| other.get(..ACCOUNT) == Some(account))
}
