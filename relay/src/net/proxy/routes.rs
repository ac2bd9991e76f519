//! Which socket of a proxy speaks for a client.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use crate::net::admission::payer;

/// Clients that are remembered for certain, and twice as many at most: whoever sends again is remembered again.
const REMEMBERED: usize = 1 << 16;

/// Clients of one address (of IPv6: one /64) among them, at most: so that one address does not have all others forgotten.
const OF_ONE: u32 = 1 << 10;

/// The sockets that speak for clients. In two generations: when the young one is full it becomes the old one, and what was in the
/// old one is forgotten.
#[derive(Debug, Default)]
pub(super) struct Routes {
    young: Generation,
    old: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    proxies: HashMap<SocketAddr, SocketAddr>,
    of_one: HashMap<IpAddr, u32>,
}

impl Routes {
    /// A proxy has sent something for a client.
    pub(super) fn learn(&mut self, client: SocketAddr, proxy: SocketAddr) {
        if let Some(known) = self.young.proxies.get_mut(&client) {
            *known = proxy;
            return;
        }
        if self.young.proxies.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.young);
        }
        let count = self.young.of_one.entry(payer(client.ip())).or_default();
        if *count < OF_ONE {
            *count += 1;
            self.young.proxies.insert(client, proxy);
        }
    }

    /// It came by itself.
    pub(super) fn forget(&mut self, client: SocketAddr) {
        self.young.proxies.remove(&client);
        self.old.proxies.remove(&client);
    }

    /// Who speaks for a client.
    pub(super) fn proxy(&self, client: SocketAddr) -> Option<SocketAddr> {
        self.young.proxies.get(&client).or_else(|| self.old.proxies.get(&client)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: ([u8; 4], u16) = ([10, 0, 0, 1], 9);

    fn client(n: usize) -> SocketAddr {
        (std::net::Ipv4Addr::from(u32::try_from(n).unwrap()), 4000).into()
    }

    #[test]
    fn clients_without_measure_are_forgotten_and_who_speaks_stays() {
        let mut routes = Routes::default();
        for n in 0..5 * REMEMBERED {
            routes.learn(client(n), PROXY.into());
            if n % 1000 == 0 {
                routes.learn(client(1 << 30), PROXY.into());
            }
        }
        assert!(routes.young.proxies.len() + routes.old.proxies.len() <= 2 * REMEMBERED);
        assert_eq!(routes.proxy(client(0)), None);
        assert_eq!(routes.proxy(client(1 << 30)), Some(PROXY.into()));
        routes.forget(client(1 << 30));
        assert_eq!(routes.proxy(client(1 << 30)), None, "it came by itself");
    }

    #[test]
    fn one_address_does_not_have_the_others_forgotten() {
        let mut routes = Routes::default();
        routes.learn(client(7), PROXY.into());
        for port in 1..=u16::MAX {
            routes.learn((std::net::Ipv4Addr::new(203, 0, 113, 7), port).into(), PROXY.into());
        }
        for n in 0..1 << 17 {
            routes.learn((std::net::Ipv6Addr::from(0x2001_0db8 << 96 | n), 4000).into(), PROXY.into());
        }
        assert_eq!(routes.proxy(client(7)), Some(PROXY.into()));
    }
}
