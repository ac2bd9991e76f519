//! Rate limits under a time that is passed in.
//!
//! Each limit is a token bucket kept as one instant (the generic cell rate algorithm of ITU-T I.371):
//! the time at which the bucket will be full again. A bucket that is full now is worth forgetting.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, Hash},
    marker::PhantomData,
    time::{Duration, Instant},
};

use crate::policy::limits::{BUCKETS, Rate};

/// Buckets below which nothing is swept: a page of memory.
const SWEEP_FROM: usize = 256;

/// Time between two sweeps when every bucket is in use: looking through all of them takes a millisecond.
const SWEEP_PAUSE: Duration = Duration::from_millis(100);

/// Buckets by key, at most [`BUCKETS`]. Full ones are forgotten whenever their number has doubled; if all of
/// them are in use, keys without one are refused until some are full again. Keys are kept as keyed
/// hashes, which nobody outside can make collide.
#[derive(Debug)]
pub struct Quota<K> {
    rate: Rate,
    buckets: HashMap<u64, Bucket>,
    hasher: RandomState,
    capacity: usize,
    sweep_at: usize,
    swept: Option<Instant>,
    key: PhantomData<fn(K)>,
}

/// One bucket; full at first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// When it is full again; `None` when it is.
    full_at: Option<Instant>,
}

/// Over the limit; the time after which one more is allowed.
#[derive(Debug, PartialEq, Eq)]
pub struct Over {
    /// When to try again, from now.
    pub retry_after: Duration,
}

impl Bucket {
    /// Takes one token.
    ///
    /// # Errors
    /// [`Over`] when it is empty; then nothing was taken.
    pub fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Over> {
        self.take_many(1, rate, now)
    }

    /// Takes so many tokens, or none.
    fn take_many(&mut self, count: u32, rate: Rate, now: Instant) -> Result<(), Over> {
        let next = self.after(count, rate, now);
        match next.duration_since(now).checked_sub(rate.interval * rate.burst) {
            Some(retry_after) if !retry_after.is_zero() => Err(Over { retry_after }),
            _ => {
                self.full_at = Some(next);
                Ok(())
            }
        }
    }

    /// Takes one token, a missing one as well, and says how long the bucket is in debt: at most a burst.
    fn spend(&mut self, rate: Rate, now: Instant) -> Duration {
        let full = rate.interval * rate.burst;
        let next = self.after(1, rate, now).min(now + 2 * full);
        self.full_at = Some(next);
        next.duration_since(now).saturating_sub(full)
    }

    /// When it would be full again with so many tokens less.
    fn after(&self, count: u32, rate: Rate, now: Instant) -> Instant {
        self.full_at.map_or(now, |full_at| full_at.max(now)) + rate.interval * count
    }

    /// Gives so many tokens back.
    pub fn refund(&mut self, count: u32, rate: Rate) {
        self.full_at = self.full_at.and_then(|full_at| full_at.checked_sub(rate.interval * count));
    }

    fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|full_at| full_at <= now)
    }
}

impl<K: Hash> Quota<K> {
    /// No key has used anything yet.
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: HashMap::new(),
            hasher: RandomState::new(),
            capacity: BUCKETS,
            sweep_at: SWEEP_FROM,
            swept: None,
            key: PhantomData,
        }
    }

    /// Another rate from now on. What was used stays used.
    pub fn set_rate(&mut self, rate: Rate) {
        self.rate = rate;
    }

    /// Takes one token from the key's bucket.
    ///
    /// # Errors
    /// [`Over`] when it is empty; then nothing was taken.
    pub fn take(&mut self, key: K, now: Instant) -> Result<(), Over> {
        let rate = self.rate;
        self.bucket(key, now)?.take(rate, now)
    }

    /// Takes so many tokens from the key's bucket; never more than a burst, or it would wait for ever.
    ///
    /// # Errors
    /// [`Over`] when there are fewer; then nothing was taken.
    pub fn take_many(&mut self, key: K, count: u32, now: Instant) -> Result<(), Over> {
        let rate = self.rate;
        self.bucket(key, now)?.take_many(count.min(rate.burst), rate, now)
    }

    /// Takes one token from the key's bucket, a missing one as well. Says how long to wait until none is missing: at
    /// most as long as a burst takes to come back.
    pub fn spend(&mut self, key: K, now: Instant) -> Duration {
        let rate = self.rate;
        match self.bucket(key, now) {
            Ok(bucket) => bucket.spend(rate, now),
            Err(Over { retry_after }) => retry_after,
        }
    }

    fn bucket(&mut self, key: K, now: Instant) -> Result<&mut Bucket, Over> {
        let key = self.hasher.hash_one(key);
        if !self.buckets.contains_key(&key) {
            self.make_room(now)?;
        }
        Ok(self.buckets.entry(key).or_default())
    }

    /// Gives one token back.
    pub fn refund(&mut self, key: &K) {
        self.refund_many(key, 1);
    }

    /// Gives so many tokens back, as [`Quota::take_many`] took them.
    pub fn refund_many(&mut self, key: &K, count: u32) {
        if let Some(bucket) = self.buckets.get_mut(&self.hasher.hash_one(key)) {
            bucket.refund(count.min(self.rate.burst), self.rate);
        }
    }

    fn make_room(&mut self, now: Instant) -> Result<(), Over> {
        let rests = self.swept.is_some_and(|swept| now < swept + SWEEP_PAUSE);
        if self.buckets.len() >= self.sweep_at && !rests {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            self.sweep_at = (2 * self.buckets.len()).max(SWEEP_FROM).min(self.capacity);
            self.buckets.shrink_to(self.sweep_at);
            self.swept = Some(now);
        }
        match self.buckets.len() >= self.capacity {
            true => Err(Over { retry_after: self.rate.interval }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, interval: Duration::from_millis(600) };

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn burst_then_one_per_interval() {
        let (mut quota, start) = (Quota::new(RATE), Instant::now());
        for _ in 0..3 {
            assert_eq!(quota.take('a', start), Ok(()));
        }
        assert_eq!(quota.take('a', start), Err(Over { retry_after: ms(600) }));
        assert_eq!(quota.take('a', start + ms(599)), Err(Over { retry_after: ms(1) }));
        assert_eq!(quota.take('a', start + ms(600)), Ok(()));
        assert_eq!(quota.take('a', start + ms(600)), Err(Over { retry_after: ms(600) }));
    }

    #[test]
    fn many_are_taken_at_once_or_none() {
        let (mut quota, start) = (Quota::new(RATE), Instant::now());
        assert_eq!(quota.take_many('a', 2, start), Ok(()));
        assert_eq!(quota.take_many('a', 2, start), Err(Over { retry_after: ms(600) }));
        assert_eq!(quota.take('a', start), Ok(()), "nothing was taken");
        assert_eq!(quota.take_many('b', 100, start), Ok(()), "a burst is what one may ask for");
        assert_eq!(quota.take_many('b', 100, start), Err(Over { retry_after: ms(1800) }));
        quota.refund_many(&'b', 100);
        assert_eq!(quota.take_many('b', 3, start), Ok(()), "as many as were taken come back");
    }

    #[test]
    fn pause_never_earns_more_than_the_burst() {
        let (mut quota, start) = (Quota::new(RATE), Instant::now());
        let later = start + Duration::from_secs(3600);
        let allowed = (0..10).filter(|_| quota.take('a', later).is_ok()).count();
        assert_eq!(allowed, 3);
    }

    #[test]
    fn one_key_cannot_spend_anothers_tokens() {
        let (mut quota, now) = (Quota::new(RATE), Instant::now());
        while quota.take('a', now).is_ok() {}
        assert_eq!(quota.take('b', now), Ok(()));
    }

    #[test]
    fn debt_grows_with_each_up_to_a_burst_and_is_paid_by_time() {
        let (mut quota, start) = (Quota::new(RATE), Instant::now());
        let spent = [0; 8].map(|_| quota.spend('a', start));
        assert_eq!(spent, [0, 0, 0, 600, 1200, 1800, 1800, 1800].map(ms));
        assert_eq!(quota.spend('b', start), ms(0), "another's debt is not paid");
        assert_eq!(quota.spend('a', start + ms(1200)), ms(1200));
        assert_eq!(quota.spend('a', start + ms(60_000)), ms(0));
    }

    #[test]
    fn refund_restores_exactly_one() {
        let (mut quota, now) = (Quota::new(RATE), Instant::now());
        while quota.take('a', now).is_ok() {}
        quota.refund(&'a');
        assert_eq!(quota.take('a', now), Ok(()));
        assert!(quota.take('a', now).is_err());
    }

    #[test]
    fn keys_are_bounded_and_full_buckets_forgotten_first() {
        let (mut quota, now) = (Quota { capacity: 2, sweep_at: 2, ..Quota::new(RATE) }, Instant::now());
        assert!(quota.take('a', now).is_ok() && quota.take('b', now).is_ok());
        assert!(quota.take('c', now).is_err(), "both are in use");
        assert_eq!(quota.take('a', now), Ok(()), "known keys go on");
        assert_eq!(quota.take('c', now + ms(700)), Ok(()), "b is full again and forgotten");
        assert!(quota.buckets.len() <= 2);
    }

    #[test]
    fn keys_that_come_and_go_leave_nothing_behind() {
        let (mut quota, start) = (Quota::new(RATE), Instant::now());
        for number in 0..100_000_u32 {
            let now = start + ms(u64::from(number));
            assert_eq!(quota.take(number, now), Ok(()));
            // Each is in use for 600 ms, so 600 at a time.
            assert!(quota.buckets.len() <= 4 * 600, "{} after {number}", quota.buckets.len());
        }
    }

    #[test]
    fn lower_rate_holds_for_those_who_were_there_before() {
        let (mut quota, now) = (Quota::new(RATE), Instant::now());
        assert!(quota.take('a', now).is_ok() && quota.take('a', now).is_ok());
        quota.set_rate(Rate { burst: 1, interval: ms(1000) });
        assert!(quota.take('a', now).is_err());
        assert_eq!(quota.take('a', now + ms(1200)), Ok(()));
    }

    #[test]
    fn default_is_a_hundred_a_minute_per_member() {
        let (mut quota, start) =
            (Quota::new(crate::policy::limits::Limits::default().publish), Instant::now());
        let minute = |quota: &mut Quota<char>, from: Instant| {
            (0..60_000).filter(|i| quota.take('a', from + ms(*i)).is_ok()).count()
        };
        assert_eq!(minute(&mut quota, start), 199, "a burst of 100, and what the minute earns");
        assert_eq!(minute(&mut quota, start + ms(60_000)), 100);
    }
}
