//! Files, part by part: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: *Online Authenticated-Encryption
//! and its Nonce-Reuse Misuse-Resistance*, CRYPTO 2015).
//!
//! ```text
//! chunk i = AES-256-GCM(file key, nonce = kind(1) ‖ 0x000000000000 ‖ i(4, big-endian) ‖ last(1), plaintext of 64 KiB)
//! part n  = chunks 16 n to 16 n + 15 of kind 0
//! list    = its own chunks 0 to 15 at most, of kind 1
//! ```
//!
//! The index in the nonce refuses reordered, repeated and missing chunks, and the last flag a file that was cut or made
//! longer. A part is opened alone, wherever it stands: its number says which chunks it has. Every chunk but the last of all
//! is full, and the last has a byte at least, so a file has exactly one sealed form.
//!
//! **A key belongs to one file**, so nonces can begin with zeros. Whoever seals a part a second time, after a break,
//! seals what may be another text: [`FileCipher::seal_again`] gives out only what it gave out before.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::cipher::{Cipher, KEY, NONCE, TAG};
use crate::crypto::random::Random;

/// Plaintext of a full chunk, in bytes: large enough that 16 bytes of tag do not matter, small enough to hold.
pub const CHUNK: usize = 64 << 10;

/// Chunks of a full part.
pub const CHUNKS: u32 = 16;

/// Plaintext of a full part, in bytes.
pub const PART: usize = CHUNK << 4;

/// A full part as sealed, in bytes.
pub const SEALED_PART: usize = PART + (TAG << 4);

/// Length of a part's hash, in bytes.
pub const HASH: usize = 32;

/// SHA-256 of a part as sealed.
pub type PartHash = [u8; HASH];

/// Opens one file; travels inside the message that offers it. Wiped on drop.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "[u8; 32]", into = "[u8; 32]"))]
pub struct FileKey(Zeroizing<[u8; KEY]>);

impl FileKey {
    /// Draws a key for one file.
    pub fn draw(random: &Random) -> Self {
        Self::from_bytes(random.bytes())
    }

    /// The key with these bytes, from a message.
    pub fn from_bytes(bytes: [u8; KEY]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for a message.
    pub fn expose(&self) -> &[u8; KEY] {
        &self.0
    }
}

impl From<[u8; KEY]> for FileKey {
    fn from(bytes: [u8; KEY]) -> Self {
        Self::from_bytes(bytes)
    }
}

impl From<FileKey> for [u8; KEY] {
    fn from(key: FileKey) -> Self {
        *key.0
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(..)")
    }
}

/// Which part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartPosition {
    /// Of the file's bytes.
    Data {
        /// From 0.
        part: u32,
        /// Nothing follows it.
        last: bool,
    },
    /// The list of the parts' hashes.
    List,
}

/// Why a part was not sealed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealPartError {
    /// A part before the last must be full; the last must have 1 to [`PART`] bytes.
    #[error("a part of {0} bytes cannot stand here")]
    Length(usize),
    /// 2³² chunks, which are 256 TiB, are all there can be.
    #[error("the file is too large")]
    Exhausted,
}

/// Why a part did not open. Nothing of it is given out.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenPartError {
    /// No part at this place has that length.
    #[error("a part of {0} bytes cannot stand here")]
    Length(usize),
    /// Not this file's part at this place: changed, moved, or last where it should not be.
    #[error("the part is not authentic")]
    Forged,
    /// More parts than a file can have.
    #[error("the file is too large")]
    Exhausted,
}

/// A sealed part and its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedPart {
    /// What the relay keeps.
    pub bytes: Vec<u8>,
    /// Of these.
    pub hash: PartHash,
}

impl SealedPart {
    fn of(bytes: Vec<u8>) -> Self {
        let hash = Sha256::digest(&bytes).into();
        Self { bytes, hash }
    }
}

impl fmt::Debug for SealedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedPart({} bytes)", self.bytes.len())
    }
}

/// Seals and opens the parts of one file, in any order.
pub struct FileCipher(Cipher);

impl FileCipher {
    /// Of the file with this key.
    pub fn new(key: &FileKey) -> Self {
        Self(Cipher::new(&key.0))
    }

    /// Seals a part for the first time.
    ///
    /// # Errors
    /// [`SealPartError`]; then nothing was sealed.
    pub fn seal(&self, place: PartPosition, plaintext: &[u8]) -> Result<SealedPart, SealPartError> {
        // After a crash a part that was never given out is sealed anew, to the same bytes.
        self.encrypt(place, plaintext, |nonce, chunk| self.0.seal_its_own(nonce, &[], chunk).ok())
    }

    /// Seals a part again that was sealed before. `None`: this would be another one. It is never given out, so no nonce comes
    /// twice with different plaintexts.
    pub fn seal_again(&self, place: PartPosition, plaintext: &[u8], before: &PartHash) -> Option<SealedPart> {
        let again = self.encrypt(place, plaintext, |nonce, chunk| self.0.seal_again(nonce, &[], chunk).ok());
        again.ok().filter(|again| again.hash == *before)
    }

    /// The hash that a part would have. What is sealed for it is never given out, so the text may be any.
    pub fn hash(&self, place: PartPosition, plaintext: &[u8]) -> Option<PartHash> {
        let sealed = self.encrypt(place, plaintext, |nonce, chunk| self.0.seal_again(nonce, &[], chunk).ok());
        sealed.ok().map(|sealed| sealed.hash)
    }

    /// Opens a part.
    ///
    /// # Errors
    /// [`OpenPartError`]; then no byte of it is given out.
    pub fn open(&self, place: PartPosition, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenPartError> {
        let mut plaintext = Zeroizing::default();
        self.open_into(place, sealed, &mut plaintext)?;
        Ok(plaintext)
    }

    /// The same into a buffer that is used for one part after the other.
    ///
    /// # Errors
    /// [`OpenPartError`]; then the buffer is empty.
    pub fn open_into(
        &self,
        place: PartPosition,
        sealed: &[u8],
        plaintext: &mut Zeroizing<Vec<u8>>,
    ) -> Result<(), OpenPartError> {
        plaintext.clear();
        let opened = self.decrypt(place, sealed, plaintext);
        opened.inspect_err(|_| plaintext.clear())
    }

    fn decrypt(
        &self,
        place: PartPosition,
        sealed: &[u8],
        plaintext: &mut Zeroizing<Vec<u8>>,
    ) -> Result<(), OpenPartError> {
        let wrong = || OpenPartError::Length(sealed.len());
        let tags = sealed.len().div_ceil(CHUNK + TAG).checked_mul(TAG).ok_or_else(wrong)?;
        let length =
            sealed.len().checked_sub(tags).filter(|length| fits(place, *length)).ok_or_else(wrong)?;
        let mut nonces = Nonces::of(place, length).ok_or(OpenPartError::Exhausted)?;
        if plaintext.capacity() < length {
            // And not grown, which would leave what it had somewhere.
            *plaintext = Zeroizing::new(Vec::with_capacity(length));
        }
        for chunk in sealed.chunks(CHUNK + TAG) {
            let (body, tag) = chunk.split_last_chunk().ok_or_else(wrong)?;
            let start = plaintext.len();
            plaintext.extend_from_slice(body);
            let body = plaintext.get_mut(start..).unwrap_or_default();
            let nonce = nonces.next().ok_or_else(wrong)?;
            self.0.open(&nonce, &[], body, tag).map_err(|_| OpenPartError::Forged)?;
        }
        Ok(())
    }

    fn encrypt(
        &self,
        place: PartPosition,
        plaintext: &[u8],
        seal: impl Fn(&[u8; NONCE], &mut [u8]) -> Option<[u8; TAG]>,
    ) -> Result<SealedPart, SealPartError> {
        let wrong = || SealPartError::Length(plaintext.len());
        if !fits(place, plaintext.len()) {
            return Err(wrong());
        }
        let mut nonces = Nonces::of(place, plaintext.len()).ok_or(SealPartError::Exhausted)?;
        let mut sealed = Vec::with_capacity(sealed_len(plaintext.len()));
        for chunk in plaintext.chunks(CHUNK) {
            let start = sealed.len();
            sealed.extend_from_slice(chunk);
            let nonce = nonces.next().ok_or_else(wrong)?;
            let tag = seal(&nonce, sealed.get_mut(start..).unwrap_or_default()).ok_or_else(wrong)?;
            sealed.extend_from_slice(&tag);
        }
        Ok(SealedPart::of(sealed))
    }
}

impl fmt::Debug for FileCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileCipher")
    }
}

/// Bytes of a sealed part with so much plaintext.
pub fn sealed_len(plaintext: usize) -> usize {
    plaintext.saturating_add(plaintext.div_ceil(CHUNK).saturating_mul(TAG))
}

/// A part with so much plaintext can stand there.
fn fits(place: PartPosition, plaintext: usize) -> bool {
    match place {
        PartPosition::Data { last: false, .. } => plaintext == PART,
        PartPosition::Data { last: true, .. } | PartPosition::List => (1..=PART).contains(&plaintext),
    }
}

/// The nonces of a part's chunks.
struct Nonces {
    kind: u8,
    next: u32,
    left: usize,
    ends: bool,
}

impl Nonces {
    /// None when the file would have more chunks than there are numbers.
    fn of(place: PartPosition, plaintext: usize) -> Option<Self> {
        let left = plaintext.div_ceil(CHUNK);
        match place {
            PartPosition::Data { part, last } => {
                let next = part.checked_mul(CHUNKS)?;
                Some(Self { kind: 0, next, left, ends: last })
            }
            PartPosition::List => Some(Self { kind: 1, next: 0, left, ends: true }),
        }
    }
}

impl Iterator for Nonces {
    type Item = [u8; NONCE];

    fn next(&mut self) -> Option<[u8; NONCE]> {
        self.left = self.left.checked_sub(1)?;
        let [a, b, c, d] = self.next.to_be_bytes();
        // A part begins at a multiple of its length, so its numbers never reach the end.
        self.next = self.next.wrapping_add(1);
        let last = self.ends && self.left == 0;
        Some([self.kind, 0, 0, 0, 0, 0, 0, a, b, c, d, u8::from(last)])
    }
}

#[cfg(test)]
mod tests;
