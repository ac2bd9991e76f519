//! How long to wait before trying again: doubling, with jitter, so that clients of a relay that restarts do
//! not all come back in the same moment.

use std::time::Duration;

use shared::random::Random;

/// First wait, in milliseconds: a restarting relay is back about then.
const FIRST_MS: u64 = 250;

/// Longest wait, in milliseconds: what a person will bear.
const LONGEST_MS: u64 = 30_000;

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure: between half of the doubled time and all of it.
    pub(super) fn next(&mut self, random: &Random) -> Duration {
        let ceiling = FIRST_MS.checked_shl(self.failures.min(16)).unwrap_or(LONGEST_MS).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        Duration::from_millis(ceiling / 2 + random.below(ceiling / 2 + 1))
    }

    /// It worked.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_over() {
        let random = Random::new(rand_core::UnwrapErr(getrandom::SysRng));
        let mut backoff = Backoff::default();
        for ceiling in [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            let wait = u64::try_from(backoff.next(&random).as_millis()).unwrap();
            assert!((ceiling / 2..=ceiling).contains(&wait), "{wait} for {ceiling}");
        }
        backoff.reset();
        assert!(backoff.next(&random) <= Duration::from_millis(FIRST_MS));
    }
}
