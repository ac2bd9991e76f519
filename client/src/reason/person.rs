//! Of people: us, and others.

use serde::{Deserialize, Serialize};
use shared::identity::NameError;

use crate::failure::Exit;

/// Why something does not go with a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PersonReason {
    /// Not a name.
    BadName(NameError),
    /// Not a status, or not a sign.
    BadProfile(NameError),
    /// A picture has more bytes than it may.
    LargePicture,
    /// Nobody compares a number with themselves.
    Ourselves,
    /// The number of whoever is called so was not shown: a key is verified by its number, not by a name.
    NotCompared(String),
}

impl PersonReason {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::BadName(_) | Self::BadProfile(_) | Self::LargePicture | Self::Ourselves => "usage",
            Self::NotCompared(_) => "not_compared",
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::BadName(_) | Self::BadProfile(_) | Self::LargePicture | Self::Ourselves => Exit::Usage,
            Self::NotCompared(_) => Exit::Verification,
        }
    }
}
