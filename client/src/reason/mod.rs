//! Why something failed below the faces: values, which cross a daemon's socket. Their words, and what can be done, are the faces'.

mod relay;
mod room;

use serde::{Deserialize, Serialize};

pub use relay::{RelayReason, Unasked};
pub use room::RoomReason;

use crate::{failure::Exit, transport::DialError};

/// Why something failed. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Reason {
    /// A relay is of no use.
    #[error("relay: {0:?}")]
    Relay(RelayReason),
    /// A room is not there, or not any more.
    #[error("room: {0:?}")]
    Room(RoomReason),
}

impl Reason {
    /// Its name for programs: stable.
    pub fn code(&self) -> &str {
        match self {
            Self::Relay(reason) => reason.code(),
            Self::Room(reason) => reason.code(),
        }
    }

    /// How a command that cannot go on ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Relay(reason) => reason.exit(),
            Self::Room(reason) => reason.exit(),
        }
    }
}

impl From<RelayReason> for Reason {
    fn from(reason: RelayReason) -> Self {
        Self::Relay(reason)
    }
}

impl From<&DialError> for Reason {
    fn from(error: &DialError) -> Self {
        Self::Relay(RelayReason::Dial(error.clone()))
    }
}

impl From<RoomReason> for Reason {
    fn from(reason: RoomReason) -> Self {
        Self::Room(reason)
    }
}
