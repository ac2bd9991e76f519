//! Where a relay is: `HOST:PORT`, parsed once.

use std::{fmt, str::FromStr};

/// Greatest length of a host name, in bytes (RFC 1035, 2.3.4).
const MAX_HOST: usize = 253;

/// Why text is not a relay's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum AddressError {
    /// No host name or IP address.
    #[error("bad host name")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("bad port")]
    Port,
}

/// A relay's host (name or IP address, without brackets) and UDP port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "(String, u16)", into = "(String, u16)")]
pub struct RelayAddress {
    /// Name or IP address.
    pub host: String,
    /// UDP port.
    pub port: u16,
}

impl RelayAddress {
    /// Checks the parts.
    ///
    /// # Errors
    /// [`AddressError`] when a part makes no sense.
    pub fn new(host: &str, port: u16) -> Result<Self, AddressError> {
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let harmless = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
        if host.is_empty() || host.len() > MAX_HOST || !host.bytes().all(harmless) {
            return Err(AddressError::Host);
        }
        if port == 0 {
            return Err(AddressError::Port);
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

impl TryFrom<(String, u16)> for RelayAddress {
    type Error = AddressError;

    fn try_from((host, port): (String, u16)) -> Result<Self, AddressError> {
        Self::new(&host, port)
    }
}

impl From<RelayAddress> for (String, u16) {
    fn from(address: RelayAddress) -> Self {
        (address.host, address.port)
    }
}

impl FromStr for RelayAddress {
    type Err = AddressError;

    /// Reads `HOST`, `HOST:PORT` or `[IPV6]:PORT`; without a port, [`proto::DEFAULT_PORT`].
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.parse::<std::net::Ipv6Addr>().is_ok() {
            return Self::new(text, proto::DEFAULT_PORT);
        }
        match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                Self::new(host, port.parse().map_err(|_| AddressError::Port)?)
            }
            Some(_) if text.ends_with(']') => Self::new(text, proto::DEFAULT_PORT),
            Some(_) => Err(AddressError::Host),
            None => Self::new(text, proto::DEFAULT_PORT),
        }
    }
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_people_write_them() {
        for (text, host, port) in [
            ("relay.example", "relay.example", 443),
            ("Relay.Example:4443", "relay.example", 4443),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:4443", "::1", 4443),
            ("::1", "::1", 443),
            ("[::1]", "::1", 443),
        ] {
            let address: RelayAddress = text.parse().unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port), "{text}");
            assert_eq!(address.to_string().parse(), Ok(address));
        }
    }

    #[test]
    fn nonsense_address_is_refused() {
        for text in ["", ":1", "host:", "host:0", "host:65536", "ho st:1", "fe80::1:x", "\u{1b}[2J:1"] {
            assert!(text.parse::<RelayAddress>().is_err(), "{text:?}");
        }
    }
}
