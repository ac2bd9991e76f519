//! Of the daemon of a profile, and the way there.

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Exit;

/// Why the daemon is of no use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DaemonReason {
    /// The connection to it is gone.
    Gone {
        /// Something was asked, and nobody knows whether it was done.
        is_unsure: bool,
    },
    /// It says goodbye.
    Ended,
    /// It does not answer.
    Silent,
    /// Its answer makes no sense.
    Garbled,
    /// It cannot be reached.
    Unreachable(SocketFault),
    /// It is of another version.
    OtherVersion {
        /// Version of its program; whoever listens there said so.
        program: String,
        /// Number of its protocol.
        protocol: u32,
        /// Of ours.
        ours: u32,
    },
    /// It cannot listen.
    Socket {
        /// In the directory of this profile.
        #[serde(with = "crate::codec::path")]
        dir: PathBuf,
        /// Why.
        fault: SocketFault,
    },
    /// As many faces as can be are attached.
    TooManyFaces,
    /// The face did not read what it was told.
    TooSlow,
    /// Something was told that no frame holds.
    LongEvent,
    /// What is asked is too long.
    LongQuestion,
    /// The answer is too long.
    LongAnswer,
    /// It has the profile, and runs no relay.
    NoRelay,
}

/// What is wrong with a socket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum SocketFault {
    /// Something else has its name.
    #[error("not a socket")]
    Taken(#[serde(with = "crate::codec::path")] PathBuf),
    /// Another user listens there.
    #[error("another user")]
    Foreign,
    /// Its path is longer than a socket's may be.
    #[error("long path")]
    LongPath,
    /// Anything else, as the system says.
    #[error("{0}")]
    Io(String),
}

impl From<SocketFault> for io::Error {
    fn from(fault: SocketFault) -> Self {
        let kind = match fault {
            SocketFault::Taken(_) => io::ErrorKind::AlreadyExists,
            SocketFault::Foreign => io::ErrorKind::PermissionDenied,
            SocketFault::LongPath => io::ErrorKind::InvalidInput,
            SocketFault::Io(_) => io::ErrorKind::Other,
        };
        Self::new(kind, fault)
    }
}

impl From<&io::Error> for SocketFault {
    fn from(error: &io::Error) -> Self {
        let fault = error.get_ref().and_then(|error| error.downcast_ref::<Self>()).cloned();
        fault.unwrap_or_else(|| Self::Io(error.to_string()))
    }
}

impl DaemonReason {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Gone { .. } | Self::Ended => "daemon_gone",
            Self::Silent | Self::Garbled | Self::Unreachable(_) => "daemon",
            Self::OtherVersion { .. } => "daemon_version",
            Self::Socket { .. } => "socket",
            Self::TooManyFaces => "too_many_faces",
            Self::TooSlow => "too_slow",
            Self::LongEvent | Self::LongQuestion | Self::LongAnswer => "too_long",
            Self::NoRelay => "usage",
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Gone { .. } | Self::Ended => Exit::Network,
            Self::TooManyFaces | Self::TooSlow => Exit::Refused,
            Self::LongQuestion | Self::NoRelay => Exit::Usage,
            Self::Silent
            | Self::Garbled
            | Self::Unreachable(_)
            | Self::OtherVersion { .. }
            | Self::Socket { .. }
            | Self::LongEvent
            | Self::LongAnswer => Exit::Local,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_of_a_socket_comes_back_out_of_an_error_of_the_system() {
        let taken = SocketFault::Taken(PathBuf::from("/p/daemon.sock"));
        for fault in [taken, SocketFault::Foreign, SocketFault::LongPath] {
            assert_eq!(SocketFault::from(&io::Error::from(fault.clone())), fault);
        }
        let error = io::Error::from(io::ErrorKind::AddrInUse);
        assert_eq!(SocketFault::from(&error), SocketFault::Io(error.to_string()));
    }
}
