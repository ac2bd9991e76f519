//! Why the profile cannot be read or written: as values. Their words are the faces'.

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;
use serde::{Deserialize, Serialize};
use shared::identity::NameError;

use crate::failure::Exit;

/// Why the profile cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum StoreError {
    /// There is none.
    #[error("no profile")]
    Missing(#[serde(with = "crate::codec::path")] PathBuf),
    /// Nobody says where it would be.
    #[error("no home directory")]
    NoHome,
    /// Another program has it.
    #[error("profile in use")]
    Locked(#[serde(with = "crate::codec::path")] PathBuf),
    /// Nothing can be written there.
    #[error("read-only profile")]
    ReadOnly(#[serde(with = "crate::codec::path")] PathBuf),
    /// The same, where nobody knows where that is.
    #[error("read-only file system")]
    Unwritable,
    /// The system lets us do nothing there.
    #[error("profile of others")]
    Foreign(#[serde(with = "crate::codec::path")] PathBuf),
    /// There is something else that is no directory.
    #[error("not a directory")]
    NoDirectory(#[serde(with = "crate::codec::path")] PathBuf),
    /// There can be no profile there, as the system says.
    #[error("bad path: {1}")]
    Place(#[serde(with = "crate::codec::path")] PathBuf, String),
    /// There is no room left.
    #[error("disk full")]
    Full,
    /// There is no room left to open it.
    #[error("no space")]
    NoSpace,
    /// The database, or a value in it, is not what was written.
    #[error("damaged: {0:?}")]
    Damaged(Damage),
    /// The key file does not belong to the database, or is gone.
    #[error("wrong key file")]
    WrongKey,
    /// The key file is locked, and nobody was asked.
    #[error("passphrase needed")]
    NeedsPassphrase,
    /// The passphrase does not open the key file, which is whole.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// The key file is neither a key nor a locked one.
    #[error("bad key file: {0:?}")]
    BadKeyFile(KeyFault),
    /// The key file is a link.
    #[error("linked key file")]
    LinkedKey(#[serde(with = "crate::codec::path")] PathBuf),
    /// Less memory than the key file asks for.
    #[error("not enough memory")]
    NoMemory,
    /// Written by a later version.
    #[error("later version")]
    TooNew,
    /// Written by an earlier version, and it cannot be brought up to date.
    #[error("earlier version")]
    TooOld,
    /// This device is being linked to an account, and is nobody's until then.
    #[error("being linked")]
    BeingLinked,
    /// No name that a person can have.
    #[error("bad name: {0}")]
    BadName(NameError),
    /// No name that a cursor can have.
    #[error("bad cursor")]
    BadCursor,
    /// [`super::cursors::MAX_CURSORS`].
    #[error("too many cursors")]
    TooManyCursors,
    /// [`super::MAX_TRANSFERS`].
    #[error("too many transfers")]
    TooManyTransfers,
    /// As many people are marked as the profile can hold.
    #[error("too many marks")]
    TooManyMarks,
    /// Another account took the place of this one: whose number is to be compared, as 64 hexadecimal digits.
    #[error("key replaced")]
    KeyReplaced(String),
    /// Something else holds the database.
    #[error("database busy")]
    Busy,
    /// The program ends.
    #[error("stopping")]
    Stopping,
    /// Anything else, as the system says.
    #[error("{0}")]
    Io(String),
}

/// What is damaged in a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Damage {
    /// The file is no database.
    Database,
    /// The database is empty, and there is a key.
    Empty,
    /// The database is gone, and there is a key.
    Gone,
    /// A value has the wrong type.
    Type,
    /// A value was altered.
    Value,
    /// Who we are.
    Identity,
    /// What the phrase of the recovery key says.
    Phrase,
    /// What waits for other devices.
    Synced,
    /// Where devices said that they are.
    DevicesHere,
    /// Rooms on their way to other devices.
    Offers,
    /// A chat line.
    Line,
    /// What happened in a room.
    Happening,
    /// An alarm or problem.
    Notice,
    /// Somebody who is known.
    Person,
    /// What was typed.
    Draft,
    /// The right to open rooms.
    Token,
    /// A file that is under way.
    Transfer,
    /// Where a file is.
    Place,
    /// Where a room lives.
    Address,
    /// What is known of a relay.
    Relay,
}

/// What is wrong with a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyFault {
    /// It asks for more, or for less, than may be asked for.
    Cost,
    /// It could not be made.
    Unmade,
    /// It holds no key.
    NoKey,
    /// It is too short.
    Short,
    /// It begins like another file.
    Begin,
    /// It has another length.
    Length,
    /// Its checksum is another.
    Checksum,
    /// What was written does not open.
    Unopened,
    /// What was written is something else.
    Unwritten,
}

impl StoreError {
    /// Its name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked(_) => "in_use",
            Self::ReadOnly(_) => "read_only",
            Self::BeingLinked => "linking",
            Self::KeyReplaced(_) => "key_replaced",
            Self::Missing(_) => "not_found",
            Self::NoHome | Self::BadName(_) | Self::BadCursor => "usage",
            _ => "storage",
        }
    }

    /// How a command that cannot go on ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Missing(_) => Exit::NotFound,
            Self::NoHome | Self::BadName(_) | Self::BadCursor => Exit::Usage,
            Self::BeingLinked | Self::KeyReplaced(_) => Exit::Refused,
            _ => Exit::Local,
        }
    }

    /// What went wrong while the profile in `dir` was opened: nothing was said yet.
    pub(super) fn at(self, dir: &Path) -> Self {
        match self {
            Self::Full => Self::NoSpace,
            Self::Unwritable => Self::ReadOnly(dir.to_owned()),
            other => other,
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            io::ErrorKind::ReadOnlyFilesystem => Self::Unwritable,
            _ => Self::Io(error.to_string()),
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
            Some(ErrorCode::ReadOnly) => Self::Unwritable,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(Damage::Database),
            // The lock file keeps other processes away, so this is something else that holds it.
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(_) => Self::Io(error.to_string()),
            None => Self::Damaged(Damage::Type),
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_the_database_says_is_told_as_what_can_be_mended() {
        let dir = Path::new("/home/ann/p");
        let at_start = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            StoreError::from(error).at(dir)
        };
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_SHMSIZE] {
            assert_eq!(at_start(code), StoreError::NoSpace);
        }
        for code in [ffi::SQLITE_READONLY, ffi::SQLITE_READONLY_DIRECTORY, ffi::SQLITE_READONLY_DBMOVED] {
            assert_eq!(at_start(code), StoreError::ReadOnly(dir.to_owned()));
            assert_eq!(at_start(code).code(), "read_only");
        }
        assert_eq!(at_start(ffi::SQLITE_CORRUPT), StoreError::Damaged(Damage::Database));
        let full = StoreError::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full, StoreError::NoSpace);
    }
}
