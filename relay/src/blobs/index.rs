//! The index: which blobs there are, and which of their parts are on disk. A redb file of its own beside the blobs.
//!
//! Its own and not the log's: a file must not be waited for by whoever talks, and an index that is damaged stops no chat.
//! Nothing has to be written to both at once. Rooms do not know their blobs; a blob of a room that is no more is found and
//! deleted, after each thing that drops rooms and at the start.

use std::{
    fs, io,
    ops::RangeInclusive,
    path::Path,
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use proto::{BlobId, RoomId};
use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, StorageError, Table,
    TableDefinition, WriteTransaction,
};

use super::row::{OpenerBytes, Row};
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

type Key = (&'static [u8; 32], &'static [u8; 16]);

const BLOBS: TableDefinition<Key, &[u8]> = TableDefinition::new("blobs");
/// By the time at which each goes.
const EXPIRES: TableDefinition<(u64, &[u8; 32], &[u8; 16]), ()> = TableDefinition::new("expires");
/// Which day, and what an opener began on it.
const DAYS: TableDefinition<&[u8; 16], (u64, u64)> = TableDefinition::new("days");
/// `format`, and `next`: the number of the next file.
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

/// The index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Of a later version.
    #[error("the index of files has another format")]
    Format,
    /// What redb says.
    #[error("{0}")]
    Database(#[source] Box<redb::Error>),
    /// redb stopped at what no database of its own can hold.
    #[error("the index of files is damaged beyond reading")]
    Damaged,
}

impl IndexError {
    /// There is no space for it.
    pub fn is_full(&self) -> bool {
        let Self::Database(error) = self else { return false };
        matches!(&**error, redb::Error::Io(error) if error.kind() == io::ErrorKind::StorageFull)
    }

    /// Nothing can be written there, whoever tries.
    pub fn is_read_only(&self) -> bool {
        let Self::Database(error) = self else { return false };
        matches!(&**error, redb::Error::Io(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem)
    }
}

macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for IndexError {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        }
    )*};
}

from_redb!(
    StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::SetDurabilityError,
    redb::CompactionError
);

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

/// All tables of a write transaction.
pub(super) struct Tables<'txn> {
    blobs: Table<'txn, Key, &'static [u8]>,
    expires: Table<'txn, (u64, &'static [u8; 32], &'static [u8; 16]), ()>,
    days: Table<'txn, &'static [u8; 16], (u64, u64)>,
    meta: Table<'txn, &'static str, u64>,
    next: &'txn AtomicU64,
}

/// One blob's name and row.
pub(super) type Named = (RoomId, BlobId, Row);

impl Index {
    /// Opens or makes it in the folder of blobs.
    pub fn open(folder: &Path) -> Result<Self, IndexError> {
        let folder = folder.to_owned();
        Self::open_with(Box::new(move || open_in(&folder)), REOPEN_INTERVAL)
    }

    /// The same, wherever it is.
    pub fn open_with(open: Open, pause: Duration) -> Result<Self, IndexError> {
        let database = caught(|| open_or_make(&open)).unwrap_or(Err(IndexError::Damaged))?;
        let (database, reopened) = (RwLock::new(Some(database)), Mutex::default());
        Ok(Self { open, database, reopened, pause, next: AtomicU64::new(0) })
    }

    /// The number of the next file, or a lower one.
    pub fn next_number(&self) -> u64 {
        self.next.load(Relaxed)
    }

    /// No file gets a lower number from now on.
    pub fn skip_to(&self, number: u64) {
        self.next.fetch_max(number, Relaxed);
    }

    /// Whether there is one in a data directory's folder of blobs.
    pub fn is_there(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// Runs a read on a snapshot.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        self.with(|database| read(&database.begin_read()?))
    }

    /// Runs a write. It is committed if it says so, and then durable or not: what is not goes with a power cut, and comes
    /// to the disk with the next one that is.
    pub fn write<T>(
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
    pub fn compact(&self) -> Result<(), IndexError> {
        match &mut *self.database.write().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => database.compact().map(|_| ()).map_err(IndexError::from),
            None => Err(IndexError::Damaged),
        }
    }

    /// Lets go of the file.
    pub fn close(&self) {
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
    let found = {
        let mut tables = Tables::open(&transaction, &next)?;
        let found = tables.meta.get("format")?.map(|row| row.value());
        if found.is_none() {
            tables.meta.insert("format", FORMAT)?;
        }
        found
    };
    match found {
        Some(FORMAT) => transaction.abort()?,
        None => transaction.commit()?,
        Some(_) => return Err(IndexError::Format),
    }
    Ok(database)
}

impl<'txn> Tables<'txn> {
    fn open(transaction: &'txn WriteTransaction, next: &'txn AtomicU64) -> Result<Self, IndexError> {
        Ok(Self {
            blobs: transaction.open_table(BLOBS)?,
            expires: transaction.open_table(EXPIRES)?,
            days: transaction.open_table(DAYS)?,
            meta: transaction.open_table(META)?,
            next,
        })
    }

    /// The number of the next file, which is nobody else's from now on: neither after a transaction that failed, nor while
    /// whoever had it still writes.
    pub fn take_number(&mut self) -> Result<u64, StorageError> {
        let stored = self.meta.get("next")?.map_or(0, |row| row.value());
        let number = stored.max(self.next.load(Relaxed));
        self.next.store(number + 1, Relaxed);
        self.meta.insert("next", number + 1)?;
        Ok(number)
    }

    /// A blob, if there is one.
    pub fn get(&self, room: &RoomId, blob: &BlobId) -> Result<Option<Row>, IndexError> {
        self.blobs.get((&room.0, &blob.0))?.map(|row| parse(row.value())).transpose()
    }

    /// Puts a blob there, in the place of what was.
    pub fn put(&mut self, room: &RoomId, blob: &BlobId, row: &Row) -> Result<(), IndexError> {
        if let Some(before) = self.get(room, blob)? {
            self.expires.remove((before.expires_ms, &room.0, &blob.0))?;
        }
        self.blobs.insert((&room.0, &blob.0), &*row.to_bytes())?;
        self.expires.insert((row.expires_ms, &room.0, &blob.0), ())?;
        Ok(())
    }

    /// Takes a blob away.
    pub fn remove(&mut self, room: &RoomId, blob: &BlobId) -> Result<Option<Row>, IndexError> {
        let row = self.blobs.remove((&room.0, &blob.0))?.map(|row| parse(row.value())).transpose()?;
        if let Some(row) = &row {
            self.expires.remove((row.expires_ms, &room.0, &blob.0))?;
        }
        Ok(row)
    }

    /// Up to so many blobs whose time is over.
    pub fn expired(&self, now_ms: u64, most: usize) -> Result<Vec<(RoomId, BlobId)>, StorageError> {
        let last = (now_ms, &[0xff; 32], &[0xff; 16]);
        let mut found = Vec::new();
        for row in self.expires.range(..=last)?.take(most) {
            let (key, _) = row?;
            let (_, room, blob) = key.value();
            found.push((RoomId(*room), BlobId(*blob)));
        }
        Ok(found)
    }

    /// When the next one goes.
    pub fn next_expiry(&self) -> Result<u64, StorageError> {
        Ok(self.expires.first()?.map_or(u64::MAX, |(key, _)| key.value().0))
    }

    /// Up to so many blobs of a room, in the order of their ids.
    pub fn of_room(&self, room: &RoomId, most: usize) -> Result<Vec<(BlobId, Row)>, IndexError> {
        let mut found = Vec::new();
        for row in self.blobs.range(whole(room))?.take(most) {
            let (key, row) = row?;
            found.push((BlobId(*key.value().1), parse(row.value())?));
        }
        Ok(found)
    }

    /// Notes what an opener began on a day.
    pub fn put_day(&mut self, opener: &OpenerBytes, day: (u64, u64)) -> Result<(), StorageError> {
        self.days.insert(opener, day).map(|_| ())
    }

    /// Forgets that.
    pub fn forget_day(&mut self, opener: &OpenerBytes) -> Result<(), StorageError> {
        self.days.remove(opener).map(|_| ())
    }
}

/// A blob, if there is one.
pub(super) fn get(
    transaction: &ReadTransaction,
    room: &RoomId,
    blob: &BlobId,
) -> Result<Option<Row>, IndexError> {
    let blobs = transaction.open_table(BLOBS)?;
    let row = blobs.get((&room.0, &blob.0))?;
    row.map(|row| parse(row.value())).transpose()
}

/// Hands over every blob, in the order of rooms and ids.
pub(super) fn each(transaction: &ReadTransaction, mut take: impl FnMut(Named)) -> Result<(), IndexError> {
    for row in transaction.open_table(BLOBS)?.iter()? {
        let (key, row) = row?;
        let (room, blob) = key.value();
        take((RoomId(*room), BlobId(*blob), parse(row.value())?));
    }
    Ok(())
}

/// An opener, and what it began, and when.
type OpenerDay = (OpenerBytes, (u64, u64));

/// What openers began, and when.
pub(super) fn days(transaction: &ReadTransaction) -> Result<Vec<OpenerDay>, IndexError> {
    let mut found = Vec::new();
    for row in transaction.open_table(DAYS)?.iter()? {
        let (opener, day) = row?;
        found.push((*opener.value(), day.value()));
    }
    Ok(found)
}

/// How many rows say when a blob goes: as many as there are blobs.
pub(super) fn expiries(transaction: &ReadTransaction) -> Result<u64, IndexError> {
    Ok(redb::ReadableTableMetadata::len(&transaction.open_table(EXPIRES)?)?)
}

fn whole(room: &RoomId) -> RangeInclusive<(&[u8; 32], &[u8; 16])> {
    (&room.0, &[0; 16])..=(&room.0, &[0xff; 16])
}

fn parse(row: &[u8]) -> Result<Row, IndexError> {
    Row::from_bytes(row).map_err(|_| IndexError::Damaged)
}
