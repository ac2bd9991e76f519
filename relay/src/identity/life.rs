//! When a certificate is due for its next one.

use std::time::Duration;

/// Part of a leaf's life after which it is replaced: half, so that a relay that was stopped for days
/// starts with a fresh one in time.
const RENEW_AFTER: u64 = 2;

/// Seconds that an authority dates its certificates back.
const BACKDATED: u64 = 3600;

/// The moments, in seconds since 1970, between which the certificate that is shown may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    from: u64,
    until: u64,
}

impl Life {
    /// Of a leaf or a voucher that was made `now`, in seconds since 1970, for `lifetime`.
    pub(super) fn new(now: u64, lifetime: Duration) -> Self {
        Self {
            from: now.saturating_sub(BACKDATED),
            until: now.saturating_add(lifetime.as_secs() / RENEW_AFTER),
        }
    }

    /// Whether it is time for the next one: in the second half of its life, and also when the clock was set back
    /// to before its first moment, where clients whose clocks are right refuse it.
    pub(super) fn is_due(self, now: u64) -> bool {
        !(self.from..self.until).contains(&now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_that_jumps_either_way_makes_the_leaf_due() {
        let day = 24 * 3600;
        let made = 20_000 * day;
        let life = Life::new(made, Duration::from_secs(30 * day));
        for (now, due) in [
            (made, false),
            (made + 15 * day - 1, false),
            (made + 15 * day, true),
            (made + 1000 * day, true),
            (made - 3599, false),
            (made - 3601, true),
            (0, true),
            (u64::MAX, true),
        ] {
            assert_eq!(life.is_due(now), due, "{now}");
        }
    }
}
