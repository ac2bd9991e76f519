//! Of the devices of a person.

use serde::{Deserialize, Serialize};
use shared::identity::NameError;

use crate::failure::Exit;

/// Why nothing can be done with a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceReason {
    /// None is called so.
    Unknown(String),
    /// It is this one.
    ThisOne,
    /// Several are called so.
    Several {
        /// So.
        named: String,
        /// Their short ids.
        ids: Vec<String>,
    },
    /// It cannot be called so.
    BadName(NameError),
}

impl DeviceReason {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "not_found",
            Self::ThisOne | Self::Several { .. } | Self::BadName(_) => "usage",
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Unknown(_) => Exit::NotFound,
            Self::ThisOne | Self::Several { .. } | Self::BadName(_) => Exit::Usage,
        }
    }
}
