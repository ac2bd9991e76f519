//! How long to wait before trying again: doubling, with jitter, so that clients of a relay that restarts do
//! not all come back in the same moment.

use std::time::Duration;

use shared::random::Random;

/// Longest first wait, in milliseconds. The first one is anything up to it: a relay that restarts is back about
/// then, and a thousand clients are spread over it evenly.
const FIRST_MS: u64 = 250;

/// Longest wait, in milliseconds: what a person will bear.
const LONGEST_MS: u64 = 30_000;

/// Time for the first attempt to find a relay again that was there a moment ago, in milliseconds, doubled with each
/// further one: two packets by then, and a handshake around half of the world.
const SEARCH_MS: u64 = 500;

/// Attempts that are cut short in this way: 8 seconds together, far more than a restart takes.
const SEARCHES: u32 = 4;

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
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
        self.failures = 0;
    }

    /// It had worked, and is gone: perhaps it comes back at once.
    pub(super) fn search(&mut self) {
        self.searches = Some(0);
    }

    /// How long the next attempt may take, if it should be cut short: while a relay restarts, a fresh attempt finds
    /// it sooner than the retransmission of a packet that was lost.
    pub(super) fn patience(&mut self) -> Option<Duration> {
        let searches = self.searches.filter(|searches| *searches < SEARCHES)?;
        self.searches = Some(searches + 1);
        Some(Duration::from_millis(SEARCH_MS << searches))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random() -> Random {
        Random::new(rand_core::UnwrapErr(getrandom::SysRng))
    }

    #[test]
    fn waits_double_up_to_the_longest_and_start_over() {
        let (random, mut backoff) = (random(), Backoff::default());
        assert!(backoff.next(&random) <= Duration::from_millis(FIRST_MS));
        for ceiling in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            let wait = u64::try_from(backoff.next(&random).as_millis()).unwrap();
            assert!((ceiling / 2..=ceiling).contains(&wait), "{wait} for {ceiling}");
        }
        backoff.reset();
        assert!(backoff.next(&random) <= Duration::from_millis(FIRST_MS));
    }

    #[test]
    fn thousand_clients_do_not_come_back_in_one_moment() {
        let random = random();
        let mut buckets = [0; 10];
        for _ in 0..1000 {
            let wait = u64::try_from(Backoff::default().next(&random).as_millis()).unwrap();
            buckets[usize::try_from((wait * 10 / FIRST_MS).min(9)).unwrap()] += 1;
        }
        // A hundred each on average; fifty would be five standard deviations away.
        assert!(buckets.iter().all(|count| (50..=150).contains(count)), "{buckets:?}");
    }

    #[test]
    fn only_what_was_lost_is_searched_for_and_not_for_ever() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.patience(), None, "a first dial takes the time that it takes");
        backoff.search();
        let patience: Vec<_> = (0..4).map(|_| backoff.patience().unwrap().as_millis()).collect();
        assert_eq!(patience, [500, 1000, 2000, 4000]);
        assert_eq!(backoff.patience(), None);
    }
}
