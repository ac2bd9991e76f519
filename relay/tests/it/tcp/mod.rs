//! The fallback: the same rooms in a WebSocket over TLS over TCP.

pub(crate) mod client;
mod hostile;
pub(crate) mod http;
mod page;
mod port;
mod rooms;
mod site;
