//! Why something failed below the faces: values, which cross a daemon's socket. Their words, and what can be done, are the faces'.

mod daemon;
mod device;
mod file;
mod linking;
mod person;
mod relay;
mod room;

use serde::{Deserialize, Serialize};
use shared::room::{BodyError, CloseReason};

pub use daemon::{DaemonReason, SocketFault};
pub use device::DeviceReason;
pub use file::{Bound, FileFault, FileReason, Forgery, Lie};
pub use linking::LinkReason;
pub use person::PersonReason;
pub use relay::{RelayReason, Unasked};
pub use room::{RoomReason, Unloaded};

use crate::{
    failure::{Exit, exit_of},
    store::{Notice, StoreError},
    transport::DialError,
};

/// Why something failed. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Reason {
    /// The profile cannot be read or written.
    #[error("store: {0}")]
    Store(StoreError),
    /// A relay is of no use.
    #[error("relay: {0:?}")]
    Relay(RelayReason),
    /// A room is not there, or not any more, or takes nothing.
    #[error("room: {0:?}")]
    Room(RoomReason),
    /// Somebody, or what somebody wants to be called, is not what it should be.
    #[error("person: {0:?}")]
    Person(PersonReason),
    /// The daemon is of no use.
    #[error("daemon: {0:?}")]
    Daemon(DaemonReason),
    /// What was to be said may not be.
    #[error("said: {0:?}")]
    Said(BodyError),
    /// A room is over.
    #[error("closed: {0:?}")]
    Closed(CloseReason),
    /// An alarm or problem of a room.
    #[error("notice: {0:?}")]
    Notice(Notice),
    /// A file does not go on.
    #[error("file: {0:?}")]
    File(FileReason),
    /// A device of this person is not what it should be.
    #[error("device: {0:?}")]
    Device(DeviceReason),
    /// A device is not linked.
    #[error("linking: {0:?}")]
    Link(LinkReason),
}

impl Reason {
    /// Its name for programs: stable.
    pub fn code(&self) -> &str {
        match self {
            Self::Store(error) => error.code(),
            Self::Relay(reason) => reason.code(),
            Self::Room(reason) => reason.code(),
            Self::Person(reason) => reason.code(),
            Self::Daemon(reason) => reason.code(),
            Self::Said(error) => error.code(),
            Self::Closed(_) => "closed",
            Self::Notice(notice) => match (notice.kind(), notice.code()) {
                (Some(kind), _) => kind.name(),
                (None, code) => code.unwrap_or_default(),
            },
            Self::File(reason) => reason.code(),
            Self::Device(reason) => reason.code(),
            Self::Link(reason) => reason.code(),
        }
    }

    /// How a command that cannot go on ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Relay(reason) => reason.exit(),
            Self::Room(reason) => reason.exit(),
            Self::Person(reason) => reason.exit(),
            Self::Daemon(reason) => reason.exit(),
            Self::Said(_) => Exit::Usage,
            Self::Closed(_) => Exit::Refused,
            Self::Notice(notice) if notice.kind().is_some() => Exit::Verification,
            Self::Notice(_) => exit_of(self.code()),
            Self::File(reason) => reason.exit(),
            Self::Device(reason) => reason.exit(),
            Self::Link(reason) => reason.exit(),
        }
    }
}

impl From<StoreError> for Reason {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<&DialError> for Reason {
    fn from(error: &DialError) -> Self {
        Self::Relay(RelayReason::Dial(error.clone()))
    }
}

impl From<RelayReason> for Reason {
    fn from(reason: RelayReason) -> Self {
        Self::Relay(reason)
    }
}

impl From<RoomReason> for Reason {
    fn from(reason: RoomReason) -> Self {
        Self::Room(reason)
    }
}

impl From<Unloaded> for Reason {
    fn from(why: Unloaded) -> Self {
        match why {
            Unloaded::Store(error) => Self::Store(error),
            Unloaded::Version1 => Self::Room(RoomReason::Version1),
            Unloaded::State(why) => Self::Room(RoomReason::Unreadable(why)),
        }
    }
}

impl From<PersonReason> for Reason {
    fn from(reason: PersonReason) -> Self {
        Self::Person(reason)
    }
}

impl From<DaemonReason> for Reason {
    fn from(reason: DaemonReason) -> Self {
        Self::Daemon(reason)
    }
}

impl From<BodyError> for Reason {
    fn from(error: BodyError) -> Self {
        Self::Said(error)
    }
}

impl From<FileReason> for Reason {
    fn from(reason: FileReason) -> Self {
        Self::File(reason)
    }
}

impl From<DeviceReason> for Reason {
    fn from(reason: DeviceReason) -> Self {
        Self::Device(reason)
    }
}

impl From<LinkReason> for Reason {
    fn from(reason: LinkReason) -> Self {
        Self::Link(reason)
    }
}
