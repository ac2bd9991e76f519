//! What is shown of files to whoever does not wait for the disk.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
};

use proto::RoomId;

use super::usage::{FileTotals, Usage};

/// What others may see of it at any time, without waiting for the disk.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// When the next blob goes, Unix milliseconds.
    pub next_ms: AtomicU64,
    numbers: Mutex<Numbers>,
}

#[derive(Debug, Default)]
struct Numbers {
    totals: FileTotals,
    /// How many files, and what they count.
    rooms: HashMap<RoomId, (u64, u64)>,
}

impl Seen {
    /// All of it as it is.
    pub(super) fn of(usage: &Usage) -> Self {
        let seen = Self::default();
        seen.show(usage, usage.rooms());
        seen
    }

    /// All blobs in numbers.
    pub(super) fn totals(&self) -> FileTotals {
        self.lock().totals
    }

    /// Rooms that have blobs.
    pub(super) fn rooms(&self) -> Vec<RoomId> {
        self.lock().rooms.keys().copied().collect()
    }

    /// How many files a room has, and what they count.
    pub(super) fn of_room(&self, room: &RoomId) -> (u64, u64) {
        self.lock().rooms.get(room).copied().unwrap_or_default()
    }

    /// These rooms may have others now.
    pub(super) fn show(&self, usage: &Usage, rooms: impl IntoIterator<Item = RoomId>) {
        let mut numbers = self.lock();
        numbers.totals = usage.totals();
        for room in rooms {
            match usage.of_room(&room) {
                (0, _) => numbers.rooms.remove(&room),
                counted => numbers.rooms.insert(room, counted),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
