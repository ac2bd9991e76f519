//! A relay whose log is another one than before: it was restored from a backup.

use proto::relay::Joined;

use super::{Engine, Event, Problem, state::RestoredRow};
use crate::mls::group::GroupError;

impl Engine {
    /// Whether the relay's log is another one than before. Then nothing is read until a person agrees.
    pub(super) fn is_restored(&mut self, joined: &Joined) -> bool {
        if joined.generation.is_empty() {
            return self.is_as_before();
        }
        if *joined.generation == *self.meta.generation {
            // The log that this device knows is there again: there is nothing left to agree to.
            self.back.restored = None;
            return self.is_as_before();
        }
        if self.meta.generation.is_empty() {
            self.meta.generation = joined.generation.to_vec();
            return false;
        }
        let mut row = RestoredRow::default();
        (row.generation, row.head) = (joined.generation.to_vec(), joined.head);
        (row.last_commit, row.oldest) = (joined.last_commit, joined.oldest);
        // Nothing of what this device has seen has to be missing there: what it reads again tells.
        let (read, last_commit) = match self.back.probes {
            true => (self.back.probe_to, self.back.probe_commit),
            false => (self.meta.cursor, self.meta.last_commit),
        };
        // Whoever agreed to one log agreed to no other.
        let rereads = self.back.rereads && !self.back.probes;
        let is_whole = !rereads
            && joined.head >= read
            && joined.last_commit >= last_commit
            && self.outbox.values().all(|item| item.acked <= joined.head);
        if is_whole && self.back.restored.is_none() {
            if self.back.probes {
                // This stream begins where it has to.
                self.link.restored = Some(row);
                return false;
            }
            if self.reread_from(&row) && self.meta.cursor < read {
                self.back.probes = true;
                (self.back.probe_to, self.back.probe_commit) = (read, last_commit);
                self.out.reopen = true;
                return true;
            }
            self.back.rereads = false;
            self.take_generation(&row);
            return false;
        }
        self.stand_still(row)
    }

    /// This is the log from now on. Others may have lost what this device never saw.
    pub(super) fn take_generation(&mut self, row: &RestoredRow) {
        (self.back.probe_to, self.back.probe_commit) = (0, 0);
        self.meta.generation.clone_from(&row.generation);
        self.back.may_be_bridged = true;
        let leaves: Vec<u32> = self.peers.keys().copied().collect();
        for leaf in leaves {
            if let Some(peer) = self.peers.get_mut(&leaf) {
                peer.before_restore = true;
            }
        }
    }

    /// Whether the stream begins where another log was to be compared, and has to begin where this one was read to.
    fn is_as_before(&mut self) -> bool {
        let has_probed = self.stop_probe();
        self.out.reopen |= has_probed;
        has_probed
    }

    /// What was being compared is not to be: this device has read as far as it had before. False when nothing was.
    fn stop_probe(&mut self) -> bool {
        if !std::mem::take(&mut self.back.probes) {
            return false;
        }
        let meta = &mut self.meta;
        self.back.rereads = false;
        meta.cursor = meta.cursor.max(std::mem::take(&mut self.back.probe_to));
        meta.last_commit = meta.last_commit.max(std::mem::take(&mut self.back.probe_commit));
        meta.running_hash = self.hashes.get(meta.cursor).map(<[u8]>::to_vec).unwrap_or_default();
        true
    }

    /// Reads on from the oldest position that can be compared. False when there is none.
    fn reread_from(&mut self, row: &RestoredRow) -> bool {
        let first = self.hashes.first_up_to(self.meta.cursor);
        let Some(first) = first.filter(|first| *first <= row.head) else { return false };
        let start = first.max(row.oldest.saturating_sub(1)).min(self.meta.cursor);
        self.meta.cursor = start;
        self.meta.running_hash = self.hashes.get(start).map(<[u8]>::to_vec).unwrap_or_default();
        self.back.rereads = true;
        true
    }

    /// The log is another one than before, as far as this device had read it: people are asked.
    pub(super) fn stand_still(&mut self, row: RestoredRow) -> bool {
        let known = self.back.restored.as_ref().is_some_and(|other| other.generation == row.generation);
        // A person who starts the program again has to learn it again: nothing moves until they agree.
        if !known || !self.told_still {
            self.told_still = true;
            self.refuse(Problem::RelayRestored);
        }
        self.stop_probe();
        let accepted = self.back.restored.as_ref().is_some_and(|row| known && row.accepted);
        self.back.restored = Some(row);
        if accepted {
            // More was appended since.
            let _ = self.accept();
            return false;
        }
        true
    }

    /// A person agrees to go on with a log that lost its end, or to go back to where this device was before it was led astray.
    pub(super) fn accept(&mut self) -> Result<(), GroupError> {
        let Some(row) = self.back.restored.take() else {
            if !self.comes_back_from_astray() {
                self.refuse(Problem::NothingToAccept);
                return Ok(());
            }
            self.out.events.push(Event::Accepted);
            return Ok(());
        };
        self.give_up_return()?;
        self.ledger.close();
        self.set_pending(None);
        self.take_generation(&row);
        // Votes were for another log.
        self.forget_votes();
        (self.meta.last_at, self.meta.last_commit) = (0, 0);
        self.books.votes.clear();
        let read = self.read_or_acked();
        (self.meta.leapt_from, self.meta.landed) = (None, None);
        self.outbox.forget_acks();
        let kept = self.reread_from(&row);
        if !kept {
            self.meta.cursor = row.head;
        }
        self.count_on_from(read);
        self.out.events.push(Event::Accepted);
        if !kept {
            self.meta.running_hash.clear();
            self.back.rereads = true;
            // All that could be compared is gone.
            self.parted(row.head.saturating_add(1))?;
        }
        self.out.reopen = true;
        Ok(())
    }
}
