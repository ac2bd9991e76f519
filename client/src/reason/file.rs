//! Of files on their way.

use std::{io, path::PathBuf};

use proto::relay::refused::Limit;
use serde::{Deserialize, Serialize};

use crate::failure::Exit;

/// Why a file does not go on, or does not begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileReason {
    /// Nothing but a fault or a lie of the relay's explains it.
    Dishonest(Lie),
    /// The sender's own doing.
    Forged(Forgery),
    /// There is no space left for a file here.
    DiskFull(#[serde(with = "crate::codec::path")] PathBuf),
    /// There is no such file here.
    Missing(#[serde(with = "crate::codec::path")] PathBuf),
    /// A file here cannot be read or written.
    Unusable(#[serde(with = "crate::codec::path")] PathBuf, FileFault),
    /// There is no file here that could be sent.
    NoSource(#[serde(with = "crate::codec::path")] PathBuf),
    /// A file here cannot be sent.
    Unsendable(#[serde(with = "crate::codec::path")] PathBuf, FileFault),
    /// Something has the name already, and nothing is overwritten.
    Exists(#[serde(with = "crate::codec::path")] PathBuf),
    /// A file of this name has more bytes than there can be.
    TooLarge(String),
    /// Nobody said where files go.
    NoDownloads,
    /// No message has that id.
    NoMessage,
    /// The message has no file.
    NoFile,
    /// No file of this number is under way.
    Unknown(i64),
    /// The relay takes no more for now.
    Busy(Bound),
    /// The relay has no space for it.
    NoSpace(Bound),
    /// It is too large for the relay.
    LargeThere(Bound),
    /// All of it is sent once more.
    Anew {
        /// By its size or its time it is another one; else only the relay knows it otherwise.
        is_changed: bool,
    },
    /// The relay has less than it said that it had.
    LostThere,
    /// Of what was fetched some is gone.
    LostHere,
    /// Whoever leaves a room gives up what was under way there.
    RoomLeft,
    /// It was fetched for a command, and that has ended.
    AskerGone,
    /// The relay does not have it any more, or not all of it yet.
    NotThere,
    /// The room is frozen.
    Frozen,
    /// The relay does not let this device at the room's files.
    NotAllowed,
    /// The relay refuses it, for a reason that this version does not know.
    Refused,
}

/// How a relay is dishonest about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lie {
    /// It sends what is no frame.
    NoFrame,
    /// More than there is of the file.
    TooMuch,
    /// Another part than its sender sealed.
    OtherPart,
    /// A part with nothing in it.
    EmptyPart,
    /// Parts that nobody asked for.
    Unasked,
    /// It has parts that the file does not have.
    ForeignPart,
    /// It has a file of another size under this name.
    OtherSize,
}

/// How a file is not what its sender announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Forgery {
    /// Not that picture.
    Picture,
    /// More than one part.
    Parts,
    /// Its list of parts does not open.
    List,
    /// Its list of parts makes no sense, in the words of the core.
    Listed(String),
    /// It has another size at the relay.
    Size,
    /// A part does not open.
    Unopened,
    /// A part is too short.
    Short,
    /// Too large for the picture of a person.
    Avatar,
}

/// A limit of the relay, by its number in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound(i32);

impl From<Limit> for Bound {
    fn from(limit: Limit) -> Self {
        Self(limit.into())
    }
}

impl From<Bound> for Limit {
    fn from(bound: Bound) -> Self {
        Self::try_from(bound.0).unwrap_or_default()
    }
}

/// What is wrong with a file here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum FileFault {
    /// A directory, a device or a pipe.
    #[error("no plain file")]
    NotPlain,
    /// Something else has its name.
    #[error("name taken")]
    Taken,
    /// A picture that is too large to be cleaned.
    #[error("large picture")]
    LargePicture,
    /// A picture that cannot be read.
    #[error("damaged picture")]
    DamagedPicture,
    /// Anything else, as the system says.
    #[error("{0}")]
    Io(String),
}

impl From<FileFault> for io::Error {
    fn from(fault: FileFault) -> Self {
        let kind = match fault {
            FileFault::NotPlain => io::ErrorKind::InvalidInput,
            FileFault::Taken => io::ErrorKind::AlreadyExists,
            FileFault::LargePicture | FileFault::DamagedPicture => io::ErrorKind::InvalidData,
            FileFault::Io(_) => io::ErrorKind::Other,
        };
        Self::new(kind, fault)
    }
}

impl From<&io::Error> for FileFault {
    fn from(error: &io::Error) -> Self {
        let fault = error.get_ref().and_then(|error| error.downcast_ref::<Self>()).cloned();
        fault.unwrap_or_else(|| Self::Io(error.to_string()))
    }
}

impl FileReason {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Dishonest(_) => "file_damaged",
            Self::Forged(_) => "file_forged",
            Self::DiskFull(_) => "disk_full",
            Self::Missing(_)
            | Self::NoSource(_)
            | Self::NoMessage
            | Self::NoFile
            | Self::Unknown(_)
            | Self::NotThere => "not_found",
            Self::Unusable(..) | Self::Unsendable(..) => "file",
            Self::Anew { is_changed: true } => "file_changed",
            Self::Anew { is_changed: false } => "file_anew",
            Self::LostThere | Self::LostHere => "parts_lost",
            Self::RoomLeft => "room_left",
            Self::AskerGone => "asker_gone",
            Self::Exists(_) => "exists",
            Self::TooLarge(_) | Self::NoDownloads => "usage",
            Self::Busy(_) => "rate_limited",
            Self::NoSpace(_) => "no_space",
            Self::LargeThere(_) => "too_large",
            Self::Frozen => "frozen",
            Self::NotAllowed | Self::Refused => "refused",
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Dishonest(_) | Self::Forged(_) => Exit::Verification,
            Self::DiskFull(_)
            | Self::Unusable(..)
            | Self::Unsendable(..)
            | Self::Anew { .. }
            | Self::LostHere
            | Self::AskerGone => Exit::Local,
            Self::LostThere => Exit::Network,
            Self::Missing(_)
            | Self::NoSource(_)
            | Self::NoMessage
            | Self::NoFile
            | Self::Unknown(_)
            | Self::NotThere => Exit::NotFound,
            Self::Exists(_) | Self::TooLarge(_) | Self::NoDownloads => Exit::Usage,
            Self::Busy(_)
            | Self::NoSpace(_)
            | Self::LargeThere(_)
            | Self::Frozen
            | Self::NotAllowed
            | Self::RoomLeft
            | Self::Refused => Exit::Refused,
        }
    }
}
