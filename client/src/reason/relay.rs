//! Of relays, and the way there.

use serde::{Deserialize, Serialize};

use crate::{
    failure::Exit,
    transport::{AddressError, DialError, Ended, RelayAddress},
};

/// Why a relay is of no use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RelayReason {
    /// There is no connection.
    Dial(DialError),
    /// The connection ended.
    Ended {
        /// Whose it was.
        relay: RelayAddress,
        /// How.
        how: Ended,
    },
    /// The address in a link makes no sense.
    Address(AddressError),
    /// A link cannot be read, in the words of the core.
    Link(String),
    /// Which room a link leads to cannot be asked now.
    Unasked {
        /// Whom.
        relay: RelayAddress,
        /// Why.
        why: Unasked,
    },
    /// A link says that authorities vouch for this relay, and it is known by its first sight.
    KnownByFirstUse(RelayAddress),
    /// Nobody says which relay is meant.
    Nowhere,
    /// The room lives in our own relay, which does not run.
    OwnIsDown,
}

/// Why a relay gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unasked {
    /// In time.
    Silent,
    /// It ended the stream.
    Closed,
    /// The connection is gone.
    Lost,
    /// What it says is no frame, in the words of the reader.
    Malformed(String),
    /// It takes nothing.
    Stuck,
}

impl RelayReason {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Dial(error) => error.code(),
            Self::Ended { .. } => "network",
            Self::Address(_) | Self::Nowhere => "usage",
            Self::Link(_) => "link",
            Self::Unasked { .. } => "relay",
            Self::KnownByFirstUse(_) => "certificate",
            Self::OwnIsDown => "own_relay",
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Dial(error) => error.exit(),
            Self::Ended { .. } | Self::Unasked { .. } | Self::OwnIsDown => Exit::Network,
            Self::Address(_) | Self::Nowhere => Exit::Usage,
            Self::Link(_) | Self::KnownByFirstUse(_) => Exit::Verification,
        }
    }
}
