//! What people compare: the fingerprint of an account, which is over its key and the hash of its recovery key.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

/// Domain separation of a fingerprint.
const FINGERPRINT_CONTEXT: &[u8] = b"schat/2 fingerprint";

/// Domain separation of the hash of a recovery key.
const NEXT_CONTEXT: &[u8] = b"schat/2 next";

/// SHA-256 of `"schat/2 next" ‖ recovery public key`: who may give the account another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Next(pub [u8; 32]);

impl Next {
    /// No recovery key hashes to this: the account keeps its key for ever.
    pub const NONE: Self = Self([0; 32]);

    /// The hash of a recovery key's public half.
    pub fn of(recovery_key: &[u8; 32]) -> Self {
        Self(Sha256::new().chain_update(NEXT_CONTEXT).chain_update(recovery_key).finalize().into())
    }
}

/// SHA-256 of `"schat/2 fingerprint" ‖ account key ‖ next`: tells people apart, whatever they call themselves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of an account: its public key, and the hash of its recovery key.
    pub fn of(account_key: &[u8; 32], next: &Next) -> Self {
        let hash = Sha256::new().chain_update(FINGERPRINT_CONTEXT).chain_update(account_key);
        Self(hash.chain_update(next.0).finalize().into())
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
        let fingerprint = Fingerprint::of(&[7; 32], &Next::NONE);
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        for wrong in ["", "12", "zz", &"0".repeat(63), &"0".repeat(65), &"é".repeat(64)] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(FingerprintError), "{wrong}");
        }
    }

    #[test]
    fn fingerprint_is_of_both_keys() {
        let one = Fingerprint::of(&[7; 32], &Next::of(&[1; 32]));
        assert_ne!(one, Fingerprint::of(&[8; 32], &Next::of(&[1; 32])));
        assert_ne!(one, Fingerprint::of(&[7; 32], &Next::of(&[2; 32])));
    }
}
