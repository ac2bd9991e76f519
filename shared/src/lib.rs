//! The crypto and room core of Schat, sans-I/O: bytes, the time and randomness go in; bytes to send,
//! state to save and events for people come out.
//!
//! ```text
//!   room ──▶ message        what is said, and what has become of it ──▶ file, its parts
//!    │  ╲──▶ invite         how a stranger gets in: secrets, links, the slot
//!    ▼        │
//!   mls ◀─────┘             the group (RFC 9420) and the rules of every member        linking: two devices of one person
//!    │
//!   identity ──▶ crypto     who somebody is; ciphers, suites, replay windows
//! ```

/// `schat.content.v2`, generated from `content/v2/content.proto`; the comments there are the specification.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod content {
    include!(concat!(env!("OUT_DIR"), "/schat.content.v2.rs"));
}

mod canonical;
pub mod crypto;
pub mod file;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
pub mod identity;
pub mod invite;
pub mod linking;
pub mod message;
pub mod mls;
pub mod room;
