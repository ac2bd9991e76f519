//! Doubts about an entry: numbers, counters, views and times that do not fit what came before.

use proto::relay::Deliver;

use super::{Alarm, Engine, Event, Fault, Problem, epoch::EPOCHS_RECOGNISED, state::Peer, verdict::Verdict};
use crate::{
    crypto::aead::Session,
    crypto::replay::{ReplayError, Window},
};

/// How much of the epoch authenticator a message repeats, in bytes: 128 bits against a second preimage.
pub(super) const AUTHENTICATOR_PREFIX: usize = 16;

/// Replay windows kept: sixteen starts of the program for each of 256 members within the kept epochs.
/// When there are more, the ones of the oldest epochs go first; MLS itself still refuses a message twice, since the
/// place that it signs names one key.
const MAX_WINDOWS: usize = 4096;

/// Of these, windows of one leaf, each a session of its: so nobody's sessions push out somebody else's windows.
const MAX_WINDOWS_OF_LEAF: usize = 64;

/// Who sealed an envelope, by its key, and as which of theirs.
pub(super) struct Number {
    pub(super) id: (u32, Session),
    pub(super) sequence: u64,
    pub(super) epoch: u64,
}

impl Engine {
    pub(super) fn check_number(&self, number: &Number) -> Result<(), ReplayError> {
        self.windows.get(&number.id).map_or(Ok(()), |(_, window)| window.check(number.sequence))
    }

    /// Marks an authenticated sequence number; refuses it the second time.
    pub(super) fn mark(&mut self, id: (u32, Session), sequence: u64, epoch: u64) -> Result<(), ReplayError> {
        if !self.windows.contains_key(&id) {
            let of_leaf = (id.0, Session([0; 8]))..=(id.0, Session([0xff; 8]));
            let count = self.windows.range(of_leaf.clone()).count();
            let oldest = match (count, self.windows.len()) {
                (MAX_WINDOWS_OF_LEAF.., _) => {
                    self.windows.range(of_leaf).min_by_key(|(_, (epoch, _))| *epoch)
                }
                (_, MAX_WINDOWS..) => self.windows.iter().min_by_key(|(_, (epoch, _))| *epoch),
                _ => None,
            };
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                self.windows.remove(&oldest);
            }
        }
        let (used, window) = self.windows.entry(id, || (epoch, Window::default()));
        window.commit(sequence)?;
        *used = epoch.max(*used);
        Ok(())
    }

    /// Holds a content counter against the last one of that leaf. False when it came before.
    pub(super) fn count(&mut self, leaf: u32, unique: &[u8], name: &str, counter: u64) -> bool {
        let peer = self.peers.get(&leaf).filter(|peer| peer.unique == unique);
        let known = peer.filter(|peer| !peer.uncounted).map(|peer| peer.counter);
        let taken = peer.map(|peer| peer.taken.clone()).unwrap_or_default();
        if known.is_some_and(|last| counter <= last) {
            self.alarm(Alarm::MessageAgain { from: name.to_owned() });
            return false;
        }
        let missing = known.map_or(0, |last| counter - last - 1);
        let since = peer.map_or(0, |peer| peer.since);
        let is_gone = peer.is_some_and(|peer| peer.before_restore);
        match (missing, name.to_owned()) {
            (0, _) => (),
            (_, from) if is_gone => self.refuse(Problem::LostAtRestore { from, missing }),
            (_, from) => self.alarm(Alarm::MessagesMissing { from, missing }),
        }
        if !self.is_heard(leaf, unique) && self.group.as_ref().is_some_and(|group| group.leaf() != leaf) {
            self.out.events.push(Event::Heard { leaf });
        }
        let unique = unique.to_vec();
        self.peers.insert(leaf, Peer { leaf, unique, counter, taken, since, ..Peer::default() });
        true
    }

    pub(super) fn unreadable(&mut self, epoch: u64, is_commit: bool) -> Verdict {
        // A newcomer meets messages that were under way when it joined; it was never meant to read them. Each
        // member has at most one under way, and a commit of before the join cannot come after it.
        let newcomer = self.handover.join_epoch > 0
            && epoch <= self.handover.join_epoch.saturating_add(EPOCHS_RECOGNISED);
        if !newcomer || is_commit {
            return self.forged(Fault::NoMember);
        }
        if self.handover.unreadable_left == 0 {
            self.alarm(Alarm::TooMuchUnreadable);
            return Verdict::Refused;
        }
        self.handover.unreadable_left -= 1;
        self.refuse(Problem::Unreadable);
        Verdict::Refused
    }

    pub(super) fn check_time(&mut self, entry: &Deliver) {
        if entry.at_ms < self.meta.last_at {
            self.alarm(Alarm::TimeBackwards { entry: entry.seq });
        }
    }

    /// The relay said that it has our commit, and shows something that cannot be before it.
    pub(super) fn check_acked_commit(&mut self, entry: &Deliver, own: bool) {
        let acked = self.link.commit_acked;
        if own || acked == 0 || (entry.seq < acked && !entry.is_commit) {
            return;
        }
        self.commit_not_shown();
    }

    pub(super) fn commit_not_shown(&mut self) {
        self.link.commit_acked = 0;
        let _ = self.give_up_return();
        self.alarm(Alarm::CommitNotShown);
        self.set_pending(None);
    }

    pub(super) fn forged(&mut self, fault: Fault) -> Verdict {
        let entry = self.meta.cursor.saturating_add(1);
        self.refuse(Problem::Forged { entry, fault });
        Verdict::Refused
    }
}
