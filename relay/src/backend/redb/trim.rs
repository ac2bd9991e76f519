//! Retention: the oldest entries of a room go, and their publish ids with them.

use std::ops::Bound;

use proto::{PublishId, RoomId};
use redb::{ReadableTable, StorageError};

use super::{
    doom::doom,
    lone::{self, Lone},
    row,
    stats::LogBound,
    tables::{self, Room, Tables},
};
use crate::limits::{Retention, TRIM_ROUND};

/// The keys of `Deliver.seq` and `Deliver.at_ms`: fields 1 and 2, numbers.
const SEQ: u8 = 1 << 3;
const AT_MS: u8 = 2 << 3;

/// Whether a room has more entries or bytes than it may, which its row alone tells.
pub(super) fn is_over(room: &Room, retention: &Retention) -> bool {
    let kept = (room.head + 1).saturating_sub(room.oldest);
    kept > retention.entries.max(1) || (room.bytes > log_share(room, retention) && kept > 1)
}

/// Bytes that a room's log may have beside its slots. Half of all at least: slots of a large group must not leave a small
/// room nothing to say.
fn log_share(room: &Room, retention: &Retention) -> u64 {
    retention.bytes - room.slot_bytes.min(retention.bytes / 2)
}

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
        // One that is damaged goes when the newest would, or by number and size: other rooms do not wait for it.
        let (publish, at_ms) = head_of(row.value()).unzip();
        let at_ms = at_ms.unwrap_or(room.last_at_ms);
        let bytes = row.value().len() as u64;
        drop(row);
        let kept = room.head - room.oldest + 1;
        let bound = if kept > retention.entries.max(1) {
            LogBound::Entries
        } else if room.bytes > log_share(room, retention) && kept > 1 {
            LogBound::Bytes
        } else if at_ms < horizon {
            LogBound::Age
        } else {
            break;
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

/// The publish id and the time of an entry, without a copy of its envelope; `None` if it is damaged.
fn head_of(row: &[u8]) -> Option<(PublishId, u64)> {
    let (id, mut entry) = row::split(row)?;
    // Fields stand in the order of their numbers, and a time of 0 is left out.
    while let Some((&tag, rest)) = entry.split_first() {
        if tag != SEQ && tag != AT_MS {
            break;
        }
        let (value, rest) = varint(rest)?;
        if tag == AT_MS {
            return Some((id, value));
        }
        entry = rest;
    }
    Some((id, 0))
}

/// A number as protobuf writes it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = 1 + bytes.iter().position(|byte| byte & 0x80 == 0)?;
    let (bytes, rest) = bytes.split_at_checked(length.min(10))?;
    let value = bytes.iter().rev().fold(0, |value: u64, byte| value << 7 | u64::from(byte & 0x7f));
    Some((value, rest))
}

/// One transaction's part of a round through all rooms.
pub(super) struct Round<'a> {
    /// How many rooms to look at.
    pub count: usize,
    /// Unix milliseconds.
    pub now_ms: u64,
    /// Rooms that were last written to before this time go, if nobody follows them; 0 for none.
    pub idle_before: u64,
    /// Rooms that only their founder was ever in.
    pub lone: &'a Lone,
}

/// What a round has removed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gone {
    pub entries: u64,
    /// Rooms that nobody wrote to or joined for too long.
    pub idle_rooms: u64,
    /// Rooms that nobody but their founder was ever in.
    pub lone_rooms: u64,
}

impl std::ops::Add for Gone {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            entries: self.entries + other.entries,
            idle_rooms: self.idle_rooms + other.idle_rooms,
            lone_rooms: self.lone_rooms + other.lone_rooms,
        }
    }
}

/// What came of one transaction's part of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trimming {
    /// The room to go on with; `None` at the end.
    pub next: Option<RoomId>,
    pub gone: Gone,
}

/// Trims rooms from `from` on. Returns what went, and how many rows changed.
pub(super) fn trim_rooms(
    tables: &mut Tables<'_>,
    from: &RoomId,
    retention: &Retention,
    round: &Round<'_>,
    is_followed: impl Fn(&RoomId) -> bool,
) -> Result<(Trimming, u64), StorageError> {
    let (mut rooms, mut changed) = (Vec::with_capacity(round.count), 0);
    let mut gone = Gone::default();
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
                tables.put_room(&id, Room { last_at_ms: round.now_ms, ..room })?;
                changed += 1;
                continue;
            }
            if !is_followed(&id) {
                let dropped = u64::from(doom(tables, &id)?);
                (changed, gone.idle_rooms) = (changed + dropped, gone.idle_rooms + dropped);
                continue;
            }
        }
        if lone::is_over(tables, &id, &room, round.now_ms, round.lone)? && !is_followed(&id) {
            let dropped = u64::from(doom(tables, &id)?);
            (changed, gone.lone_rooms) = (changed + dropped, gone.lone_rooms + dropped);
            continue;
        }
        let trimmed = trim(tables, &id, &mut room, retention, round.now_ms, TRIM_ROUND)?;
        if trimmed > 0 {
            tables.put_room(&id, room)?;
        }
        (changed, gone.entries) = (changed + trimmed, gone.entries + trimmed);
        if trimmed == TRIM_ROUND {
            // There may be more: publishers get their turn first.
            next = Some(id);
            break;
        }
    }
    Ok((Trimming { next, gone }, changed))
}

#[cfg(test)]
mod tests {
    use proto::relay::Deliver;

    use super::*;

    #[test]
    fn time_of_an_entry_is_found_without_its_envelope() {
        let id = PublishId([3; 16]);
        for (seq, at_ms, bytes) in [(0, 0, 0), (1, 0, 5), (0, 7, 5), (300, u64::MAX, 40), (u64::MAX, 128, 0)]
        {
            let entry = Deliver { seq, at_ms, envelope: vec![0x10; bytes].into(), ..Deliver::default() };
            let row = row::encode(&id, &entry);
            assert_eq!(head_of(&row).unwrap(), (id, at_ms), "{entry:?}");
        }
        assert_eq!(head_of(&[0; 15]), None);
        assert_eq!(head_of(&[[0; 16].as_slice(), &[0x08, 0x80]].concat()), None);
    }
}
