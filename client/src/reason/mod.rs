//! Why something failed below the faces: values, which cross a daemon's socket. Their words, and what can be done, are the faces'.

mod room;

use serde::{Deserialize, Serialize};

pub use room::RoomReason;

use crate::failure::Exit;

/// Why something failed. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Reason {
    /// A room is not there, or not any more.
    #[error("room: {0:?}")]
    Room(RoomReason),
}

impl Reason {
    /// Its name for programs: stable.
    pub fn code(&self) -> &str {
        match self {
            Self::Room(reason) => reason.code(),
        }
    }

    /// How a command that cannot go on ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Room(reason) => reason.exit(),
        }
    }
}

impl From<RoomReason> for Reason {
    fn from(reason: RoomReason) -> Self {
        Self::Room(reason)
    }
}
