//! Who uses a room, what a new one keeps, and why one cannot be begun.

use std::sync::Arc;

use super::rows;
use crate::{
    crypto::{random::Random, suite::Suite},
    identity::{Identity, NameError},
    mls::group::GroupError,
};

/// Who uses this device, and what the engine is built from.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The account.
    pub identity: Arc<Identity>,
    /// Display name in rooms entered from now on.
    pub name: String,
    /// What the person says of themselves there; may be empty.
    pub status: String,
    /// A small sign for the person; may be empty.
    pub glyph: String,
    /// Names the device to the other members.
    pub device_name: String,
    /// Source of all randomness.
    pub random: Random,
    /// Cipher suite of rooms created from now on.
    pub suite: Suite,
}

/// What a new room keeps, or begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Policy {
    /// Chat lines go so many seconds after they were said; 0 for never. Any member may change it.
    pub disappear_s: u32,
    /// Chat lines of before that newcomers are handed, at most [`super::MAX_PAST`]. For ever.
    pub past_lines: u32,
    /// A room of our own devices: nobody of another account comes in. For ever.
    #[cfg_attr(feature = "serde", serde(default))]
    pub own_devices: bool,
}

/// Why a room cannot be begun or loaded.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The room's or the person's name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The group could not be built.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The stored rows are not what this version wrote.
    #[error(
        "the stored state of the room is damaged: restore a backup of the profile, or join again by a new invite"
    )]
    Damaged,
    /// The room is of version 1 of the protocol, which is not spoken any more.
    #[error("the room is of version 1 of the protocol, which this version does not speak")]
    Version1,
    /// The rows are of a version that is to come.
    #[error("the stored state of the room is of a later version: use that one")]
    TooNew,
}

/// A room of version 1 of the protocol: it cannot be loaded, and what was said there stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldRoom {
    /// Whoever knew the name could join.
    pub open: bool,
}

impl OldRoom {
    /// The room whose row `meta` this is, if it is one of version 1.
    pub fn of(meta: &[u8]) -> Option<Self> {
        rows::format(meta).ok().filter(|meta| meta.format == 0).map(|meta| Self { open: meta.open })
    }
}
