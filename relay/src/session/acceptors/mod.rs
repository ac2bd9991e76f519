//! The tasks that take connections: one for each socket.

pub(crate) mod quic;
pub(crate) mod tcp;
