//! A quota of addresses: each has its own, and all households of one IPv6 network together have that of a few.

use std::{
    hash::Hash,
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{
    limits::Rate,
    network::{HOUSEHOLDS, network},
    quota::{Over, Quota},
};

/// Buckets of households, and of their networks where these are IPv6: of each thing that is counted, if it is several.
#[derive(Debug)]
pub(crate) struct AddressQuota<K = ()> {
    households: Quota<(K, IpAddr)>,
    networks: Quota<(K, IpAddr)>,
}

impl<K: Copy + Hash> AddressQuota<K> {
    /// Nobody has used anything yet.
    pub(crate) fn new(rate: Rate) -> Self {
        Self { households: Quota::new(rate), networks: Quota::new(of_network(rate)) }
    }

    /// Another rate from now on. What was used stays used.
    pub(crate) fn set_rate(&mut self, rate: Rate) {
        self.households.set_rate(rate);
        self.networks.set_rate(of_network(rate));
    }

    /// Takes so many of a thing; never more than a burst, or it would wait for ever.
    ///
    /// # Errors
    /// [`Over`] when there are fewer; then nothing was taken.
    pub(crate) fn take_of(&mut self, of: K, address: IpAddr, count: u32, now: Instant) -> Result<(), Over> {
        let site = site(address);
        if let Some(site) = site {
            self.networks.take_many((of, site), count, now)?;
        }
        self.households.take_many((of, address), count, now).inspect_err(|_| {
            if let Some(site) = site {
                self.networks.refund_many(&(of, site), count);
            }
        })
    }

    /// Gives so many of a thing back.
    pub(crate) fn refund_of(&mut self, of: K, address: IpAddr, count: u32) {
        if let Some(site) = site(address) {
            self.networks.refund_many(&(of, site), count);
        }
        self.households.refund_many(&(of, address), count);
    }
}

impl AddressQuota {
    /// Takes one.
    ///
    /// # Errors
    /// [`Over`] when there is none; then nothing was taken.
    pub(crate) fn take(&mut self, address: IpAddr, now: Instant) -> Result<(), Over> {
        self.take_many(address, 1, now)
    }

    /// Takes so many; never more than a burst, or it would wait for ever.
    ///
    /// # Errors
    /// [`Over`] when there are fewer; then nothing was taken.
    pub(crate) fn take_many(&mut self, address: IpAddr, count: u32, now: Instant) -> Result<(), Over> {
        self.take_of((), address, count, now)
    }

    /// Takes one, a missing one as well. Says how long to wait until none is missing: at most as long as a burst takes to
    /// come back.
    pub(crate) fn spend(&mut self, address: IpAddr, now: Instant) -> Duration {
        let of_site = site(address).map_or(Duration::ZERO, |site| self.networks.spend(((), site), now));
        self.households.spend(((), address), now).max(of_site)
    }

    /// Gives one back.
    pub(crate) fn refund(&mut self, address: &IpAddr) {
        self.refund_many(address, 1);
    }

    /// Gives so many back.
    pub(crate) fn refund_many(&mut self, address: &IpAddr, count: u32) {
        self.refund_of((), *address, count);
    }
}

/// The network of an address that may have many households.
fn site(address: IpAddr) -> Option<IpAddr> {
    address.is_ipv6().then(|| network(address))
}

fn of_network(Rate { burst, interval }: Rate) -> Rate {
    Rate { burst: burst.saturating_mul(HOUSEHOLDS), interval: interval / HOUSEHOLDS }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, interval: Duration::from_secs(600) };

    #[test]
    fn site_with_many_households_has_what_a_few_have() {
        let (mut quota, now) = (<AddressQuota>::new(RATE), Instant::now());
        let home = |site: u16, household: u16| IpAddr::from([0x2001, 0xdb8, site, household, 0, 0, 0, 0]);
        let taken = (0..1000).filter(|number| quota.take(home(1, *number), now).is_ok()).count();
        assert_eq!(taken, 12);
        assert_eq!(quota.take(home(2, 1), now), Ok(()), "another site has its own");
        let taken = (0..9).filter(|_| quota.take(home(3, 1), now).is_ok()).count();
        assert_eq!(taken, 3, "and one household no more than it had");
        quota.refund(&home(3, 1));
        assert_eq!(quota.take(home(3, 1), now), Ok(()));
        assert_eq!(
            (0..9).filter(|_| quota.take(home(3, 2), now).is_ok()).count(),
            3,
            "what is refused costs nothing"
        );
    }

    #[test]
    fn each_thing_is_counted_apart_and_a_site_has_a_few_of_each() {
        let (mut quota, now) = (AddressQuota::new(RATE), Instant::now());
        let home = |household: u16| IpAddr::from([0x2001, 0xdb8, 1, household, 0, 0, 0, 0]);
        for thing in ['a', 'b'] {
            let taken =
                (0..1000).filter(|number| quota.take_of(thing, home(*number), 1, now).is_ok()).count();
            assert_eq!(taken, 12, "of {thing}");
        }
        quota.refund_of('a', home(1), 1);
        assert!(quota.take_of('b', home(2000), 1, now).is_err());
        assert_eq!(quota.take_of('a', home(2000), 1, now), Ok(()));
    }
}
