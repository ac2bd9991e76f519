//! Ed25519 (RFC 8032) by the one rule that everybody here checks it by: ZIP 215, and no key of small order.
//!
//! RFC 8032 leaves open what is done with points that have a component of small order, and implementations differ. ZIP
//! 215 names one equation, `[8][S]B = [8]R + [8][k]A` with `S < ℓ`, and it is the only one under which a batch of
//! signatures passes exactly when each of them does. So a member who checks many at once and a member who checks one
//! never disagree about a signature, whoever made it. A key of small order is refused besides: under the identity as
//! key, one signature fits every message.

use ed25519_zebra::{VerificationKey, ed25519::Signature};

/// A public key that signatures can be checked by, decompressed.
#[derive(Clone, Copy, Debug)]
pub struct SignatureKey(VerificationKey);

impl SignatureKey {
    /// The key of these 32 bytes (RFC 8032, 5.1.2). None when they are no point of the curve, or one of small order.
    pub fn of(bytes: &[u8; 32]) -> Option<Self> {
        let is_small = ed25519_dalek::VerifyingKey::from_bytes(bytes).ok()?.is_weak();
        VerificationKey::try_from(*bytes).ok().filter(|_| !is_small).map(Self)
    }

    /// Whether this key made `signature` of `statement`.
    pub fn verifies(&self, statement: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify(&Signature::from_bytes(signature), statement).is_ok()
    }
}

/// As [`SignatureKey::verifies`], for a key that is needed once.
pub fn verifies(key: &[u8; 32], statement: &[u8], signature: &[u8; 64]) -> bool {
    SignatureKey::of(key).is_some_and(|key| key.verifies(statement, signature))
}
