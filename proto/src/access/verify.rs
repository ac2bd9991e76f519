//! How signatures are checked.

use ed25519_dalek::{Signature, VerifyingKey};

use crate::PublicKey;

/// Checks signatures. The model brings one of its own, which costs nothing.
pub trait Verify {
    /// Whether the key made this signature of the statement.
    fn verify(&self, key: &PublicKey, statement: &[u8], signature: &[u8; 64]) -> bool;
}

/// Ed25519 (RFC 8032), strict: no small-order keys, no second encoding of a signature.
#[derive(Clone, Copy, Debug, Default)]
pub struct Strict;

impl Verify for Strict {
    fn verify(&self, key: &PublicKey, statement: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        VerifyingKey::from_bytes(&key.0).is_ok_and(|key| key.verify_strict(statement, &signature).is_ok())
    }
}
