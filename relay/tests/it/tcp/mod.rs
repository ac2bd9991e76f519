//! The fallback: the same rooms in a WebSocket over TLS over TCP.

pub(crate) mod client;
mod hostile;
mod http;
mod port;
mod rooms;
