//! Out of a database into records, and back.

use std::{collections::BTreeSet, path::Path};

use bytes::Bytes;
use proto::{
    PublicKey, RoomId,
    access::{Head, KeyRow},
    piece_name,
};
use redb::{ReadTransaction, ReadableDatabase};

use super::{
    OpenError,
    access::{self, Access},
    check::check,
    flaw::CheckError,
    holds,
    open::open_or_make,
    tables::{self, HeldSnapshot, Room, RoomRow, Snapshot, Tables, from_entry_row},
    tokens,
};
use crate::{
    log::{ExportError, Record, Stop},
    policy::limits::BATCH_BYTES,
};

/// Hands over every token and every room of a snapshot but `left_out`, one row at a time. What is left of dropped rooms
/// stays behind.
pub(super) fn export(
    transaction: &ReadTransaction,
    left_out: &BTreeSet<RoomId>,
    take: &mut dyn FnMut(Record) -> Result<(), Stop>,
) -> Result<(), ExportError> {
    let all = Snapshot::open(transaction).map_err(redb::Error::from)?;
    let broken = |error: redb::StorageError| ExportError::from(redb::Error::from(error));
    tokens::export(&all, left_out, take)?;
    let held = HeldSnapshot::open(transaction).map_err(redb::Error::from)?;
    holds::export(&held, take)?;
    for row in all.rooms.range::<&[u8; 32]>(..).map_err(broken)? {
        let (id, row) = row.map_err(broken)?;
        let id = *id.value();
        if left_out.contains(&RoomId(id)) {
            continue;
        }
        // What slots take is counted again when they are put back.
        let room: Room = row.value().into();
        let Room { head, oldest, last_commit, last_at_ms, bytes, keys, .. } = room;
        take(Record::Room { id, row: [head, oldest, last_commit, last_at_ms, bytes, keys] })?;
        let access = access::load(&all.access, &RoomId(id)).map_err(broken)?;
        take(Record::Access(access.head.to_bytes().into()))?;
        for row in all.slots.range((&id, 0)..=(&id, u64::MAX)).map_err(broken)? {
            let (key, slot) = row.map_err(broken)?;
            let row = Bytes::copy_from_slice(slot.value());
            take(Record::Slot { position: key.value().1, row })?;
        }
        for row in all.pieces.range((&id, &[0; 32])..=(&id, &[0xff; 32])).map_err(broken)? {
            take(Record::Piece(Bytes::copy_from_slice(row.map_err(broken)?.1.value())))?;
        }
        if let Some(hash) = all.opened_by.get(&id).map_err(broken)? {
            take(Record::OpenedBy(*hash.value()))?;
        }
        if let Some(record) = holds::record(&held, &RoomId(id), &room).map_err(broken)? {
            take(record)?;
        }
        for row in all.keys.range((&id, &[0; 32])..=(&id, &[0xff; 32])).map_err(broken)? {
            let (key, row) = row.map_err(broken)?;
            take(Record::Key { key: *key.value().1, row: Bytes::copy_from_slice(row.value()) })?;
        }
        for row in all.steps.range((&id, 0)..=(&id, u64::MAX)).map_err(broken)? {
            let (key, row) = row.map_err(broken)?;
            take(Record::Step { first: key.value().1, row: Bytes::copy_from_slice(row.value()) })?;
        }
        let votes = (&id, 0, &[0; 32])..=(&id, u64::MAX, &[0xff; 32]);
        for row in all.votes.range(votes).map_err(broken)? {
            let (key, _) = row.map_err(broken)?;
            let (_, first, key) = key.value();
            take(Record::Vote { first, key: *key })?;
        }
        for row in all.entries.range((&id, 0)..=(&id, u64::MAX)).map_err(broken)? {
            let (key, row) = row.map_err(broken)?;
            take(Record::Entry { seq: key.value().1, row: Bytes::copy_from_slice(row.value()) })?;
        }
    }
    Ok(())
}

/// Why records make no database.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be written, or what is in it is not whole.
    #[error(transparent)]
    Check(#[from] CheckError),
}

impl From<redb::Error> for ImportError {
    fn from(error: redb::Error) -> Self {
        Self::Check(error.into())
    }
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
    pub(crate) fn new(directory: &Path) -> Result<Self, ImportError> {
        let database = open_or_make(directory).map_err(OpenError::from)?;
        Ok(Self { database, room: RoomId([0; 32]), waiting: Vec::new(), bytes: 0 })
    }

    /// Takes the next record, and writes what waits when it is enough for a transaction.
    pub(crate) fn take(&mut self, record: Record) -> Result<(), ImportError> {
        // Small ones have a cost as well: a key's row with all around it.
        self.bytes += 200;
        if let Record::Slot { row: bytes, .. } | Record::Piece(bytes) | Record::Entry { row: bytes, .. } =
            &record
        {
            self.bytes += bytes.len();
        }
        self.waiting.push(record);
        if self.bytes < BATCH_BYTES { Ok(()) } else { Ok(self.flush()?) }
    }

    /// Writes the rest, and reads all of it back.
    pub(crate) fn finish(mut self) -> Result<(), ImportError> {
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

/// A room's slots have so many bytes more.
fn count_slot(tables: &mut Tables<'_>, id: &RoomId, bytes: usize) -> Result<(), redb::StorageError> {
    let room = tables::room(&tables.rooms, id)?.ok_or_else(corrupted)?;
    let slot_bytes = room.slot_bytes + bytes as u64;
    tables.rooms.insert(&id.0, &Room { slot_bytes, ..room }.into())?;
    Ok(())
}

fn corrupted() -> redb::StorageError {
    redb::StorageError::Corrupted("a row of access does not parse".into())
}

/// Returns the room that the next record belongs to.
fn insert(tables: &mut Tables<'_>, room: RoomId, record: Record) -> Result<RoomId, redb::StorageError> {
    match record {
        Record::Room { id, row: [head, oldest, last_commit, last_at_ms, bytes, keys] } => {
            let row =
                Room { head, oldest, last_commit, last_at_ms, bytes, keys, slot_bytes: 0, frozen_ms: 0 };
            tables.rooms.insert(&id, &RoomRow::from(row))?;
            return Ok(RoomId(id));
        }
        Record::Access(row) => {
            let head = Head::from_bytes(&row).map_err(|_| corrupted())?;
            // Another log from now on: what was appended since the backup is gone.
            let generation = access::fresh_generation()?;
            tables.access.insert(&room.0, Access { generation, head }.to_row().as_slice())?;
        }
        Record::Slot { position, row } => {
            tables.more_mut()?.slots.insert((&room.0, position), &*row)?;
            count_slot(tables, &room, row.len())?;
        }
        Record::Piece(piece) => {
            tables.more_mut()?.pieces.insert((&room.0, &piece_name(&piece)), &*piece)?;
            count_slot(tables, &room, piece.len())?;
        }
        Record::Step { first, row } => {
            tables.more_mut()?.steps.insert((&room.0, first), &*row)?;
        }
        Record::Vote { first, key } => {
            tables.more_mut()?.votes.insert((&room.0, first, &key), ())?;
        }
        Record::Token { hash, times: [created_ms, expires_ms], numbers, label } => {
            let [most_rooms, most_uses, rooms, uses] = numbers;
            let row = (created_ms, expires_ms, most_rooms, most_uses, rooms, uses, label.as_str());
            tables.more_mut()?.tokens.insert(&hash, row)?;
        }
        Record::OpenedBy(hash) => {
            tables.more_mut()?.opened_by.insert(&room.0, &hash)?;
        }
        Record::FrozenOpener { opener, at_ms, reason } => {
            tables.held()?.frozen_openers.insert(&opener, (at_ms, reason.as_str()))?;
        }
        Record::Dropped { id, at_ms, reason } => {
            tables.held()?.dropped.insert(&id, (at_ms, reason.as_str()))?;
            tables.held()?.dropped_at.insert((at_ms, &id), ())?;
        }
        Record::Frozen { at_ms, by, reason } => {
            let row = tables::room(&tables.rooms, &room)?.ok_or_else(corrupted)?;
            tables.rooms.insert(&room.0, &Room { frozen_ms: at_ms, ..row }.into())?;
            tables.held()?.frozen.insert(&room.0, (&*by, reason.as_str()))?;
        }
        Record::Key { key, row } => {
            let row = KeyRow::from_bytes(&row).map_err(|_| corrupted())?;
            access::put_key(tables, &room, &PublicKey(key), &row)?;
        }
        Record::Entry { seq, row } => {
            let (id, _) = from_entry_row(&row)?;
            tables.entries.insert((&room.0, seq), &*row)?;
            tables.ids.insert((&room.0, &id.0), seq)?;
        }
        // Beside the database.
        Record::Blob { .. } | Record::BlobPart { .. } => {}
        Record::Head { .. } | Record::File { .. } | Record::End { .. } => {}
    }
    Ok(room)
}
