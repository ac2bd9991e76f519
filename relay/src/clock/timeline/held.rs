//! A jump of the wall clock that is waited out.

use super::{Reading, TOLERANCE, offset};

/// A wall clock that is not believed.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// Wall clock minus monotonic clock: the same for as long as nobody sets it.
    pub offset: i128,
    /// For how long it has been so before `since`, in earlier lives.
    pub before: u64,
    /// What the monotonic clock said when it was first so.
    pub since: u64,
}

impl Held {
    pub(super) fn is_same(&self, reading: &Reading) -> bool {
        (offset(reading) - self.offset).unsigned_abs() <= u128::from(TOLERANCE)
    }

    pub(super) fn for_ms(&self, at: u64) -> u64 {
        self.before.saturating_add(at.saturating_sub(self.since))
    }
}
