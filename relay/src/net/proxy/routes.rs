//! Which client is behind which socket of a proxy.

use std::{collections::HashMap, net::SocketAddr};

/// Clients that are remembered for certain, and twice as many at most: whoever sends again is remembered again.
const REMEMBERED: usize = 1 << 16;

/// Clients by the proxy's socket that speaks for them, and the other way. In two generations: when the young one is full it
/// becomes the old one, and what was in the old one is forgotten.
#[derive(Debug, Default)]
pub(super) struct Routes {
    young: Generation,
    old: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    clients: HashMap<SocketAddr, SocketAddr>,
    proxies: HashMap<SocketAddr, SocketAddr>,
}

impl Routes {
    /// A proxy has sent something for a client.
    pub fn learn(&mut self, client: SocketAddr, proxy: SocketAddr) {
        if self.young.proxies.get(&client) == Some(&proxy) {
            return;
        }
        if self.young.clients.len().max(self.young.proxies.len()) >= REMEMBERED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.clients.insert(proxy, client);
        self.young.proxies.insert(client, proxy);
    }

    /// For whom this socket of a proxy spoke last.
    pub fn client(&self, proxy: SocketAddr) -> Option<SocketAddr> {
        self.young.clients.get(&proxy).or_else(|| self.old.clients.get(&proxy)).copied()
    }

    /// Who speaks for a client.
    pub fn proxy(&self, client: SocketAddr) -> Option<SocketAddr> {
        self.young.proxies.get(&client).or_else(|| self.old.proxies.get(&client)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: usize) -> SocketAddr {
        let n = u32::try_from(n).unwrap();
        (std::net::Ipv4Addr::from(n), 4000).into()
    }

    #[test]
    fn clients_without_measure_are_forgotten_and_who_speaks_stays() {
        let (mut routes, proxy) = (Routes::default(), SocketAddr::from(([10, 0, 0, 1], 9)));
        for n in 0..5 * REMEMBERED {
            routes.learn(address(n), SocketAddr::new(address(n).ip(), 5000));
            if n % 1000 == 0 {
                routes.learn(address(1 << 30), proxy);
            }
        }
        assert!(routes.young.clients.len() + routes.old.clients.len() <= 2 * REMEMBERED);
        assert_eq!(routes.proxy(address(0)), None);
        assert_eq!(
            (routes.proxy(address(1 << 30)), routes.client(proxy)),
            (Some(proxy), Some(address(1 << 30)))
        );
    }
}
