//! What comes out of the engine.

use std::fmt;

use proto::relay::ClientFrame;
use zeroize::Zeroizing;

use super::{Event, Millis};

/// What the engine wants done, in this order: save, send, show.
#[derive(Default)]
pub struct Output {
    /// To be stored in one transaction before anything of `frames` is sent. Empty when nothing changed.
    pub changes: Vec<Change>,
    /// To be sent on the current stream, in order.
    pub frames: Vec<ClientFrame>,
    /// For people and programs, in order.
    pub events: Vec<Event>,
    /// Close the current stream and open a fresh one.
    pub reopen: bool,
    /// When to call with [`super::Input::Tick`], if nothing else happens before.
    pub wake_at: Option<Millis>,
}

/// One row of the room's state: put when `value` is there, deleted otherwise.
pub struct Change {
    /// Name of the row, unique in the room; holds no secret.
    pub key: String,
    /// The row; secret.
    pub value: Option<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Change({}, {} bytes)", self.key, self.value.as_ref().map_or(0, |v| v.len()))
    }
}
