//! The name of who opened a room, made of a token or of an address.

use std::{fmt, net::IpAddr, str::FromStr};

use aws_lc_rs::hmac;

use crate::policy::{network::network, token::TokenHash};

/// Bytes of the key.
pub(super) const KEY: usize = 32;

/// The key's row: when it was made (ms), and the key.
pub(super) type KeyRow = (u64, &'static [u8; KEY]);

/// Who opened a room, by a name that says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Opener(pub(super) [u8; Self::LEN]);

/// An opener as operators name it: the beginning of its id, or all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenerName(String);

/// A text that names no opener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an opener is named by the first digits of its id, at least {LEAST_DIGITS}: see `relay top`")]
pub struct BadName;

/// Fewest digits that a command takes for an opener: fewer are a slip of the hand.
const LEAST_DIGITS: usize = 4;

impl OpenerName {
    pub(super) fn fits(&self, opener: &Opener) -> bool {
        opener.digits().starts_with(&self.0)
    }
}

impl fmt::Display for OpenerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OpenerName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let is_long_enough = (LEAST_DIGITS..=2 * Opener::LEN).contains(&text.len());
        match is_long_enough && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(BadName),
        }
    }
}

impl Opener {
    /// In bytes.
    pub(super) const LEN: usize = 16;

    /// What lists show: 40 bits tell all openers apart that a relay has.
    pub fn id(&self) -> String {
        self.digits().chars().take(10).collect()
    }

    /// All of it, for programs.
    pub fn digits(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// As bytes, for what is kept elsewhere by opener.
    pub fn bytes(&self) -> [u8; 16] {
        self.0
    }

    pub(super) fn of_token(hash: &TokenHash) -> Self {
        let (start, _) = hash.0.split_first_chunk().unwrap_or((&[0; Self::LEN], &[]));
        Self(*start)
    }

    pub(super) fn of_address(address: IpAddr, key: &[u8; KEY]) -> Self {
        let bytes = match network(address) {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &bytes);
        let mut opener = [0; Self::LEN];
        opener.iter_mut().zip(tag.as_ref()).for_each(|(byte, of_tag)| *byte = *of_tag);
        Self(opener)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_beginnings_of_ids_in_digits() {
        let opener = Opener([0xab; Opener::LEN]);
        for name in ["abab", "ABABA", &opener.id(), &opener.digits()] {
            assert!(name.parse::<OpenerName>().unwrap().fits(&opener), "{name}");
        }
        assert!(!"abac".parse::<OpenerName>().unwrap().fits(&opener));
        for text in ["", "aba", "../..", &"a".repeat(33), "wxyz"] {
            assert_eq!(text.parse::<OpenerName>(), Err(BadName), "{text}");
        }
    }

    #[test]
    fn addresses_are_told_apart_by_the_key_and_ipv6_by_the_48() {
        let opener = |text: &str, key: u8| Opener::of_address(text.parse().unwrap(), &[key; KEY]);
        assert_eq!(opener("192.0.2.1", 1), opener("::ffff:192.0.2.1", 1));
        assert_ne!(opener("192.0.2.1", 1), opener("192.0.2.2", 1));
        assert_ne!(opener("192.0.2.1", 1), opener("192.0.2.1", 2), "another key, another name");
        assert_eq!(opener("2001:db8:1:2::1", 1), opener("2001:db8:1:ffff::9", 1));
        assert_ne!(opener("2001:db8:1::1", 1), opener("2001:db8:2::1", 1));
    }
}
