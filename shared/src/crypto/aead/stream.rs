//! File chunks: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: *Online Authenticated-Encryption
//! and its Nonce-Reuse Misuse-Resistance*, CRYPTO 2015).
//!
//! ```text
//! chunk i = AES-256-GCM(file key, nonce = 0x00000000000000 ‖ i(4, big-endian) ‖ last(1), plaintext of 64 KiB)
//! ```
//!
//! The index in the nonce refuses reordered, repeated and missing chunks, the last flag refuses a file that was
//! cut or made longer. Nonces start with zeros because a key belongs to one file: [`SealingStream::start`] draws
//! it, and there is no way to seal a second file under it. Every chunk but the last is full, and the last
//! is empty only when the file is, so a file has exactly one sealed form. The length of a file is not hidden.

use std::fmt;

use zeroize::Zeroizing;

use super::cipher::{Cipher, KEY, NONCE, TAG};
use crate::crypto::random::Random;

/// Plaintext of a full chunk, in bytes: large enough that 16 bytes of tag do not matter, small enough to hold.
pub const CHUNK: usize = 64 << 10;
/// A full chunk as sealed, in bytes.
pub const SEALED_CHUNK: usize = CHUNK + TAG;

/// Opens one file; travels inside the message that offers it. Wiped on drop.
#[derive(Clone)]
pub struct FileKey(Zeroizing<[u8; KEY]>);

impl FileKey {
    /// The key with these bytes, from a message.
    pub fn from_bytes(bytes: [u8; KEY]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for a message.
    pub fn expose(&self) -> &[u8; KEY] {
        &self.0
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(..)")
    }
}

/// Why a chunk was not sealed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealChunkError {
    /// A chunk before the last must be full; the last must have 1 to [`CHUNK`] bytes, or none if it is the only one.
    #[error("a chunk of {0} bytes cannot stand here")]
    Length(usize),
    /// 2³² chunks, which are 256 TiB, are all there can be.
    #[error("the file is too large")]
    Exhausted,
}

/// Why a chunk did not open. The file is then worth nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenChunkError {
    /// No chunk at this place has that length.
    #[error("a chunk of {0} bytes cannot stand here")]
    Length(usize),
    /// Not this file's chunk at this place: changed, moved, or last where it should not be.
    #[error("the chunk is not authentic")]
    Forged,
    /// More chunks than a file can have.
    #[error("the file is too large")]
    Exhausted,
}

/// Seals one file, chunk by chunk.
pub struct SealingStream(Position);

impl SealingStream {
    /// Draws a key for one file. After a crash a file starts again, under a new key.
    pub fn start(random: &Random) -> (Self, FileKey) {
        let key = FileKey::from_bytes(random.bytes());
        (Self(Position::start(&key)), key)
    }

    /// Seals a full chunk that is not the last one.
    ///
    /// # Errors
    /// [`SealChunkError`]; the stream has then not advanced.
    pub fn seal(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, SealChunkError> {
        if plaintext.len() != CHUNK {
            return Err(SealChunkError::Length(plaintext.len()));
        }
        let nonce = self.0.nonce(false).ok_or(SealChunkError::Exhausted)?;
        let sealed = self.0.seal(&nonce, plaintext)?;
        self.0.advance();
        Ok(sealed)
    }

    /// Seals the last chunk.
    ///
    /// # Errors
    /// [`SealChunkError`]; the file is then unfinished and will be refused.
    pub fn finish(self, plaintext: &[u8]) -> Result<Vec<u8>, SealChunkError> {
        if !self.0.fits_last(plaintext.len()) {
            return Err(SealChunkError::Length(plaintext.len()));
        }
        let nonce = self.0.nonce(true).ok_or(SealChunkError::Exhausted)?;
        self.0.seal(&nonce, plaintext)
    }
}

impl fmt::Debug for SealingStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingStream(next {:?})", self.0.next)
    }
}

/// Opens one file, chunk by chunk and in order. The file is whole only when [`OpeningStream::finish`] succeeded.
pub struct OpeningStream(Position);

impl OpeningStream {
    /// Starts at the first chunk.
    pub fn start(key: &FileKey) -> Self {
        Self(Position::start(key))
    }

    /// Opens a chunk that is not the last one: authentic and in place, but the file may still be cut after it.
    ///
    /// # Errors
    /// [`OpenChunkError`]; no byte of the chunk is then given out and the stream has not advanced.
    pub fn open(&mut self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenChunkError> {
        if sealed.len() != SEALED_CHUNK {
            return Err(OpenChunkError::Length(sealed.len()));
        }
        let nonce = self.0.nonce(false).ok_or(OpenChunkError::Exhausted)?;
        let plaintext = self.0.open(&nonce, sealed)?;
        self.0.advance();
        Ok(plaintext)
    }

    /// Opens the last chunk: the file is whole.
    ///
    /// # Errors
    /// [`OpenChunkError`]; the file is then not to be kept.
    pub fn finish(self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenChunkError> {
        let length = sealed.len().checked_sub(TAG).filter(|length| self.0.fits_last(*length));
        if length.is_none() {
            return Err(OpenChunkError::Length(sealed.len()));
        }
        let nonce = self.0.nonce(true).ok_or(OpenChunkError::Exhausted)?;
        self.0.open(&nonce, sealed)
    }
}

impl fmt::Debug for OpeningStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpeningStream(next {:?})", self.0.next)
    }
}

/// A key and the index of the next chunk.
struct Position {
    cipher: Cipher,
    /// `None` once all 2³² are used up.
    next: Option<u32>,
}

impl Position {
    fn start(key: &FileKey) -> Self {
        Self { cipher: Cipher::new(&key.0), next: Some(0) }
    }

    fn advance(&mut self) {
        self.next = self.next.and_then(|index| index.checked_add(1));
    }

    fn fits_last(&self, length: usize) -> bool {
        length <= CHUNK && (length > 0 || self.next == Some(0))
    }

    fn nonce(&self, last: bool) -> Option<[u8; NONCE]> {
        let [a, b, c, d] = self.next?.to_be_bytes();
        Some([0, 0, 0, 0, 0, 0, 0, a, b, c, d, u8::from(last)])
    }

    fn seal(&self, nonce: &[u8; NONCE], plaintext: &[u8]) -> Result<Vec<u8>, SealChunkError> {
        let mut sealed = Vec::with_capacity(plaintext.len().saturating_add(TAG));
        sealed.extend_from_slice(plaintext);
        let tag =
            self.cipher.seal(nonce, &[], &mut sealed).map_err(|_| SealChunkError::Length(plaintext.len()))?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    fn open(&self, nonce: &[u8; NONCE], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenChunkError> {
        let (ciphertext, tag) = sealed.split_last_chunk().ok_or(OpenChunkError::Forged)?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        self.cipher.open(nonce, &[], &mut plaintext, tag).map_err(|_| OpenChunkError::Forged)?;
        Ok(plaintext)
    }
}

#[cfg(test)]
mod tests;
