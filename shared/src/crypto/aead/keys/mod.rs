//! The two directions: a sealing key counts, an opening key does not.

use std::fmt;

use proto::RoomId;
use zeroize::Zeroizing;

use super::{
    cipher::Cipher,
    envelope::{Envelope, HEADER, MAX_CONTENT, OVERHEAD, header, nonce},
    padding,
    scope::{EnvelopeSecret, Scope, SenderTag, Session},
};
use crate::crypto::random::Random;

/// Most envelopes under one key: the bound of NIST SP 800-38D, 8.3, on calls per key. At the relay's
/// 100 messages a minute it is 81 years away, and every epoch brings a new key.
const MAX_ENVELOPES: u64 = 1 << 32;

/// Associated data: the header, then the room.
const AAD: usize = HEADER + RoomId::LEN;

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// This key has sealed all it may; a new session or a new epoch brings a new key.
    #[error("the key has sealed as many envelopes as it may")]
    Exhausted,
    /// No envelope holds that much.
    #[error("a content of {length} bytes is over the limit of {limit}")]
    TooLarge {
        /// What was to be sealed, in bytes.
        length: usize,
        /// The limit in force, in bytes.
        limit: usize,
    },
}

/// Why an envelope did not open.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenError {
    /// It names another sender or session; try the key of that one.
    #[error("the envelope names another key")]
    OtherKey,
    /// It was not sealed under this key, for this room, with these bytes.
    #[error("the envelope is not authentic")]
    Forged,
    /// It is authentic, but its sender padded it as no honest sender does.
    #[error("the envelope's padding is not canonical")]
    Padding,
}

/// Seals, and counts what it sealed. Wiped on drop; not `Clone`, since two copies would count alike.
pub struct SealingKey {
    cipher: Cipher,
    room: RoomId,
    sender: SenderTag,
    session: Session,
    next: u64,
    /// First sequence number that this key must not use.
    end: u64,
}

impl SealingKey {
    /// Draws a session for this key alone. The only right way for [`super::Origin::Invite`] and
    /// [`super::Origin::Slot`], whose secrets outlive epochs: a session that a process uses again would count
    /// from 0 again under the same key.
    pub fn fresh(secret: &EnvelopeSecret, scope: &Scope, random: &Random) -> Self {
        Self::new(secret, scope, Session::random(random))
    }

    /// The key of a session that has not sealed in this scope; its sequence starts at 0.
    pub fn new(secret: &EnvelopeSecret, scope: &Scope, session: Session) -> Self {
        Self::resume(secret, scope, session, 0)
    }

    /// The session goes on in a new epoch: a new key, but the sequence continues, so that a receiver's
    /// replay window does as well. Never to be called for a scope in which the session already sealed,
    /// unless `next_sequence` is what that key had come to.
    pub fn resume(secret: &EnvelopeSecret, scope: &Scope, session: Session, next_sequence: u64) -> Self {
        Self {
            cipher: secret.cipher(scope, session),
            room: scope.room,
            sender: SenderTag::derive(secret, scope),
            session,
            next: next_sequence,
            end: next_sequence.saturating_add(MAX_ENVELOPES),
        }
    }

    /// Seals one content into a whole envelope and advances the sequence.
    ///
    /// # Errors
    /// [`SealError`]; the sequence has then not advanced.
    pub fn seal(&mut self, content: &[u8]) -> Result<Vec<u8>, SealError> {
        let too_large = SealError::TooLarge { length: content.len(), limit: MAX_CONTENT };
        let Some(bucket) = padding::bucket(content.len()).filter(|_| content.len() <= MAX_CONTENT) else {
            return Err(too_large);
        };
        // All of it at once: growing would leave copies of the plaintext behind.
        let mut envelope = Vec::with_capacity(bucket.saturating_add(OVERHEAD));
        envelope.extend_from_slice(&[0; HEADER]);
        envelope.extend_from_slice(content);
        padding::pad(&mut envelope, content.len(), bucket);
        self.seal_padded(envelope).map_err(|exhausted| exhausted.unwrap_or(too_large))
    }

    /// The sequence number of the next envelope.
    pub fn next_sequence(&self) -> u64 {
        self.next
    }

    /// The session.
    pub fn session(&self) -> Session {
        self.session
    }

    /// The tag that its envelopes carry.
    pub fn sender(&self) -> SenderTag {
        self.sender
    }

    /// What a member who does not keep to the padding can send: a plaintext as it is, with zeros up to a bucket.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn seal_any_padding(&mut self, plaintext: &[u8]) -> Option<Vec<u8>> {
        let bucket = padding::bucket(plaintext.len().saturating_sub(1))?;
        let mut envelope = [&[0; HEADER], plaintext].concat();
        envelope.resize(HEADER.saturating_add(bucket), 0);
        self.seal_padded(envelope).ok()
    }

    /// Seals `room for a header ‖ plaintext`. The error is `None` when GCM refused the length.
    fn seal_padded(&mut self, mut envelope: Vec<u8>) -> Result<Vec<u8>, Option<SealError>> {
        // The greatest number stays unused, so that `next` always is a number.
        if self.next >= self.end {
            return Err(Some(SealError::Exhausted));
        }
        let header = header(self.sender, self.session, self.next);
        let (start, plaintext) = envelope.split_first_chunk_mut().ok_or(None)?;
        *start = header;
        let aad = associated_data(&header, &self.room);
        let tag = self.cipher.seal(&nonce(self.next), &aad, plaintext).map_err(|_| None)?;
        envelope.extend_from_slice(&tag);
        self.next = self.next.saturating_add(1);
        Ok(envelope)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({:?}, next {})", self.sender, self.next)
    }
}

/// Opens what one sender sealed in one session and epoch. Wiped on drop.
pub struct OpeningKey {
    cipher: Cipher,
    room: RoomId,
    sender: SenderTag,
    session: Session,
}

impl OpeningKey {
    /// The key for what `scope.origin` seals in `session`.
    pub fn new(secret: &EnvelopeSecret, scope: &Scope, session: Session) -> Self {
        Self {
            cipher: secret.cipher(scope, session),
            room: scope.room,
            sender: SenderTag::derive(secret, scope),
            session,
        }
    }

    /// The tag that envelopes for this key carry.
    pub fn sender(&self) -> SenderTag {
        self.sender
    }

    /// Authenticates the envelope and returns its content, without padding. It says nothing about
    /// replays: ask [`crate::crypto::replay::Window::check`] before, and `commit` after.
    ///
    /// # Errors
    /// [`OpenError`]; no byte of the plaintext is then given out.
    pub fn open(&self, envelope: &Envelope<'_>) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if envelope.sender() != self.sender || envelope.session() != self.session {
            return Err(OpenError::OtherKey);
        }
        let aad = associated_data(envelope.header, &self.room);
        let mut plaintext = Zeroizing::new(envelope.ciphertext.to_vec());
        self.cipher
            .open(&nonce(envelope.sequence()), &aad, &mut plaintext, envelope.tag)
            .map_err(|_| OpenError::Forged)?;
        let content = padding::unpad(&plaintext).map_err(|_| OpenError::Padding)?;
        plaintext.truncate(content);
        Ok(plaintext)
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpeningKey({:?})", self.sender)
    }
}

fn associated_data(header: &[u8; HEADER], room: &RoomId) -> [u8; AAD] {
    let mut out = [0; AAD];
    let (start, end) = out.split_at_mut(HEADER);
    start.copy_from_slice(header);
    end.copy_from_slice(room.as_bytes());
    out
}

#[cfg(test)]
mod tests;
