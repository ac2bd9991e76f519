//! What is told of a file under way.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shared::{file::BlobId, room::MessageId};

use crate::reason::Reason;

/// A file under way, as faces show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its number in the profile, never used again.
    pub number: i64,
    /// To the room, or from it.
    pub way: Way,
    /// What the file is called; a terminal may need it made harmless.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    /// Of these, so many are there.
    pub done: u64,
    /// Of those, so many were there before bytes went this time: they tell nothing of how fast it goes.
    pub before: u64,
    /// How it stands.
    pub state: TransferState,
}

/// Where a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// To the room; the message that offers it will name this blob.
    Up(BlobId),
    /// From the room: the message that offers it.
    Down(MessageId),
}

/// How a transfer stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferState {
    /// For the relay, or for others to end; because of this, if anything is wrong.
    Waiting(Option<Reason>),
    /// Bytes go.
    Running,
    /// Somebody wants it to wait.
    Paused,
    /// It does not go on by itself.
    Stopped(Reason),
    /// All of it is there: what was sent is offered to the room, what was fetched is at that place.
    Done(Option<PathBuf>),
    /// It was given up: because of this, if nobody wished it.
    Cancelled(Option<Reason>),
}

impl TransferState {
    /// Nothing comes after it.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Cancelled(_))
    }

    /// The name that programs see.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting(_) => "waiting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped(_) => "stopped",
            Self::Done(_) => "done",
            Self::Cancelled(_) => "cancelled",
        }
    }

    /// What is wrong, if anything is.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Waiting(reason) | Self::Cancelled(reason) => reason.as_ref(),
            Self::Stopped(reason) => Some(reason),
            _ => None,
        }
    }
}

/// What somebody wants of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Steer {
    /// To go on.
    Run,
    /// To wait.
    Pause,
    /// To end, and what there is of it to go.
    Cancel,
}
