//! The header itself.

use std::net::SocketAddr;

use ppp::v2::{Addresses, Command, Header, ParseError};

/// Bytes in front of the part whose length they say.
pub(super) const FIXED: usize = 16;

/// Most bytes of a header: the longest addresses, and some hundreds of what a proxy may add, which nobody reads.
pub(super) const LONGEST: usize = 1024;

/// What a proxy sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProxyHeader {
    /// For this client, or for itself (a check whether somebody is there). What follows comes after so many bytes.
    Header { client: Option<SocketAddr>, length: usize },
    /// No header.
    Nothing,
}

/// Reads it off the beginning.
pub(super) fn read(bytes: &[u8]) -> ProxyHeader {
    let header = match Header::try_from(bytes) {
        Ok(header) if header.len() <= LONGEST => header,
        _ => return ProxyHeader::Nothing,
    };
    let client = match (header.command, header.addresses) {
        (Command::Proxy, Addresses::IPv4(of)) => Some((of.source_address, of.source_port).into()),
        (Command::Proxy, Addresses::IPv6(of)) => Some((of.source_address, of.source_port).into()),
        (Command::Local | Command::Proxy, _) => None,
    };
    ProxyHeader::Header { client, length: header.len() }
}

/// How long the whole header is, by its fixed part.
pub(super) fn length(fixed: &[u8; FIXED]) -> Option<usize> {
    match Header::try_from(fixed.as_slice()) {
        Ok(header) => Some(header.len()),
        Err(ParseError::Partial(_, rest)) => FIXED.checked_add(rest).filter(|length| *length <= LONGEST),
        Err(_) => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use ppp::v2::{Builder, Protocol, Version};

    use super::*;

    pub(crate) fn header(client: SocketAddr) -> Vec<u8> {
        let server: SocketAddr = match client {
            SocketAddr::V4(_) => (Ipv4Addr::LOCALHOST, 443).into(),
            SocketAddr::V6(_) => (Ipv6Addr::LOCALHOST, 443).into(),
        };
        let addresses: Addresses = (client, server).into();
        Builder::with_addresses(Version::Two | Command::Proxy, Protocol::Datagram, addresses).build().unwrap()
    }

    #[test]
    fn client_is_who_the_header_names() {
        for client in ["203.0.113.7:4000", "[2001:db8::7]:4000"] {
            let client = client.parse().unwrap();
            let mut bytes = header(client);
            let length = bytes.len();
            assert_eq!(super::length(bytes.first_chunk().unwrap()), Some(length));
            bytes.extend_from_slice(b"what the client sent");
            assert_eq!(read(&bytes), ProxyHeader::Header { client: Some(client), length });
            for end in 0..length {
                assert_eq!(read(&bytes[..end]), ProxyHeader::Nothing, "{end} bytes of it");
            }
        }
    }

    #[test]
    fn check_of_the_proxy_itself_names_nobody() {
        let bytes = Builder::new(Version::Two | Command::Local, 0).build().unwrap();
        assert_eq!(read(&bytes), ProxyHeader::Header { client: None, length: FIXED });
    }

    #[test]
    fn header_without_measure_and_what_is_none_are_nothing() {
        let mut bytes = header("203.0.113.7:4000".parse().unwrap());
        assert_eq!(read(b"\x16\x03\x01 a handshake of TLS, or whatever it is"), ProxyHeader::Nothing);
        bytes[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
        assert_eq!(length(bytes.first_chunk().unwrap()), None);
        bytes.resize(FIXED + usize::from(u16::MAX), 0);
        assert_eq!(read(&bytes), ProxyHeader::Nothing);
        // Shorter than the addresses that it says it has.
        bytes[14..16].copy_from_slice(&3u16.to_be_bytes());
        assert_eq!(read(&bytes), ProxyHeader::Nothing);
    }
}
