//! Entries that the relay does not keep any more: reading goes on behind them. It says itself which ones those are, so that
//! is not for good before a member has said that the log is that long: else one lie would lead this device to where no
//! log ever gets, and leave it there. A member can lie with the relay; then a person says whether to go back.

use proto::relay::Joined;

use super::{Alarm, Engine, Problem, Stream, state::LandedRow, watch::HASHES_KEPT};

impl Engine {
    /// The oldest entry that the relay keeps is beyond what was read.
    pub(super) fn leap(&mut self, oldest: u64) {
        self.meta.leapt_from.get_or_insert(self.meta.cursor);
        self.ledger.close();
        self.meta.cursor = oldest.saturating_sub(1);
        self.meta.running_hash.clear();
    }

    /// A member has read so far, as it signed: the relay alone cannot have it say so of a log that is not there.
    /// Where another account says the same, that is settled.
    pub(super) fn landed(&mut self, read: u64, leaf: u32) {
        if self.meta.leapt_from.is_none() && self.meta.landed.is_none() {
            return;
        }
        let Some(holder) = self.group.as_ref().and_then(|group| group.member(leaf)) else { return };
        let by = holder.fingerprint.0.to_vec();
        if self.meta.leapt_from.is_none() {
            self.meta.landed.take_if(|landed| landed.by != by && read >= landed.to);
            return;
        }
        if read.saturating_add(HASHES_KEPT) < self.meta.cursor {
            return;
        }
        let Some(from) = self.meta.leapt_from.take() else { return };
        // Whoever was led on from where no log ever gets comes from before that.
        let row = self.meta.landed.get_or_insert_with(|| LandedRow { from, ..LandedRow::default() });
        (row.to, row.by) = (row.to.max(read), by);
    }

    /// Whether the log ends before where this device was led: it reads on from where it came from.
    pub(super) fn has_leapt_too_far(&mut self, joined: &Joined) -> bool {
        let read = self.meta.cursor;
        let Some(from) = self.meta.leapt_from.take_if(|_| joined.head < read) else { return false };
        self.alarm(Alarm::LogShorter { head: joined.head, read });
        self.read_again_from(from);
        true
    }

    /// Whether the log ends before what a member said that it had read when this device was led on.
    fn is_led_astray(&self) -> bool {
        self.link.ends_early && self.meta.landed.as_ref().is_some_and(|landed| self.link.head < landed.to)
    }

    /// People learn that they can have it read on from where it came from. By itself it goes back no more, since the relay could
    /// have it do so again and again.
    pub(super) fn tell_led_astray(&mut self) {
        if self.is_led_astray() {
            self.refuse(Problem::LedAstray);
        }
    }

    /// A person agrees. False where there is nothing to go back to.
    pub(super) fn comes_back_from_astray(&mut self) -> bool {
        if !self.is_led_astray() {
            return false;
        }
        let Some(landed) = self.meta.landed.take() else { return false };
        self.meta.leapt_from = None;
        self.read_again_from(landed.from);
        true
    }

    /// Reads on from there.
    fn read_again_from(&mut self, from: u64) {
        self.ledger.close();
        let meta = &mut self.meta;
        meta.cursor = from.min(meta.cursor);
        if meta.last_commit > meta.cursor {
            meta.last_commit = 0;
        }
        meta.running_hash = self.hashes.get(meta.cursor).map(<[u8]>::to_vec).unwrap_or_default();
        meta.marks.retain(|mark| mark.seq <= from);
        meta.sealed_beyond = Some(meta.sealed_beyond.map_or(from, |before| before.min(from)));
        self.count_on_from_told();
        (self.link.state, self.out.reopen) = (Stream::Offline, true);
    }

    /// Caught up. What was sealed beyond says that this device had read what no log has; what of it is in this log all the same is
    /// known by now.
    pub(super) fn seal_anew_what_is_beyond(&mut self) {
        let Some(from) = self.meta.sealed_beyond.take() else { return };
        self.outbox.seal_anew(|item| item.read > from);
        if self.pending.as_ref().is_some_and(|pending| pending.read > from) {
            self.set_pending(None);
        }
    }
}
