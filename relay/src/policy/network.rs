//! What of an address counts as one: a household, and the network that may have many of them.

use std::net::{IpAddr, Ipv6Addr};

/// So many /64 of IPv6 may have what quotas give one address, before all of their /48 have it together: a site has 65,536 of
/// them and is one customer, while households of a provider that share one are few on one relay.
pub(crate) const HOUSEHOLDS: u32 = 4;

/// The address that quotas count: IPv4 as it is, of IPv6 the /64 that one customer gets.
pub(crate) fn household(address: IpAddr) -> IpAddr {
    beginning(address, 4)
}

/// What may have many of those: IPv4 as it is, of IPv6 the /48 that one site gets.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    beginning(address, 3)
}

/// The first so many groups of an IPv6 address.
fn beginning(address: IpAddr, groups: usize) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments.iter_mut().skip(groups).for_each(|segment| *segment = 0);
            Ipv6Addr::from(segments).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_household_and_a_site_is_one_network() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(household(address("2001:db8:1:2:3::4")), address("2001:db8:1:2::"));
        assert_eq!(network(address("2001:db8:1:2:3::4")), address("2001:db8:1::"));
        for plain in ["192.0.2.1", "::ffff:192.0.2.1"] {
            assert_eq!(household(address(plain)), address("192.0.2.1"));
            assert_eq!(network(address(plain)), address("192.0.2.1"));
        }
    }
}
