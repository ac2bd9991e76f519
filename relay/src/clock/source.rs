//! Where the time comes from.

use std::fmt;

use super::unix_ms;

/// The clocks of a machine, or those that a test makes up.
pub trait TimeSource: fmt::Debug + Send + Sync {
    /// What the wall clock says, Unix milliseconds. May jump.
    fn wall_ms(&self) -> u64;
    /// Milliseconds since a moment that stays the same within one boot. Never goes back, and counts sleep.
    fn elapsed_ms(&self) -> u64;
    /// Names the boot: the same text again means that [`TimeSource::elapsed_ms`] went on. Empty when that is not known.
    fn boot(&self) -> String;
}

/// The system's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTimeSource;

impl TimeSource for SystemTimeSource {
    fn wall_ms(&self) -> u64 {
        unix_ms()
    }

    #[cfg(unix)]
    fn elapsed_ms(&self) -> u64 {
        // Linux stops its monotonic clock while the machine sleeps, and has another one that goes on.
        #[cfg(target_os = "linux")]
        const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
        let now = rustix::time::clock_gettime(CLOCK);
        let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
        seconds.unwrap_or(0).saturating_mul(1000).saturating_add(nanos.unwrap_or(0) / 1_000_000)
    }

    #[cfg(not(unix))]
    fn elapsed_ms(&self) -> u64 {
        use std::{sync::OnceLock, time::Instant};
        static FIRST: OnceLock<Instant> = OnceLock::new();
        u64::try_from(FIRST.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn boot(&self) -> String {
        let read = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        read.map(|id| id.trim().to_owned()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_clock_goes_on_and_a_boot_has_one_name() {
        let source = SystemTimeSource;
        let (first, boot) = (source.elapsed_ms(), source.boot());
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(source.elapsed_ms() >= first + 19);
        assert_eq!(source.boot(), boot);
    }
}
