//! Why a file is not taken, given or dropped.

use std::time::Duration;

use crate::policy::refusal::Limit;

/// A no, or a disk that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlobError {
    /// Not in this room, not whole, expired or dropped.
    NoBlob,
    /// Another's id, another size, or other bytes than those that are there.
    Conflict,
    /// Somebody else's.
    NotAllowed,
    /// Over a limit, for so long; zero where nobody knows.
    Over(Limit, Duration),
    /// Not what was written is on the disk.
    Damaged,
    /// The index cannot be read or written now, or the relay stops.
    Unavailable,
}

impl BlobError {
    /// Over a limit, and nobody knows for how long.
    pub fn over(limit: Limit) -> Self {
        Self::Over(limit, Duration::ZERO)
    }
}
