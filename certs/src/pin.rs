//! Pins: a public key, named by its hash.

use std::{fmt, str::FromStr};

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use crate::{CertsError, x509::Parsed};

/// What a written pin starts with, so that another hash can follow some day.
const PREFIX: &str = "sha256:";

/// The SHA-256 of a certificate's SubjectPublicKeyInfo in DER, as in RFC 7469, section 2.4.
///
/// It names the key, not the certificate: an authority that renews its certificate keeps its pin. A pin is
/// public, so comparing two needs no constant time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// The hash itself.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The pin of a SubjectPublicKeyInfo in DER.
    pub(crate) fn of_spki(spki: &[u8]) -> Self {
        Self(Sha256::digest(spki).into())
    }
}

/// The beginning of a pin, as short links carry it: 160 bits, so that nobody finds another key for it (2^160 tries; a
/// pair of keys that share one, 2^80, is of use only to a relay that would cheat its own members).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinPrefix([u8; 20]);

impl PinPrefix {
    /// The prefix itself.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The pin begins like this.
    pub fn begins(self, pin: Pin) -> bool {
        pin.0.starts_with(&self.0)
    }
}

impl From<[u8; 20]> for PinPrefix {
    fn from(prefix: [u8; 20]) -> Self {
        Self(prefix)
    }
}

/// The pin of a certificate's key. Nothing else about the certificate is checked.
pub fn pin_of(certificate: &CertificateDer<'_>) -> Result<Pin, CertsError> {
    let spki = Parsed::of(certificate).and_then(|parsed| parsed.spki()).ok_or(CertsError::Malformed)?;
    Ok(Pin::of_spki(&spki))
}

/// The certificate's own key signed it, as of a private authority: not so of the authorities that sign
/// servers' certificates for the public, which others vouch for.
pub fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    Parsed::of(certificate).is_some_and(|parsed| parsed.is_signed_by(&parsed))
}

impl From<[u8; 32]> for Pin {
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}

/// A text is not a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pin is `sha256:` followed by 64 hexadecimal digits")]
pub struct ParsePinError;

impl FromStr for Pin {
    type Err = ParsePinError;

    fn from_str(text: &str) -> Result<Self, ParsePinError> {
        let digits = text.strip_prefix(PREFIX).ok_or(ParsePinError)?.as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return Err(ParsePinError);
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return Err(ParsePinError) };
            *byte = (nibble(*high)? << 4) | nibble(*low)?;
        }
        Ok(Self(hash))
    }
}

fn nibble(digit: u8) -> Result<u8, ParsePinError> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).ok_or(ParsePinError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_pin_reads_back() {
        let pin = Pin::from(std::array::from_fn(|i| u8::try_from(i * 7).unwrap()));
        let text = pin.to_string();
        assert_eq!(text.len(), "sha256:".len() + 64);
        assert_eq!(text.parse(), Ok(pin));
        assert_eq!(text.to_uppercase().replace("SHA256", "sha256").parse(), Ok(pin));
        assert_eq!(format!("{pin:?}"), format!("Pin({text})"));
    }

    #[test]
    fn text_that_is_no_pin_is_refused() {
        let good = Pin::from([0xab; 32]).to_string();
        let wrong = [
            String::new(),
            good.replace("sha256:", ""),
            good.replace("sha256:", "sha512:"),
            good[..good.len() - 1].to_owned(),
            format!("{good}0"),
            good.replacen("ab", "+b", 1),
            good.replacen("ab", "é", 1),
            format!(" {good}"),
        ];
        for text in wrong {
            assert_eq!(text.parse::<Pin>(), Err(ParsePinError), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_certificate_have_no_pin() {
        for bytes in [&b""[..], b"0", b"\x30\x82\xff\xff", b"not a certificate"] {
            assert!(matches!(pin_of(&CertificateDer::from(bytes)), Err(CertsError::Malformed)));
        }
    }
}
