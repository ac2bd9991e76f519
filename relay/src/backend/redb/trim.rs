//! Retention: the oldest entries of a room go, and their publish ids with them.

use std::ops::Bound;

use proto::RoomId;
use redb::{ReadableTable, StorageError};

use super::{
    doom::doom,
    stats::LogBound,
    tables::{self, Room, Tables, from_entry_row},
};
use crate::limits::{Retention, TRIM_ROUND};

/// Removes up to `step` entries that retention does not cover, and updates `room`. Never the newest.
pub(super) fn trim(
    tables: &mut Tables<'_>,
    id: &RoomId,
    room: &mut Room,
    retention: &Retention,
    now_ms: u64,
    step: u64,
) -> Result<u64, StorageError> {
    let age_ms = u64::try_from(retention.age.as_millis()).unwrap_or(u64::MAX);
    let horizon = now_ms.saturating_sub(age_ms);
    let mut removed = 0;
    while removed < step && room.oldest <= room.head {
        let Some(row) = tables.entries.get((&id.0, room.oldest))? else {
            return Err(StorageError::Corrupted("the log has a gap".into()));
        };
        let (publish, entry) = from_entry_row(row.value())?;
        let bytes = row.value().len() as u64;
        drop(row);
        let kept = room.head - room.oldest + 1;
        let bound = if kept > retention.entries.max(1) {
            LogBound::Entries
        } else if room.bytes > retention.bytes && kept > 1 {
            LogBound::Bytes
        } else if entry.at_ms < horizon {
            LogBound::Age
        } else {
            break;
        };
        tables.entries.remove((&id.0, room.oldest))?;
        tables.ids.remove((&id.0, &publish.0))?;
        room.oldest += 1;
        room.bytes = room.bytes.saturating_sub(bytes);
        tables.freed += bytes;
        tables.trimmed.count(bound);
        removed += 1;
    }
    Ok(removed)
}

/// One transaction's part of a round through all rooms.
pub(super) struct Round {
    /// How many rooms to look at.
    pub count: usize,
    /// Unix milliseconds.
    pub now_ms: u64,
    /// Rooms that were last written to before this time go, if nobody follows them; 0 for none.
    pub idle_before: u64,
}

/// Trims rooms from `from` on. Returns the room to go on with and how many rows changed.
pub(super) fn trim_rooms(
    tables: &mut Tables<'_>,
    from: &RoomId,
    retention: &Retention,
    round: &Round,
    is_followed: impl Fn(&RoomId) -> bool,
) -> Result<(Option<RoomId>, u64), StorageError> {
    let (mut rooms, mut changed) = (Vec::with_capacity(round.count), 0);
    let range = (Bound::Included(&from.0), Bound::Unbounded);
    for row in tables.rooms.range::<&[u8; 32]>(range)?.take(round.count + 1) {
        rooms.push(RoomId(*row?.0.value()));
    }
    let mut next = rooms.get(round.count).copied();
    rooms.truncate(round.count);
    for id in rooms {
        let Some(mut room) = tables::room(&tables.rooms, &id)? else { continue };
        if room.last_at_ms < round.idle_before {
            if room.last_at_ms == 0 {
                // Opened by a version that did not note the time: it counts from now.
                tables.rooms.insert(&id.0, &Room { last_at_ms: round.now_ms, ..room }.into())?;
                changed += 1;
                continue;
            }
            if !is_followed(&id) {
                changed += u64::from(doom(tables, &id)?);
                continue;
            }
        }
        let trimmed = trim(tables, &id, &mut room, retention, round.now_ms, TRIM_ROUND)?;
        if trimmed > 0 {
            tables.rooms.insert(&id.0, &room.into())?;
        }
        changed += trimmed;
        if trimmed == TRIM_ROUND {
            // There may be more: publishers get their turn first.
            next = Some(id);
            break;
        }
    }
    Ok((next, changed))
}
