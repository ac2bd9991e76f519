//! Who may do what, in tables: the state machine of [`proto::access`] reads rows here and says which change.

use proto::{
    PublicKey, RoomId,
    access::{self, Changes, Head, KeyRow, Rows, Step},
};
use redb::{ReadableTable, StorageError, Table};

use super::{
    pieces,
    tables::{AccessKey, Room, RoomKey, Snapshot, Tables, VoteKey},
};
use crate::log::Loss;

/// Bytes of what a key's row is found by: its room, and itself.
const KEY_NAMES: usize = 64;

/// Length of a log's generation, in bytes.
pub(super) const GENERATION: usize = 16;

/// A room's head and generation.
pub(super) struct Access {
    pub generation: [u8; GENERATION],
    pub head: Head,
}

/// The same with all tables open.
type OpenRows<'a, 'txn> = RoomRows<
    'a,
    Table<'txn, AccessKey, &'static [u8]>,
    Table<'txn, (RoomKey, u64), &'static [u8]>,
    Table<'txn, VoteKey, ()>,
>;

/// The rows of one room in a transaction that writes; what no message needs is opened when it is needed.
pub(super) struct TableRows<'a, 'txn> {
    tables: &'a Tables<'txn>,
    room: &'a RoomId,
}

/// The rows of one room.
pub(super) struct RoomRows<'a, K, S, V> {
    keys: &'a K,
    steps: &'a S,
    votes: &'a V,
    room: &'a RoomId,
}

type SnapshotRows<'a> = RoomRows<
    'a,
    redb::ReadOnlyTable<AccessKey, &'static [u8]>,
    redb::ReadOnlyTable<(RoomKey, u64), &'static [u8]>,
    redb::ReadOnlyTable<VoteKey, ()>,
>;

impl Access {
    pub(super) fn to_row(&self) -> Vec<u8> {
        [self.generation.as_slice(), &self.head.to_bytes()].concat()
    }

    pub(super) fn from_row(row: &[u8]) -> Result<Self, StorageError> {
        let (generation, head) = row.split_first_chunk().ok_or_else(corrupted)?;
        Ok(Self { generation: *generation, head: Head::from_bytes(head).map_err(|_| corrupted())? })
    }
}

/// A room's head; every room has one.
pub(super) fn load(
    table: &impl ReadableTable<RoomKey, &'static [u8]>,
    room: &RoomId,
) -> Result<Access, StorageError> {
    Access::from_row(table.get(&room.0)?.ok_or_else(corrupted)?.value())
}

pub(super) fn in_snapshot<'a>(all: &'a Snapshot, room: &'a RoomId) -> SnapshotRows<'a> {
    RoomRows { keys: &all.keys, steps: &all.steps, votes: &all.votes, room }
}

pub(super) fn in_tables<'a, 'txn>(tables: &'a Tables<'txn>, room: &'a RoomId) -> TableRows<'a, 'txn> {
    TableRows { tables, room }
}

/// Gives the log of each room another generation: it is not the one any more that members have read.
pub(super) fn renew(tables: &mut Tables<'_>) -> Result<(), StorageError> {
    let rooms: Result<Vec<_>, StorageError> =
        tables.access.iter()?.map(|row| row.map(|(room, _)| RoomId(*room.value()))).collect();
    for room in rooms? {
        let Access { head, .. } = load(&tables.access, &room)?;
        let access = Access { generation: fresh_generation()?, head };
        tables.access.insert(&room.0, access.to_row().as_slice())?;
    }
    Ok(())
}

/// A generation that no log has had.
pub(super) fn fresh_generation() -> Result<[u8; GENERATION], StorageError> {
    let mut generation = [0; GENERATION];
    aws_lc_rs::rand::fill(&mut generation)
        .map_err(|_| StorageError::Corrupted("there is no randomness".into()))?;
    Ok(generation)
}

/// Opens a room.
pub(super) fn open(
    tables: &mut Tables<'_>,
    room: &RoomId,
    access: &Access,
    keys: &[(PublicKey, KeyRow)],
) -> Result<(), StorageError> {
    tables.access.insert(&room.0, access.to_row().as_slice())?;
    for (key, row) in keys {
        put_key(tables, room, key, row)?;
    }
    Ok(())
}

/// Writes what a publish changes, and tells readers whose access that changes: here alone, whatever the reason is. Counts what
/// the room takes more and less.
pub(super) fn write(
    tables: &mut Tables<'_>,
    room: &RoomId,
    before: &Access,
    changes: Changes,
    counted: &mut Room,
) -> Result<(), StorageError> {
    let Changes { head, keys, steps, vote, slots, undone: _ } = changes;
    let mut changed = Vec::new();
    for (key, row) in keys {
        let after = Reading::of(row.as_ref());
        let came = row.as_ref().map_or(0, key_size);
        let (before, went) = match row {
            Some(row) => put_key(tables, room, &key, &row)?,
            None => remove_key(tables, &room.0, &key.0)?,
        };
        counted.key_bytes = (counted.key_bytes + came).saturating_sub(went);
        // Nobody follows the room with a key that it does not have.
        if before != Reading::No && before != after {
            changed.push(key);
        }
    }
    tables.news.lost(room, Loss::Keys(changed));
    if let Some((first, key)) = vote {
        tables.more_mut()?.votes.insert((&room.0, first, &key.0), ())?;
    }
    for (first, step) in steps {
        match step {
            Some(step) => {
                drop(tables.more_mut()?.steps.insert((&room.0, first), step.to_bytes().as_slice())?);
            }
            None => {
                tables.more_mut()?.steps.remove((&room.0, first))?;
                let votes = (&room.0, first, &[0; 32])..=(&room.0, first, &[0xff; 32]);
                tables.more_mut()?.votes.retain_in(votes, |_, ()| false)?;
            }
        }
    }
    let freed = if slots.is_empty() { 0 } else { pieces::remove(tables, room, &slots)? };
    if head != before.head {
        tables.access.insert(&room.0, Access { head, generation: before.generation }.to_row().as_slice())?;
    }
    counted.slot_bytes = counted.slot_bytes.saturating_sub(freed);
    Ok(())
}

/// Bytes that a key takes: its row, and what that is found by.
pub(super) fn key_size(row: &KeyRow) -> u64 {
    row_size(row.to_bytes().len())
}

fn row_size(row: usize) -> u64 {
    (row + KEY_NAMES) as u64
}

/// Bytes of all keys of a room.
pub(super) fn key_bytes(
    keys: &impl ReadableTable<AccessKey, &'static [u8]>,
    room: &RoomId,
) -> Result<u64, StorageError> {
    let mut bytes = 0;
    for row in keys.range((&room.0, &[0; 32])..=(&room.0, &[0xff; 32]))? {
        bytes += row_size(row?.1.value().len());
    }
    Ok(bytes)
}

/// What a row lets a key read, an invite's time and uses aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Nothing: there is no row.
    No,
    /// What was there when it was removed or suspended.
    UpToRemoval,
    /// Everything, or what guests get.
    Yes,
}

impl Reading {
    fn of(row: Option<&KeyRow>) -> Self {
        match row {
            None => Self::No,
            Some(row) if row.removed != 0 => Self::UpToRemoval,
            Some(_) => Self::Yes,
        }
    }
}

/// Writes a key, and an invite's room. Returns what it could read before, and how many bytes it took.
pub(super) fn put_key(
    tables: &mut Tables<'_>,
    room: &RoomId,
    key: &PublicKey,
    row: &KeyRow,
) -> Result<(Reading, u64), StorageError> {
    let before = tables.keys.insert((&room.0, &key.0), row.to_bytes().as_slice())?;
    let went = before.as_ref().map_or(0, |row| row_size(row.value().len()));
    let before = before.map(|row| KeyRow::from_bytes(row.value())).transpose().map_err(corrupt)?;
    // Whoever adds another room's invite to its own does not get that room's guests.
    if !row.grant.is_member() && tables.more()?.invites.get(&key.0)?.is_none() {
        tables.more_mut()?.invites.insert(&key.0, &room.0)?;
    }
    Ok((Reading::of(before.as_ref()), went))
}

/// Removes a key, and an invite's room. Returns what it could read before, and how many bytes it took.
pub(super) fn remove_key(
    tables: &mut Tables<'_>,
    room: &[u8; 32],
    key: &[u8; 32],
) -> Result<(Reading, u64), StorageError> {
    let before = tables.keys.remove((room, key))?;
    let went = before.as_ref().map_or(0, |row| row_size(row.value().len()));
    let before = before.map(|row| KeyRow::from_bytes(row.value())).transpose().map_err(corrupt)?;
    remove_invite(tables, room, key)?;
    Ok((Reading::of(before.as_ref()), went))
}

/// Forgets which room an invite is for.
fn remove_invite(tables: &mut Tables<'_>, room: &[u8; 32], key: &[u8; 32]) -> Result<(), StorageError> {
    if tables.more()?.invites.get(key)?.is_some_and(|of| of.value() == room) {
        tables.more_mut()?.invites.remove(key)?;
    }
    Ok(())
}

impl<'txn> TableRows<'_, 'txn> {
    fn rows(&self) -> Result<OpenRows<'_, 'txn>, StorageError> {
        let more = self.tables.more()?;
        Ok(RoomRows { keys: &self.tables.keys, steps: &more.steps, votes: &more.votes, room: self.room })
    }
}

impl Rows for TableRows<'_, '_> {
    type Error = StorageError;

    fn key(&self, key: &PublicKey) -> Result<Option<KeyRow>, StorageError> {
        key_row(&self.tables.keys, self.room, key)
    }

    fn keys(&self) -> Result<Vec<(PublicKey, KeyRow)>, StorageError> {
        self.rows()?.keys()
    }

    fn step(&self, seq: u64) -> Result<Option<Step>, StorageError> {
        self.rows()?.step(seq)
    }

    fn steps(&self, from: u64, count: usize) -> Result<Vec<Step>, StorageError> {
        self.rows()?.steps(from, count)
    }

    fn voted(&self, first: u64, key: &PublicKey) -> Result<bool, StorageError> {
        self.rows()?.voted(first, key)
    }

    fn votes_of(&self, first: u64) -> Result<Vec<PublicKey>, StorageError> {
        self.rows()?.votes_of(first)
    }
}

fn key_row(
    keys: &impl ReadableTable<AccessKey, &'static [u8]>,
    room: &RoomId,
    key: &PublicKey,
) -> Result<Option<KeyRow>, StorageError> {
    let row = keys.get((&room.0, &key.0))?;
    row.map(|row| KeyRow::from_bytes(row.value())).transpose().map_err(corrupt)
}

impl<K, S, V: ReadableTable<VoteKey, ()>> RoomRows<'_, K, S, V> {
    /// Votes on steps, no more than what is surely too many for a snapshot.
    pub(super) fn votes(&self) -> Result<Vec<(u64, PublicKey)>, StorageError> {
        let room = &self.room.0;
        let all = self.votes.range((room, 0, &[0; 32])..=(room, u64::MAX, &[0xff; 32]))?;
        all.take(access::MAX_SNAPSHOT / 32)
            .map(|row| {
                let (key, ()) = row.map(|(key, value)| (key, value.value()))?;
                let (_, first, key) = key.value();
                Ok((first, PublicKey(*key)))
            })
            .collect()
    }
}

impl<K, S, V> Rows for RoomRows<'_, K, S, V>
where
    K: ReadableTable<AccessKey, &'static [u8]>,
    S: ReadableTable<(RoomKey, u64), &'static [u8]>,
    V: ReadableTable<VoteKey, ()>,
{
    type Error = StorageError;

    fn key(&self, key: &PublicKey) -> Result<Option<KeyRow>, StorageError> {
        key_row(self.keys, self.room, key)
    }

    fn keys(&self) -> Result<Vec<(PublicKey, KeyRow)>, StorageError> {
        let room = &self.room.0;
        let rows = self.keys.range((room, &[0; 32])..=(room, &[0xff; 32]))?;
        rows.map(|row| {
            let (key, row) = row?;
            Ok((PublicKey(*key.value().1), KeyRow::from_bytes(row.value()).map_err(corrupt)?))
        })
        .collect()
    }

    fn step(&self, seq: u64) -> Result<Option<Step>, StorageError> {
        let newest = self.steps.range((&self.room.0, 0)..=(&self.room.0, seq))?.next_back().transpose()?;
        newest.map(|(_, row)| Step::from_bytes(row.value())).transpose().map_err(corrupt)
    }

    fn steps(&self, from: u64, count: usize) -> Result<Vec<Step>, StorageError> {
        let rows = self.steps.range((&self.room.0, from)..=(&self.room.0, u64::MAX))?.take(count);
        rows.map(|row| Step::from_bytes(row?.1.value()).map_err(corrupt)).collect()
    }

    fn voted(&self, first: u64, key: &PublicKey) -> Result<bool, StorageError> {
        Ok(self.votes.get((&self.room.0, first, &key.0))?.is_some())
    }

    fn votes_of(&self, first: u64) -> Result<Vec<PublicKey>, StorageError> {
        let room = &self.room.0;
        let votes = self.votes.range((room, first, &[0; 32])..=(room, first, &[0xff; 32]))?;
        votes.map(|row| Ok(PublicKey(*row?.0.value().2))).collect()
    }
}

fn corrupt(_: access::Corrupted) -> StorageError {
    corrupted()
}

fn corrupted() -> StorageError {
    StorageError::Corrupted("a row of access does not parse".into())
}
