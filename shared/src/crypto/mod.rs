//! Ciphers, cipher suites, replay windows and randomness.

pub mod aead;
pub mod random;
pub mod replay;
mod secret_debug;
pub mod suite;
