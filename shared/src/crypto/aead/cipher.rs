//! AES-256-GCM (NIST SP 800-38D; `AEAD_AES_256_GCM` of RFC 5116, 5.2) under one key: the only place
//! of this crate's own formats where bytes are encrypted or authenticated.

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

/// Key length in bytes.
pub(super) const KEY: usize = 32;
/// Nonce length in bytes: 96 bits, the length that GCM uses as it is, without hashing.
pub(super) const NONCE: usize = 12;
/// Tag length in bytes: the full 128 bits.
pub(super) const TAG: usize = 16;

/// Over GCM's limit of 2³⁶ − 32 bytes in one call.
#[derive(Debug)]
pub(super) struct TooLong;

/// The tag does not belong to these bytes under this key, nonce and associated data.
#[derive(Debug)]
pub(super) struct Forged;

/// One key, expanded; wiped on drop by the `zeroize` feature of `aes-gcm`.
pub(super) struct Cipher {
    aes: Aes256Gcm,
    #[cfg(any(test, feature = "nonce-audit"))]
    witness: super::audit::KeyHash,
}

impl Cipher {
    pub(super) fn new(key: &Zeroizing<[u8; KEY]>) -> Self {
        let bytes: &[u8; KEY] = key;
        Self {
            aes: Aes256Gcm::new(bytes.into()),
            #[cfg(any(test, feature = "nonce-audit"))]
            witness: super::audit::KeyHash::of(bytes),
        }
    }

    /// Encrypts `buffer` in place and returns the tag.
    pub(super) fn seal(
        &self,
        nonce: &[u8; NONCE],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG], TooLong> {
        #[cfg(any(test, feature = "nonce-audit"))]
        super::audit::observe(&self.witness, nonce, aad, buffer);
        self.encrypt(nonce, aad, buffer)
    }

    /// As [`Cipher::seal`], under a key that belongs to what is in `buffer`, because it is derived from it or drawn for it: the
    /// same key and nonce come again with the same content, and never with another.
    pub(super) fn seal_its_own(
        &self,
        nonce: &[u8; NONCE],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG], TooLong> {
        #[cfg(any(test, feature = "nonce-audit"))]
        super::audit::observe_its_own(&self.witness, nonce, aad, buffer);
        self.encrypt(nonce, aad, buffer)
    }

    /// As [`Cipher::seal`], for a caller that gives out what it gets only if these bytes left this device before: nothing is
    /// sealed then that was not.
    pub(super) fn seal_again(
        &self,
        nonce: &[u8; NONCE],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG], TooLong> {
        self.encrypt(nonce, aad, buffer)
    }

    fn encrypt(&self, nonce: &[u8; NONCE], aad: &[u8], buffer: &mut [u8]) -> Result<[u8; TAG], TooLong> {
        let tag = self.aes.encrypt_inout_detached(nonce.into(), aad, buffer.into()).map_err(|_| TooLong)?;
        Ok(tag.into())
    }

    /// Authenticates, then decrypts `buffer` in place; on failure `buffer` still holds the ciphertext.
    pub(super) fn open(
        &self,
        nonce: &[u8; NONCE],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Forged> {
        self.aes.decrypt_inout_detached(nonce.into(), aad, buffer.into(), tag.into()).map_err(|_| Forged)
    }
}
