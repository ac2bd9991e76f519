//! How long to wait before trying again: doubling, with jitter, so that clients of a relay that restarts do
//! not all come back in the same moment.

use std::time::Duration;

use shared::random::Random;

/// First wait, in milliseconds: a restarting relay is back about then.
const FIRST_MS: u64 = 250;

/// Longest wait, in milliseconds: what a person will bear.
const LONGEST_MS: u64 = 30_000;

/// Ends of short-lived connections in a row after which waits grow all the same: a relay that is started again some
/// times is found again at once, one that falls over and over is left in peace.
const PATIENCE: u32 = 8;

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    forgiven: u32,
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
        *self = Self::default();
    }

    /// It had worked for a moment when the relay went away: as good as a success, unless that goes on.
    pub(super) fn forgive(&mut self) {
        if self.forgiven < PATIENCE {
            self.forgiven += 1;
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(backoff: &mut Backoff) -> u64 {
        let random = Random::new(rand_core::UnwrapErr(getrandom::SysRng));
        u64::try_from(backoff.next(&random).as_millis()).unwrap()
    }

    #[test]
    fn waits_double_up_to_the_longest_and_start_over() {
        let mut backoff = Backoff::default();
        for ceiling in [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            let wait = wait(&mut backoff);
            assert!((ceiling / 2..=ceiling).contains(&wait), "{wait} for {ceiling}");
        }
        backoff.reset();
        assert!(wait(&mut backoff) <= FIRST_MS);
    }

    #[test]
    fn relay_that_is_restarted_some_times_is_not_waited_for_long_and_one_that_flaps_is() {
        let mut backoff = Backoff::default();
        for _ in 0..PATIENCE {
            assert!(wait(&mut backoff) <= FIRST_MS);
            backoff.forgive();
        }
        for _ in 0..10 {
            wait(&mut backoff);
            backoff.forgive();
        }
        assert!(wait(&mut backoff) >= LONGEST_MS / 2);
        backoff.reset();
        backoff.forgive();
        assert!(wait(&mut backoff) <= FIRST_MS);
    }
}
