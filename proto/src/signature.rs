//! Ed25519 (RFC 8032) by the one rule that everybody here checks it by: the equation of ZIP 215, no key of small order,
//! and points in their one encoding.
//!
//! RFC 8032 leaves open what is done with points that have a component of small order, and implementations differ. ZIP
//! 215 names one equation, `[8][S]B = [8]R + [8][k]A` with `S < ℓ`, and it is the only one under which a batch of
//! signatures passes exactly when each of them does. So a member who checks many at once and a member who checks one
//! never disagree about a signature, whoever made it. A key of small order is refused besides: under the identity as
//! key, one signature fits every message. So is an encoding that RFC 8032, 5.1.3 refuses, which ZIP 215 takes: it is a
//! matter of the bytes alone, and so the same alone and in a batch.

use ed25519_zebra::{VerificationKey, ed25519::Signature};

/// A public key that signatures can be checked by, decompressed.
#[derive(Clone, Copy, Debug)]
pub struct SignatureKey(VerificationKey);

impl SignatureKey {
    /// The key of these 32 bytes (RFC 8032, 5.1.2). None when they are no point of the curve in its one encoding, or one
    /// of small order.
    pub fn of(bytes: &[u8; 32]) -> Option<Self> {
        if !is_canonical(bytes) {
            return None;
        }
        let is_small = ed25519_dalek::VerifyingKey::from_bytes(bytes).ok()?.is_weak();
        VerificationKey::try_from(*bytes).ok().filter(|_| !is_small).map(Self)
    }

    /// Whether this key made `signature` of `statement`.
    pub fn verifies(&self, statement: &[u8], signature: &[u8; 64]) -> bool {
        has_canonical_point(signature) && self.0.verify(&Signature::from_bytes(signature), statement).is_ok()
    }
}

/// Whether the point R of `signature` (RFC 8032, 5.1.6) stands in its one encoding. Who checks a batch asks for each.
pub fn has_canonical_point(signature: &[u8; 64]) -> bool {
    signature.first_chunk().is_some_and(is_canonical)
}

/// Whether these bytes are what encoding a point gives (RFC 8032, 5.1.2), if they are one: y is below p = 2^255 - 19, and
/// a point with x = 0, which are y = 1 and y = -1, has no sign.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    let (top, sign) = (last & 0x7f, last >> 7);
    let is_over = *first >= 0xed && top == 0x7f && middle.iter().all(|byte| *byte == 0xff);
    let is_one = *first == 1 && top == 0 && middle.iter().all(|byte| *byte == 0);
    let is_minus_one = *first == 0xec && top == 0x7f && middle.iter().all(|byte| *byte == 0xff);
    !is_over && !(sign == 1 && (is_one || is_minus_one))
}

/// As [`SignatureKey::verifies`], for a key that is needed once.
pub fn verifies(key: &[u8; 32], statement: &[u8], signature: &[u8; 64]) -> bool {
    SignatureKey::of(key).is_some_and(|key| key.verifies(statement, signature))
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    /// Little-endian, with the sign in the highest bit.
    fn encoded(first: u8, rest: u8, last: u8) -> [u8; 32] {
        let mut bytes = [rest; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    }

    #[test]
    fn second_encodings_of_a_point_are_refused() {
        for (bytes, one) in [
            (encoded(1, 0, 0), true),
            (encoded(1, 0, 0x80), false),
            (encoded(0xec, 0xff, 0x7f), true),
            (encoded(0xec, 0xff, 0xff), false),
            (encoded(0xeb, 0xff, 0xff), true),
            (encoded(0xed, 0xff, 0x7f), false),
            (encoded(0xff, 0xff, 0xff), false),
            (encoded(0xff, 0xfe, 0x7f), true),
            (encoded(2, 0, 0x80), true),
        ] {
            assert_eq!(is_canonical(&bytes), one, "{bytes:02x?}");
        }
        let key = SigningKey::from_bytes(&[1; 32]);
        let (public, signature) = (key.verifying_key().to_bytes(), key.sign(b"one").to_bytes());
        assert!(verifies(&public, b"one", &signature));
        assert!(!verifies(&public, b"another", &signature));
    }
}
