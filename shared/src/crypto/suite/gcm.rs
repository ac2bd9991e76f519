//! AES-GCM (RFC 5116 §5) with a 96-bit nonce and a 128-bit tag.

use aes_gcm::{
    Aes128Gcm, Aes256Gcm, KeyInit, Nonce,
    aead::{AeadInOut, consts::U12},
};
use zeroize::Zeroizing;

use super::SuiteError;

/// Octets of every nonce (`Nn`).
pub(super) const NONCE_SIZE: usize = 12;

/// Octets of every tag (`Nt`), which follows the ciphertext.
const TAG_SIZE: usize = 16;

/// The AEAD of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gcm {
    Aes128,
    Aes256,
}

impl Gcm {
    /// `Nk` in octets.
    pub(super) const fn key_size(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 32,
        }
    }

    /// The HPKE AEAD identifier, RFC 9180 §7.3.
    pub(super) const fn id(self) -> u16 {
        match self {
            Self::Aes128 => 0x0001,
            Self::Aes256 => 0x0002,
        }
    }

    pub(super) fn seal(
        self,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SuiteError> {
        // Room for the tag from the start: growing would leave a copy of the plaintext in freed memory.
        let mut buffer = Zeroizing::new(Vec::with_capacity(plaintext.len().saturating_add(TAG_SIZE)));
        buffer.extend_from_slice(plaintext);
        match self {
            Self::Aes128 => cipher::<Aes128Gcm>(key)?.encrypt_in_place(as_nonce(nonce)?, aad, &mut *buffer),
            Self::Aes256 => cipher::<Aes256Gcm>(key)?.encrypt_in_place(as_nonce(nonce)?, aad, &mut *buffer),
        }
        .map_err(|_| SuiteError::Length)?;
        Ok(std::mem::take(&mut *buffer))
    }

    pub(super) fn open(
        self,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SuiteError> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        match self {
            Self::Aes128 => cipher::<Aes128Gcm>(key)?.decrypt_in_place(as_nonce(nonce)?, aad, &mut *buffer),
            Self::Aes256 => cipher::<Aes256Gcm>(key)?.decrypt_in_place(as_nonce(nonce)?, aad, &mut *buffer),
        }
        .map_err(|_| SuiteError::Open)?;
        Ok(buffer)
    }
}

fn cipher<C: KeyInit>(key: &[u8]) -> Result<C, SuiteError> {
    C::new_from_slice(key).map_err(|_| SuiteError::Length)
}

fn as_nonce(nonce: &[u8]) -> Result<&Nonce<U12>, SuiteError> {
    nonce.try_into().map_err(|_| SuiteError::Length)
}
