//! Why a file is not taken, given or dropped; why there are none at all.

use std::{io, path::PathBuf, time::Duration};

use redb::StorageError;

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
    pub(crate) fn over(limit: Limit) -> Self {
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

/// The index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Of a later version.
    #[error("the index of files has another format")]
    Format,
    /// What redb says.
    #[error("{0}")]
    Database(#[source] Box<redb::Error>),
    /// redb stopped at what no database of its own can hold.
    #[error("the index of files is damaged beyond reading")]
    Damaged,
}

impl IndexError {
    /// There is no space for it.
    pub fn is_full(&self) -> bool {
        let Self::Database(error) = self else { return false };
        matches!(&**error, redb::Error::Io(error) if error.kind() == io::ErrorKind::StorageFull)
    }

    /// Nothing can be written there, whoever tries.
    pub fn is_read_only(&self) -> bool {
        let Self::Database(error) = self else { return false };
        matches!(&**error, redb::Error::Io(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem)
    }
}

macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for IndexError {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        }
    )*};
}

from_redb!(
    StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::SetDurabilityError,
    redb::CompactionError
);
