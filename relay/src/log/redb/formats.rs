//! Which format a file has, and how one of an earlier format becomes one of the newest.
//!
//! Format 1 had another protocol. Format 2 has no checksums in its entries, which are read without for as long as they are
//! kept; formats 2 and 3 do not say how many bytes a room's slots take, format 4 does not say whether it is frozen, and those before
//! format 7 neither what its access keys take nor whether anybody but its founder was there; those before format 6 have no journal
//! beside them. A file becomes one of the newest format when it is
//! opened, lest an earlier program takes it for its own.

use proto::RoomId;
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableHandle,
    WriteTransaction,
};

use super::{
    access, lone, pieces,
    tables::{self, HeldTables, MoreTables, Room, RoomKey, Tables},
};

/// One row: the format. Format 1 had no such table.
const FORMAT: TableDefinition<(), u64> = TableDefinition::new("format");

/// The one that is written.
pub const VERSION: u64 = 7;

/// The first one that becomes it.
const OLDEST: u64 = 2;

/// A room of formats 2 and 3: all numbers of one of today but the last two.
type RoomRow = (u64, u64, u64, u64, u64, u64);

/// A room of format 4: all but the last two.
type SizedRow = (u64, u64, u64, u64, u64, u64, u64);

/// A room of formats 5 and 6: all but the last.
type HeldRow = (u64, u64, u64, u64, u64, u64, u64, u64);

pub(super) const ROOMS: TableDefinition<RoomKey, RoomRow> = TableDefinition::new("rooms");

pub(super) const SIZED_ROOMS: TableDefinition<RoomKey, SizedRow> = TableDefinition::new("sized_rooms");

pub(super) const HELD_ROOMS: TableDefinition<RoomKey, HeldRow> = TableDefinition::new("held_rooms");

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
    Ok(version(reader)? == Some(VERSION))
}

/// The format that a database has, if it is an earlier one that becomes the newest when it is opened.
pub(super) fn earlier(database: &impl ReadableDatabase) -> Result<Option<u64>, redb::Error> {
    Ok(version(&database.begin_read()?)?.filter(|version| (OLDEST..VERSION).contains(version)))
}

/// The format that a database says it has.
fn version(reader: &ReadTransaction) -> Result<Option<u64>, redb::Error> {
    if !reader.list_tables()?.any(|table| table.name() == FORMAT.name()) {
        return Ok(None);
    }
    Ok(reader.open_table(FORMAT)?.get(())?.map(|version| version.value()))
}

/// Makes the tables, so that readers of a new file find them.
pub(super) fn create(database: &Database) -> Result<Made, redb::Error> {
    let reader = database.begin_read()?;
    let is_new = reader.list_tables()?.next().is_none();
    let before = match version(&reader)? {
        None if is_new => VERSION,
        Some(VERSION) => return Ok(Made::Ready),
        Some(before @ OLDEST..VERSION) => before,
        _ => return Ok(Made::Other),
    };
    drop(reader);
    let transaction = database.begin_write()?;
    transaction.open_table(FORMAT)?.insert((), VERSION)?;
    match before {
        2 | 3 => count_slots(&transaction)?,
        4 => widen(&transaction)?,
        5 | 6 => keep_held(&transaction)?,
        _ => {}
    }
    if before < VERSION {
        count_keys(&transaction)?;
    }
    drop((Tables::open(&transaction)?, MoreTables::open(&transaction)?, HeldTables::open(&transaction)?));
    transaction.commit()?;
    Ok(Made::Ready)
}

/// Reads all slots and pieces once.
fn count_slots(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    let mut tables = Tables::open(transaction)?;
    for row in transaction.open_table(ROOMS)?.iter()? {
        let (id, row) = row?;
        let (head, oldest, last_commit, last_at_ms, bytes, keys) = row.value();
        let slot_bytes = pieces::size(&tables.more()?.slots, &tables.more()?.pieces, id.value())?;
        let (key_bytes, frozen_ms) = (0, 0);
        let room =
            Room { head, oldest, last_commit, last_at_ms, bytes, keys, slot_bytes, key_bytes, frozen_ms };
        tables.rooms.insert(id.value(), &room.into())?;
    }
    transaction.delete_table(ROOMS)?;
    Ok(())
}

/// No room is frozen yet.
fn widen(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    let mut tables = Tables::open(transaction)?;
    for row in transaction.open_table(SIZED_ROOMS)?.iter()? {
        let (id, row) = row?;
        let (head, oldest, last_commit, last_at_ms, bytes, keys, slot_bytes) = row.value();
        let (key_bytes, frozen_ms) = (0, 0);
        let room =
            Room { head, oldest, last_commit, last_at_ms, bytes, keys, slot_bytes, key_bytes, frozen_ms };
        tables.rooms.insert(id.value(), &room.into())?;
    }
    transaction.delete_table(SIZED_ROOMS)?;
    Ok(())
}

/// What its keys take is not known yet.
fn keep_held(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    let mut tables = Tables::open(transaction)?;
    for row in transaction.open_table(HELD_ROOMS)?.iter()? {
        let (id, row) = row?;
        let (head, oldest, last_commit, last_at_ms, bytes, keys, slot_bytes, frozen_ms) = row.value();
        let key_bytes = 0;
        let room =
            Room { head, oldest, last_commit, last_at_ms, bytes, keys, slot_bytes, key_bytes, frozen_ms };
        tables.rooms.insert(id.value(), &room.into())?;
    }
    transaction.delete_table(HELD_ROOMS)?;
    Ok(())
}

/// Reads all access keys once: what they take, and where nobody but a founder can have been.
fn count_keys(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    let mut tables = Tables::open(transaction)?;
    let rooms = tables.rooms.iter()?.map(|row| row.map(|(id, _)| RoomId(*id.value())));
    let rooms: Vec<RoomId> = rooms.collect::<Result<_, _>>()?;
    for id in rooms {
        let Some(room) = tables::room(&tables.rooms, &id)? else { continue };
        let key_bytes = access::key_bytes(&tables.keys, &id)?;
        tables.rooms.insert(&id.0, &Room { key_bytes, ..room }.into())?;
        lone::note_old(&mut tables, &id, &room)?;
    }
    Ok(())
}
