//! What the relay keeps.

use std::time::Duration;

use clap::{Args, value_parser};

use crate::policy::limits::{Limits, Retention};

/// What it keeps, and how much of the disk it may take.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What is kept")]
pub struct Storage {
    /// Days that an entry is kept.
    ///
    /// Ninety are a summer away. A member away for longer misses what went, and comes back by itself as soon as another member is there.
    #[arg(long, env = "RELAY_KEEP_DAYS", value_name = "DAYS", default_value_t = 90, value_parser = value_parser!(u32).range(1..=36_500))]
    pub keep_days: u32,
    /// Entries kept per room; the oldest go first.
    ///
    /// 100,000 are a year of a busy room.
    #[arg(long, hide_short_help = true, env = "RELAY_KEEP_ENTRIES", value_name = "N", default_value_t = 100_000, value_parser = value_parser!(u64).range(1..))]
    pub keep_entries: u64,
    /// Mebibytes kept per room; the oldest entries go first.
    ///
    /// A room's share of a small disk. What newcomers to the room are given (its slot) counts as well, up to half.
    #[arg(long, hide_short_help = true, env = "RELAY_KEEP_MIB", value_name = "MIB", default_value_t = 256, value_parser = value_parser!(u64).range(1..=1 << 30))]
    pub keep_mib: u64,
    /// Mebibytes of the newest entries held in memory, all rooms together.
    ///
    /// From there they go to everybody who is online; who is slower reads the disk. 32 are some 80,000 chat lines. 0
    /// holds none: each reader then reads the disk for each entry.
    #[arg(long, hide_short_help = true, env = "RELAY_TAIL_MIB", value_name = "MIB", default_value_t = 32, value_parser = value_parser!(u32).range(0..=1 << 20))]
    pub tail_mib: u32,
    /// Free mebibytes on the disk below which nothing is appended.
    ///
    /// Reading goes on. A disk that is full to the last byte stops other programs, and the relay's own cleaning up.
    #[arg(long, hide_short_help = true, env = "RELAY_RESERVE_MIB", value_name = "MIB", default_value_t = 256, value_parser = value_parser!(u64).range(0..=1 << 30))]
    pub reserve_mib: u64,
    /// Mebibytes that all logs together may take [default: what the disk has].
    ///
    /// Over it nothing is appended and no room is opened, while reading goes on; what retention removes
    /// makes room again. Set it where other programs share the disk.
    #[arg(long, hide_short_help = true, env = "RELAY_MAX_DISK_MIB", value_name = "MIB", value_parser = value_parser!(u64).range(1..=1 << 30))]
    pub max_disk_mib: Option<u64>,
    /// Percent of the disk that rooms of one opener may take, of what they take and what is left, together.
    ///
    /// An opener is the token that opened a room, or the address (IPv6: one /48). The more one has, the earlier no more is
    /// taken from it: 80 leave a fifth of the disk to others after one who takes all it can, a twenty-first after five.
    /// Who takes less than others do on average is never refused by it. 100 is no bound.
    #[arg(long, hide_short_help = true, env = "RELAY_OPENER_PERCENT", value_name = "PERCENT", default_value_t = 80, value_parser = value_parser!(u64).range(1..=100))]
    pub opener_percent: u64,
    /// Days without an entry after which a room that nobody is joined to is dropped for ever; 0 for never.
    ///
    /// A program that is online writes to each of its rooms daily, so such a room is one that nobody has opened for as
    /// long. Still, it may be the one that two friends come back to every second summer; hence never, unless you
    /// say so. As long as no room at all was written to lately, none is dropped: it may be the clock that is wrong.
    #[arg(long, hide_short_help = true, env = "RELAY_DROP_IDLE_DAYS", value_name = "DAYS", default_value_t = 0, value_parser = value_parser!(u32).range(0..=36_500))]
    pub drop_idle_days: u32,
    /// Days without an entry or a visit after which a room goes that nobody but its founder was ever in; 0 for never.
    ///
    /// Anybody may open hundreds of rooms an hour, and nobody misses those. It stays while an invite to it can still be used,
    /// up to --keep-days, and once more than 16 entries were ever written to it. A founder who comes back later than that
    /// finds it again: the program opens it anew.
    #[arg(long, hide_short_help = true, env = "RELAY_DROP_LONE_DAYS", value_name = "DAYS", default_value_t = 1, value_parser = value_parser!(u32).range(0..=36_500))]
    pub drop_lone_days: u32,
}

impl Storage {
    pub(super) fn apply(&self, limits: &mut Limits) {
        limits.retention = Retention {
            age: Duration::from_secs(u64::from(self.keep_days) * 24 * 3600),
            entries: self.keep_entries,
            bytes: self.keep_mib << 20,
        };
        limits.tail = usize::try_from(u64::from(self.tail_mib) << 20).unwrap_or(usize::MAX);
        limits.free_space_reserve = self.reserve_mib << 20;
        limits.drop_idle = days(self.drop_idle_days);
        limits.drop_lone = days(self.drop_lone_days);
        limits.opener_percent = self.opener_percent;
        limits.max_disk = self.max_disk_mib.map(|mib| mib << 20);
    }
}

/// So many days; none is no bound.
fn days(days: u32) -> Option<Duration> {
    (days > 0).then(|| Duration::from_secs(u64::from(days) * 24 * 3600))
}
