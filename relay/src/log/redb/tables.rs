//! The tables, and how records are laid out in them.

use std::{cell::OnceCell, collections::BTreeSet};

use proto::{PublishId, RoomId, relay::Deliver};
use redb::{
    ReadTransaction, ReadableTable, StorageError, Table, TableDefinition, TableError, WriteTransaction,
};

use super::{
    opener::{self, Opener},
    row,
    shares::Sizes,
    stats::Trimmed,
};
use crate::log::tail::News;

/// A room: head, oldest, last commit in the log, time of the last entry (ms), bytes of the log, rows of access keys, bytes
/// of its slots and their pieces, since when it is frozen (ms).
pub(super) type RoomRow = (u64, u64, u64, u64, u64, u64, u64, u64);

pub(super) type RoomKey = &'static [u8; 32];

/// Whoever opened rooms.
pub(super) type OpenerKey = &'static [u8; Opener::LEN];

/// A room's key and one of its access keys.
pub(super) type AccessKey = (RoomKey, &'static [u8; 32]);

/// A room's key and a piece's name.
pub(super) type PieceKey = (RoomKey, &'static [u8; 32]);

/// A room's key, a step, and who voted on it.
pub(super) type VoteKey = (RoomKey, u64, &'static [u8; 32]);

/// A token: made, expires (both ms), greatest number of rooms, of uses, rooms, uses, label.
pub(super) type TokenRow = (u64, u64, u32, u32, u32, u32, &'static str);

/// A frozen room: the opener by whom it came to be frozen, empty where it is frozen for itself; the reason.
pub(super) type FrozenRow = (&'static [u8], &'static str);

/// What an operator said, and when (ms).
pub(super) type NoticeRow = (u64, &'static str);

const ROOMS: TableDefinition<RoomKey, RoomRow> = TableDefinition::new("held_rooms");
/// By room: the log's generation (16 bytes), then [`proto::access::Head`].
const ACCESS: TableDefinition<RoomKey, &[u8]> = TableDefinition::new("access");
/// By the commit that put it there: see [`super::pieces`].
const SLOTS: TableDefinition<(RoomKey, u64), &[u8]> = TableDefinition::new("slots");
/// By name: the sealed pieces of the room's slots.
const PIECES: TableDefinition<PieceKey, &[u8]> = TableDefinition::new("pieces");
/// [`proto::access::KeyRow`].
const KEYS: TableDefinition<AccessKey, &[u8]> = TableDefinition::new("keys");
/// By first commit: [`proto::access::Step`].
const STEPS: TableDefinition<(RoomKey, u64), &[u8]> = TableDefinition::new("steps");
/// Who voted on a step. Lives as long as the step.
const VOTES: TableDefinition<VoteKey, ()> = TableDefinition::new("votes");
/// By an invite's access key: its room, for those who know no more than the link. The first room that has it.
const INVITES: TableDefinition<RoomKey, &[u8; 32]> = TableDefinition::new("invites");
/// By sequence number: see [`row`].
const ENTRIES: TableDefinition<(RoomKey, u64), &[u8]> = TableDefinition::new("entries");
/// By publish id: the sequence number. Lives as long as its entry.
const IDS: TableDefinition<(RoomKey, &[u8; 16]), u64> = TableDefinition::new("ids");

/// What is known of the age of a room's oldest entry, if that is large: its sequence number and its time, as of when retention last looked. Of no
/// use once another is the oldest; what is missing is looked at again.
const AGES: TableDefinition<RoomKey, (u64, u64)> = TableDefinition::new("ages");

/// Rooms that were dropped and are not purged yet; none of them has a row in [`ROOMS`].
const TOMBSTONES: TableDefinition<RoomKey, ()> = TableDefinition::new("doomed");

/// By SHA-256 of the token.
const TOKENS: TableDefinition<RoomKey, TokenRow> = TableDefinition::new("tokens");

/// By room: SHA-256 of the token that opened it. Rooms that no token opened, or one that was revoked, have no row.
const OPENED_BY: TableDefinition<RoomKey, &[u8; 32]> = TableDefinition::new("opened_by");

/// By room: who opened it, where no token did. A database of before has none, and its rooms have no opener.
pub(super) const OPENERS: TableDefinition<RoomKey, &[u8; Opener::LEN]> = TableDefinition::new("openers");

/// The key under which addresses of openers are hashed.
const OPENER_KEY: TableDefinition<(), opener::KeyRow> = TableDefinition::new("opener_key");

/// Why a room is frozen: exactly those have a row whose own says since when.
const FROZEN: TableDefinition<RoomKey, FrozenRow> = TableDefinition::new("frozen");

/// Openers that open no room.
const FROZEN_OPENERS: TableDefinition<OpenerKey, NoticeRow> = TableDefinition::new("frozen_openers");

/// Rooms that an operator dropped, and which nobody opens again while they are here.
const DROPPED: TableDefinition<RoomKey, NoticeRow> = TableDefinition::new("dropped");

/// The same by time.
const DROPPED_AT: TableDefinition<(u64, RoomKey), ()> = TableDefinition::new("dropped_at");

/// The numbers of one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub head: u64,
    pub oldest: u64,
    /// Of those in the log. Who may build on which is in [`super::access`].
    pub last_commit: u64,
    pub last_at_ms: u64,
    pub bytes: u64,
    pub keys: u64,
    /// Of its slots and their pieces, which the log's bytes are without.
    pub slot_bytes: u64,
    /// Since when nothing is appended to it, Unix milliseconds; 0 while it is not frozen. Why is in another table.
    pub frozen_ms: u64,
}

/// The tables of a write transaction. Those that a message needs are open; the others are opened when they are needed: to open
/// one costs each batch something.
pub(super) struct Tables<'txn> {
    pub rooms: Table<'txn, RoomKey, RoomRow>,
    pub access: Table<'txn, RoomKey, &'static [u8]>,
    pub keys: Table<'txn, AccessKey, &'static [u8]>,
    pub entries: Table<'txn, (RoomKey, u64), &'static [u8]>,
    pub ids: Table<'txn, (RoomKey, &'static [u8; 16]), u64>,
    /// Something was written to `ages`.
    pub noted: bool,
    /// A publish has changed more than the log: who may do what, or the room's slots.
    pub is_more_than_messages: bool,
    /// Rooms that were appended to and have more than they may.
    pub over: BTreeSet<RoomId>,
    /// One of them by so much that it cannot wait.
    pub is_far_over: bool,
    /// Bytes of rows that were removed.
    pub freed: u64,
    /// How many entries went because of which bound.
    pub trimmed: Trimmed,
    /// What readers have to learn once it is on the disk.
    pub news: News,
    /// What rooms take after this transaction.
    pub sizes: Sizes,
    more: OnceCell<MoreTables<'txn>>,
    held: Option<HeldTables<'txn>>,
    transaction: &'txn WriteTransaction,
}

/// Tables that no message needs.
pub(super) struct MoreTables<'txn> {
    pub slots: Table<'txn, (RoomKey, u64), &'static [u8]>,
    pub pieces: Table<'txn, PieceKey, &'static [u8]>,
    pub steps: Table<'txn, (RoomKey, u64), &'static [u8]>,
    pub votes: Table<'txn, VoteKey, ()>,
    pub invites: Table<'txn, RoomKey, &'static [u8; 32]>,
    pub tombstones: Table<'txn, RoomKey, ()>,
    pub ages: Table<'txn, RoomKey, (u64, u64)>,
    pub tokens: Table<'txn, RoomKey, TokenRow>,
    pub opened_by: Table<'txn, RoomKey, &'static [u8; 32]>,
    pub openers: Table<'txn, RoomKey, &'static [u8; Opener::LEN]>,
    pub opener_key: Table<'txn, (), opener::KeyRow>,
}

/// Tables of what the operator did.
pub(super) struct HeldTables<'txn> {
    pub frozen: Table<'txn, RoomKey, FrozenRow>,
    pub frozen_openers: Table<'txn, OpenerKey, NoticeRow>,
    pub dropped: Table<'txn, RoomKey, NoticeRow>,
    pub dropped_at: Table<'txn, (u64, RoomKey), ()>,
}

/// All tables of a read transaction.
pub(super) struct Snapshot {
    pub rooms: redb::ReadOnlyTable<RoomKey, RoomRow>,
    pub access: redb::ReadOnlyTable<RoomKey, &'static [u8]>,
    pub slots: redb::ReadOnlyTable<(RoomKey, u64), &'static [u8]>,
    pub pieces: redb::ReadOnlyTable<PieceKey, &'static [u8]>,
    pub keys: redb::ReadOnlyTable<AccessKey, &'static [u8]>,
    pub steps: redb::ReadOnlyTable<(RoomKey, u64), &'static [u8]>,
    pub votes: redb::ReadOnlyTable<VoteKey, ()>,
    pub invites: redb::ReadOnlyTable<RoomKey, &'static [u8; 32]>,
    pub entries: redb::ReadOnlyTable<(RoomKey, u64), &'static [u8]>,
    pub ids: redb::ReadOnlyTable<(RoomKey, &'static [u8; 16]), u64>,
    pub tombstones: redb::ReadOnlyTable<RoomKey, ()>,
    pub tokens: redb::ReadOnlyTable<RoomKey, TokenRow>,
    pub opened_by: redb::ReadOnlyTable<RoomKey, &'static [u8; 32]>,
}

/// Those of what the operator did.
pub(super) struct HeldSnapshot {
    pub frozen: redb::ReadOnlyTable<RoomKey, FrozenRow>,
    pub frozen_openers: redb::ReadOnlyTable<OpenerKey, NoticeRow>,
    pub dropped: redb::ReadOnlyTable<RoomKey, NoticeRow>,
    pub dropped_at: redb::ReadOnlyTable<(u64, RoomKey), ()>,
}

impl<'txn> Tables<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            rooms: transaction.open_table(ROOMS)?,
            access: transaction.open_table(ACCESS)?,
            keys: transaction.open_table(KEYS)?,
            entries: transaction.open_table(ENTRIES)?,
            ids: transaction.open_table(IDS)?,
            noted: false,
            is_more_than_messages: false,
            over: BTreeSet::new(),
            is_far_over: false,
            freed: 0,
            trimmed: Trimmed::default(),
            news: News::default(),
            sizes: Sizes::default(),
            more: OnceCell::new(),
            held: None,
            transaction,
        })
    }

    /// Forgets what the last batch has noted.
    pub(super) fn begin(&mut self) {
        (self.noted, self.is_more_than_messages, self.is_far_over) = (false, false, false);
        (self.freed, self.trimmed) = (0, Trimmed::default());
        self.over.clear();
        (self.news, self.sizes) = (News::default(), Sizes::default());
    }

    /// What no message needs.
    pub(super) fn more(&self) -> Result<&MoreTables<'txn>, StorageError> {
        match self.more.get() {
            Some(more) => Ok(more),
            None => {
                let more = MoreTables::open(self.transaction).map_err(storage)?;
                Ok(self.more.get_or_init(|| more))
            }
        }
    }

    /// The same, to write.
    pub(super) fn more_mut(&mut self) -> Result<&mut MoreTables<'txn>, StorageError> {
        let more = match self.more.take() {
            Some(more) => more,
            None => MoreTables::open(self.transaction).map_err(storage)?,
        };
        self.more.get_or_init(|| more);
        self.more.get_mut().ok_or_else(|| StorageError::Corrupted("its tables are not open".into()))
    }

    /// What the operator did.
    pub(super) fn held(&mut self) -> Result<&mut HeldTables<'txn>, StorageError> {
        let held = match self.held.take() {
            Some(held) => held,
            None => HeldTables::open(self.transaction).map_err(storage)?,
        };
        Ok(self.held.insert(held))
    }

    /// Writes a room's numbers.
    pub(super) fn put_room(&mut self, id: &RoomId, room: Room) -> Result<(), StorageError> {
        self.sizes.set(id, room.size());
        self.rooms.insert(&id.0, &room.into())?;
        Ok(())
    }
}

fn storage(error: TableError) -> StorageError {
    match error {
        TableError::Storage(error) => error,
        other => StorageError::Corrupted(other.to_string()),
    }
}

impl<'txn> MoreTables<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            slots: transaction.open_table(SLOTS)?,
            pieces: transaction.open_table(PIECES)?,
            steps: transaction.open_table(STEPS)?,
            votes: transaction.open_table(VOTES)?,
            invites: transaction.open_table(INVITES)?,
            tombstones: transaction.open_table(TOMBSTONES)?,
            ages: transaction.open_table(AGES)?,
            tokens: transaction.open_table(TOKENS)?,
            opened_by: transaction.open_table(OPENED_BY)?,
            openers: transaction.open_table(OPENERS)?,
            opener_key: transaction.open_table(OPENER_KEY)?,
        })
    }
}

impl<'txn> HeldTables<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            frozen: transaction.open_table(FROZEN)?,
            frozen_openers: transaction.open_table(FROZEN_OPENERS)?,
            dropped: transaction.open_table(DROPPED)?,
            dropped_at: transaction.open_table(DROPPED_AT)?,
        })
    }
}

impl HeldSnapshot {
    pub(super) fn open(transaction: &ReadTransaction) -> Result<Self, TableError> {
        Ok(Self {
            frozen: transaction.open_table(FROZEN)?,
            frozen_openers: transaction.open_table(FROZEN_OPENERS)?,
            dropped: transaction.open_table(DROPPED)?,
            dropped_at: transaction.open_table(DROPPED_AT)?,
        })
    }
}

impl Room {
    /// Bytes of its entries, slots and pieces.
    pub(super) fn size(&self) -> u64 {
        self.bytes.saturating_add(self.slot_bytes)
    }
}

impl Snapshot {
    pub(super) fn open(transaction: &ReadTransaction) -> Result<Self, TableError> {
        Ok(Self {
            rooms: transaction.open_table(ROOMS)?,
            access: transaction.open_table(ACCESS)?,
            slots: transaction.open_table(SLOTS)?,
            pieces: transaction.open_table(PIECES)?,
            keys: transaction.open_table(KEYS)?,
            steps: transaction.open_table(STEPS)?,
            votes: transaction.open_table(VOTES)?,
            invites: transaction.open_table(INVITES)?,
            entries: transaction.open_table(ENTRIES)?,
            ids: transaction.open_table(IDS)?,
            tombstones: transaction.open_table(TOMBSTONES)?,
            tokens: transaction.open_table(TOKENS)?,
            opened_by: transaction.open_table(OPENED_BY)?,
        })
    }
}

impl From<RoomRow> for Room {
    fn from((head, oldest, last_commit, last_at_ms, bytes, keys, slot_bytes, frozen_ms): RoomRow) -> Self {
        Self { head, oldest, last_commit, last_at_ms, bytes, keys, slot_bytes, frozen_ms }
    }
}

impl From<Room> for RoomRow {
    fn from(room: Room) -> Self {
        let Room { head, oldest, last_commit, last_at_ms, bytes, keys, slot_bytes, frozen_ms } = room;
        (head, oldest, last_commit, last_at_ms, bytes, keys, slot_bytes, frozen_ms)
    }
}

pub(super) fn room(
    rooms: &impl ReadableTable<RoomKey, RoomRow>,
    room: &RoomId,
) -> Result<Option<Room>, StorageError> {
    Ok(rooms.get(&room.0)?.map(|row| row.value().into()))
}

pub(super) fn from_entry_row(row: &[u8]) -> Result<(PublishId, Deliver), StorageError> {
    row::decode(row).ok_or_else(|| StorageError::Corrupted("an entry is damaged".into()))
}

/// The entry in a row, for those who do not have the database's errors.
pub(crate) fn parse_entry(row: &[u8]) -> Option<(PublishId, Deliver)> {
    row::decode(row)
}
