//! Why there is no backup, or none that can be used.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::log::{
    ExportError,
    redb::{CheckError, Flaw, ImportError, OpenError},
};

/// Why no backup was made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to back up.
    #[error("there is no relay's data in {}; name its directory with --data-dir", .0.display())]
    Nothing(PathBuf),
    /// The database cannot be opened or read.
    #[error("the database cannot be read: {0}")]
    Database(Box<redb::Error>),
    /// The database cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Open(#[from] OpenError),
    /// A room is not whole.
    #[error(
        "the database is damaged ({0}), and no backup was made; `relay check` names the rooms, and `relay check --salvage \
         FILE` on a stopped relay makes a backup of the others"
    )]
    Damaged(Flaw),
    /// A look at all of it before found damage.
    #[error(
        "the database is damaged ({0}), and no backup was made; `relay check` says all, and `relay check --salvage FILE` on a \
         stopped relay makes a backup of the rooms that are whole"
    )]
    NotWhole(String),
    /// What was read makes no backup.
    #[error("the database is damaged, and no backup was made; `relay check` says more")]
    Unsound(#[source] RestoreError),
    /// The database failed a moment ago.
    #[error("the database cannot be read now; look at the relay's log")]
    Unavailable,
    /// A file of the identity that a backup cannot hold.
    #[error("{} is {what}; a backup holds no such file: move it out of the data directory", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The target is something else.
    #[error("{} is there already and is no backup; choose another name, or remove it", .0.display())]
    Occupied(PathBuf),
    /// What came over the socket is not whole.
    #[error("the backup ended before it was whole; look at the relay's log, and at `relay check`")]
    Interrupted(#[source] RestoreError),
    /// Reading the identity, or writing the backup.
    #[error("cannot write the backup: {0}; choose a directory that exists, may be written, and has space")]
    Io(#[from] io::Error),
}

/// Why a backup cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The backup.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Not a backup at all.
    #[error("this is no backup of a relay; choose a file that `relay backup` wrote")]
    NotABackup,
    /// Of a later format.
    #[error("the backup has format {0}, which a later version wrote; use that version, or a later one")]
    Later(u16),
    /// Of an earlier format.
    #[error(
        "the backup has format {0}, of rooms that this version does not keep; restore it with the version that wrote \
         it, or found the rooms anew"
    )]
    Earlier(u16),
    /// The end is missing.
    #[error("the backup ends too early: it was not copied whole; copy it again, or use another")]
    Truncated,
    /// Bytes are not those that were written.
    #[error("chunk {0} of the backup is damaged; copy it again, or use another")]
    Checksum(u64),
    /// Bytes that no version writes.
    #[error("the backup is malformed ({0}); use another")]
    Malformed(&'static str),
    /// A name that would leave the data directory.
    #[error("the backup names a file that does not belong into a relay's directory; do not use it")]
    Name,
    /// The logs in it are not whole.
    #[error("the logs in the backup are not whole: {0}; use another")]
    Flaw(#[from] Flaw),
    /// Something is there already.
    #[error(
        "{} is not empty; choose another directory with --data-dir, or move what is there aside with --force",
        .0.display()
    )]
    Occupied(PathBuf),
    /// A relay uses it.
    #[error("a relay is running on {}; stop it first (`systemctl stop schat-relay`, if it is the service)", .0.display())]
    Running(PathBuf),
    /// The database that was restored.
    #[error("the restored database cannot be written: {0}; free some space, or choose another disk")]
    Database(Box<redb::Error>),
    /// The restored database cannot be opened.
    #[error("the restored database cannot be opened: {0}")]
    OpenDatabase(#[from] OpenError),
    /// Reading the backup or writing what was in it.
    #[error("cannot restore: {0}; free some space, or choose another disk with --data-dir")]
    Io(#[from] io::Error),
}

impl RestoreError {
    pub(super) fn open(path: &Path, source: io::Error) -> Self {
        Self::Open { path: path.to_owned(), source }
    }
}

impl From<CheckError> for RestoreError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Flaw(flaw) => Self::Flaw(flaw),
            CheckError::Database(error) => Self::Database(error),
        }
    }
}

impl From<ImportError> for RestoreError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Open(error) => Self::OpenDatabase(error),
            ImportError::Check(error) => error.into(),
        }
    }
}

impl From<ExportError> for BackupError {
    fn from(error: ExportError) -> Self {
        match error {
            // Who stops has a reason of his own.
            ExportError::Stopped | ExportError::Unavailable => Self::Unavailable,
            ExportError::Database(error) => Self::Database(error),
        }
    }
}
