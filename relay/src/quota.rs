//! Rate limits under a time that is passed in.
//!
//! Each limit is a token bucket kept as one instant (the generic cell rate algorithm of ITU-T I.371):
//! the time at which the bucket will be full again. A bucket that is full now is worth forgetting.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

use crate::limits::{BUCKETS, Rate};

/// Buckets by key, at most [`BUCKETS`]. When there are more, full ones are forgotten; if all of
/// them are in use, keys without one are refused until some are full again.
#[derive(Debug)]
pub struct Quota<K> {
    rate: Rate,
    full_at: HashMap<K, Instant>,
    capacity: usize,
}

/// Over the limit; the time after which one more is allowed.
#[derive(Debug, PartialEq, Eq)]
pub struct Over {
    /// When to try again, from now.
    pub retry_after: Duration,
}

impl<K: Eq + Hash> Quota<K> {
    /// No key has used anything yet.
    pub fn new(rate: Rate) -> Self {
        Self { rate, full_at: HashMap::new(), capacity: BUCKETS }
    }

    /// Takes one token from the key's bucket.
    ///
    /// # Errors
    /// [`Over`] when it is empty; then nothing was taken.
    pub fn take(&mut self, key: K, now: Instant) -> Result<(), Over> {
        if !self.full_at.contains_key(&key) {
            self.make_room(now)?;
        }
        let full_at = self.full_at.entry(key).or_insert(now);
        let next = (*full_at).max(now) + self.rate.interval;
        let capacity = self.rate.interval * self.rate.burst;
        match next.duration_since(now).checked_sub(capacity) {
            Some(retry_after) if !retry_after.is_zero() => Err(Over { retry_after }),
            _ => {
                *full_at = next;
                Ok(())
            }
        }
    }

    /// Gives one token back.
    pub fn refund(&mut self, key: &K) {
        if let Some(full_at) = self.full_at.get_mut(key) {
            *full_at = full_at.checked_sub(self.rate.interval).unwrap_or(*full_at);
        }
    }

    fn make_room(&mut self, now: Instant) -> Result<(), Over> {
        if self.full_at.len() >= self.capacity {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        if self.full_at.len() >= self.capacity {
            return Err(Over { retry_after: self.rate.interval });
        }
        Ok(())
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
    fn refund_restores_exactly_one() {
        let (mut quota, now) = (Quota::new(RATE), Instant::now());
        while quota.take('a', now).is_ok() {}
        quota.refund(&'a');
        assert_eq!(quota.take('a', now), Ok(()));
        assert!(quota.take('a', now).is_err());
    }

    #[test]
    fn keys_are_bounded_and_full_buckets_forgotten_first() {
        let (mut quota, now) = (Quota { capacity: 2, ..Quota::new(RATE) }, Instant::now());
        assert!(quota.take('a', now).is_ok() && quota.take('b', now).is_ok());
        assert!(quota.take('c', now).is_err(), "both are in use");
        assert_eq!(quota.take('a', now), Ok(()), "known keys go on");
        assert_eq!(quota.take('c', now + ms(700)), Ok(()), "b is full again and forgotten");
        assert!(quota.full_at.len() <= 2);
    }

    #[test]
    fn default_is_a_hundred_a_minute_per_member() {
        let (mut quota, start) = (Quota::new(crate::limits::Limits::default().publish), Instant::now());
        let minute = |quota: &mut Quota<char>, from: Instant| {
            (0..60_000).filter(|i| quota.take('a', from + ms(*i)).is_ok()).count()
        };
        assert_eq!(minute(&mut quota, start), 199, "a burst of 100, and what the minute earns");
        assert_eq!(minute(&mut quota, start + ms(60_000)), 100);
    }
}
