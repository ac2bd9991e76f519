//! Why the profile cannot be read or written.

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

use crate::failure::{Exit, Failure};

/// Why the profile cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another program has it.
    #[error("the profile in {0} is in use by another schat")]
    Locked(PathBuf),
    /// Nothing can be written there.
    #[error("the profile in {0} cannot be written: its directory or file system is read-only")]
    ReadOnly(PathBuf),
    /// The system lets us do nothing there.
    #[error("the profile in {0} belongs to another user, or its permissions keep you out")]
    Foreign(PathBuf),
    /// There can be no profile there.
    #[error("the path {0} can be no profile: {1}")]
    Place(PathBuf, String),
    /// There is no room left.
    #[error("the disk is full: what was said last is not saved and not sent")]
    Full,
    /// There is no room left to open it.
    #[error("the disk is full, and the profile needs a little room to be opened")]
    NoSpace,
    /// The database, or a value in it, is not what was written.
    #[error("the profile is damaged: {0}")]
    Damaged(String),
    /// The key file does not belong to the database, or is gone.
    #[error("the profile's key file is missing or belongs to another profile")]
    WrongKey,
    /// The key file is locked, and nobody was asked.
    #[error("the profile is locked by a passphrase")]
    NeedsPassphrase,
    /// The passphrase does not open the key file, which is whole.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The key file is neither a key nor a locked one.
    #[error("the profile's key file is damaged: {0}")]
    BadKeyFile(&'static str),
    /// The key file is a link.
    #[error("the key file {0} is a symbolic link, and the key that it leads to would stay where it is")]
    LinkedKey(PathBuf),
    /// Less memory than the key file asks for.
    #[error("there is not enough memory to open the profile's key")]
    NoMemory,
    /// Written by a later version.
    #[error("the profile was written by a later version of schat")]
    TooNew,
    /// [`super::cursors::MAX_CURSORS`].
    #[error("this profile keeps as many cursors as it can")]
    TooManyCursors,
    /// [`super::MAX_TRANSFERS`].
    #[error("so many files are under way in this profile that no other one is taken")]
    TooManyTransfers,
    /// Anything else.
    #[error("the profile cannot be read or written: {0}")]
    Io(io::Error),
}

impl StoreError {
    /// What went wrong while the profile in `dir` was opened: nothing was said yet.
    pub(super) fn at(self, dir: &Path) -> Self {
        match self {
            Self::Full => Self::NoSpace,
            Self::Io(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly(dir.to_owned())
            }
            other => other,
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Io(error),
        }
    }
}

/// The file beside a database that readers share cannot grow.
const SHM_SIZE: i32 = rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error().is_some_and(|error| error.extended_code == SHM_SIZE) {
            return Self::Full;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::ReadOnly) => Self::Io(io::Error::from(io::ErrorKind::ReadOnlyFilesystem)),
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged("not a database".into())
            }
            // The lock file keeps other processes away, so this is something else that holds it.
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Io(io::Error::other("the database is busy"))
            }
            Some(_) => Self::Io(io::Error::other(error.to_string())),
            None => Self::Damaged("a value has the wrong type".into()),
        }
    }
}

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        let remedy = match error {
            StoreError::Locked(_) => {
                "End the other one, or give this one another --profile. With `schat daemon` many use one profile."
            }
            StoreError::ReadOnly(_) => {
                "`schat rooms`, `search`, `export`, `fingerprint` and `verify` work as it is. For all else make it writable, or copy the whole directory elsewhere and name it with --profile."
            }
            StoreError::Foreign(_) => {
                "Name one of your own with --profile or SCHAT_PROFILE, or leave both out."
            }
            StoreError::Place(..) => "Name another directory with --profile or SCHAT_PROFILE.",
            StoreError::Full => "Free some space; schat goes on by itself.",
            StoreError::NoSpace => "Free some space on the disk, then try again.",
            StoreError::Damaged(_) => "Restore a backup of the profile, or begin a new one with --profile.",
            StoreError::WrongKey => {
                "Put the file `key` of this profile back; without it nothing can be read."
            }
            StoreError::NeedsPassphrase => "Give its passphrase, or schat unlock it.",
            StoreError::WrongPassphrase => {
                "Try again. Without the passphrase nothing in the profile can be read."
            }
            StoreError::BadKeyFile(_) => {
                "Put a copy of the file `key` of this profile back; without it nothing can be read."
            }
            StoreError::LinkedKey(_) => "Move the key itself there, then lock or unlock it.",
            StoreError::NoMemory => "End other programs, then try again.",
            StoreError::TooNew => "Update schat.",
            StoreError::TooManyCursors => "Use one that is there already.",
            StoreError::TooManyTransfers => "Wait for some of them, or cancel them.",
            StoreError::Io(_) => "Check the directory, its permissions and the disk.",
        };
        let code = match error {
            StoreError::Locked(_) => "in_use",
            StoreError::ReadOnly(_) => "read_only",
            _ => "storage",
        };
        Self::new(Exit::Local, code, error.to_string(), remedy)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_the_database_says_is_said_so_that_it_can_be_mended() {
        let dir = Path::new("/home/ann/p");
        let at_start = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let failure = Failure::from(StoreError::from(error).at(dir));
            (failure.message, failure.remedy, failure.code)
        };
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_SHMSIZE] {
            let (message, remedy, _) = at_start(code);
            assert!(message.contains("disk is full") && !message.contains("said"), "{message}");
            assert!(remedy.contains("Free some space"), "{remedy}");
        }
        for code in [ffi::SQLITE_READONLY, ffi::SQLITE_READONLY_DIRECTORY, ffi::SQLITE_READONLY_DBMOVED] {
            assert_eq!(at_start(code).2, "read_only");
        }
        assert!(at_start(ffi::SQLITE_CORRUPT).0.contains("damaged"));
        let full = StoreError::from(io::Error::from(io::ErrorKind::StorageFull));
        assert!(full.to_string().contains("disk is full"), "{full}");
    }
}
