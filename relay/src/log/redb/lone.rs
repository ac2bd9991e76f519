//! Rooms in which nobody ever was but who opened them: dropped after a while without a visit.
//!
//! Nothing of theirs is anybody else's, and who opened one has it all on a device. While somebody may still come by an
//! invite, the room stays, up to the age that entries are kept. Who was there is told by the keys that were shown, not by those
//! that the founder named.

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
use crate::policy::limits::LONE_ENTRIES;

/// Which lone rooms go in a round.
#[derive(Clone, Debug, Default)]
pub(super) struct Lone {
    /// Those in which nothing was written and nobody seen since before this time, Unix milliseconds; 0 for none.
    pub before: u64,
    /// Those where an invite could still be used, or more than a little was said, but that has been so since this time.
    pub unseen_before: u64,
    /// Never one that was visited lately.
    pub visited: HashSet<RoomId>,
    /// Those where a second key was shown since the last round.
    pub company: HashSet<RoomId>,
}

/// Time between two notes of who is seen in a room, in milliseconds: rounds are more often, and each would write a row.
const NOTE_MS: u64 = 3600 * 1000;

/// Notes whether somebody is in a room, or somebody else than its founder was. True where something was written.
pub(super) fn note(
    tables: &mut Tables<'_>,
    id: &RoomId,
    is_visited: bool,
    now_ms: u64,
    lone: &Lone,
) -> Result<bool, StorageError> {
    let row = tables.more()?.lone.get(&id.0)?.map(|row| (*row.value().0, row.value().1));
    let Some((founder, seen_ms)) = row else { return Ok(false) };
    if lone.company.contains(id) {
        tables.more_mut()?.lone.remove(&id.0)?;
        return Ok(true);
    }
    let is_due = (is_visited || lone.visited.contains(id)) && now_ms >= seen_ms.saturating_add(NOTE_MS);
    if is_due {
        tables.more_mut()?.lone.insert(&id.0, (&founder, now_ms))?;
    }
    Ok(is_due)
}

/// Whether a room is one of them.
pub(super) fn is_over(
    tables: &Tables<'_>,
    id: &RoomId,
    room: &Room,
    now_ms: u64,
    lone: &Lone,
) -> Result<bool, StorageError> {
    if lone.before == 0 || room.last_at_ms >= lone.before || lone.visited.contains(id) {
        return Ok(false);
    }
    let Some(seen_ms) = tables.more()?.lone.get(&id.0)?.map(|row| row.value().1) else { return Ok(false) };
    let last_ms = seen_ms.max(room.last_at_ms);
    if last_ms >= lone.before {
        return Ok(false);
    }
    let mut is_kept = room.head > LONE_ENTRIES;
    for row in tables.keys.range((&id.0, &[0; 32])..=(&id.0, &[0xff; 32]))? {
        let (_, row) = row?;
        let Ok(row) = KeyRow::from_bytes(row.value()) else { return Ok(false) };
        match row.grant {
            // Whoever the Create named, and never came.
            Grant::Member => {}
            Grant::Invite { .. } if row.uses > 0 => return Ok(false),
            Grant::Invite { expires_ms, .. } => {
                is_kept |= row.removed == 0 && (expires_ms == 0 || expires_ms > now_ms);
            }
        }
    }
    Ok(!is_kept || last_ms < lone.unseen_before)
}

/// A room of a format that did not note who was there: it is lone where there is one member's key and no more.
pub(super) fn note_old(tables: &mut Tables<'_>, id: &RoomId, room: &Room) -> Result<(), StorageError> {
    let mut founder = None;
    for row in tables.keys.range((&id.0, &[0; 32])..=(&id.0, &[0xff; 32]))? {
        let (key, row) = row?;
        match KeyRow::from_bytes(row.value()).map(|row| (row.grant, row.uses)) {
            Ok((Grant::Member, _)) if founder.is_none() => founder = Some(*key.value().1),
            Ok((Grant::Invite { .. }, 0)) => {}
            Ok(_) | Err(_) => return Ok(()),
        }
    }
    if let Some(founder) = founder.filter(|_| room.head <= LONE_ENTRIES) {
        tables.more_mut()?.lone.insert(&id.0, (&founder, room.last_at_ms))?;
    }
    Ok(())
}

/// Time after a start before which nobody is called absent: clients come back within minutes.
const COMING_BACK: Duration = Duration::from_secs(3600);

/// When rooms were visited last. What matters for longer is noted in the database, see [`note`].
#[derive(Debug)]
pub(super) struct Visits {
    since: Instant,
    rooms: Mutex<HashMap<RoomId, Instant>>,
    company: Mutex<HashSet<RoomId>>,
}

impl Visits {
    /// From now on.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, rooms: Mutex::default(), company: Mutex::default() }
    }

    /// Somebody is in these rooms.
    pub(super) fn note(&self, rooms: impl IntoIterator<Item = RoomId>, now: Instant) {
        let mut known = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(rooms.into_iter().map(|room| (room, now)));
    }

    /// A second key was shown in a room. As many as may be followed until the next round.
    pub(super) fn note_company(&self, room: RoomId) {
        self.company.lock().unwrap_or_else(PoisonError::into_inner).insert(room);
    }

    /// Rooms of that kind, once.
    pub(super) fn take_company(&self) -> HashSet<RoomId> {
        std::mem::take(&mut self.company.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Rooms of that kind that a round did not come to.
    pub(super) fn keep_company(&self, rooms: impl IntoIterator<Item = RoomId>) {
        self.company.lock().unwrap_or_else(PoisonError::into_inner).extend(rooms);
    }

    /// Rooms that were visited within a time; others are forgotten. And whether all who would come back have had time to.
    pub(super) fn within(&self, time: Duration, now: Instant) -> (HashSet<RoomId>, bool) {
        let mut known = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, at| now.duration_since(*at) <= time);
        (known.keys().copied().collect(), now.duration_since(self.since) >= time.min(COMING_BACK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn visits_are_forgotten_after_a_time_and_nobody_is_absent_right_after_a_start() {
        let (start, room) = (Instant::now(), RoomId([1; 32]));
        let visits = Visits::new(start);
        visits.note([room], start);
        assert_eq!(visits.within(24 * HOUR, start + HOUR / 2), (HashSet::from([room]), false));
        assert_eq!(visits.within(24 * HOUR, start + HOUR), (HashSet::from([room]), true));
        assert_eq!(visits.within(24 * HOUR, start + 25 * HOUR), (HashSet::new(), true));
        assert!(visits.rooms.lock().unwrap().is_empty());
    }
}
