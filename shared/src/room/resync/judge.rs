//! Holding what a member hands over against the log that this device has read itself. A state of the room that is not
//! where the log leads is refused, whoever hands it over: an epoch that is too high would make all others look old, and
//! one that is too low would take back what was healed since.

use proto::relay::Deliver;

use crate::{
    content,
    mls::group::Group,
    room::{
        Alarm, Engine, Millis,
        out::RESYNC_AFTER_MS,
        state::{EPOCHS_BRIDGED, MAX_REFUSED, MAX_SINCE, SeenRow},
        verdict::Verdict,
    },
};

/// After so many rounds of asking everybody, a state is taken, on trial, that our log contradicts.
const STRICT_ROUNDS: u32 = 2;

/// The wait between rounds doubles so often: from 20 s to an hour and a half.
pub(super) const MAX_PATIENCE: u32 = 8;

/// How a state that is handed over fits our own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::room) enum Fit {
    /// Its epoch is the one to which the commits since ours lead.
    Extends,
    /// The log has a gap, so it cannot be told; nothing speaks against it.
    Unknown,
    /// It is not of this log.
    No,
}

impl Engine {
    /// A commit that this device has not taken, or took on trial.
    pub(in crate::room) fn note_seen(&mut self, entry: &Deliver, verdict: &Verdict) {
        let taken = matches!(verdict, Verdict::Applied | Verdict::Joined);
        if !entry.is_commit || (taken && self.back.trial.is_none() && self.back.out.is_none()) {
            return;
        }
        self.note_back_too(entry);
        self.back.since.push(SeenRow { seq: entry.seq, base: entry.base });
        let first = self.back.since.len().saturating_sub(MAX_SINCE);
        self.back.since.drain(..first);
    }

    /// The newest epoch that anybody may be in, by the log: others may have taken what this device cannot.
    pub(in crate::room) fn newest_epoch(&self) -> u64 {
        let own = self.group.as_ref().map_or(0, Group::epoch);
        self.epoch_at(self.meta.last_commit).map_or(own, |epoch| epoch.max(own))
    }

    /// The epoch that the commit at `seq` began, by the commits from the last one that this device knows; none where
    /// it has not read them all.
    fn epoch_at(&self, seq: u64) -> Option<u64> {
        let (mut at, mut steps) = (seq, 0);
        loop {
            if let Some(row) = self.meta.epochs.iter().find(|row| row.seq == at) {
                return row.epoch.checked_add(steps);
            }
            let seen = self.back.since.iter().find(|seen| seen.seq == at && seen.base < at)?;
            (at, steps) = (seen.base, steps + 1);
        }
    }

    /// Whether a member's answer hands over what our own log leads to.
    pub(in crate::room) fn judge(&mut self, state: &content::ResyncState) -> Fit {
        let meta = &self.meta;
        let Some((epoch, rounds)) = self.back.out.as_ref().map(|out| (out.epoch, out.rounds)) else {
            return Fit::No;
        };
        if state.slot_key.len() != 32 || state.last_commit > meta.cursor {
            return Fit::No;
        }
        // Each epoch took an entry of the log.
        let is_bounded = state.epoch > epoch
            && state.epoch - epoch <= state.last_commit.saturating_sub(self.books.position);
        // A relay that lied once must not keep this device out for ever: what everybody says is taken, on trial.
        let is_lenient = rounds >= STRICT_ROUNDS && is_bounded;
        // Members answer on the newest commit.
        if state.last_commit < self.meta.last_commit && !is_lenient {
            return Fit::No;
        }
        if self.saw_another_log(state.view.as_ref()) {
            self.alarm(Alarm::HelperViewDiffers);
            return if is_lenient { Fit::Unknown } else { Fit::No };
        }
        if self.saw_no_commit(state.last_commit) && !is_lenient {
            return Fit::No;
        }
        match self.epoch_at(state.last_commit) {
            Some(known) if known == state.epoch => Fit::Extends,
            // The log does not show what was bridged.
            Some(known)
                if self.back.may_be_bridged
                    && (known..=known.saturating_add(EPOCHS_BRIDGED)).contains(&state.epoch) =>
            {
                Fit::Unknown
            }
            Some(_) if is_lenient => Fit::Unknown,
            Some(_) => Fit::No,
            None if is_bounded => Fit::Unknown,
            None => Fit::No,
        }
    }

    /// Whether this device has read that entry, and it was no commit.
    fn saw_no_commit(&self, seq: u64) -> bool {
        let is_known = self.meta.epochs.iter().any(|row| row.seq == seq)
            || self.back.since.iter().any(|seen| seen.seq == seq);
        !is_known && self.hashes.get(seq).is_some()
    }

    /// Up to the first commit that this device could not take. What it was shown since then may be what put it out, and must not
    /// keep it out: once it is back, everybody's word is held against that as well.
    fn saw_another_log(&self, view: Option<&content::View>) -> bool {
        // Whoever answers has read no further than up to its answer, which comes next.
        let Some(view) = view.filter(|view| view.seq <= self.meta.cursor) else { return true };
        let end = self.back.since.first().map_or(u64::MAX, |seen| seen.seq);
        let differs = |seq: u64, theirs: &[u8]| {
            seq < end && theirs.len() == 32 && self.hash_at(seq).is_some_and(|hash| *hash != *theirs)
        };
        differs(view.seq, &view.running_hash)
            || view.prior.iter().any(|mark| differs(mark.seq, &mark.running_hash))
    }

    /// An answer of this account was of no use: the next one has to be another's.
    pub(super) fn refuse_account(&mut self, account: &[u8], now: Millis) {
        let own = self.own_account().0;
        let others = self.group.as_ref().and_then(|group| group.members().ok()).unwrap_or_default();
        let wait = self.profile.random.below(super::ELECTION_MS);
        let Some(out) = &mut self.back.out else { return };
        out.request.clear();
        if !account.is_empty() && !out.refused.iter().any(|refused| refused == account) {
            out.refused.push(account.to_vec());
        }
        let is_left = |holder: &crate::identity::credential::Holder| {
            holder.fingerprint.0 != own && !out.refused.iter().any(|refused| *refused == holder.fingerprint.0)
        };
        let all = out.refused.len() > MAX_REFUSED || !others.iter().any(|(_, holder)| is_left(holder));
        out.not_before = now + 1 + wait;
        if all {
            // All are asked again, and each time in less haste: hours at most.
            out.refused.clear();
            out.useless_by.clear();
            out.not_before += RESYNC_AFTER_MS << out.rounds.min(MAX_PATIENCE);
            out.rounds = out.rounds.saturating_add(1);
        }
    }
}
