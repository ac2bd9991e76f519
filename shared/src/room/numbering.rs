//! The numbers by which people and programs know what was said. They are those of the relay's log, until that becomes another
//! one at a place that this device has read beyond: what it reads from there on is told under numbers behind all that it
//! knows. So nothing that was read is replaced, and what is new is new for whoever counts from where they have read to.

use super::{Engine, Event, state::LostRow};
use crate::message::timeline::Line;

/// Greater places than this no log has: programs keep their numbers as floating point, and some may be added to them.
pub(super) const FARTHEST: u64 = 1 << 51;

/// Places beyond the cursor up to which the relay's word is taken for something of ours: it does not decide our numbers.
const ACKED_BEYOND: u64 = 1 << 20;

impl Engine {
    /// Up to where this device has read the log, and the relay has said that something of ours stands in it.
    pub(super) fn read_or_acked(&self) -> u64 {
        let meta = &self.meta;
        // Where the relay alone led it on, what was told counts, and not what the relay says was passed over.
        let read = match meta.leapt_from {
            Some(from) => from.max(self.in_log(meta.told)),
            None => meta.cursor,
        };
        let acked = self.outbox.values().map(|item| item.acked).max().unwrap_or(0);
        read.max(acked.min(read.saturating_add(ACKED_BEYOND)))
    }

    /// The number by which people know what is at `seq` in the log.
    pub fn told_as(&self, seq: u64) -> u64 {
        seq.saturating_add(self.meta.ahead)
    }

    /// The place in the log of what people know by that number.
    pub(super) fn in_log(&self, told: u64) -> u64 {
        told.saturating_sub(self.meta.ahead)
    }

    /// The log is another one from somewhere behind the cursor on, and was read up to `read` before.
    pub(super) fn count_on_from(&mut self, read: u64) {
        let meta = &mut self.meta;
        let upto = read.saturating_add(meta.ahead);
        let ahead = upto.saturating_sub(meta.cursor).max(meta.ahead);
        let before = meta.lost.take().map_or(meta.ahead, |lost| lost.ahead);
        meta.lost = Some(LostRow { ahead: before, upto });
        meta.ahead = ahead;
    }

    /// It reads on in the same log from before where it was led to: what comes is told behind all that was told.
    pub(super) fn count_on_from_told(&mut self) {
        let meta = &mut self.meta;
        meta.ahead = meta.ahead.max(meta.told.saturating_sub(meta.cursor));
    }

    /// At `seq` the log is another one: what was read from there on is told to be lost.
    pub(super) fn tell_lost(&mut self, seq: u64) {
        let Some(LostRow { ahead, upto }) = self.meta.lost.take() else { return };
        let after = ahead.saturating_add(seq.saturating_sub(1));
        if after < upto {
            self.out.events.push(Event::Lost { after, upto });
        }
    }

    /// What is told of the log gets the numbers by which people know it.
    pub(super) fn number_events(&mut self) {
        let meta = &mut self.meta;
        for event in &mut self.out.events {
            let (seq, is_line) = match event {
                Event::Message(message) => (&mut message.seq, true),
                Event::Act(act) => (&mut act.seq, true),
                Event::Seen { seq, .. } | Event::Sent { seq, .. } => (seq, false),
                Event::HandOver { before, .. } => (before, false),
                _ => continue,
            };
            *seq = seq.saturating_add(meta.ahead);
            if is_line {
                meta.told = meta.told.max(*seq);
            }
        }
    }
}

/// Lines for somebody who reads this log only, from `before` on: each in a place of its own before that, in their order.
pub(super) fn squeezed(lines: Vec<Line>, before: u64) -> Vec<Line> {
    let mut end = before;
    let place = |mut line: Line| {
        end = line.message.seq.min(end.saturating_sub(1));
        line.message.seq = end;
        (end > 0).then_some(line)
    };
    let mut lines: Vec<Line> = lines.into_iter().rev().map_while(place).collect();
    lines.reverse();
    lines
}
