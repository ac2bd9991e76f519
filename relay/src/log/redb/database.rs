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
    ahead::{self, Ahead, Keep, ReplayError, State, Wait},
    formats::{self, Made},
    fullness,
    journal::{Journal, JournalError},
    tables::Tables,
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

/// Opens the journal of a database that says this of it, or makes one.
type OpenJournal<'a> = &'a dyn Fn(&State) -> Result<Found, OpenError>;

/// What is there of a journal.
pub(super) enum Found {
    Journal(Journal),
    /// The operator's word that it is to be done without what was in it.
    Emptied,
    /// There can be none: each batch is committed.
    Nothing,
}

/// How long a reader waits for the writer, which waits for the disk.
const PATIENCE: Duration = Duration::from_secs(2);

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
        let journal = |state: &State| open_journal(directory, state);
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
        let state = || ahead::state(&database.begin_read().map_err(redb::Error::from)?);
        let found = match journal(&state()?)? {
            Found::Emptied => {
                tracing::warn!(
                    "the journal was emptied: what was said in the last seconds before the relay ended is lost"
                );
                ahead::abandon(&database)?;
                journal(&state()?)?
            }
            found => found,
        };
        let mut ahead = Ahead::new(match found {
            Found::Journal(journal) => Some(journal),
            Found::Emptied | Found::Nothing => None,
        });
        ahead.replay(&database).map_err(|error| match error {
            ReplayError::Journal => OpenError::Journal,
            ReplayError::Database(error) => error.into(),
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

    /// Runs a write; `write` says what is to be kept of it, and how.
    pub fn write<T>(
        &self,
        write: impl FnOnce(&mut Tables<'_>, Wait) -> Result<(Keep, T), redb::Error>,
    ) -> Result<T, Unavailable> {
        let mut ahead = self.ahead.lock();
        let written = self.mended(&mut ahead).and_then(|()| ahead.write(|| self.begin(), write));
        self.judge(&mut ahead, &written);
        FairGuard::unlock_fair(ahead);
        written.map_err(|_| Unavailable)
    }

    /// Replays what a transaction held that did not come to its end.
    fn mended(&self, ahead: &mut Ahead) -> Result<(), redb::Error> {
        if !ahead.is_torn() {
            return Ok(());
        }
        match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => Ok(ahead.replay(database)?),
            None => Err(redb::Error::DatabaseClosed),
        }
    }

    /// What follows from how something went.
    fn judge<T>(&self, ahead: &mut Ahead, done: &Result<T, redb::Error>) {
        if let Err(error) = done {
            tracing::error!(%error, "the database failed");
            if fullness::is_told_by(error) {
                self.is_full.store(true, Relaxed);
            }
            // What was acknowledged is replayed; if that fails, nobody reads a database without it.
            if self.mended(ahead).is_err() {
                *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
            }
            // A write that failed may be in memory as if it were on the disk.
            self.reopen(ahead, || forget_pages(&self.directory.join(FILE)));
        }
        self.is_unseen.store(ahead.is_unseen(), Release);
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
        let Some(mut ahead) = self.ahead.try_lock_for(PATIENCE) else { return Err(Unavailable) };
        let shown = self.mended(&mut ahead).and_then(|()| ahead.show());
        self.judge(&mut ahead, &shown);
        FairGuard::unlock_fair(ahead);
        shown.map_err(|_| Unavailable)
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
        self.rest(&mut ahead)?;
        if let Some(database) = &mut *self.database.write().unwrap_or_else(PoisonError::into_inner) {
            database.compact().map_err(redb::Error::from)?;
        }
        drop(ahead);
        Ok((before, self.disk_bytes().unwrap_or(0)))
    }

    /// Whether the sums of all pages are right; false if they were not and are now.
    pub fn has_integrity(&self) -> Result<bool, OpenError> {
        let mut ahead = self.ahead.lock();
        self.rest(&mut ahead)?;
        match &mut *self.database.write().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => Ok(database.check_integrity()?),
            None => Ok(false),
        }
    }

    /// Lets go of the file.
    pub fn close(&self) {
        let mut ahead = self.ahead.lock();
        if self.rest(&mut ahead).is_err() {
            tracing::error!(
                "the database was not closed in order: its journal is read when it is opened again"
            );
        }
        ahead.forget();
        self.is_unseen.store(false, Release);
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Brings everything into the database's file.
    fn rest(&self, ahead: &mut Ahead) -> Result<(), redb::Error> {
        let rested = self.mended(ahead).and_then(|()| {
            match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
                Some(database) => ahead.rest(database),
                None => Ok(()),
            }
        });
        self.judge(ahead, &rested);
        rested
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
            self.reopen(&mut self.ahead.lock(), || ());
        }
        result
    }

    /// Opens it again; `shut` is called while it is shut.
    fn reopen(&self, ahead: &mut Ahead, shut: impl FnOnce()) {
        let mut last = self.reopened.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < self.interval) {
            return;
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The old one first: it holds the lock of the file.
        ahead.forget();
        self.is_unseen.store(false, Release);
        *database = None;
        shut();
        let opened = (self.open)().map_err(redb::Error::from);
        let opened = opened.and_then(|opened| {
            ahead.replay(&opened)?;
            Ok(opened)
        });
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

/// Opens the journal in a directory, or makes one. What a database that was closed in order left there is nothing.
fn open_journal(directory: &Path, state: &State) -> Result<Found, OpenError> {
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
fn forget_pages(path: &Path) {
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
