//! The account: one Ed25519 key that stands for a person, and the fingerprint people compare.

use std::{fmt, str::FromStr};

use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::crypto::random::Random;

/// Domain separation of a fingerprint.
const FINGERPRINT_CONTEXT: &[u8] = b"schat/1 fingerprint";

/// A person's account key (RFC 8032). It certifies the leaf keys of devices and signs nothing else.
pub struct Identity(SigningKey);

impl Identity {
    /// A fresh account.
    pub fn generate(random: &Random) -> Self {
        Self::from_bytes(&Zeroizing::new(random.bytes()))
    }

    /// The account whose secret key `secret` is.
    pub fn from_bytes(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// The secret key, for storage.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The account's public key.
    pub fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// What people compare.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.public_key())
    }

    pub(crate) fn sign(&self, statement: &[u8]) -> [u8; 64] {
        self.0.sign(statement).to_bytes()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.fingerprint().short())
    }
}

/// Whether `signature` over `statement` is by `key`.
pub(crate) fn verifies(key: &[u8], statement: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (<[u8; 32]>::try_from(key), <[u8; 64]>::try_from(signature)) else {
        return false;
    };
    proto::signature::verifies(&key, statement, &signature)
}

/// SHA-256 of `"schat/1 fingerprint" ‖ account key`: tells people apart, whatever they call themselves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of an account's public key.
    pub fn of(account_key: &[u8; 32]) -> Self {
        Self(Sha256::new().chain_update(FINGERPRINT_CONTEXT).chain_update(account_key).finalize().into())
    }

    /// The first 64 bits, for people: `1f2e 3d4c 5b6a 7988`. Enough to tell members of a room apart,
    /// not to verify one: that is what the safety number is for.
    pub fn short(&self) -> String {
        let words: Vec<String> = self
            .0
            .chunks(2)
            .take(4)
            .map(|word| word.iter().map(|byte| format!("{byte:02x}")).collect())
            .collect();
        words.join(" ")
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.short())
    }
}

/// Text that is not a fingerprint.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a fingerprint is 64 hexadecimal digits")]
pub struct FingerprintError;

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(FingerprintError))
            .collect::<Result<_, _>>()?;
        let (pairs, rest) = digits.as_chunks::<2>();
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        match rest {
            [] => bytes.try_into().map(Self).map_err(|_| FingerprintError),
            _ => Err(FingerprintError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_survives_text_and_refuses_other_text() {
        let fingerprint = Identity::from_bytes(&[7; 32]).fingerprint();
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        for wrong in ["", "12", "zz", &"0".repeat(63), &"0".repeat(65), &"é".repeat(64)] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(FingerprintError), "{wrong}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", Identity::from_bytes(&[7; 32]));
        assert!(!shown.contains("0707") && shown.len() < 40, "{shown}");
    }
}
