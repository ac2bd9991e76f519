//! What an operator asks of a snapshot.

use std::ops::Bound;

use proto::RoomId;
use redb::{ReadTransaction, ReadableTableMetadata};

use super::{
    holds,
    tables::{HeldSnapshot, Room, Snapshot},
};
use crate::log::{Overview, RoomSummary};

pub(super) fn rooms(
    transaction: &ReadTransaction,
    after: Option<RoomId>,
    count: usize,
) -> Result<Vec<RoomSummary>, redb::Error> {
    let (snapshot, held) = (Snapshot::open(transaction)?, HeldSnapshot::open(transaction)?);
    let from = after.as_ref().map_or(Bound::Unbounded, |after| Bound::Excluded(&after.0));
    let rows = snapshot.rooms.range::<&[u8; 32]>((from, Bound::Unbounded))?.take(count);
    rows.map(|row| {
        let (id, row) = row?;
        let (id, room) = (RoomId(*id.value()), Room::from(row.value()));
        Ok(RoomSummary {
            id,
            entries: (room.head + 1).saturating_sub(room.oldest),
            bytes: room.bytes,
            slot_bytes: room.slot_bytes,
            key_bytes: room.key_bytes,
            keys: room.keys,
            head: room.head,
            last_commit: room.last_commit,
            last_at_ms: room.last_at_ms,
            frozen: holds::frozen(&held.frozen, &id, &room)?,
        })
    })
    .collect()
}

/// Those of these rooms that are no more, or never were.
pub(super) fn missing(transaction: &ReadTransaction, rooms: Vec<RoomId>) -> Result<Vec<RoomId>, redb::Error> {
    let all = Snapshot::open(transaction)?.rooms;
    let mut missing = Vec::new();
    for room in rooms {
        if all.get(&room.0)?.is_none() {
            missing.push(room);
        }
    }
    Ok(missing)
}

/// Reads one row per room.
pub(super) fn overview(transaction: &ReadTransaction) -> Result<Overview, redb::Error> {
    let (snapshot, held) = (Snapshot::open(transaction)?, HeldSnapshot::open(transaction)?);
    let mut sum = Overview {
        rooms: snapshot.rooms.len()?,
        tombstones: snapshot.tombstones.len()?,
        frozen: held.frozen.len()?,
        frozen_openers: held.frozen_openers.len()?,
        dropped: held.dropped.len()?,
        ..Overview::default()
    };
    for row in snapshot.rooms.range::<&[u8; 32]>(..)? {
        let room = Room::from(row?.1.value());
        sum.entries += (room.head + 1).saturating_sub(room.oldest);
        sum.bytes += room.bytes;
        sum.slot_bytes += room.slot_bytes;
        sum.key_bytes += room.key_bytes;
        sum.keys += room.keys;
        sum.last_at_ms = sum.last_at_ms.max(room.last_at_ms);
    }
    Ok(sum)
}
