//! The envelope on the wire: `version(1) ‖ sender(8) ‖ session(8) ‖ sequence(8) ‖ ciphertext ‖ tag(16)`.

use super::{
    cipher::{NONCE, TAG},
    padding,
    scope::{SenderTag, Session},
};

/// The only version that is taken. Version 1 had a key id for each session, which cost a search.
const VERSION: u8 = 2;
/// Bytes before the ciphertext: version, the sender's tag, session, sequence.
pub(super) const HEADER: usize = 1 + 8 + 8 + 8;

/// Bytes that an envelope adds to its bucket: header and tag.
pub const OVERHEAD: usize = HEADER + TAG;

/// Greatest content of an envelope in the log, in bytes: the greatest bucket (63 × 64 KiB) for which
/// the whole stays within [`proto::MAX_ENVELOPE`], less one byte of padding.
pub const MAX_CONTENT: usize = 63 * (64 << 10) - 1;

const _: () = assert!(MAX_CONTENT + 1 + OVERHEAD <= proto::MAX_ENVELOPE);

/// Why bytes are not an envelope.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseError {
    /// Another version, or no bytes at all.
    #[error("not an envelope of a known version")]
    Version,
    /// No envelope has this length.
    #[error("no envelope has {0} bytes")]
    Length(usize),
}

/// An envelope as it came. Its header is unauthenticated: it says where to look for a key, and is
/// true only once [`super::OpeningKey::open`] has opened the envelope under that key.
#[derive(Clone, Copy)]
pub struct Envelope<'a> {
    pub(super) header: &'a [u8; HEADER],
    pub(super) ciphertext: &'a [u8],
    pub(super) tag: &'a [u8; TAG],
    sender: SenderTag,
    session: Session,
    sequence: u64,
}

impl<'a> Envelope<'a> {
    /// Reads an envelope of the log.
    ///
    /// # Errors
    /// [`ParseError`] when the version is not known or no envelope of the log has that length.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.first() != Some(&VERSION) {
            return Err(ParseError::Version);
        }
        let length = ParseError::Length(bytes.len());
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else { return Err(length) };
        let Some((ciphertext, tag)) = rest.split_last_chunk::<TAG>() else { return Err(length) };
        if !padding::is_bucket(ciphertext.len()) || ciphertext.len() > MAX_CONTENT.saturating_add(1) {
            return Err(length);
        }
        let [_, t0, t1, t2, t3, t4, t5, t6, t7, s0, s1, s2, s3, s4, s5, s6, s7, sequence @ ..] = *header;
        Ok(Self {
            header,
            ciphertext,
            tag,
            sender: SenderTag([t0, t1, t2, t3, t4, t5, t6, t7]),
            session: Session([s0, s1, s2, s3, s4, s5, s6, s7]),
            sequence: u64::from_be_bytes(sequence),
        })
    }

    /// The sender that the envelope claims; unauthenticated.
    pub fn sender(&self) -> SenderTag {
        self.sender
    }

    /// The sender's session that the envelope claims; unauthenticated.
    pub fn session(&self) -> Session {
        self.session
    }

    /// The sequence number that the envelope claims; unauthenticated. The replay window is asked with it
    /// before opening, and moved only after.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// The header of one envelope.
pub(super) fn header(sender: SenderTag, session: Session, sequence: u64) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    let fields = [VERSION].into_iter().chain(sender.0).chain(session.0).chain(sequence.to_be_bytes());
    for (to, from) in out.iter_mut().zip(fields) {
        *to = from;
    }
    out
}

/// `0x00000000 ‖ sequence`: unique under a key because the sequence is (RFC 5116, 3.2, with a fixed
/// part of zeros, since no two senders share a key).
pub(super) fn nonce(sequence: u64) -> [u8; NONCE] {
    let [a, b, c, d, e, f, g, h] = sequence.to_be_bytes();
    [0, 0, 0, 0, a, b, c, d, e, f, g, h]
}
