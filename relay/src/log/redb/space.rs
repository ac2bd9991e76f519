//! Whether there is space to append: the file system's reserve, the relay's own share of the disk, and that of each opener.

use std::time::Instant;

use proto::RoomId;

use super::{
    Policy,
    database::Store,
    opener::Opener,
    shares::{Bounds, Shares},
};
use crate::{log::SpaceError, policy::limits::SPACE_CHECK};

/// What a transaction writes besides what it is given, in bytes: pages of the tables, each copied when it changes.
const SLACK: u64 = 1 << 20;

/// Bytes of a message, padding included, that is always taken or refused as any other is.
const MESSAGE: usize = 66 << 10;

/// Room below the bound at which what is freed begins to be counted, in bytes.
const NEAR: u64 = 4 * SLACK;

/// Part of the bound that must have been freed before compacting pays: it rewrites most of what is kept, and nobody
/// reads or writes meanwhile (some seconds for a GiB). redb does it in one go.
const WORTH: u64 = 4;

/// The same while nobody follows a room, and already near the bound: then nobody waits, and so it is rarely to be done when
/// somebody does.
const WORTH_WHEN_QUIET: u64 = 8;

/// What is known of the space.
///
/// redb gives few pages back to the file system: what trimming frees is used again. So at the bound, only as much
/// may be appended as was freed since it came near, and the file stays as large as it is.
#[derive(Debug)]
pub(super) struct Space {
    is_above_reserve: bool,
    /// Bytes that the file system had left above its reserve.
    above_reserve: u64,
    checked: Option<Instant>,
    is_near_bound: bool,
    /// Bytes freed since the bound came near, less what was appended since.
    freed: u64,
    /// What the batch at hand takes of it.
    spending: u64,
}

impl Space {
    pub(super) fn new() -> Self {
        Self {
            is_above_reserve: true,
            above_reserve: u64::MAX,
            checked: None,
            is_near_bound: false,
            freed: 0,
            spending: 0,
        }
    }

    /// Whether `bytes` may be appended, or what is missing; for none, whether any may. `is_quiet` says whether nobody
    /// follows a room.
    pub(super) fn check(
        &mut self,
        store: &Store,
        policy: &Policy,
        bytes: usize,
        is_quiet: impl Fn() -> bool,
    ) -> Result<(), SpaceError> {
        self.look_at_reserve(store, policy);
        let mut room = below_bound(store, policy);
        let is_freed = |part| policy.max_disk.is_some_and(|bound| self.freed >= bound / part);
        let pays =
            (room == 0 && is_freed(WORTH)) || (room < NEAR && is_freed(WORTH_WHEN_QUIET) && is_quiet());
        if pays {
            self.compact(store);
            room = below_bound(store, policy);
        }
        self.look_at_bound(room);
        // One for one, or the share would shrink with each round of retention; should the file grow all the same,
        // that ends at the bound.
        self.spending = if self.is_near_bound { bytes as u64 } else { 0 };
        let is_freed = self.freed > 0 && self.spending <= self.freed && room > 0;
        match needed(bytes) <= room || is_freed {
            _ if !self.is_above_reserve => Err(SpaceError::Free),
            true => Ok(()),
            false => Err(SpaceError::Share),
        }
    }

    /// What openers may take, rooms being so large together. Free pages of the file count as left: pages are half full at
    /// least, nearly.
    pub(super) fn bounds(&self, store: &Store, policy: &Policy, kept: u64) -> Bounds {
        let file = store.soon_bytes().unwrap_or(0);
        let used = used(file, kept);
        let of_share = policy.max_disk.map_or(u64::MAX, |bound| bound.saturating_sub(used));
        let of_disk = self.above_reserve.saturating_add(file - used);
        Bounds { used, left: of_share.min(of_disk), percent: policy.opener_percent }
    }

    /// The limits are others: what was seen of the disk says nothing any more.
    pub(super) fn look_again(&mut self) {
        self.checked = None;
    }

    /// The batch was written, and freed so many bytes.
    pub(super) fn wrote(&mut self, freed: u64) {
        self.freed = self.freed.saturating_sub(self.spending).saturating_add(freed);
    }

    /// The free pages are too scattered to be used again without the file growing over its bound.
    fn compact(&mut self, store: &Store) {
        self.freed = 0;
        match store.compact() {
            Ok((before, after)) => tracing::info!(before, after, "the database was compacted at its bound"),
            // Somebody reads a snapshot, or the disk fails: it will be said again when as much was freed again.
            Err(error) => tracing::warn!(%error, "the database at its bound could not be compacted"),
        }
    }

    fn look_at_reserve(&mut self, store: &Store, policy: &Policy) {
        if self.checked.is_some_and(|checked| checked.elapsed() < SPACE_CHECK) {
            return;
        }
        let available = store.available().unwrap_or(u64::MAX);
        self.above_reserve = available.saturating_sub(policy.free_space_reserve);
        let is_above = available >= policy.free_space_reserve;
        if is_above != self.is_above_reserve {
            tracing::warn!(is_above, "free space crossed the reserve");
        }
        (self.is_above_reserve, self.checked) = (is_above, Some(Instant::now()));
    }

    fn look_at_bound(&mut self, room: u64) {
        let is_near = room < NEAR;
        if is_near != self.is_near_bound {
            tracing::warn!(is_near, "the logs take nearly all the space that they may");
            self.is_near_bound = is_near;
        }
        if !is_near {
            // Free pages are used before the file grows.
            self.freed = 0;
        }
    }
}

/// What a batch may take.
pub(super) struct Spare<'a> {
    /// Whether there is space at all.
    pub space: Result<(), SpaceError>,
    pub bounds: Bounds,
    pub shares: &'a Shares,
}

impl Spare<'_> {
    /// Whether a room may take more.
    pub(super) fn for_room(&self, room: &RoomId) -> Result<(), SpaceError> {
        self.space.and_then(|()| self.shares.may_grow(room, self.bounds))
    }

    /// Whether an opener may open another room.
    pub(super) fn for_opener(&self, opener: Option<&Opener>) -> Result<(), SpaceError> {
        self.space.and_then(|()| opener.map_or(Ok(()), |opener| self.shares.may_take(opener, self.bounds)))
    }
}

/// Bytes of a file that are in use, while its rows have so many.
fn used(file: u64, kept: u64) -> u64 {
    kept.saturating_mul(2).saturating_add(SLACK).min(file)
}

/// Whether a file is so large that it matters what is free in it.
pub(super) fn is_near_bound(store: &Store, policy: &Policy) -> bool {
    below_bound(store, policy) < NEAR
}

/// Bytes that the file may still take.
fn below_bound(store: &Store, policy: &Policy) -> u64 {
    // Without a bound the file is not looked at: this is asked for each batch.
    let room = policy.max_disk.and_then(|bound| Some(bound.saturating_sub(store.soon_bytes()?)));
    room.unwrap_or(u64::MAX)
}

/// Twice, since a page is rarely full. Whoever asks whether anything may be appended asks for a message as people send it.
fn needed(bytes: usize) -> u64 {
    SLACK + 2 * bytes.max(MESSAGE) as u64
}
