//! The fallback: the same rooms in a WebSocket over TLS over TCP.

pub mod client;
mod hostile;
pub mod http;
mod page;
mod port;
mod rooms;
mod site;
