//! The tables of the index, in a transaction.

use std::{
    ops::RangeInclusive,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use proto::{BlobId, RoomId};
use redb::{ReadTransaction, ReadableTable, StorageError, Table, TableDefinition, WriteTransaction};

use super::{
    error::IndexError,
    row::{OpenerBytes, Row},
};

type Key = (&'static [u8; 32], &'static [u8; 16]);

const BLOBS: TableDefinition<Key, &[u8]> = TableDefinition::new("blobs");
/// By the time at which each goes.
const EXPIRES: TableDefinition<(u64, &[u8; 32], &[u8; 16]), ()> = TableDefinition::new("expires");
/// Which day, and what an opener began on it.
const DAYS: TableDefinition<&[u8; 16], (u64, u64)> = TableDefinition::new("days");
/// `format`, and `next`: the number of the next file.
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

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

impl<'txn> Tables<'txn> {
    /// All of them.
    pub(super) fn open(
        transaction: &'txn WriteTransaction,
        next: &'txn AtomicU64,
    ) -> Result<Self, IndexError> {
        Ok(Self {
            blobs: transaction.open_table(BLOBS)?,
            expires: transaction.open_table(EXPIRES)?,
            days: transaction.open_table(DAYS)?,
            meta: transaction.open_table(META)?,
            next,
        })
    }

    /// The layout that was stored, if there is one; this one from now on, if not.
    pub(super) fn format(&mut self, format: u64) -> Result<Option<u64>, StorageError> {
        let found = self.meta.get("format")?.map(|row| row.value());
        if found.is_none() {
            self.meta.insert("format", format)?;
        }
        Ok(found)
    }

    /// The number of the next file, which is nobody else's from now on: neither after a transaction that failed, nor while
    /// whoever had it still writes.
    pub(super) fn take_number(&mut self) -> Result<u64, StorageError> {
        let stored = self.meta.get("next")?.map_or(0, |row| row.value());
        let number = stored.max(self.next.load(Relaxed));
        self.next.store(number + 1, Relaxed);
        self.meta.insert("next", number + 1)?;
        Ok(number)
    }

    /// A blob, if there is one.
    pub(super) fn get(&self, room: &RoomId, blob: &BlobId) -> Result<Option<Row>, IndexError> {
        self.blobs.get((&room.0, &blob.0))?.map(|row| parse(row.value())).transpose()
    }

    /// Puts a blob there, in the place of what was.
    pub(super) fn put(&mut self, room: &RoomId, blob: &BlobId, row: &Row) -> Result<(), IndexError> {
        if let Some(before) = self.get(room, blob)? {
            self.expires.remove((before.expires_ms, &room.0, &blob.0))?;
        }
        self.blobs.insert((&room.0, &blob.0), &*row.to_bytes())?;
        self.expires.insert((row.expires_ms, &room.0, &blob.0), ())?;
        Ok(())
    }

    /// Takes a blob away.
    pub(super) fn remove(&mut self, room: &RoomId, blob: &BlobId) -> Result<Option<Row>, IndexError> {
        let row = self.blobs.remove((&room.0, &blob.0))?.map(|row| parse(row.value())).transpose()?;
        if let Some(row) = &row {
            self.expires.remove((row.expires_ms, &room.0, &blob.0))?;
        }
        Ok(row)
    }

    /// Up to so many blobs whose time is over.
    pub(super) fn expired(&self, now_ms: u64, most: usize) -> Result<Vec<(RoomId, BlobId)>, StorageError> {
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
    pub(super) fn next_expiry(&self) -> Result<u64, StorageError> {
        Ok(self.expires.first()?.map_or(u64::MAX, |(key, _)| key.value().0))
    }

    /// Up to so many blobs of a room, in the order of their ids.
    pub(super) fn of_room(&self, room: &RoomId, most: usize) -> Result<Vec<(BlobId, Row)>, IndexError> {
        let mut found = Vec::new();
        for row in self.blobs.range(whole(room))?.take(most) {
            let (key, row) = row?;
            found.push((BlobId(*key.value().1), parse(row.value())?));
        }
        Ok(found)
    }

    /// Notes what an opener began on a day.
    pub(super) fn put_day(&mut self, opener: &OpenerBytes, day: (u64, u64)) -> Result<(), StorageError> {
        self.days.insert(opener, day).map(|_| ())
    }

    /// Forgets that.
    pub(super) fn forget_day(&mut self, opener: &OpenerBytes) -> Result<(), StorageError> {
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
