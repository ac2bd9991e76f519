//! Which format a file has, and how one of an earlier format becomes one of the newest.
//!
//! Format 1 had another protocol. Format 2 has no checksums in its entries, which are read without for as long as they are
//! kept; formats 2 and 3 do not say how many bytes a room's slots take. A file becomes one of the newest format when it is
//! opened, lest an earlier program takes it for its own.

use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableHandle,
    WriteTransaction,
};

use super::{
    pieces,
    tables::{Room, RoomKey, Tables},
};

/// One row: the format. Format 1 had no such table.
const FORMAT: TableDefinition<(), u64> = TableDefinition::new("format");

/// The one that is written.
const VERSION: u64 = 4;

/// A room of formats 2 and 3: all numbers of one of today but the last.
type RoomRow = (u64, u64, u64, u64, u64, u64);

pub(super) const ROOMS: TableDefinition<RoomKey, RoomRow> = TableDefinition::new("rooms");

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// A database of this version, new or not.
    Ready,
    /// One that another version wrote; nothing was touched.
    Other,
}

/// Whether a file that cannot be written is a database of the newest format: others are read only once they have become that.
pub(super) fn is_readable(reader: &ReadTransaction) -> Result<bool, redb::Error> {
    if !reader.list_tables()?.any(|table| table.name() == FORMAT.name()) {
        return Ok(false);
    }
    let version = reader.open_table(FORMAT)?.get(())?.map(|version| version.value());
    Ok(version == Some(VERSION))
}

/// Makes the tables, so that readers of a new file find them.
pub(super) fn create(database: &Database) -> Result<Made, redb::Error> {
    let reader = database.begin_read()?;
    let mut tables = reader.list_tables()?.peekable();
    let is_new = tables.peek().is_none();
    if !is_new {
        if !tables.any(|table| table.name() == FORMAT.name()) {
            return Ok(Made::Other);
        }
        let version = reader.open_table(FORMAT)?.get(())?.map(|version| version.value());
        match version {
            Some(VERSION) => return Ok(Made::Ready),
            Some(2 | 3) => {}
            _ => return Ok(Made::Other),
        }
    }
    drop(tables);
    let transaction = database.begin_write()?;
    transaction.open_table(FORMAT)?.insert((), VERSION)?;
    if is_new {
        drop(Tables::open(&transaction)?);
    } else {
        count_slots(&transaction)?;
    }
    transaction.commit()?;
    Ok(Made::Ready)
}

/// Reads all slots and pieces once.
fn count_slots(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    let mut tables = Tables::open(transaction)?;
    for row in transaction.open_table(ROOMS)?.iter()? {
        let (id, row) = row?;
        let (head, oldest, last_commit, last_at_ms, bytes, keys) = row.value();
        let slot_bytes = pieces::size(&tables.slots, &tables.pieces, id.value())?;
        let room = Room { head, oldest, last_commit, last_at_ms, bytes, keys, slot_bytes };
        tables.rooms.insert(id.value(), &room.into())?;
    }
    transaction.delete_table(ROOMS)?;
    Ok(())
}
