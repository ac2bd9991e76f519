//! How much of the page one address may fetch.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::policy::{addresses::AddressQuota, limits::PAGE_TRAFFIC};

/// KiB that each has left.
#[derive(Debug)]
pub(super) struct Traffic(Mutex<AddressQuota>);

impl Traffic {
    /// Nobody has fetched anything yet.
    pub(super) fn new() -> Self {
        Self(Mutex::new(AddressQuota::new(PAGE_TRAFFIC)))
    }

    /// Takes so many bytes; over what it may, says when to come again.
    pub(super) fn charge(&self, payer: IpAddr, bytes: usize, now: Instant) -> Result<(), Duration> {
        let kib = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).saturating_add(1);
        let mut traffic = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        traffic.take_many(payer, kib, now).map_err(|over| over.retry_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn site_with_many_households_fetches_what_a_few_may() {
        const MIB: usize = 1 << 20;
        let (traffic, now) = (Traffic::new(), Instant::now());
        let home = |household: u16| IpAddr::from([0x2001, 0xdb8, 1, household, 0, 0, 0, 1]);
        let fetched = (0..10_000).filter(|number| traffic.charge(home(*number), MIB, now).is_ok()).count();
        assert!((1..=4 * 128).contains(&fetched), "{fetched} MiB");
        assert_eq!(traffic.charge([192, 0, 2, 1].into(), MIB, now), Ok(()), "others have theirs");
    }
}
