//! The link by which a relay is reached, before any room exists.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use certs::Pin;

/// Addresses reserved for documentation (RFC 5737, RFC 3849): nothing is ever sent to them.
const ELSEWHERE: [(IpAddr, SocketAddr); 2] = {
    let v4 = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let v6 = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    [
        (IpAddr::V4(Ipv4Addr::UNSPECIFIED), SocketAddr::new(v4, 9)),
        (IpAddr::V6(Ipv6Addr::UNSPECIFIED), SocketAddr::new(v6, 9)),
    ]
};

/// `schat://host:port/#relay=<pin>`.
pub(crate) fn link(host: &str, port: u16, pin: &Pin) -> String {
    format!("schat://{host}:{port}/#relay={pin}")
}

/// The host to put in a link to `address`: itself, or if it means "everywhere", the address from which this
/// machine would reach the internet.
pub(crate) fn host(address: SocketAddr) -> String {
    let ip = if address.ip().is_unspecified() { outbound() } else { Some(address.ip()) };
    match ip {
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => format!("[{ip}]"),
        None => "localhost".into(),
    }
}

/// Where this machine reaches a relay that listens on `address`.
pub(crate) fn loopback(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        // One socket for both families where there is IPv6, so IPv4 is always right.
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

/// Names for the relay's own certificate: those of its links, and this machine's for itself.
pub(crate) fn names(hosts: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(Into::into).to_vec();
    for host in hosts {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if !names.iter().any(|name| name == host) {
            names.push(host.into());
        }
    }
    names
}

/// Connecting a UDP socket sends nothing; it asks the routing table.
fn outbound() -> Option<IpAddr> {
    ELSEWHERE.iter().find_map(|(local, elsewhere)| {
        let socket = UdpSocket::bind((*local, 0)).ok()?;
        socket.connect(elsewhere).ok()?;
        socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_of_a_bound_address_is_itself() {
        assert_eq!(host("127.0.0.1:4443".parse().unwrap()), "127.0.0.1");
        assert_eq!(host("[::1]:4443".parse().unwrap()), "[::1]");
    }

    #[test]
    fn everywhere_is_never_put_in_a_link() {
        for everywhere in ["0.0.0.0:443", "[::]:443"] {
            let host = host(everywhere.parse().unwrap());
            assert!(!["0.0.0.0", "[::]"].contains(&host.as_str()), "{host}");
        }
    }
}
