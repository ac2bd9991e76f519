//! Of rooms.

use serde::{Deserialize, Serialize};

use crate::{
    failure::Exit,
    store::{Over, Unreadable},
};

/// Why nothing can be done in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomReason {
    /// It is over.
    Over {
        /// Its label.
        room: String,
        /// Why, where that is known.
        why: Option<Over>,
    },
    /// An archive of version 1 has this name: whoever means the private room that was must not end up in one that everybody can
    /// read.
    Archive(String),
    /// It is of version 1: its state is not read.
    Version1,
    /// Its state cannot be read.
    Unreadable(Unreadable),
}

impl RoomReason {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Over { .. } => "not_found",
            Self::Archive(_) | Self::Version1 => "version_1",
            Self::Unreadable(_) => "storage",
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Over { .. } => Exit::NotFound,
            Self::Archive(_) => Exit::Refused,
            Self::Version1 | Self::Unreadable(_) => Exit::Local,
        }
    }
}
