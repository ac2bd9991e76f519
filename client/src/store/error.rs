//! Why the profile cannot be read or written.

use std::{io, path::PathBuf};

use rusqlite::ErrorCode;

use crate::failure::{Exit, Failure};

/// Why the profile cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another program has it.
    #[error("the profile in {0} is in use by another schat")]
    Locked(PathBuf),
    /// Nothing can be written there.
    #[error("the profile in {0} cannot be written: its file system is read-only")]
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
    Io(#[from] io::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
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
