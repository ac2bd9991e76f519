//! Entries that the relay does not keep any more: reading goes on behind them. It says itself which ones those are, so that
//! is not for good before a member has said that the log is that long: else one lie would lead this device to where no
//! log ever gets, and leave it there.

use proto::relay::Joined;

use super::{Alarm, Engine, watch::HASHES_KEPT};

impl Engine {
    /// The oldest entry that the relay keeps is beyond what was read.
    pub(super) fn leap(&mut self, oldest: u64) {
        self.meta.leapt_from.get_or_insert(self.meta.cursor);
        self.ledger.close();
        self.meta.cursor = oldest.saturating_sub(1);
        self.meta.running_hash.clear();
    }

    /// A member has read so far, as it signed: nobody can have it say so of a log that is not there.
    pub(super) fn landed(&mut self, read: u64) {
        if read.saturating_add(HASHES_KEPT) >= self.meta.cursor {
            self.meta.leapt_from = None;
        }
    }

    /// Whether the log ends before where this device was led: it reads on from where it came from.
    pub(super) fn has_leapt_too_far(&mut self, joined: &Joined) -> bool {
        let read = self.meta.cursor;
        let Some(from) = self.meta.leapt_from.take_if(|_| joined.head < read) else { return false };
        self.alarm(Alarm::LogShorter { head: joined.head, read });
        self.ledger.close();
        self.meta.cursor = from.min(read);
        self.meta.running_hash = self.hashes.get(from).map(<[u8]>::to_vec).unwrap_or_default();
        self.out.reopen = true;
        true
    }
}
