//! Retention: the oldest entries of a room go, and their publish ids with them.
//!
//! Whether a room is over its bounds of number and size its row alone tells, and of its age what was noted when its oldest
//! entry was looked at, if that is large ([`Tables::ages`]). So a large entry is read when it goes, and once more when it
//! becomes the oldest.
//! How many go in one transaction, and how many bytes of them are read, is bounded ([`Budget`]): those whose publishes
//! are in it wait for no more than that, whatever other rooms keep.

use std::collections::BTreeSet;

use proto::{PublishId, RoomId};
use redb::{ReadableTable, StorageError};

use super::{
    row,
    stats::LogBound,
    tables::{self, Room, Tables},
};
use crate::policy::limits::{
    Retention, TRIM_ROOMS, TRIM_ROUND, TRIM_ROUND_BYTES, TRIM_STEP, TRIM_STEP_BYTES,
};

/// Bytes of an entry whose age is noted. All rooms of a step ([`TRIM_ROOMS`](crate::policy::limits::TRIM_ROOMS)) with one just below
/// are within its budget, so each step gets on.
const NOTED: u64 = 64 << 10;

const _: () = assert!(NOTED * TRIM_ROOMS as u64 <= TRIM_ROUND_BYTES);
const _: () = assert!((TRIM_ROOMS as u64) < TRIM_ROUND);

/// What one transaction may still spend on trimming.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub entries: u64,
    /// Of entries that are read; the last one may be over.
    pub bytes: u64,
}

impl Budget {
    /// Beside publishes: twice what they bring, so that what is over its bounds becomes less, whoever publishes.
    pub(super) fn beside(jobs: usize, bytes: usize) -> Self {
        Self { entries: TRIM_STEP + 2 * jobs as u64, bytes: TRIM_STEP_BYTES + 2 * bytes as u64 }
    }

    pub(super) fn is_spent(&self) -> bool {
        self.entries == 0 || self.bytes == 0
    }

    fn take(&mut self, bytes: u64) {
        self.entries = self.entries.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// Which bound of number or size a room is over, which its row alone tells.
pub(super) fn over(room: &Room, retention: &Retention) -> Option<LogBound> {
    let kept = (room.head + 1).saturating_sub(room.oldest);
    if kept > retention.entries.max(1) {
        Some(LogBound::Entries)
    } else if room.bytes > log_share(room, retention) && kept > 1 {
        Some(LogBound::Bytes)
    } else {
        None
    }
}

/// Part of a bound by which a room may be over it until the next commit.
const SLACK: u64 = 64;

/// Whether a room is so far over a bound that it is to be trimmed at once.
pub(super) fn is_far_over(room: &Room, retention: &Retention) -> bool {
    let with_slack = |bound: u64| bound.saturating_add(bound / SLACK);
    let retention = Retention {
        entries: with_slack(retention.entries),
        bytes: with_slack(retention.bytes),
        ..*retention
    };
    over(room, &retention).is_some()
}

/// Bytes that a room's log may have beside its slots. Half of all at least: slots of a large group must not leave a small
/// room nothing to say.
fn log_share(room: &Room, retention: &Retention) -> u64 {
    retention.bytes - room.slot_bytes.min(retention.bytes / 2)
}

/// Trims rooms that are over their number or size, as far as the budget goes. Returns those that still are, and
/// whether anything went.
pub(super) fn trim_due(
    tables: &mut Tables<'_>,
    mut due: BTreeSet<RoomId>,
    retention: &Retention,
    budget: &mut Budget,
) -> Result<(BTreeSet<RoomId>, bool), StorageError> {
    let mut trimmed = false;
    while !budget.is_spent()
        && let Some(id) = due.pop_first()
    {
        let Some(mut room) = tables::room(&tables.rooms, &id)? else { continue };
        // By age they go in the regular round, which has a clock of its own for that: nothing is older than 1970.
        let removed = trim(tables, &id, &mut room, retention, 0, budget)?;
        if removed > 0 {
            trimmed = true;
            tables.put_room(&id, room)?;
        }
        if over(&room, retention).is_some() {
            due.insert(id);
        }
    }
    Ok((due, trimmed))
}

/// Removes entries that retention does not cover, as far as the budget goes, and updates `room`. Never the newest, but by
/// age. Returns how many went.
pub(super) fn trim(
    tables: &mut Tables<'_>,
    id: &RoomId,
    room: &mut Room,
    retention: &Retention,
    horizon_ms: u64,
    budget: &mut Budget,
) -> Result<u64, StorageError> {
    let mut removed = 0;
    while room.oldest <= room.head && !budget.is_spent() {
        let by_row = over(room, retention);
        if by_row.is_none() && is_young(tables, id, room.oldest, horizon_ms)? {
            break;
        }
        let Some(row) = tables.entries.get((&id.0, room.oldest))? else {
            return Err(StorageError::Corrupted("the log has a gap".into()));
        };
        // One that is damaged goes when the newest would, or by number and size: other rooms do not wait for it.
        let (publish, at_ms) = row::head(row.value()).unzip();
        let at_ms = at_ms.unwrap_or(room.last_at_ms);
        let bytes = row.value().len() as u64;
        drop(row);
        budget.take(bytes);
        let bound = match by_row {
            Some(bound) => bound,
            None if at_ms < horizon_ms => LogBound::Age,
            // To read a small one again costs less than to write that down.
            None if bytes < NOTED => break,
            None => {
                tables.more_mut()?.ages.insert(&id.0, (room.oldest, at_ms))?;
                tables.noted = true;
                break;
            }
        };
        tables.entries.remove((&id.0, room.oldest))?;
        let publish = match publish {
            Some(publish) => Some(publish),
            None => id_of(tables, id, room.oldest)?,
        };
        if let Some(publish) = publish {
            tables.ids.remove((&id.0, &publish.0))?;
        }
        room.oldest += 1;
        room.bytes = room.bytes.saturating_sub(bytes);
        tables.freed += bytes;
        tables.trimmed.count(bound);
        removed += 1;
    }
    Ok(removed)
}

/// Whether the oldest entry is known to be within its age.
fn is_young(tables: &Tables<'_>, id: &RoomId, oldest: u64, horizon_ms: u64) -> Result<bool, StorageError> {
    let noted = tables.more()?.ages.get(&id.0)?.map(|row| row.value());
    Ok(horizon_ms == 0 || noted.is_some_and(|(seq, at_ms)| seq == oldest && at_ms >= horizon_ms))
}

/// The publish id of an entry that no longer says it itself: reads those of the whole room.
fn id_of(tables: &Tables<'_>, id: &RoomId, seq: u64) -> Result<Option<PublishId>, StorageError> {
    for row in tables.ids.range((&id.0, &[0; 16])..=(&id.0, &[0xff; 16]))? {
        let (key, found) = row?;
        if found.value() == seq {
            return Ok(Some(PublishId(*key.value().1)));
        }
    }
    Ok(None)
}
