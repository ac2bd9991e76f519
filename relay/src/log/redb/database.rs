//! The file, and what happens when its disk fails.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, StorageBackend, StorageError,
    WriteTransaction, backends::FileBackend,
};

use super::{
    formats::{self, Made},
    fullness,
};
use crate::{
    identity,
    log::{Unavailable, caught::caught},
    policy::limits::{PAGE_CACHE, REOPEN_INTERVAL},
};

/// The database's name in the data directory.
pub(crate) const FILE: &str = "relay.redb";

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

type Open = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// An open database that can be reopened: after one failed write redb answers nothing any more, not even
/// reads, until it is opened anew.
pub(super) struct Store {
    directory: PathBuf,
    open: Open,
    interval: Duration,
    /// `None` while reopening has failed, and after closing.
    database: RwLock<Option<Database>>,
    /// The last try to reopen; `None` before the first.
    reopened: Mutex<Option<Instant>>,
    /// The last write found no space.
    is_full: AtomicBool,
}

impl Store {
    /// Opens or makes the file in `directory`.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        if directory.join(STAGING).try_exists().map_err(OpenError::Io)? {
            return Err(OpenError::Restoring);
        }
        if is_lost(directory).map_err(OpenError::Io)? {
            return Err(OpenError::Lost);
        }
        let path = directory.to_owned();
        let open = move || open_or_make(&path);
        caught(|| Self::open_with(directory, Box::new(open), REOPEN_INTERVAL))
            .unwrap_or(Err(OpenError::Damaged))
    }

    /// Opens with a function of the caller's; tries to reopen as often as `interval`.
    pub fn open_with(directory: &Path, open: Open, interval: Duration) -> Result<Self, OpenError> {
        let database = open()?;
        if formats::create(&database).map_err(OpenError::from)? == Made::Other {
            return Err(OpenError::Format);
        }
        Ok(Self {
            directory: directory.to_owned(),
            open,
            interval,
            database: RwLock::new(Some(database)),
            reopened: Mutex::new(None),
            is_full: AtomicBool::new(false),
        })
    }

    /// Runs a read on a snapshot.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Unavailable> {
        self.with(|database| read(&database.begin_read()?))
    }

    /// A snapshot to read at leisure: it holds up nobody, not even a reopening, after which it answers no more.
    pub fn snapshot(&self) -> Result<ReadTransaction, Unavailable> {
        self.with(|database| Ok(database.begin_read()?))
    }

    /// Runs a write; `write` commits or aborts.
    pub fn write<T>(
        &self,
        write: impl FnOnce(WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Unavailable> {
        self.with(|database| {
            let written = database.begin_write().map_err(redb::Error::from).and_then(write);
            written.inspect_err(|error| {
                if fullness::is_told_by(error) {
                    self.is_full.store(true, Relaxed);
                }
            })
        })
    }

    /// A transaction is on the disk.
    pub fn wrote(&self) {
        self.is_full.store(false, Relaxed);
    }

    /// Whether the disk had no space for the last write, and seems to have none yet. Blocks.
    pub fn is_full(&self) -> bool {
        if self.is_full.load(Relaxed) && fullness::is_over(&self.directory, self.available()) {
            self.is_full.store(false, Relaxed);
        }
        self.is_full.load(Relaxed)
    }

    /// Bytes that the file system has left, `None` when it does not say.
    pub fn available(&self) -> Option<u64> {
        fs4::available_space(&self.directory).ok()
    }

    /// Size of the file, `None` when the file system does not say.
    pub fn file_bytes(&self) -> Option<u64> {
        Some(std::fs::metadata(self.directory.join(FILE)).ok()?.len())
    }

    /// Bytes that the file takes on the disk: less than its size, since redb lets it grow by holes. `None` when
    /// the file system does not say.
    pub fn disk_bytes(&self) -> Option<u64> {
        bytes_on_disk(&self.directory.join(FILE))
    }

    /// Gives free pages back to the file system. Nobody reads or writes meanwhile. Returns the bytes on the disk
    /// before and after.
    pub fn compact(&self) -> Result<(u64, u64), OpenError> {
        let before = self.disk_bytes().unwrap_or(0);
        if let Some(database) = &mut *self.database.write().unwrap_or_else(PoisonError::into_inner) {
            database.compact().map_err(redb::Error::from)?;
        }
        Ok((before, self.disk_bytes().unwrap_or(0)))
    }

    /// Whether the sums of all pages are right; false if they were not and are now.
    pub fn has_integrity(&self) -> Result<bool, OpenError> {
        match &mut *self.database.write().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => Ok(database.check_integrity()?),
            None => Ok(false),
        }
    }

    /// Lets go of the file.
    pub fn close(&self) {
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn with<T>(&self, run: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Unavailable> {
        let result = match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => run(database).map_err(|error| {
                // The text of a redb error names pages and the operating system's reason, no content.
                tracing::error!(%error, "the database failed");
                Unavailable
            }),
            None => Err(Unavailable),
        };
        if result.is_err() {
            self.reopen();
        }
        result
    }

    fn reopen(&self) {
        let mut last = self.reopened.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < self.interval) {
            return;
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The old one first: it holds the lock of the file.
        *database = None;
        *database =
            (self.open)().inspect_err(|error| tracing::error!(%error, "the database stays shut")).ok();
        *last = Some(Instant::now());
    }
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

/// Makes a rename in a directory survive a power cut.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened as a file.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
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
