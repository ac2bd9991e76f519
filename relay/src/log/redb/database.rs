//! The file, and what happens when its disk fails.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    time::{Duration, Instant},
};

use parking_lot::{Mutex as FairMutex, MutexGuard as FairGuard};
use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, StorageBackend, StorageError,
    WriteTransaction, backends::FileBackend,
};

use super::{
    ahead::{self, Ahead, Keep},
    formats::{self, Made},
    fullness,
    journal::Journal,
};
use crate::{
    identity,
    log::{Unavailable, caught::caught},
    policy::limits::{JOURNAL_BYTES, PAGE_CACHE, REOPEN_INTERVAL},
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

type Open = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// Opens the journal: whether the database says that there is something in it. `None` where there can be none: then each
/// batch is committed.
type OpenJournal<'a> = &'a dyn Fn(bool) -> Result<Option<Journal>, OpenError>;

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
    /// What is acknowledged and not in the database's file. Taken before `database`. Whoever lets go of it lets those have it
    /// who wait: a writer that is busy would come before readers again and again.
    ahead: FairMutex<Ahead>,
    /// Something is acknowledged that readers of the database do not see yet. Set by whoever holds `ahead`, before the answer.
    is_unseen: AtomicBool,
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
        let journal = |is_in_use| open_journal(directory, is_in_use);
        caught(|| Self::open_with(directory, Box::new(open), &journal, REOPEN_INTERVAL))
            .unwrap_or(Err(OpenError::Damaged))
    }

    /// Opens with functions of the caller's; tries to reopen as often as `interval`.
    pub fn open_with(
        directory: &Path,
        open: Open,
        journal: OpenJournal<'_>,
        interval: Duration,
    ) -> Result<Self, OpenError> {
        let database = open()?;
        if formats::create(&database).map_err(OpenError::from)? == Made::Other {
            return Err(OpenError::Format);
        }
        let (_, is_in_use) = ahead::state(&database.begin_read().map_err(redb::Error::from)?)?;
        let mut ahead = Ahead::new(journal(is_in_use)?);
        ahead.replay(&database).map_err(|error| match error {
            redb::Error::Corrupted(_) => OpenError::Journal,
            other => other.into(),
        })?;
        Ok(Self {
            directory: directory.to_owned(),
            open,
            interval,
            database: RwLock::new(Some(database)),
            reopened: Mutex::new(None),
            is_full: AtomicBool::new(false),
            ahead: FairMutex::new(ahead),
            is_unseen: AtomicBool::new(false),
        })
    }

    /// Runs a read on a snapshot.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Unavailable> {
        self.show()?;
        self.with(|database| read(&database.begin_read()?))
    }

    /// A snapshot to read at leisure: it holds up nobody, not even a reopening, after which it answers no more.
    pub fn snapshot(&self) -> Result<ReadTransaction, Unavailable> {
        self.show()?;
        self.with(|database| Ok(database.begin_read()?))
    }

    /// Runs a write; `write` says what is to be kept of it, and how: it is told how many bytes of messages the journal takes.
    pub fn write<T>(
        &self,
        write: impl FnOnce(&WriteTransaction, usize) -> Result<(Keep, T), redb::Error>,
    ) -> Result<T, Unavailable> {
        let mut ahead = self.ahead.lock();
        let was_ahead = ahead.is_ahead();
        let written = ahead.write(|| self.begin(), write);
        if let Err(error) = &written {
            tracing::error!(%error, "the database failed");
            if fullness::is_told_by(error) {
                self.is_full.store(true, Relaxed);
            }
            ahead.forget();
            self.recover(&mut ahead, was_ahead);
        }
        self.is_unseen.store(ahead.is_unseen(), Release);
        FairGuard::unlock_fair(ahead);
        written.map_err(|_| Unavailable)
    }

    /// When what is in the journal alone is to be committed.
    pub fn due(&self) -> Option<Instant> {
        self.ahead.lock().due()
    }

    fn begin(&self) -> Result<WriteTransaction, redb::Error> {
        match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => Ok(database.begin_write()?),
            None => Err(redb::Error::DatabaseClosed),
        }
    }

    /// Lets readers see everything that is acknowledged.
    fn show(&self) -> Result<(), Unavailable> {
        if !self.is_unseen.load(Acquire) {
            return Ok(());
        }
        let mut ahead = self.ahead.lock();
        let shown = ahead.show().inspect_err(|error| tracing::error!(%error, "the database failed"));
        if shown.is_err() {
            self.recover(&mut ahead, true);
        }
        self.is_unseen.store(ahead.is_unseen(), Release);
        FairGuard::unlock_fair(ahead);
        shown.map_err(|_| Unavailable)
    }

    /// After a transaction has failed: what was acknowledged in it is replayed, and if that fails, nobody reads a database
    /// without it.
    fn recover(&self, ahead: &mut Ahead, was_ahead: bool) {
        let is_whole = match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) if was_ahead => ahead.replay(database).is_ok(),
            Some(_) => true,
            None => false,
        };
        if !is_whole {
            *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        self.reopen(ahead);
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

    /// The same with what the journal alone has: soon the file takes that, too.
    pub fn soon_bytes(&self) -> Option<u64> {
        Some(self.disk_bytes()? + self.ahead.lock().bytes() as u64)
    }

    /// Gives free pages back to the file system. Nobody reads or writes meanwhile. Returns the bytes on the disk
    /// before and after.
    pub fn compact(&self) -> Result<(u64, u64), OpenError> {
        let before = self.disk_bytes().unwrap_or(0);
        let mut ahead = self.ahead.lock();
        if let Some(database) = &mut *self.database.write().unwrap_or_else(PoisonError::into_inner) {
            ahead.rest(database)?;
            self.is_unseen.store(false, Release);
            database.compact().map_err(redb::Error::from)?;
        }
        drop(ahead);
        Ok((before, self.disk_bytes().unwrap_or(0)))
    }

    /// Whether the sums of all pages are right; false if they were not and are now.
    pub fn has_integrity(&self) -> Result<bool, OpenError> {
        let mut ahead = self.ahead.lock();
        match &mut *self.database.write().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => {
                ahead.rest(database)?;
                self.is_unseen.store(false, Release);
                Ok(database.check_integrity()?)
            }
            None => Ok(false),
        }
    }

    /// Lets go of the file.
    pub fn close(&self) {
        let mut ahead = self.ahead.lock();
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = &*database
            && let Err(error) = ahead.rest(database)
        {
            tracing::error!(%error, "the database was not closed in order: its journal is read when it is opened again");
        }
        ahead.forget();
        self.is_unseen.store(false, Release);
        *database = None;
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
            self.reopen(&mut self.ahead.lock());
        }
        result
    }

    fn reopen(&self, ahead: &mut Ahead) {
        let mut last = self.reopened.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < self.interval) {
            return;
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The old one first: it holds the lock of the file.
        ahead.forget();
        self.is_unseen.store(false, Release);
        *database = None;
        let opened = (self.open)().map_err(redb::Error::from);
        let opened = opened.and_then(|opened| ahead.replay(&opened).map(|()| opened));
        *database = opened.inspect_err(|error| tracing::error!(%error, "the database stays shut")).ok();
        *last = Some(Instant::now());
    }
}

impl Drop for Store {
    /// Whoever did not close it has its journal read the next time; a transaction must not outlive the file's lock.
    fn drop(&mut self) {
        self.ahead.get_mut().forget();
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

/// Opens the journal in a directory, or makes one. Not by holes: writing over it never wants space.
fn open_journal(directory: &Path, is_in_use: bool) -> Result<Option<Journal>, OpenError> {
    let path = directory.join(JOURNAL);
    let length = match std::fs::metadata(&path) {
        Ok(metadata) => Some(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(OpenError::Io(error)),
    };
    if is_in_use && length == Some(0) {
        tracing::warn!(
            "the journal was emptied: what was said in the last seconds before the relay ended is lost"
        );
    } else if is_in_use && length != Some(JOURNAL_BYTES as u64) {
        return Err(OpenError::Journal);
    }
    let made = || {
        let file = FileBackend::new(private_file(&path)?).map_err(io::Error::other)?;
        if length != Some(JOURNAL_BYTES as u64) {
            file.set_len(0)?;
            file.write(0, &vec![0; JOURNAL_BYTES])?;
            file.sync_data()?;
            sync_directory(directory)?;
        }
        Ok(Journal::new(Box::new(file), JOURNAL_BYTES))
    };
    match made() {
        Ok(journal) => Ok(Some(journal)),
        Err(error) if is_in_use => Err(OpenError::Io(error)),
        Err(error) => {
            tracing::warn!(%error, "there is no journal: messages take longer");
            Ok(None)
        }
    }
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
