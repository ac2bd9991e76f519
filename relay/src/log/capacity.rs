//! Is there space for messages? The one answer that `/readyz`, `relay status`, the numbers and `relay doctor` give.
//!
//! The writer says what it would refuse ([`Health`]); without a running relay the same is asked of the disk.

use serde::{Deserialize, Serialize};

use crate::{
    log::{SpaceError, redb::Health},
    policy::limits::Limits,
};

/// Less is as good as a full disk.
const FULL: u64 = 1 << 20;

/// Twice that is enough for days, whatever the reserve.
const LOW: u64 = 32 << 20;

/// The last part of the logs' share that is told before it is used up: one of so many.
const LAST_PART: u64 = 10;

/// What is known of the space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Bytes that the file system has left, if it says so.
    pub free: Option<u64>,
    /// What has to be left of them.
    pub reserve: u64,
    /// What the logs take, and may take, if that is bounded.
    pub share: Option<Taken>,
    /// What the writer misses.
    pub missing: Option<SpaceError>,
    /// The disk had no space for the last write.
    pub was_refused: bool,
}

/// The logs' share of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Bytes that are in use.
    pub used: u64,
    /// Bytes that may be.
    pub most: u64,
}

/// What to make of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// How much there is.
    pub level: Plenty,
    /// What was seen, and what follows from it.
    pub said: String,
}

/// How much space there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plenty {
    /// Enough for some time.
    Enough,
    /// Not for long.
    Low,
    /// Nothing is accepted.
    Nothing,
}

impl Seen {
    /// What a running relay sees: its writer decides.
    pub(crate) fn by(health: &Health, free: Option<u64>, limits: &Limits) -> Self {
        Self {
            free,
            reserve: limits.free_space_reserve,
            share: limits.max_disk.map(|most| Taken { used: health.used, most }),
            missing: health.missing,
            was_refused: health.is_full,
        }
    }

    /// What can be seen without one. What is free inside the file shows only when it is compacted, which a relay does at
    /// its start; so a file that is as large as it may be lacks nothing yet.
    pub(crate) fn at_rest(free: Option<u64>, file: u64, limits: &Limits) -> Self {
        let reserve = limits.free_space_reserve;
        Self {
            free,
            reserve,
            share: limits.max_disk.map(|most| Taken { used: file, most }),
            missing: free.is_some_and(|free| free < reserve).then_some(SpaceError::Free),
            was_refused: false,
        }
    }

    /// What to make of it.
    pub(crate) fn judge(&self) -> Capacity {
        let is_low = self.is_disk_low() || self.is_share_low();
        let (level, so) = match self.missing {
            Some(SpaceError::Free) => (
                Plenty::Nothing,
                "there is no space: less than the reserve is free; nothing is appended, reading goes on",
            ),
            Some(SpaceError::Share) => (
                Plenty::Nothing,
                "there is no space: the logs take all that they may; nothing is appended, reading goes on",
            ),
            _ if self.was_refused => {
                (Plenty::Nothing, "there is no space: the disk refused the last write, reading goes on")
            }
            _ if self.free.is_some_and(|free| free < FULL) => (
                Plenty::Nothing,
                "there is no space: only what fits into free pages of the log may be accepted",
            ),
            // Of some openers nothing is taken, of others it is.
            Some(SpaceError::Opener) | None if is_low => (Plenty::Low, "it will be full soon"),
            Some(SpaceError::Opener) | None => (Plenty::Enough, ""),
        };
        let seen = self.describe();
        Capacity { level, said: if so.is_empty() { seen } else { format!("{so} ({seen})") } }
    }

    fn is_disk_low(&self) -> bool {
        self.free.is_some_and(|free| free / 2 <= self.reserve.max(LOW))
    }

    fn is_share_low(&self) -> bool {
        self.share.is_some_and(|share| share.most.saturating_sub(share.used) <= share.most / LAST_PART)
    }

    fn describe(&self) -> String {
        let reserve = match self.reserve >> 20 {
            0 => "no reserve".to_owned(),
            mib => format!("a reserve of {mib} MiB (--reserve-mib)"),
        };
        let free = self.free.map_or("an unknown number of".to_owned(), |free| (free >> 20).to_string());
        let share = self.share.map(|Taken { used, most }| {
            format!("; the logs take {} of the {} MiB that they may (--max-disk-mib)", used >> 20, most >> 20)
        });
        format!("{free} MiB free on the disk, with {reserve}{}", share.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn seen(free: u64) -> Seen {
        Seen { free: Some(free * MIB), reserve: 256 * MIB, ..Seen::default() }
    }

    #[test]
    fn free_space_is_judged_by_the_reserve_and_by_what_the_writer_lacks() {
        let level = |seen: Seen| seen.judge().level;
        assert_eq!(level(seen(600)), Plenty::Enough);
        assert_eq!(level(seen(500)), Plenty::Low);
        assert_eq!(level(Seen { missing: Some(SpaceError::Free), ..seen(255) }), Plenty::Nothing);
        assert_eq!(level(Seen { was_refused: true, ..seen(600) }), Plenty::Nothing);
        let limits = Limits { free_space_reserve: 256 * MIB, ..Limits::default() };
        assert_eq!(level(Seen::at_rest(Some(255 * MIB), 0, &limits)), Plenty::Nothing);
        assert_eq!(level(Seen::at_rest(None, 0, &limits)), Plenty::Enough);
        // Without a reserve, what fits into free pages of the log may be accepted to the end: nobody can count on it.
        assert_eq!(level(Seen { reserve: 0, ..seen(0) }), Plenty::Nothing);
        assert_eq!(level(Seen { reserve: 0, ..seen(2) }), Plenty::Low);
    }

    #[test]
    fn share_that_is_nearly_used_up_is_low_and_one_that_is_used_up_takes_nothing() {
        let share = |used| Seen { share: Some(Taken { used: used * MIB, most: 100 * MIB }), ..seen(9000) };
        assert_eq!(share(89).judge().level, Plenty::Enough);
        let low = share(90).judge();
        assert_eq!(low.level, Plenty::Low);
        assert!(low.said.contains("90 of the 100 MiB") && low.said.contains("--max-disk-mib"), "{low:?}");
        // What retention freed in it is written to again.
        assert_eq!(share(100).judge().level, Plenty::Low);
        let full = Seen { missing: Some(SpaceError::Share), ..share(100) }.judge();
        assert_eq!(full.level, Plenty::Nothing);
        assert!(full.said.contains("take all that they may"), "{full:?}");
        // One opener that may not go on is no reason to turn the relay over.
        assert_eq!(Seen { missing: Some(SpaceError::Opener), ..share(10) }.judge().level, Plenty::Enough);
    }
}
