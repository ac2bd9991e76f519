//! What a connection is before anything is said on it: sockets, TLS, QUIC, the fallback over TCP, and who may come in.

pub(crate) mod admission;
pub(crate) mod fragments;
#[cfg(feature = "program")]
pub(crate) mod leaves;
pub(crate) mod listen;
pub mod networks;
#[cfg(feature = "program")]
pub(crate) mod proxy;
pub(crate) mod quic;
pub(crate) mod reset;
pub(crate) mod segments;
pub(crate) mod socket;
pub mod sockets;
pub(crate) mod tcp;
pub(crate) mod tls;
pub(crate) mod transport;
pub mod web;
