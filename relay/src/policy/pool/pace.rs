//! How fast somebody gets on, since it was last looked at.

use std::time::{Duration, Instant};

use crate::policy::limits::FAIR_RATE;

/// Time before which nobody is called slow.
const GRACE: Duration = Duration::from_secs(1);

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
        (rate < FAIR_RATE).then_some(rate)
    }
}
