//! X-Wing by itself, for what is sealed to a public key outside MLS.

use mls_rs_core::crypto::{HpkePublicKey, HpkeSecretKey};
use zeroize::Zeroizing;

use super::{SuiteError, kem::Kem};
use crate::crypto::random::Random;

/// Bytes of a public key (draft-connolly-cfrg-xwing-kem, 5.2).
pub const KEM_KEY_LEN: usize = 1216;

/// A secret that a KEM carried.
pub type Carried = Zeroizing<Vec<u8>>;

/// An X-Wing key pair. The secret half is wiped on drop.
pub struct KemKey {
    secret: HpkeSecretKey,
    public: HpkePublicKey,
}

impl KemKey {
    /// The pair of this seed.
    ///
    /// # Errors
    /// Never in practice: any 32 bytes are a seed.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, SuiteError> {
        let (secret, public) = Kem::XWing.pair(seed)?;
        Ok(Self { secret, public })
    }

    /// The public half.
    pub fn public(&self) -> &[u8] {
        self.public.as_ref()
    }

    /// Whether bytes are a public key.
    pub fn is_public(bytes: &[u8]) -> bool {
        Kem::XWing.validate(bytes).is_ok()
    }

    /// A fresh secret for the holder of `public`, and the ciphertext that carries it there.
    ///
    /// # Errors
    /// [`SuiteError::PublicKey`] when it is none.
    pub fn encapsulate(random: &Random, public: &[u8]) -> Result<(Carried, Vec<u8>), SuiteError> {
        Kem::XWing.encap(random, public)
    }

    /// The secret that `ciphertext` carries. One that was altered carries another secret, and no error.
    ///
    /// # Errors
    /// [`SuiteError`] when it is no ciphertext.
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<Carried, SuiteError> {
        Kem::XWing.decap(ciphertext, self.secret.as_ref(), self.public.as_ref())
    }
}

impl std::fmt::Debug for KemKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KemKey")
    }
}
