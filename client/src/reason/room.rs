//! Of rooms.

use serde::{Deserialize, Serialize};
use shared::identity::NameError;

use crate::{
    failure::Exit,
    store::{Over, StoreError, Unreadable},
};

/// Why nothing can be done in a room, or with one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomReason {
    /// The profile has none of this name.
    Unknown(String),
    /// It is over.
    Over {
        /// Its label.
        room: String,
        /// Why, where that is known.
        why: Option<Over>,
    },
    /// It is not over: it is left before it is forgotten, so that the others are told.
    StillIn(String),
    /// A private room of this name was left, and somebody goes to the open one.
    LeftPrivate(String),
    /// An archive of version 1 has this name: whoever means the private room that was must not end up in one that everybody can
    /// read.
    Archive(String),
    /// It is of version 1: its state is not read.
    Version1,
    /// Its state cannot be read.
    Unreadable(Unreadable),
    /// The same, as it is told to who asks something of it.
    NotLoaded {
        /// Its label.
        room: String,
        /// Why, where that is known.
        why: Option<Unloaded>,
    },
    /// The profile is in as many as it may.
    TooMany {
        /// How many.
        most: usize,
    },
    /// It keeps as many as it may, with those that were left.
    TooManyKept {
        /// How many.
        most: usize,
    },
    /// The profile is in it already, at another relay.
    OtherRelay(String),
    /// It cannot have this name.
    BadName(NameError),
    /// Its group cannot be made, in the words of the library.
    Group(String),
    /// What is acknowledged is not there yet.
    NotThereYet {
        /// Its label.
        room: String,
        /// What was acknowledged.
        seq: u64,
        /// The newest that is here; 0 for nothing.
        newest: u64,
    },
    /// A file is at the relay, and the room takes no message of this device now.
    OutboxFull,
}

/// Why a room could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unloaded {
    /// Its rows cannot be had.
    Store(StoreError),
    /// It is of version 1.
    Version1,
    /// They make no room.
    State(Unreadable),
}

impl RoomReason {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) | Self::Over { .. } => "not_found",
            Self::StillIn(_) => "still_in",
            Self::LeftPrivate(_) => "left_private",
            Self::Archive(_) | Self::Version1 => "version_1",
            Self::Unreadable(_) | Self::NotLoaded { .. } => "storage",
            Self::TooMany { .. } | Self::TooManyKept { .. } => "too_many_rooms",
            Self::OtherRelay(_) => "other_relay",
            Self::BadName(_) | Self::NotThereYet { .. } => "usage",
            Self::Group(_) => "group",
            Self::OutboxFull => "outbox_full",
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Unknown(_) | Self::Over { .. } => Exit::NotFound,
            Self::StillIn(_)
            | Self::LeftPrivate(_)
            | Self::Archive(_)
            | Self::TooMany { .. }
            | Self::TooManyKept { .. }
            | Self::OtherRelay(_)
            | Self::OutboxFull => Exit::Refused,
            Self::BadName(_) | Self::NotThereYet { .. } => Exit::Usage,
            Self::Version1 | Self::Unreadable(_) | Self::NotLoaded { .. } | Self::Group(_) => Exit::Local,
        }
    }
}
