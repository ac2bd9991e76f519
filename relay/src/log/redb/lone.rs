//! Rooms in which nobody ever was but who opened them: dropped after a while without a visit.
//!
//! Nothing of theirs is anybody else's, and who opened one has it all on a device. While somebody may still come by an
//! invite, the room stays, up to the age that entries are kept.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use proto::{
    RoomId,
    access::{Grant, KeyRow},
};
use redb::{ReadableTable, StorageError};

use super::tables::{Room, Tables};
use crate::policy::limits::{LONE_ENTRIES, LONE_KEYS};

/// Which lone rooms go in a round.
#[derive(Clone, Debug, Default)]
pub(super) struct Lone {
    /// Those that were last written to before this time, Unix milliseconds; 0 for none.
    pub before: u64,
    /// Those where an invite could still be used, but the room was last written to before this time.
    pub unseen_before: u64,
    /// Never one that was visited lately.
    pub visited: HashSet<RoomId>,
}

/// Whether a room is one of them.
pub(super) fn is_over(
    tables: &Tables<'_>,
    id: &RoomId,
    room: &Room,
    now_ms: u64,
    lone: &Lone,
) -> Result<bool, StorageError> {
    let is_small = room.head <= LONE_ENTRIES && room.keys <= LONE_KEYS;
    if !is_small || room.last_at_ms >= lone.before || lone.visited.contains(id) {
        return Ok(false);
    }
    let (mut members, mut is_awaited) = (0, false);
    for row in tables.keys.range((&id.0, &[0; 32])..=(&id.0, &[0xff; 32]))? {
        let (_, row) = row?;
        let Ok(row) = KeyRow::from_bytes(row.value()) else { return Ok(false) };
        match row.grant {
            // One that was removed was there, too.
            Grant::Member => members += 1,
            Grant::Invite { .. } if row.uses > 0 => return Ok(false),
            Grant::Invite { expires_ms, .. } => {
                is_awaited |= row.removed == 0 && (expires_ms == 0 || expires_ms > now_ms);
            }
        }
    }
    Ok(members <= 1 && (!is_awaited || room.last_at_ms < lone.unseen_before))
}

/// When rooms were visited last, for as long as that matters. Begins anew with the relay: until it has run for that long,
/// nothing is known of any.
#[derive(Debug)]
pub(super) struct Visits {
    since: Instant,
    rooms: Mutex<HashMap<RoomId, Instant>>,
}

impl Visits {
    /// From now on.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, rooms: Mutex::default() }
    }

    /// Somebody is in these rooms.
    pub(super) fn note(&self, rooms: impl IntoIterator<Item = RoomId>, now: Instant) {
        let mut known = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(rooms.into_iter().map(|room| (room, now)));
    }

    /// Rooms that were visited within a time; others are forgotten. `None` while that is not known.
    pub(super) fn within(&self, time: Duration, now: Instant) -> Option<HashSet<RoomId>> {
        if now.duration_since(self.since) < time {
            return None;
        }
        let mut known = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, at| now.duration_since(*at) <= time);
        Some(known.keys().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn visits_are_known_once_the_relay_ran_for_as_long_and_are_forgotten_then() {
        let (start, room) = (Instant::now(), RoomId([1; 32]));
        let visits = Visits::new(start);
        visits.note([room], start + HOUR);
        assert_eq!(visits.within(24 * HOUR, start + 23 * HOUR), None);
        assert_eq!(visits.within(24 * HOUR, start + 24 * HOUR), Some(HashSet::from([room])));
        assert_eq!(visits.within(24 * HOUR, start + 26 * HOUR), Some(HashSet::new()));
        assert!(visits.rooms.lock().unwrap().is_empty());
    }
}
