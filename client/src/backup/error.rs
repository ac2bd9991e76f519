//! Why a backup was not written, or is of no use. Sentences are in `faces/words`.

use std::io;

use shared::room::EngineError;

use crate::{
    failure::Failure,
    portable::{ReadError, TakeError},
    store::StoreError,
};

/// Why a backup was not written, or is of no use.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing of that name.
    #[error("nothing there")]
    Missing,
    /// It is something else.
    #[error("no backup")]
    Foreign,
    /// A later version wrote it.
    #[error("of a later version")]
    TooNew,
    /// Another phrase seals it.
    #[error("another phrase")]
    WrongPhrase,
    /// It ends too early.
    #[error("cut")]
    Cut,
    /// Some byte is another, or it was cut in the middle.
    #[error("altered")]
    Altered,
    /// What is in it is not what may be in it.
    #[error("{0}")]
    Content(ReadError),
    /// Of a backup in a directory, a file is missing.
    #[error("a piece is missing")]
    PieceMissing,
    /// Something else is there already, which is no backup of this profile.
    #[error("taken")]
    Taken,
    /// Another program writes a backup there.
    #[error("busy")]
    Busy,
    /// Another program restores a backup there.
    #[error("being restored")]
    Restoring,
    /// There is an account already where one is to be restored.
    #[error("an account is there")]
    Occupied,
    /// The disk that it is written to is full.
    #[error("full")]
    Full,
    /// Nothing can be written there.
    #[error("read-only")]
    ReadOnly,
    /// It cannot be read or written.
    #[error("{0}")]
    Io(io::Error),
    /// The profile cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No profile can be made.
    #[error(transparent)]
    Profile(#[from] Failure),
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>) {
            // What a reader of sealed bytes said through the ones above it.
            let inner = error.into_inner().and_then(|inner| inner.downcast::<Self>().ok());
            return inner.map_or(Self::Altered, |inner| *inner);
        }
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::WriteZero => {
                Self::Full
            }
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Io(error),
        }
    }
}

impl From<ReadError> for BackupError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error.into(),
            ReadError::Cut => Self::Cut,
            ReadError::TooNew(_) => Self::TooNew,
            other => Self::Content(other),
        }
    }
}

impl From<TakeError> for BackupError {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Read(error) => error.into(),
            TakeError::Store(error) => error.into(),
        }
    }
}

/// Why a room cannot be entered by what a backup has of it.
pub(super) fn no_way_back(error: &EngineError) -> BackupError {
    match error {
        EngineError::TooNew => BackupError::TooNew,
        _ => BackupError::Content(ReadError::Malformed("the way back into a room")),
    }
}

/// For whoever can only be told of an error of input and output.
pub(super) fn through(error: BackupError) -> io::Error {
    io::Error::other(error)
}
