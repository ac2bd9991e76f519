//! The MLS crypto provider: two cipher suites of RFC 9420 §17.1, thin over pure Rust primitives.
//!
//! | suite | KEM | KDF, hash | AEAD | signature |
//! |---|---|---|---|---|
//! | [`PQ`] `0x004E` | X-Wing, HPKE id `0x647A` | HKDF-SHA384, SHA-384 | AES-256-GCM | Ed25519 |
//! | [`CLASSIC`] `0x0001` | DHKEM(X25519, HKDF-SHA256) | HKDF-SHA256, SHA-256 | AES-128-GCM | Ed25519 |
//!
//! Rooms use [`PQ`]. [`CLASSIC`] is there so that the RFC's own vectors run through the same code.
//! The code point of [`PQ`] comes from a draft (draft-ietf-mls-pq-ciphersuites) and may move, so
//! whatever names a suite on the wire carries a protocol version of its own.

mod cipher;
mod error;
mod gcm;
mod hash;
mod hpke;
mod kem;
mod kem_key;
#[cfg(test)]
mod known_answers;
mod labeled;
mod sign;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod spoil;

use mls_rs_core::crypto::{CipherSuite, CryptoProvider};

use crate::crypto::random::Random;

pub use self::{
    cipher::Cipher,
    error::SuiteError,
    hpke::{Receiver, Sender},
    kem_key::{Carried, KEM_KEY_LEN, KemKey},
};

/// `MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519`, draft-ietf-mls-pq-ciphersuites.
pub const PQ: CipherSuite = CipherSuite::new(0x004E);

/// `MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519`, RFC 9420 §17.1.
pub const CLASSIC: CipherSuite = CipherSuite::CURVE25519_AES128;

/// A cipher suite that this provider has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Suite {
    /// [`PQ`]: what is recorded today stays closed to a quantum computer later.
    #[default]
    Pq,
    /// [`CLASSIC`]: for the RFC's vectors and for interop.
    Classic,
}

impl Suite {
    /// Both suites, the preferred one first.
    pub const ALL: [Self; 2] = [Self::Pq, Self::Classic];

    /// The code point.
    pub const fn cipher_suite(self) -> CipherSuite {
        match self {
            Self::Pq => PQ,
            Self::Classic => CLASSIC,
        }
    }

    /// The suite with this code point, if it is one of ours.
    pub fn from_cipher_suite(code: CipherSuite) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.cipher_suite() == code)
    }
}

/// Hands out the [`Cipher`] of a suite. All randomness comes from the [`Random`] given here.
#[derive(Clone, Debug)]
pub struct Provider {
    random: Random,
    only: Option<Suite>,
    keys: sign::Keys,
}

impl Provider {
    /// A provider of both suites.
    pub fn new(random: Random) -> Self {
        Self { random, only: None, keys: sign::Keys::default() }
    }

    /// A provider of one suite: a group that names the other one cannot even be looked at, so nobody
    /// can talk a client into a weaker suite.
    pub fn only(random: Random, suite: Suite) -> Self {
        Self { random, only: Some(suite), keys: sign::Keys::default() }
    }

    /// The operations of `suite`, whether or not this provider offers it to MLS.
    pub fn cipher(&self, suite: Suite) -> Cipher {
        Cipher::new(suite, self.random.clone(), self.keys.clone())
    }

    /// Runs `asks` with every signature taken for good, and checks all of them together: those that pass cost next to
    /// nothing when they are met again. What `asks` comes to proves nothing and is to be thrown away.
    pub(crate) fn look_ahead(&self, asks: impl FnOnce()) {
        self.keys.look_ahead(asks);
    }

    fn offers(&self, suite: Suite) -> bool {
        self.only.is_none_or(|only| only == suite)
    }
}

impl CryptoProvider for Provider {
    type CipherSuiteProvider = Cipher;

    fn supported_cipher_suites(&self) -> Vec<CipherSuite> {
        Suite::ALL.into_iter().filter(|suite| self.offers(*suite)).map(Suite::cipher_suite).collect()
    }

    fn cipher_suite_provider(&self, code: CipherSuite) -> Option<Cipher> {
        let suite = Suite::from_cipher_suite(code).filter(|suite| self.offers(*suite))?;
        Some(self.cipher(suite))
    }
}
