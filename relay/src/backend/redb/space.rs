//! Whether there is space to append: the file system's reserve, and the relay's own share of the disk.

use std::time::Instant;

use super::{Policy, database::Store};
use crate::limits::SPACE_CHECK;

/// What a transaction writes besides what it is given, in bytes: pages of the tables, each copied when it changes.
const SLACK: u64 = 1 << 20;

/// What is known of the space.
///
/// redb does not give pages back to the file system: what trimming frees is used again. So over the bound, only
/// as much may be appended as was freed since, and the file stays as large as it is.
#[derive(Debug)]
pub(super) struct Space {
    is_above_reserve: bool,
    checked: Option<Instant>,
    is_over_bound: bool,
    /// Bytes freed since the bound was reached, less what was appended since.
    freed: u64,
    /// What the batch at hand takes of it.
    spending: u64,
}

impl Space {
    pub fn new() -> Self {
        Self { is_above_reserve: true, checked: None, is_over_bound: false, freed: 0, spending: 0 }
    }

    /// Whether `bytes` may be appended; for none, whether any may.
    pub fn check(&mut self, store: &Store, policy: &Policy, bytes: usize) -> bool {
        self.look_at_reserve(store, policy);
        self.look_at_bound(store, policy, bytes);
        // Twice: a page is rarely full.
        self.spending = if self.is_over_bound { 2 * bytes as u64 } else { 0 };
        let is_freed = self.freed > 0 && self.spending <= self.freed;
        self.is_above_reserve && (!self.is_over_bound || is_freed)
    }

    /// The batch was written, and freed so many bytes.
    pub fn wrote(&mut self, freed: u64) {
        self.freed = self.freed.saturating_add(freed).saturating_sub(self.spending);
    }

    fn look_at_reserve(&mut self, store: &Store, policy: &Policy) {
        if self.checked.is_some_and(|checked| checked.elapsed() < SPACE_CHECK) {
            return;
        }
        let is_above = store.available().is_none_or(|bytes| bytes >= policy.free_space_reserve);
        if is_above != self.is_above_reserve {
            tracing::warn!(is_above, "free space crossed the reserve");
        }
        (self.is_above_reserve, self.checked) = (is_above, Some(Instant::now()));
    }

    fn look_at_bound(&mut self, store: &Store, policy: &Policy, bytes: usize) {
        let room = policy.max_disk.zip(store.disk_bytes()).map(|(bound, used)| bound.saturating_sub(used));
        let is_over = room.is_some_and(|room| needed(bytes) > room);
        if is_over != self.is_over_bound {
            tracing::warn!(is_over, "the logs crossed the space that they may take");
            // Below it, free pages are used before the file grows.
            (self.is_over_bound, self.freed) = (is_over, 0);
        }
    }
}

/// Whether a file is so large that nothing could be appended.
pub(super) fn is_at_bound(store: &Store, policy: &Policy) -> bool {
    policy
        .max_disk
        .zip(store.disk_bytes())
        .is_some_and(|(bound, used)| needed(0) > bound.saturating_sub(used))
}

fn needed(bytes: usize) -> u64 {
    SLACK + 2 * bytes as u64
}
