//! Out of a database into records, and back.

use std::path::Path;

use bytes::Bytes;
use proto::RoomId;
use redb::{ReadTransaction, ReadableDatabase};

use super::{
    OpenError,
    check::check,
    database::open_or_make,
    tables::{Room, RoomRow, Snapshot, Tables, from_entry_row},
    tokens,
};
use crate::{
    backup::{BackupError, Record, RestoreError},
    limits::BATCH_BYTES,
};

/// Hands over every token and every room of a snapshot, one row at a time. What is left of dropped rooms stays behind.
pub(super) fn export(
    transaction: &ReadTransaction,
    take: &mut dyn FnMut(Record) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let all = Snapshot::open(transaction).map_err(redb::Error::from)?;
    let broken = |error: redb::StorageError| BackupError::from(redb::Error::from(error));
    tokens::export(&all, take)?;
    for row in all.rooms.range::<&[u8; 32]>(..).map_err(broken)? {
        let (id, row) = row.map_err(broken)?;
        let id = *id.value();
        let (head, oldest, last_commit, last_at_ms, bytes, keys) = row.value();
        take(Record::Room { id, row: [head, oldest, last_commit, last_at_ms, bytes, keys] })?;
        if let Some(slot) = all.slots.get(&id).map_err(broken)? {
            take(Record::Slot(Bytes::copy_from_slice(slot.value())))?;
        }
        if let Some(hash) = all.opened_by.get(&id).map_err(broken)? {
            take(Record::OpenedBy(*hash.value()))?;
        }
        for row in all.keys.range((&id, &[0; 32])..=(&id, &[0xff; 32])).map_err(broken)? {
            let (key, row) = row.map_err(broken)?;
            take(Record::Key { key: *key.value().1, row: row.value() })?;
        }
        for row in all.entries.range((&id, 0)..=(&id, u64::MAX)).map_err(broken)? {
            let (key, row) = row.map_err(broken)?;
            take(Record::Entry { seq: key.value().1, row: Bytes::copy_from_slice(row.value()) })?;
        }
    }
    Ok(())
}

/// Writes records into a new database. Whether they make sense is checked elsewhere.
pub(crate) struct Importer {
    database: redb::Database,
    room: RoomId,
    waiting: Vec<Record>,
    bytes: usize,
}

impl Importer {
    /// A new database in `directory`.
    pub fn new(directory: &Path) -> Result<Self, RestoreError> {
        let database = open_or_make(directory).map_err(OpenError::from)?;
        Ok(Self { database, room: RoomId([0; 32]), waiting: Vec::new(), bytes: 0 })
    }

    /// Takes the next record, and writes what waits when it is enough for a transaction.
    pub fn take(&mut self, record: Record) -> Result<(), RestoreError> {
        // Small ones have a cost as well: a key's row with all around it.
        self.bytes += 200;
        if let Record::Slot(bytes) | Record::Entry { row: bytes, .. } = &record {
            self.bytes += bytes.len();
        }
        self.waiting.push(record);
        if self.bytes < BATCH_BYTES { Ok(()) } else { Ok(self.flush()?) }
    }

    /// Writes the rest, and reads all of it back.
    pub fn finish(mut self) -> Result<(), RestoreError> {
        self.flush()?;
        let transaction = self.database.begin_read().map_err(redb::Error::from)?;
        check(&transaction)?;
        drop(transaction);
        Ok(self.database.close().map_err(redb::Error::from)?)
    }

    fn flush(&mut self) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut tables = Tables::open(&transaction)?;
            for record in self.waiting.drain(..) {
                self.room = insert(&mut tables, self.room, record)?;
            }
        }
        self.bytes = 0;
        Ok(transaction.commit()?)
    }
}

/// Returns the room that the next record belongs to.
fn insert(tables: &mut Tables<'_>, room: RoomId, record: Record) -> Result<RoomId, redb::StorageError> {
    match record {
        Record::Room { id, row: [head, oldest, last_commit, last_at_ms, bytes, keys] } => {
            let row = Room { head, oldest, last_commit, last_at_ms, bytes, keys };
            tables.rooms.insert(&id, &RoomRow::from(row))?;
            return Ok(RoomId(id));
        }
        Record::Slot(sealed) => {
            tables.slots.insert(&room.0, &*sealed)?;
        }
        Record::Token { hash, times: [created_ms, expires_ms], numbers, label } => {
            let [most_rooms, most_uses, rooms, uses] = numbers;
            let row = (created_ms, expires_ms, most_rooms, most_uses, rooms, uses, label.as_str());
            tables.tokens.insert(&hash, row)?;
        }
        Record::OpenedBy(hash) => {
            tables.opened_by.insert(&room.0, &hash)?;
        }
        Record::Key { key, row } => {
            tables.keys.insert((&room.0, &key), row)?;
        }
        Record::Entry { seq, row } => {
            let (id, _) = from_entry_row(&row)?;
            tables.entries.insert((&room.0, seq), &*row)?;
            tables.ids.insert((&room.0, &id.0), seq)?;
        }
        Record::Head { .. } | Record::File { .. } | Record::End { .. } => {}
    }
    Ok(room)
}
