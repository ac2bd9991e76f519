//! The files of a log: which there are, how they are opened, and why they cannot be.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

use redb::{Database, DatabaseError, StorageBackend, StorageError, backends::FileBackend};

use super::{
    ahead::State,
    formats,
    journal::{Journal, JournalError},
};
use crate::{
    identity,
    policy::limits::{JOURNAL_BYTES, PAGE_CACHE},
};

/// The database's name in the data directory.
pub(crate) const FILE: &str = "relay.redb";

/// The journal's name beside it.
pub(crate) const JOURNAL: &str = "relay.journal";

/// The directory in it where a restore builds what it restores: while it is there, no database is opened.
pub(crate) const STAGING: &str = "restoring";

/// Its name until it is one: redb does not open a file that it has not finished making.
const UNFINISHED: &str = "relay.redb.new";

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another relay has it open.
    #[error("another relay is using it")]
    Locked,
    /// Of another version.
    #[error(
        "its log has another format: this version keeps rooms of protocol version 2 alone; move the file `relay.redb` \
         out of the data directory (its rooms have to be founded anew), or use the version that wrote it"
    )]
    Format,
    /// Of an earlier version, and only a start may make it one of this.
    #[error(
        "its log has format {0}; the next start of the relay makes it one of format {now}, and keeps a copy beside it", now = formats::VERSION
    )]
    Earlier(u64),
    /// An earlier format becomes this version's, and there is no space for it.
    #[error(
        "its log has format {format}, and there is no space to make it one of format {now} and to keep a copy beside it: free {mib} MiB \
         on its disk and start again. Nothing is lost: the log is as it was", now = formats::VERSION
    )]
    NoRoom {
        /// The format that it has.
        format: u64,
        /// What its files have.
        mib: u64,
    },
    /// A restore has not been finished.
    #[error("a restore into it was interrupted")]
    Restoring,
    /// The relay's identity is there, and its database is not, or is empty: it had one.
    #[error(
        "it holds the identity of a relay whose log is gone: `relay.redb` is missing or empty; put that file back, or \
         restore a backup (`relay restore FILE --force`)"
    )]
    Lost,
    /// The file system says no.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// The file is not a database of this version, or damaged.
    #[error("{0}")]
    Database(#[source] Box<redb::Error>),
    /// redb stopped at what no database of its own can hold.
    #[error("it is damaged beyond reading")]
    Damaged,
    /// The journal is missing, or damaged.
    #[error(
        "what was said in the last seconds before the relay ended is in its journal `relay.journal`, which is missing or \
         damaged; put it back, or go on without these seconds: put an empty file in its place (`: > relay.journal`)"
    )]
    Journal,
    /// On a file system that cannot be written, after an end that was none in order.
    #[error(
        "its file system is mounted read-only, and the relay did not end in order: the log has to be repaired before it is read. \
         Copy the whole data directory to a disk that can be written, and name the copy with --data-dir"
    )]
    Unrested,
    /// No thread for the writer.
    #[error("no thread could be started: {0}")]
    Thread(#[source] io::Error),
}

/// What is there of a journal.
pub(super) enum Found {
    Journal(Journal),
    /// The operator's word that it is to be done without what was in it.
    Emptied,
    /// There can be none: each batch is committed.
    Nothing,
}

/// Opens or makes a database, and repairs what a crash left. The one way in, for files and for the disks
/// that tests make up.
pub(super) fn open_database(disk: impl StorageBackend) -> Result<Database, DatabaseError> {
    Database::builder().set_cache_size(PAGE_CACHE).create_with_backend(disk)
}

/// Opens the database in a directory. A new one is made under another name, so that a crash in between leaves
/// none rather than half of one.
pub(super) fn open_or_make(directory: &Path) -> Result<Database, DatabaseError> {
    let (path, unfinished) = (directory.join(FILE), directory.join(UNFINISHED));
    let open = |path: &Path| open_database(FileBackend::new(private_file(path)?)?);
    if path.try_exists()? {
        return open(&path);
    }
    let database = match open(&unfinished) {
        Err(DatabaseError::Storage(StorageError::Io(_))) => {
            // Left half made by a relay that was killed; nothing was ever in it.
            std::fs::remove_file(&unfinished)?;
            open(&unfinished)?
        }
        opened => opened?,
    };
    // From here on the file is locked, and stays so under its new name: of two relays that begin at once, one
    // finds the other's lock.
    if path.try_exists()? {
        drop(database);
        std::fs::remove_file(&unfinished)?;
        return open(&path);
    }
    formats::create(&database).map_err(io::Error::other)?;
    std::fs::rename(&unfinished, &path)?;
    sync_directory(directory)?;
    Ok(database)
}

/// Opens the journal in a directory, or makes one. What a database that was closed in order left there is nothing.
pub(super) fn open_journal(directory: &Path, state: &State) -> Result<Found, OpenError> {
    let path = directory.join(JOURNAL);
    if state.is_in_use {
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.len() == 0 => return Ok(Found::Emptied),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(OpenError::Journal),
            Err(error) => return Err(OpenError::Io(error)),
        }
    }
    let disk = || Ok(Box::new(FileBackend::new(private_file(&path)?).map_err(io::Error::other)?));
    if state.is_in_use {
        return match Journal::open(disk().map_err(OpenError::Io)?, JOURNAL_BYTES, state.id) {
            Ok(journal) => Ok(Found::Journal(journal)),
            Err(JournalError::Damaged) => Err(OpenError::Journal),
            Err(JournalError::Io(error)) => Err(OpenError::Io(error)),
        };
    }
    let made = disk().and_then(|disk| Journal::make(disk, JOURNAL_BYTES));
    match made.and_then(|journal| sync_directory(directory).map(|()| journal)) {
        Ok(journal) => Ok(Found::Journal(journal)),
        Err(error) => {
            tracing::warn!(%error, "there is no journal: messages take longer");
            Ok(Found::Nothing)
        }
    }
}

/// Lets the operating system read a file from the disk again.
pub(super) fn forget_pages(path: &Path) {
    #[cfg(target_os = "linux")]
    if let Ok(file) = File::open(path) {
        // Advice: where it is not taken, nothing is lost but the certainty.
        let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = path;
}

/// Makes a rename in a directory survive a power cut.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened as a file.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

impl OpenError {
    /// Nothing can be written there, whoever tries.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem)
    }
}

impl From<DatabaseError> for OpenError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Self::Locked,
            other => redb::Error::from(other).into(),
        }
    }
}

impl From<redb::Error> for OpenError {
    fn from(error: redb::Error) -> Self {
        match error {
            // What is no database of redb's is told as that, and not as what the file system has to say.
            redb::Error::Io(error) if !is_nonsense(&error) => Self::Io(error),
            other => Self::Database(Box::new(other)),
        }
    }
}

/// The file was read, and is no database.
fn is_nonsense(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

/// Whether a relay has been here and its log is gone. The database is made before the identity, so an identity beside
/// none means that somebody took it away; redb never leaves an empty file, and would make a new database of one.
pub(crate) fn is_lost(directory: &Path) -> io::Result<bool> {
    match std::fs::metadata(directory.join(FILE)) {
        Ok(metadata) => Ok(metadata.len() == 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => identity::is_there(directory),
        Err(error) => Err(error),
    }
}

/// Bytes that a file takes on the disk.
pub(super) fn bytes_on_disk(path: &Path) -> Option<u64> {
    let metadata = std::fs::metadata(path).ok()?;
    // By definition of stat, whatever the file system's blocks are.
    #[cfg(unix)]
    return Some(std::os::unix::fs::MetadataExt::blocks(&metadata) * 512);
    #[cfg(not(unix))]
    Some(metadata.len())
}

/// Opens a file that only its owner may read: the log is sealed, but who talks when is not.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
