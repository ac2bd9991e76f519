//! The crypto and room core of Schat, sans-I/O: bytes, the time and randomness go in; bytes to send,
//! state to save and events for people come out.

/// `schat.content.v1`, generated from `content/v1/content.proto`; the comments there are the specification.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod content {
    include!(concat!(env!("OUT_DIR"), "/schat.content.v1.rs"));
}

pub mod aead;
pub mod credential;
pub mod engine;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
pub mod group;
pub mod identity;
pub mod invite;
pub mod link;
pub mod random;
pub mod replay;
pub mod rules;
pub mod safety;
mod secret_debug;
pub mod slot;
pub mod suite;
pub mod timeline;
