//! A relay whose log is another one than before: it was restored from a backup.

use proto::relay::Joined;

use super::{Engine, out::Cause, state::RestoredRow};
use crate::mls::group::GroupError;

impl Engine {
    /// Whether the relay's log is another one than before. Then nothing is read until a person agrees.
    pub(super) fn is_restored(&mut self, joined: &Joined) -> bool {
        if joined.generation.is_empty() || *joined.generation == *self.meta.generation {
            return false;
        }
        if self.meta.generation.is_empty() {
            self.meta.generation = joined.generation.to_vec();
            self.dirty.meta = true;
            return false;
        }
        // Nothing of what this device has seen is missing there: that the log is the same shows in what members saw.
        let is_whole = joined.head >= self.meta.cursor
            && joined.last_commit >= self.meta.last_commit
            && self.outbox.iter().all(|item| item.acked <= joined.head);
        if is_whole && self.meta.restored.is_none() {
            self.meta.generation = joined.generation.to_vec();
            self.dirty.meta = true;
            return false;
        }
        let known = self.meta.restored.as_ref().is_some_and(|row| *row.generation == *joined.generation);
        // A person who starts the program again has to learn it again: nothing moves until they agree.
        if !known || !self.told_still {
            self.told_still = true;
            self.refuse(
                "relay_restored",
                "The relay was restored from a backup: what was said since then is gone there, and members may have seen \
                 different things.",
                "This room stands still until you agree: ask who runs the relay whether that is so, then say /accept here (a \
                 program: the command accept).",
            );
        }
        let accepted = self.meta.restored.as_ref().is_some_and(|row| known && row.accepted);
        let mut row = RestoredRow::default();
        (row.generation, row.head) = (joined.generation.to_vec(), joined.head);
        row.last_commit = joined.last_commit;
        self.meta.restored = Some(row);
        self.dirty.meta = true;
        if accepted {
            // More was appended since.
            let _ = self.accept();
            return false;
        }
        true
    }

    /// A person agrees to go on with a log that lost its end.
    pub(super) fn accept(&mut self) -> Result<(), GroupError> {
        let Some(row) = self.meta.restored.take() else {
            self.refuse(
                "nothing_to_accept",
                "There is nothing to accept in this room.",
                "That is for a relay that was restored.",
            );
            return Ok(());
        };
        self.meta.generation = row.generation;
        self.meta.cursor = row.head;
        self.meta.last_at = 0;
        self.meta.running_hash.clear();
        self.hashes = super::watch::Hashes::default();
        for item in &mut self.outbox {
            if item.acked != 0 {
                item.acked = 0;
                item.envelope.clear();
                self.dirty.outbox.insert(item.counter);
            }
        }
        self.set_pending(None);
        if row.last_commit != self.meta.position && !self.return_to(row.last_commit)? {
            self.go_out(Cause::Restored);
        }
        self.meta.last_commit = row.last_commit;
        self.dirty.meta = true;
        self.out.reopen = true;
        Ok(())
    }
}
