//! The regular round of retention through all rooms, in steps between which publishers get their turn.

use std::ops::Bound;

use proto::RoomId;
use redb::{ReadableTable, StorageError};

use super::{
    holds,
    lone::{self, Lone},
    tables::{self, Room, Tables},
    tombstone,
    trim::{Budget, trim},
};
use crate::policy::limits::{Retention, TRIM_ROOMS, TRIM_ROUND, TRIM_ROUND_BYTES};

/// One transaction's part of a round.
pub(super) struct Round<'a> {
    /// How many rooms to look at.
    pub count: usize,
    pub budget: Budget,
    /// Unix milliseconds.
    pub now_ms: u64,
    /// Rooms that were last written to before this time go, if nobody follows them; 0 for none.
    pub idle_before: u64,
    /// Rooms that only their founder was ever in.
    pub lone: &'a Lone,
}

impl<'a> Round<'a> {
    pub(super) fn new(now_ms: u64, idle_before: u64, lone: &'a Lone) -> Self {
        let budget = Budget { entries: TRIM_ROUND, bytes: TRIM_ROUND_BYTES };
        Self { count: TRIM_ROOMS, budget, now_ms, idle_before, lone }
    }
}

/// What a round has removed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Removed {
    pub entries: u64,
    /// Rooms that nobody wrote to or joined for too long.
    pub idle_rooms: u64,
    /// Rooms that nobody but their founder was ever in.
    pub lone_rooms: u64,
}

impl std::ops::Add for Removed {
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
    pub gone: Removed,
}

/// Trims rooms from `from` on. Returns what went, and whether anything is to be kept.
pub(super) fn trim_rooms(
    tables: &mut Tables<'_>,
    from: &RoomId,
    retention: &Retention,
    round: &mut Round<'_>,
    is_followed: impl Fn(&RoomId) -> bool,
) -> Result<(Trimming, bool), StorageError> {
    let age_ms = u64::try_from(retention.age.as_millis()).unwrap_or(u64::MAX);
    let horizon_ms = round.now_ms.saturating_sub(age_ms);
    let (mut rooms, mut changed) = (Vec::with_capacity(round.count), false);
    let mut gone = Removed::default();
    if *from == RoomId([0; 32]) {
        changed |= holds::forget_before(tables, horizon_ms)?;
    }
    let range = (Bound::Included(&from.0), Bound::Unbounded);
    for row in tables.rooms.range::<&[u8; 32]>(range)?.take(round.count + 1) {
        rooms.push(RoomId(*row?.0.value()));
    }
    let mut next = rooms.get(round.count).copied();
    rooms.truncate(round.count);
    for id in rooms {
        let Some(mut room) = tables::room(&tables.rooms, &id)? else { continue };
        // A frozen one waits for its operator.
        let may_go = room.frozen_ms == 0;
        if may_go && room.last_at_ms < round.idle_before {
            if room.last_at_ms == 0 {
                // Opened by a version that did not note the time: it counts from now.
                tables.put_room(&id, Room { last_at_ms: round.now_ms, ..room })?;
                changed = true;
                continue;
            }
            if !is_followed(&id) {
                gone.idle_rooms += u64::from(tombstone::put(tables, &id)?);
                continue;
            }
        }
        if may_go && lone::is_over(tables, &id, &room, round.now_ms, round.lone)? && !is_followed(&id) {
            gone.lone_rooms += u64::from(tombstone::put(tables, &id)?);
            continue;
        }
        let trimmed = trim(tables, &id, &mut room, retention, horizon_ms, &mut round.budget)?;
        if trimmed > 0 {
            tables.put_room(&id, room)?;
        }
        gone.entries += trimmed;
        if round.budget.is_spent() {
            // There may be more: publishers get their turn first. What is large was noted, so the next step gets on.
            next = Some(id);
            break;
        }
    }
    changed |= gone != Removed::default() || tables.noted;
    Ok((Trimming { next, gone }, changed))
}
