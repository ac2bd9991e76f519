//! The AEAD engine and the envelope.
//!
//! Everything that crosses the relay is one shape, so the relay cannot tell a commit from a chat line by
//! its bytes:
//!
//! ```text
//! envelope = version(1) ‖ sender(8) ‖ session(8) ‖ sequence(8) ‖ AES-256-GCM(pad(content))
//!            associated data = version ‖ sender ‖ session ‖ sequence ‖ room id(32)
//!            nonce = 0x00000000 ‖ sequence
//!            PRK    = HKDF-Extract("schat/2 envelope", secret)
//!            key    = HKDF-Expand(PRK, info("schat/2 envelope key") ‖ session(8), 32)
//!            sender = HKDF-Expand(PRK, info("schat/2 envelope sender"), 8)
//!            info(label) = len(label)(1) ‖ label ‖ room id(32) ‖ epoch(8) ‖ origin(5)
//!            origin = kind(1) ‖ leaf index(4)
//!            pad(content) = content ‖ 0x80 ‖ 0x00…, up to its bucket
//! ```
//!
//! Integers are big-endian; HKDF is RFC 5869 with SHA-256; AES-256-GCM is NIST SP 800-38D.
//!
//! | content, bytes | bucket | envelope on the wire, bytes |
//! |---|---|---|
//! | 0 – 255 | 256 | 297 |
//! | 256 – 511 | 512 | 553 |
//! | 512 – 1,023 | 1 KiB | 1,065 |
//! | 1,024 – 2,047 | 2 KiB | 2,089 |
//! | 2,048 – 4,095 | 4 KiB | 4,137 |
//! | 4,096 – 8,191 | 8 KiB | 8,233 |
//! | 8,192 – 16,383 | 16 KiB | 16,425 |
//! | 16,384 – 32,767 | 32 KiB | 32,809 |
//! | 32,768 – 65,535 | 64 KiB | 65,577 |
//! | above | next multiple of 64 KiB | 41 more than that |
//!
//! The greatest content has 4,128,767 bytes (63 × 64 KiB − 1).
//!
//! **Nonces never repeat.** A key belongs to one secret, room, epoch, origin and session; the session is
//! drawn at random when the process starts and is never stored; within it the sequence only counts up.
//!
//! **AES-GCM does not commit to its key**: who knows two keys can make one envelope that opens under both.
//! What matters is bound otherwise. Room, epoch, origin and session go into the key, all but the session into the
//! sender's tag, and the tag leads to one key only: no other is tried. Who could make such an envelope is a member,
//! and would gain nothing: what is inside is an MLS message, which its sender signed for one group, epoch, session and
//! number (RFC 9420, 6.1), so who spoke is never concluded from the envelope's key. The keys are uniformly random, so
//! there is no partitioning oracle on a guessable key.
//! `docs/envelope.md` has the reasoning at length.
//!
//! The same engine seals file chunks ([`stream`]), records at rest ([`record`]) and pieces of a room's tree ([`piece`]).

mod cipher;
mod envelope;
mod keys;
mod padding;
mod scope;
#[cfg(test)]
mod testing;

#[cfg(any(test, feature = "nonce-audit"))]
pub mod audit;
pub mod backup;
pub mod piece;
pub mod record;
pub mod stream;

pub use envelope::{Envelope, MAX_CONTENT, OVERHEAD, ParseError};
pub use keys::{OpenError, OpeningKey, SealError, SealingKey};
#[cfg(test)]
pub(crate) use scope::DERIVED;
pub use scope::{EnvelopeSecret, Origin, Scope, SenderTag, Session};
