//! Several outputs of the engine as one step: stored once, then sent, then shown.

use proto::relay::ClientFrame;
use shared::engine::{Event, Millis, Output};

use crate::store::{Batch, Notice};

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
    pub(super) fn add(&mut self, output: Output) {
        self.batch.changes.extend(output.changes);
        self.batch.messages.extend(output.events.iter().filter_map(|event| match event {
            Event::Message(message) => Some(message.clone()),
            _ => None,
        }));
        self.batch.notices.extend(output.events.iter().filter_map(Notice::of));
        self.frames.extend(output.frames);
        self.events.extend(output.events);
        self.reopen |= output.reopen;
        self.wake_at = output.wake_at;
    }
}
