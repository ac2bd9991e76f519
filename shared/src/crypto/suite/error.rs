//! What a primitive can refuse.

use mls_rs_core::error::IntoAnyError;

/// Why a primitive refused. Says nothing about the bytes it refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuiteError {
    /// A key, nonce, tag or requested output has a length the suite does not have.
    #[error("wrong length for this cipher suite")]
    Length,
    /// A public key is malformed or of small order.
    #[error("not a valid public key")]
    PublicKey,
    /// An X25519 shared secret came out as all zeros: the peer's share is of small order.
    #[error("the key exchange contributed nothing")]
    SharedSecret,
    /// A ciphertext was not sealed under this key, nonce and associated data.
    #[error("the ciphertext does not open")]
    Open,
    /// A signature is not the key's over these bytes.
    #[error("the signature does not verify")]
    Signature,
    /// An HPKE PSK is shorter than RFC 9180 §9.5 asks for, or has no id.
    #[error("not a valid HPKE PSK")]
    Psk,
    /// An HPKE context has sealed all it may.
    #[error("the HPKE context is used up")]
    Exhausted,
}

impl IntoAnyError for SuiteError {
    fn into_dyn_error(self) -> Result<Box<dyn std::error::Error + Send + Sync>, Self> {
        Ok(self.into())
    }
}
