//! How signatures are checked.

use crate::{PublicKey, signature};

/// Checks signatures. The model brings one of its own, which costs nothing.
pub trait Verify {
    /// Whether the key made this signature of the statement.
    fn verify(&self, key: &PublicKey, statement: &[u8], signature: &[u8; 64]) -> bool;
}

/// Ed25519, as [`signature::verifies`] checks it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ed25519;

impl Verify for Ed25519 {
    fn verify(&self, key: &PublicKey, statement: &[u8], signature: &[u8; 64]) -> bool {
        signature::verifies(&key.0, statement, signature)
    }
}
