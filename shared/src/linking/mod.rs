//! Linking two devices of one person: what they say to each other in a room that is made for this alone, before anything is
//! handed over. docs/devices.md has the reasons.
//!
//! ```text
//!   old device                                new device
//!      │  commitment to its nonce  ──────────▶  │
//!      │  ◀──────────  its nonce, its name      │
//!      │  its nonce                ──────────▶  │
//!   phrase, shown                            phrase, shown
//!      │  a person has confirmed: parts ─────▶  │
//!      │  ◀────────────────────────────  done   │
//! ```
//!
//! Whoever sits between them has a room with each. A phrase is of few bits, so who could try keys, or nonces, until both
//! sides show the same would find some. Here nobody can: the old device is bound to its nonce before it sees the other, and
//! the new one chooses its own before it sees that. So there is one try.

mod fault;
mod handshake;
mod message;
mod parcel;
mod phrase;

pub use fault::{EndReason, LinkFault};
pub use handshake::{Agreed, Handshake, Role, Taken};
pub use message::{LinkMessage, MAX_PART, MAX_PARTS};
pub use parcel::{Parcel, ParcelError, parts};
pub use phrase::{EMOJI, Phrase};
