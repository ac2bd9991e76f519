//! How fast somebody gets on, since it was last looked at.

use std::time::{Duration, Instant};

use crate::policy::limits::LEAST_RATE;

/// Time before which nobody is called slow. On a lossy line QUIC sends again after a few round trips, and when that is lost as
/// well, after twice that, and again (RFC 9002, 6.2): with a telephone's half a second there and back, nothing comes for three
/// to four seconds without anybody's fault.
const GRACE: Duration = Duration::from_secs(4);

/// Bytes, and since when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    since: Instant,
    bytes: u64,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, bytes: 0 }
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Its bytes a second, if they are too few; then, and if they are enough, it is counted from now on.
    pub(super) fn slow(&mut self, now: Instant) -> Option<u64> {
        let time = now.saturating_duration_since(self.since);
        if time < GRACE {
            return None;
        }
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let rate = self.bytes.saturating_mul(1000) / millis.max(1);
        *self = Self::new(now);
        (rate < LEAST_RATE).then_some(rate)
    }
}
