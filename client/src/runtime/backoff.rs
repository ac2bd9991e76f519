//! How long to wait before trying again: doubling, with jitter, so that clients of a relay that restarts do
//! not all come back in the same moment.

use std::time::Duration;

use shared::crypto::random::Random;

/// Longest first wait, in milliseconds: a restarting relay is back about then. The first one is anything up to it, so
/// that a thousand clients are spread over it evenly.
const FIRST_MS: u64 = 250;

/// Longest wait, in milliseconds: what a person will bear.
const LONGEST_MS: u64 = 30_000;

/// Ends of short-lived connections in a row after which waits grow all the same: a relay that is started again some
/// times is found again at once, one that falls over and over is left in peace.
const PATIENCE: u32 = 8;

/// Time for the first attempt to find a relay again that was there a moment ago, in milliseconds, doubled with each
/// further one: two packets by then, and a handshake around half of the world.
const SEARCH_MS: u64 = 500;

/// Attempts that are cut short in this way: 8 seconds together, far more than a restart takes.
const SEARCHES: u32 = 4;

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    forgiven: u32,
    /// Attempts since something was lost that had worked; `None` when nothing was.
    searches: Option<u32>,
}

impl Backoff {
    /// The wait after one more failure: at first anything up to [`FIRST_MS`], then between half of the doubled time
    /// and all of it.
    pub(super) fn next(&mut self, random: &Random) -> Duration {
        let ceiling = FIRST_MS.checked_shl(self.failures.min(16)).unwrap_or(LONGEST_MS).min(LONGEST_MS);
        let least = if self.failures == 0 { 0 } else { ceiling / 2 };
        self.failures = self.failures.saturating_add(1);
        Duration::from_millis(least + random.below(ceiling - least + 1))
    }

    /// It worked.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// It had worked, and is gone: perhaps it comes back at once.
    pub(super) fn search(&mut self) {
        self.searches = Some(0);
    }

    /// How long the next attempt may take, if it should be cut short: while a relay restarts, a fresh attempt finds
    /// it sooner than the retransmission of a packet that was lost.
    pub(super) fn search_time(&mut self) -> Option<Duration> {
        let searches = self.searches.filter(|searches| *searches < SEARCHES)?;
        self.searches = Some(searches + 1);
        Some(Duration::from_millis(SEARCH_MS << searches))
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
        assert!(wait(&mut backoff) <= FIRST_MS);
        for ceiling in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
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
    #[test]
    fn thousand_clients_do_not_come_back_in_one_moment() {
        let mut buckets = [0; 10];
        for _ in 0..1000 {
            let wait = wait(&mut Backoff::default());
            buckets[usize::try_from((wait * 10 / FIRST_MS).min(9)).unwrap()] += 1;
        }
        // A hundred each on average; fifty would be five standard deviations away.
        assert!(buckets.iter().all(|count| (50..=150).contains(count)), "{buckets:?}");
    }

    #[test]
    fn only_what_was_lost_is_searched_for_and_not_for_ever() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.search_time(), None, "a first dial takes the time that it takes");
        backoff.search();
        let times: Vec<_> = (0..4).map(|_| backoff.search_time().unwrap().as_millis()).collect();
        assert_eq!(times, [500, 1000, 2000, 4000]);
        assert_eq!(backoff.search_time(), None);
    }
}
