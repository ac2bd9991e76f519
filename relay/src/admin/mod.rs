//! The operator's door: HTTP/1 with JSON over a Unix socket in the data directory.
//!
//! ```text
//! relay status ─▶ client ─▶ admin.sock ─▶ server (bounds, reads) ─▶ routes ─▶ one module per command family
//! ```
//!
//! Whoever may write the socket may do everything: it has mode 0600 in a directory of mode 0700, and other users
//! are sent away. A new command: a module with a function `(&Admin, &Request) -> Answer`, a line in [`routes`], and
//! on the other side [`client::get`] or [`client::post`].

pub mod client;
mod exchange;
mod routes;
#[cfg(unix)]
mod server;
#[cfg(unix)]
pub(crate) mod socket;
pub mod status;
pub mod tokens;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use certs::Pin;

pub use self::exchange::{Answer, Body, Fault, Reply, Request};
#[cfg(unix)]
pub(crate) use self::server::serve;
#[cfg(unix)]
pub use self::socket::SocketError;
use crate::{backend::redb::Redb, shared::Shared, tls::Certificate};

/// The socket's name in the data directory.
pub const SOCKET: &str = "admin.sock";

/// What a running relay tells and does for its operator.
pub(crate) struct Admin {
    pub shared: Arc<Shared>,
    pub backend: Arc<Redb>,
    pub certificate: Arc<Certificate>,
    pub data_dir: PathBuf,
    pub addresses: Vec<SocketAddr>,
    pub pin: Pin,
    /// One per address.
    pub links: Vec<String>,
    /// When it started, Unix milliseconds.
    pub started_ms: u64,
}
