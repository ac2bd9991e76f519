//! What is said on a connection: its streams, each of which is one room's, and what they share.

pub(crate) mod acceptors;
pub(crate) mod connection;
pub(crate) mod join_gate;
pub(crate) mod joining;
pub(crate) mod peer;
pub mod request;
pub mod router;
pub(crate) mod shared;
mod spans;
pub(crate) mod stream;
pub(crate) mod streams;
