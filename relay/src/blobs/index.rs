//! The index: which blobs there are, and which of their parts are on disk. A redb file of its own beside the blobs.
//!
//! Its own and not the log's: a file must not be waited for by whoever talks, and an index that is damaged stops no chat.
//! Nothing has to be written to both at once. Rooms do not know their blobs; a blob of a room that is no more is found and
//! deleted, after each thing that drops rooms and at the start.

use std::{
    fs, io,
    path::Path,
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use redb::{Database, Durability, ReadTransaction, ReadableDatabase, StorageError};

use super::{error::IndexError, tables::Tables};
use crate::{
    log::{caught::caught, redb::sync_directory},
    policy::{files::INDEX_CACHE, limits::REOPEN_INTERVAL},
};

/// Its name in the folder of blobs.
const FILE: &str = "index.redb";

/// Its name while it is made.
const STAGING: &str = "index.redb.new";

/// The layout of its tables.
const FORMAT: u64 = 1;

/// An open index that can be reopened: after one failed write redb answers nothing any more.
pub(super) struct Index {
    open: Open,
    database: RwLock<Option<Database>>,
    reopened: Mutex<Option<Instant>>,
    /// Time between two tries to reopen it.
    pause: Duration,
    /// The number of the next file at least: what a failure took back from the database was given all the same.
    next: AtomicU64,
}

/// How it is opened, or made.
type Open = Box<dyn Fn() -> Result<Database, redb::DatabaseError> + Send + Sync>;

impl Index {
    /// Opens or makes it in the folder of blobs.
    pub(super) fn open(folder: &Path) -> Result<Self, IndexError> {
        let folder = folder.to_owned();
        Self::open_with(Box::new(move || open_in(&folder)), REOPEN_INTERVAL)
    }

    /// The same, wherever it is.
    pub(super) fn open_with(open: Open, pause: Duration) -> Result<Self, IndexError> {
        let database = caught(|| open_or_make(&open)).unwrap_or(Err(IndexError::Damaged))?;
        let (database, reopened) = (RwLock::new(Some(database)), Mutex::default());
        Ok(Self { open, database, reopened, pause, next: AtomicU64::new(0) })
    }

    /// The number of the next file, or a lower one.
    pub(super) fn next_number(&self) -> u64 {
        self.next.load(Relaxed)
    }

    /// No file gets a lower number from now on.
    pub(super) fn skip_to(&self, number: u64) {
        self.next.fetch_max(number, Relaxed);
    }

    /// Whether there is one in a data directory's folder of blobs.
    pub(super) fn is_there(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// Runs a read on a snapshot.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        self.with(|database| read(&database.begin_read()?))
    }

    /// Runs a write. It is committed if it says so, and then durable or not: what is not goes with a power cut, and comes
    /// to the disk with the next one that is.
    pub(super) fn write<T>(
        &self,
        write: impl FnOnce(&mut Tables<'_>) -> Result<(T, Option<Durability>), IndexError>,
    ) -> Result<T, IndexError> {
        self.with(|database| {
            let mut transaction = database.begin_write()?;
            let (value, durability) = write(&mut Tables::open(&transaction, &self.next)?)?;
            match durability {
                Some(durability) => {
                    transaction.set_durability(durability)?;
                    transaction.commit()?;
                }
                None => transaction.abort()?,
            }
            Ok(value)
        })
    }

    /// Gives free pages back to the file system.
    pub(super) fn compact(&self) -> Result<(), IndexError> {
        match &mut *self.database.write().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => database.compact().map(|_| ()).map_err(IndexError::from),
            None => Err(IndexError::Damaged),
        }
    }

    /// Lets go of the file.
    pub(super) fn close(&self) {
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn with<T>(&self, run: impl FnOnce(&Database) -> Result<T, IndexError>) -> Result<T, IndexError> {
        let result = match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => caught(|| run(database)).unwrap_or(Err(IndexError::Damaged)),
            None => Err(IndexError::Damaged),
        };
        if let Err(error) = &result {
            // The text of a redb error names pages and the operating system's reason, no content.
            tracing::error!(%error, "the index of files failed");
            self.reopen();
        }
        result
    }

    fn reopen(&self) {
        let mut last = self.reopened.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < self.pause) {
            return;
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The old one first: it holds the lock of the file.
        *database = None;
        *database = caught(|| open_or_make(&self.open)).and_then(Result::ok);
        *last = Some(Instant::now());
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").finish_non_exhaustive()
    }
}

/// Opens the one in this folder. One that is new has its name when it is whole: a power cut leaves none, or half of one that
/// nothing was ever in.
fn open_in(folder: &Path) -> Result<Database, redb::DatabaseError> {
    let (path, unfinished) = (folder.join(FILE), folder.join(STAGING));
    let open = |path: &Path| Database::builder().set_cache_size(INDEX_CACHE).create(path);
    if path.try_exists().map_err(StorageError::Io)? {
        return open(&path);
    }
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(StorageError::Io(error).into()),
        _ => {}
    }
    let database = open(&unfinished)?;
    fs::rename(&unfinished, &path).and_then(|()| sync_directory(folder)).map_err(StorageError::Io)?;
    Ok(database)
}

fn open_or_make(open: &Open) -> Result<Database, IndexError> {
    let (database, next) = (open()?, AtomicU64::new(0));
    let transaction = database.begin_write()?;
    let found = Tables::open(&transaction, &next)?.format(FORMAT)?;
    match found {
        Some(FORMAT) => transaction.abort()?,
        None => transaction.commit()?,
        Some(_) => return Err(IndexError::Format),
    }
    Ok(database)
}
