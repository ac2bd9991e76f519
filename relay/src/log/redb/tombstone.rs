//! Dropping a room: a tombstone in one transaction, its rows purged in many small ones.
//!
//! The tombstone takes the place of the room's row, and without that row there is no room: from the moment it is on
//! disk nobody reads or writes any of it. What is left of it is purged in steps between which publishers get
//! their turn. A crash half-way leaves the tombstone, and the next round of trimming goes on purging.

use proto::RoomId;
use redb::{ReadableTable, StorageError};

use super::{
    access,
    tables::{Room, Tables},
    tokens,
};
use crate::policy::limits::{TRIM_ROUND, TRIM_ROUND_BYTES};

/// Puts a tombstone in the place of a room. Returns whether there was one.
pub(super) fn put(tables: &mut Tables<'_>, room: &RoomId) -> Result<bool, StorageError> {
    let row = tables.rooms.remove(&room.0)?.map(|row| Room::from(row.value()));
    if let Some(row) = row {
        if row.frozen_ms != 0 {
            tables.held()?.frozen.remove(&room.0)?;
        }
        tables.more_mut()?.tombstones.insert(&room.0, ())?;
        tables.more_mut()?.ages.remove(&room.0)?;
        tokens::free(tables, room)?;
        tables.more_mut()?.openers.remove(&room.0)?;
        tables.more_mut()?.lone.remove(&room.0)?;
        tables.sizes.gone(room);
        tables.news.ended(room);
    }
    Ok(row.is_some())
}

/// Whether a room of this id is still being purged.
pub(super) fn stands(tables: &Tables<'_>, room: &RoomId) -> Result<bool, StorageError> {
    Ok(tables.more()?.tombstones.get(&room.0)?.is_some())
}

/// Removes a bounded part of a room with a tombstone, any of them. Returns whether there is more to do and how many
/// rows went.
pub(super) fn purge(tables: &mut Tables<'_>) -> Result<(bool, u64), StorageError> {
    let Some(room) = tables.more()?.tombstones.first()?.map(|(room, _)| *room.value()) else {
        return Ok((false, 0));
    };
    let mut budget = Budget { rows: TRIM_ROUND, freed: 0 };
    let is_empty = empty(tables, &room, &mut budget)?;
    if is_empty {
        tables.access.remove(&room)?;
        tables.more_mut()?.tombstones.remove(&room)?;
    }
    tables.freed += budget.freed;
    let more = !is_empty || tables.more()?.tombstones.first()?.is_some();
    Ok((more, TRIM_ROUND - budget.rows + 1))
}

/// Removes entries, ids, slots, pieces, steps, votes and keys until the budget is spent. Returns whether nothing is left.
fn empty(tables: &mut Tables<'_>, room: &[u8; 32], budget: &mut Budget) -> Result<bool, StorageError> {
    for row in tables.entries.extract_from_if((room, 0)..=(room, u64::MAX), |_, _| true)? {
        if !budget.take(row?.1.value().len()) {
            return Ok(false);
        }
    }
    for row in tables.ids.extract_from_if((room, &[0; 16])..=(room, &[0xff; 16]), |_, _| true)? {
        row?;
        if !budget.take(0) {
            return Ok(false);
        }
    }
    for row in tables.more_mut()?.slots.extract_from_if((room, 0)..=(room, u64::MAX), |_, _| true)? {
        if !budget.take(row?.1.value().len()) {
            return Ok(false);
        }
    }
    for row in
        tables.more_mut()?.pieces.extract_from_if((room, &[0; 32])..=(room, &[0xff; 32]), |_, _| true)?
    {
        if !budget.take(row?.1.value().len()) {
            return Ok(false);
        }
    }
    for row in tables.more_mut()?.steps.extract_from_if((room, 0)..=(room, u64::MAX), |_, _| true)? {
        row?;
        if !budget.take(0) {
            return Ok(false);
        }
    }
    let votes = (room, 0, &[0; 32])..=(room, u64::MAX, &[0xff; 32]);
    for row in tables.more_mut()?.votes.extract_from_if(votes, |_, ()| true)? {
        row?;
        if !budget.take(0) {
            return Ok(false);
        }
    }
    while let Some(key) = first_key(tables, room)? {
        access::remove_key(tables, room, &key)?;
        if !budget.take(0) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn first_key(tables: &Tables<'_>, room: &[u8; 32]) -> Result<Option<[u8; 32]>, StorageError> {
    let first = tables.keys.range((room, &[0; 32])..=(room, &[0xff; 32]))?.next().transpose()?;
    Ok(first.map(|(key, _)| *key.value().1))
}

/// What one transaction may still remove, and what it has.
struct Budget {
    rows: u64,
    freed: u64,
}

impl Budget {
    /// Accounts for one row that went. False when the next one has to wait.
    fn take(&mut self, bytes: usize) -> bool {
        self.rows = self.rows.saturating_sub(1);
        self.freed = self.freed.saturating_add(bytes as u64);
        self.rows > 0 && self.freed < TRIM_ROUND_BYTES
    }
}
