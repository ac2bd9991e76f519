//! Addresses that an operator names.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

/// Addresses and networks. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Networks(Arc<[Network]>);

/// An address, or all that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// Not an address and not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give an address (192.0.2.7) or a network (10.0.0.0/8, 2001:db8::/32)")]
pub struct ParseNetworkError;

impl Networks {
    /// These.
    pub fn new(networks: &[Network]) -> Self {
        Self(networks.into())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this address is one of them; an IPv4 address in IPv6's clothes is an IPv4 address.
    pub fn have(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.has(address.to_canonical()))
    }
}

impl Network {
    fn has(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                begins_alike(u128::from(u32::from(own)), u128::from(u32::from(other)), 32 - self.bits.min(32))
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                begins_alike(own.into(), other.into(), 128 - self.bits.min(128))
            }
            _ => false,
        }
    }
}

/// Whether two numbers are equal but for their last bits.
fn begins_alike(one: u128, other: u128, last: u32) -> bool {
    (one ^ other).checked_shr(last).unwrap_or(0) == 0
}

impl FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ParseNetworkError)?;
        if address != address.to_canonical() {
            // The same in IPv6's clothes would never be met.
            return Err(ParseNetworkError);
        }
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| ParseNetworkError))?;
        (bits <= most).then_some(Self { address, bits }).ok_or(ParseNetworkError)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(text: &str) -> Networks {
        Networks::new(&[text.parse().unwrap()])
    }

    #[test]
    fn networks_have_their_own_addresses_alone() {
        for (network, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("0.0.0.0/0", "203.0.113.1", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("192.0.2.7", "::ffff:192.0.2.7", "::ffff:192.0.2.8"),
        ] {
            let networks = networks(network);
            assert!(networks.have(inside.parse().unwrap()), "{network} has {inside}");
            assert!(!networks.have(outside.parse().unwrap()), "{network} has not {outside}");
        }
        assert!(!Networks::default().have("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "proxy.example.org",
            "192.0.2.7/33",
            "2001:db8::/129",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "/8",
            "::ffff:10.0.0.5",
        ] {
            assert_eq!(text.parse::<Network>(), Err(ParseNetworkError), "{text}");
        }
    }
}
