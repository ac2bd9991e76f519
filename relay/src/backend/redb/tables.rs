//! The tables, and how records are laid out in them.

use proto::{Message, PublishId, RoomId, relay::Deliver};
use redb::{
    ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError, WriteTransaction,
};

use super::{stats::Trimmed, tokens::TokenRow};
use crate::{
    access::{Access, Grant},
    backend::tail::News,
};

/// A room: head, oldest, last commit, time of the last entry (ms), bytes of the log, access keys.
pub(super) type RoomRow = (u64, u64, u64, u64, u64, u64);

/// An access key: kind (see [`Grant`]), expiry (ms), greatest number of uses, uses.
type KeyRow = (u8, u64, u32, u32);

type RoomKey = &'static [u8; 32];

const ROOMS: TableDefinition<RoomKey, RoomRow> = TableDefinition::new("rooms");
const SLOTS: TableDefinition<RoomKey, &[u8]> = TableDefinition::new("slots");
const KEYS: TableDefinition<(RoomKey, &[u8; 32]), KeyRow> = TableDefinition::new("keys");
/// By sequence number: the publish id, then the [`Deliver`].
const ENTRIES: TableDefinition<(RoomKey, u64), &[u8]> = TableDefinition::new("entries");
/// By publish id: the sequence number. Lives as long as its entry.
const IDS: TableDefinition<(RoomKey, &[u8; 16]), u64> = TableDefinition::new("ids");

/// Rooms that were dropped and are not swept yet; none of them has a row in [`ROOMS`].
const DOOMED: TableDefinition<RoomKey, ()> = TableDefinition::new("doomed");

/// By SHA-256 of the token.
const TOKENS: TableDefinition<RoomKey, TokenRow> = TableDefinition::new("tokens");

/// By room: SHA-256 of the token that opened it. Rooms that no token opened, or one that was revoked, have no row.
const OPENED_BY: TableDefinition<RoomKey, &[u8; 32]> = TableDefinition::new("opened_by");

const MEMBER: u8 = 1;
const INVITE: u8 = 2;

/// The numbers of one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub head: u64,
    pub oldest: u64,
    pub last_commit: u64,
    pub last_at_ms: u64,
    pub bytes: u64,
    pub keys: u64,
}

/// All tables of a write transaction.
pub(super) struct Tables<'txn> {
    pub rooms: Table<'txn, RoomKey, RoomRow>,
    pub slots: Table<'txn, RoomKey, &'static [u8]>,
    pub keys: Table<'txn, (RoomKey, &'static [u8; 32]), KeyRow>,
    pub entries: Table<'txn, (RoomKey, u64), &'static [u8]>,
    pub ids: Table<'txn, (RoomKey, &'static [u8; 16]), u64>,
    pub doomed: Table<'txn, RoomKey, ()>,
    /// Bytes of rows that were removed.
    pub freed: u64,
    /// How many entries went because of which bound.
    pub trimmed: Trimmed,
    /// What readers have to learn once it is on the disk.
    pub news: News,
    pub tokens: Table<'txn, RoomKey, TokenRow>,
    pub opened_by: Table<'txn, RoomKey, &'static [u8; 32]>,
}

/// All tables of a read transaction.
pub(super) struct Snapshot {
    pub rooms: redb::ReadOnlyTable<RoomKey, RoomRow>,
    pub slots: redb::ReadOnlyTable<RoomKey, &'static [u8]>,
    pub keys: redb::ReadOnlyTable<(RoomKey, &'static [u8; 32]), KeyRow>,
    pub entries: redb::ReadOnlyTable<(RoomKey, u64), &'static [u8]>,
    pub ids: redb::ReadOnlyTable<(RoomKey, &'static [u8; 16]), u64>,
    pub doomed: redb::ReadOnlyTable<RoomKey, ()>,
    pub tokens: redb::ReadOnlyTable<RoomKey, TokenRow>,
    pub opened_by: redb::ReadOnlyTable<RoomKey, &'static [u8; 32]>,
}

impl<'txn> Tables<'txn> {
    pub fn open(transaction: &'txn WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            rooms: transaction.open_table(ROOMS)?,
            slots: transaction.open_table(SLOTS)?,
            keys: transaction.open_table(KEYS)?,
            entries: transaction.open_table(ENTRIES)?,
            ids: transaction.open_table(IDS)?,
            doomed: transaction.open_table(DOOMED)?,
            freed: 0,
            trimmed: Trimmed::default(),
            news: News::default(),
            tokens: transaction.open_table(TOKENS)?,
            opened_by: transaction.open_table(OPENED_BY)?,
        })
    }
}

impl Snapshot {
    pub fn open(transaction: &ReadTransaction) -> Result<Self, TableError> {
        Ok(Self {
            rooms: transaction.open_table(ROOMS)?,
            slots: transaction.open_table(SLOTS)?,
            keys: transaction.open_table(KEYS)?,
            entries: transaction.open_table(ENTRIES)?,
            ids: transaction.open_table(IDS)?,
            doomed: transaction.open_table(DOOMED)?,
            tokens: transaction.open_table(TOKENS)?,
            opened_by: transaction.open_table(OPENED_BY)?,
        })
    }
}

impl From<RoomRow> for Room {
    fn from((head, oldest, last_commit, last_at_ms, bytes, keys): RoomRow) -> Self {
        Self { head, oldest, last_commit, last_at_ms, bytes, keys }
    }
}

impl From<Room> for RoomRow {
    fn from(room: Room) -> Self {
        (room.head, room.oldest, room.last_commit, room.last_at_ms, room.bytes, room.keys)
    }
}

pub(super) fn to_key_row(access: Access) -> KeyRow {
    match access.grant {
        Grant::Member => (MEMBER, 0, 0, access.uses),
        Grant::Invite { expires_ms, max_uses } => (INVITE, expires_ms, max_uses, access.uses),
    }
}

/// `None` for a kind that a later version wrote: a key this version does not know gets no access.
pub(super) fn from_key_row((kind, expires_ms, max_uses, uses): KeyRow) -> Option<Access> {
    match kind {
        MEMBER => Some(Access { grant: Grant::Member, uses }),
        INVITE => Some(Access { grant: Grant::Invite { expires_ms, max_uses }, uses }),
        _ => None,
    }
}

pub(super) fn room(
    rooms: &impl ReadableTable<RoomKey, RoomRow>,
    room: &RoomId,
) -> Result<Option<Room>, redb::StorageError> {
    Ok(rooms.get(&room.0)?.map(|row| row.value().into()))
}

pub(super) fn access(
    keys: &impl ReadableTable<(RoomKey, &'static [u8; 32]), KeyRow>,
    room: &RoomId,
    key: &proto::PublicKey,
) -> Result<Option<Access>, redb::StorageError> {
    Ok(keys.get((&room.0, &key.0))?.and_then(|row| from_key_row(row.value())))
}

pub(super) fn to_entry_row(id: &PublishId, entry: &Deliver) -> Vec<u8> {
    let mut row = Vec::with_capacity(PublishId::LEN + entry.encoded_len());
    row.extend_from_slice(id.as_bytes());
    entry.encode_raw(&mut row);
    row
}

pub(super) fn from_entry_row(row: &[u8]) -> Result<(PublishId, Deliver), redb::StorageError> {
    let corrupted = || redb::StorageError::Corrupted("an entry does not parse".into());
    let (id, entry) = row.split_at_checked(PublishId::LEN).ok_or_else(corrupted)?;
    let id = PublishId::try_from(id).map_err(|_| corrupted())?;
    // One copy for the whole row; the envelope is then a slice of it.
    let entry = Deliver::decode(bytes::Bytes::copy_from_slice(entry)).map_err(|_| corrupted())?;
    Ok((id, entry))
}

/// The entry in a row, for those who do not have the database's errors.
pub(crate) fn parse_entry(row: &[u8]) -> Option<(PublishId, Deliver)> {
    from_entry_row(row).ok()
}

/// Makes the tables, so that readers of a new file find them.
pub(super) fn create(database: &redb::Database) -> Result<(), redb::Error> {
    if Snapshot::open(&database.begin_read()?).is_ok() {
        return Ok(());
    }
    let transaction = database.begin_write()?;
    drop(Tables::open(&transaction)?);
    Ok(transaction.commit()?)
}
