//! Why a file is not taken, given or dropped; why there are none at all.

use std::{io, path::PathBuf, time::Duration};

use super::index::IndexError;
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

/// Why there are no blobs.
#[derive(Debug, thiserror::Error)]
pub enum BlobsError {
    /// The folder.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The index.
    #[error("{0}")]
    Index(#[from] IndexError),
    /// No thread for it.
    #[error("no thread could be started: {0}")]
    Thread(#[source] io::Error),
}
