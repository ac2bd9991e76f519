//! Limits by time: how often, and for how long.

use std::time::Duration;

/// So many at once (`burst`), then one per `interval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many may come at once after a pause.
    pub burst: u32,
    /// The time that earns one more.
    pub interval: Duration,
}

/// Bounds of one room's log; the oldest entries go first.
///
/// The slot is not part of the log and stays. The entries after the last commit may go like any
/// other: a member away for longer than this cannot advance through commits that are gone, learns it
/// from `Joined.oldest`, and is let back in by another member. Keeping commits for ever would let one
/// noisy room grow without bound.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Age of an entry.
    pub age: Duration,
    /// Entries in the log.
    pub entries: u64,
    /// Bytes of the log's entries and of the slots, which take no more than half of them from the entries.
    pub bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        // A summer away; a year of a busy room; a room's share of a small disk.
        Self { age: Duration::from_secs(90 * 24 * 3600), entries: 100_000, bytes: 256 << 20 }
    }
}

impl Rate {
    /// `count` a minute, `burst` at once. A count of 0 is taken as 1.
    pub fn per_minute(count: u32, burst: u32) -> Self {
        Self { burst: burst.max(1), interval: Duration::from_secs(60) / count.max(1) }
    }

    /// `count` a second, as many at once. A count of 0 is taken as 1.
    pub fn per_second(count: u32) -> Self {
        Self { burst: count.max(1), interval: Duration::from_secs(1) / count.max(1) }
    }

    /// A quarter of it, at once as well.
    pub fn quarter(self) -> Self {
        Self { burst: self.burst.div_ceil(4), interval: self.interval * 4 }
    }

    /// `count` an hour, as many at once. A count of 0 is taken as 1.
    pub fn per_hour(count: u32) -> Self {
        Self { burst: count.max(1), interval: Duration::from_secs(3600) / count.max(1) }
    }
}
