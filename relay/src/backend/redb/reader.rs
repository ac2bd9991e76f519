//! What readers ask of a snapshot.

use bytes::Bytes;
use proto::{PublicKey, PublishId, RoomId, relay::Deliver};
use redb::ReadTransaction;

use super::tables::{self, Snapshot, from_entry_row};
use crate::{
    backend::{Appended, Author, Batch, Measured, Slot, View},
    limits::READ_BYTES,
};

pub(super) fn view(
    transaction: &ReadTransaction,
    id: &RoomId,
    key: &PublicKey,
) -> Result<Option<View>, redb::Error> {
    let snapshot = Snapshot::open(transaction)?;
    // Both are looked up whatever the first one says: no room and no key take the same time.
    let room = tables::room(&snapshot.rooms, id)?;
    let access = tables::access(&snapshot.keys, id, key)?;
    Ok(room.zip(access).map(|(room, access)| View {
        head: room.head,
        oldest: room.oldest,
        last_commit: room.last_commit,
        access,
    }))
}

pub(super) fn slot(
    transaction: &ReadTransaction,
    id: &RoomId,
    room_for: usize,
) -> Result<Option<Measured<Slot>>, redb::Error> {
    let snapshot = Snapshot::open(transaction)?;
    let Some(room) = tables::room(&snapshot.rooms, id)? else { return Ok(None) };
    let Some(sealed) = snapshot.slots.get(&id.0)? else { return Ok(None) };
    let sealed = sealed.value();
    if sealed.len() > room_for {
        return Ok(Some(Measured::Large(sealed.len())));
    }
    let sealed = Bytes::copy_from_slice(sealed);
    Ok(Some(Measured::Ready(Slot { last_commit: room.last_commit, sealed })))
}

pub(super) fn read(
    transaction: &ReadTransaction,
    id: &RoomId,
    key: &PublicKey,
    after: u64,
    room_for: usize,
) -> Result<Measured<Batch>, redb::Error> {
    let snapshot = Snapshot::open(transaction)?;
    let access = tables::access(&snapshot.keys, id, key)?;
    let Some(room) = tables::room(&snapshot.rooms, id)? else {
        // Keys of a dropped room may still be there.
        return Ok(Measured::Ready(Batch { entries: Vec::new(), head: 0, oldest: 1, access: None }));
    };
    let mut batch = Batch { entries: Vec::new(), head: room.head, oldest: room.oldest, access };
    let mut bytes = 0;
    let first = after.saturating_add(1).max(room.oldest);
    if first > room.head {
        return Ok(Measured::Ready(batch));
    }
    for row in snapshot.entries.range((&id.0, first)..=(&id.0, room.head))? {
        let (_, row) = row?;
        let row = row.value();
        bytes += row.len();
        if batch.entries.is_empty() && row.len() > room_for {
            return Ok(Measured::Large(row.len()));
        }
        if bytes > READ_BYTES && !batch.entries.is_empty() {
            break;
        }
        batch.entries.push(from_entry_row(row)?.1);
    }
    Ok(Measured::Ready(batch))
}

pub(super) fn published(
    transaction: &ReadTransaction,
    author: &Author,
    id: &PublishId,
    mut expected: Deliver,
) -> Result<Option<Appended>, redb::Error> {
    let snapshot = Snapshot::open(transaction)?;
    let room = tables::room(&snapshot.rooms, &author.room)?;
    if room.is_none() || tables::access(&snapshot.keys, &author.room, &author.key)?.is_none() {
        return Ok(None);
    }
    let Some(seq) = snapshot.ids.get((&author.room.0, &id.0))?.map(|seq| seq.value()) else {
        return Ok(None);
    };
    let Some(row) = snapshot.entries.get((&author.room.0, seq))? else { return Ok(None) };
    let (_, stored) = from_entry_row(row.value())?;
    (expected.seq, expected.at_ms) = (seq, stored.at_ms);
    Ok((stored == expected).then_some(Appended { seq, at_ms: stored.at_ms, repeated: true }))
}
