//! Inputs of the engine that came together, and their outputs as one step: stored once, then sent, then shown.

use std::collections::VecDeque;

use proto::relay::ClientFrame;
use shared::room::{Engine, Event, Input, Millis, Output};

use crate::store::{Batch, Happening, LineOrAct, Notice, RoomLogItem};

/// What waits to be thought about.
pub(super) struct Inputs {
    waiting: VecDeque<Input>,
    /// The engine has looked ahead at so many of them.
    looked_at: usize,
}

impl Inputs {
    /// The next one. Whoever catches up has hundreds of them, and the engine is faster when it sees them together.
    pub(super) fn next(&mut self, engine: &mut Engine) -> Option<Input> {
        if self.looked_at == 0 {
            self.looked_at = engine.look_ahead(&self.waiting);
        }
        self.looked_at = self.looked_at.saturating_sub(1);
        self.waiting.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

impl From<Vec<Input>> for Inputs {
    fn from(inputs: Vec<Input>) -> Self {
        Self { waiting: inputs.into(), looked_at: 0 }
    }
}

/// Where an output belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogPosition {
    /// Sequence number of the entry that led to it, if one did.
    pub(super) seq: Option<u64>,
    /// When that was appended; now, where none was.
    pub(super) at: Millis,
    /// Chat lines go so many seconds after they were said; 0 for never.
    pub(super) disappear_s: u32,
}

/// What a batch of inputs led to.
#[derive(Default)]
pub(super) struct Step {
    pub(super) batch: Batch,
    pub(super) frames: Vec<ClientFrame>,
    pub(super) events: Vec<Event>,
    pub(super) reopen: bool,
    pub(super) wake_at: Option<Millis>,
}

impl Step {
    /// Adds an output; the order within each part stays.
    pub(super) fn add(&mut self, output: Output, place: LogPosition, now: Millis) {
        self.batch.changes.extend(output.changes);
        output.events.iter().for_each(|event| self.keep(event, now));
        let happenings = output.events.iter().filter_map(RoomLogItem::of).map(|what| place.of(what));
        self.batch.happenings.extend(happenings.filter(|happening| !happening.is_over(now)));
        self.batch.notices.extend(output.events.iter().filter_map(Notice::of));
        self.frames.extend(output.frames);
        self.events.extend(output.events.into_iter().filter(|event| !is_over(event, now)));
        self.reopen |= output.reopen;
        self.wake_at = output.wake_at;
    }

    fn keep(&mut self, event: &Event, now: Millis) {
        match event {
            event if is_over(event, now) => {}
            Event::Message(message) => self.batch.entries.push(LineOrAct::Line(message.clone().into())),
            Event::Act(act) => self.batch.entries.push(LineOrAct::Act(act.clone())),
            Event::Handed { lines, .. } => {
                self.batch.entries.extend(lines.iter().cloned().map(LineOrAct::Line));
            }
            _ => {}
        }
    }
}

impl LogPosition {
    /// In a room where lines go, it goes with those that were said then; what is loud does not, so that it is seen.
    fn of(self, what: RoomLogItem) -> Happening {
        let Self { mut seq, at, disappear_s } = self;
        if let RoomLogItem::Lost { upto, .. } = what {
            // Behind what it tells of, before all that is said from now on.
            seq = Some(upto);
        }
        let goes = disappear_s > 0 && !what.is_loud();
        let expires = goes.then(|| at.saturating_add(u64::from(disappear_s) * 1_000));
        Happening { seq, at, expires, what }
    }
}

/// A chat line that should be gone by now, read late. It is as if it had gone here.
fn is_over(event: &Event, now: Millis) -> bool {
    matches!(event, Event::Message(message) if message.disappears.is_some_and(|at| at <= now))
}
