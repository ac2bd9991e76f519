//! The operator's door: HTTP/1 with JSON over a Unix socket in the data directory.
//!
//! ```text
//! relay status ─▶ client ─▶ admin.sock ─▶ server (bounds, reads) ─▶ routes ─▶ one module per command family
//! ```
//!
//! Whoever may write the socket may do everything: it has mode 0600 in a directory of mode 0700, and other users
//! are sent away. On a port of its own (`--admin-listen`) there are only health and numbers. A new command: a module with a function `(&Admin, &Request) -> Answer`, a line in [`routes`], and
//! on the other side [`client::get`] or [`client::post`].

mod backup;
pub mod check;
pub mod client;
pub mod clock;
pub mod drain;
mod exchange;
mod health;
mod metrics;
pub mod openers;
pub(crate) mod reload;
pub mod rooms;
mod routes;
mod server;
#[cfg(unix)]
pub(crate) mod socket;
pub mod status;
pub mod tokens;
pub mod top;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use certs::Pin;
use tokio::sync::{Mutex, mpsc};

pub(crate) use self::server::{Listener, serve};
#[cfg(unix)]
pub use self::socket::SocketError;
pub use self::{
    exchange::{Answer, Body, Fault, Reply, Request},
    reload::{Change, ReloadRequest, Report},
};
use crate::{
    log::{Backend, Overview, Unavailable},
    net::tls::Certificate,
    ops::security::Event,
    policy::reason::{Notice, Reason},
    session::shared::Shared,
};

/// The socket's name in the data directory.
pub const SOCKET: &str = "admin.sock";

/// Age up to which counts of all rooms are told again: they cost a look at each room.
const OVERVIEW_AGE: Duration = Duration::from_secs(5);

/// What a running relay tells and does for its operator.
pub(crate) struct Admin {
    pub shared: Arc<Shared>,
    pub backend: Arc<dyn Backend>,
    pub certificate: Arc<Certificate>,
    pub data_dir: PathBuf,
    pub addresses: Vec<SocketAddr>,
    pub pin: Pin,
    /// The name in its links, if it was given one.
    pub host: Option<String>,
    /// Clients that UDP does not reach are to come by TCP.
    pub tcp: bool,
    /// Its certificate is ordered from a public authority.
    pub orders: bool,
    /// One per address.
    pub links: Vec<String>,
    /// The port for whoever watches.
    pub watching: Option<SocketAddr>,
    /// When it started, Unix milliseconds.
    pub started_ms: u64,
    /// The same, by a clock that nobody sets.
    pub started: Instant,
    /// The last [`Admin::overview`], and when it was made.
    pub counted: Mutex<Option<(Instant, Overview)>>,
    /// To whoever runs the relay.
    pub reloads: mpsc::Sender<ReloadRequest>,
}

impl Admin {
    /// Writes into the security log that the operator did this.
    pub(crate) fn did(&self, action: &'static str) {
        self.shared.metrics.security.note(Event::Operator(action), None);
    }

    /// What the operator says now.
    pub(crate) fn notice(&self, reason: Reason) -> Notice {
        Notice::new(self.shared.clock.now_ms(), reason)
    }

    /// Whether messages are taken: the writer answers, has space, and the relay is not stopping.
    pub(crate) async fn is_taking_appends(&self) -> bool {
        health::readiness(self).await.reasons.is_empty()
    }

    /// Free bytes on the data directory's file system.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        fs4::available_space(&self.data_dir).ok()
    }

    /// What all rooms take together, a few seconds old at most.
    pub(crate) async fn overview(&self) -> Result<Overview, Unavailable> {
        // Held while counting: who else asks waits for the same answer.
        let mut counted = self.counted.lock().await;
        if let Some((at, overview)) = *counted
            && at.elapsed() < OVERVIEW_AGE
        {
            return Ok(overview);
        }
        let overview = self.backend.overview().await?;
        *counted = Some((Instant::now(), overview));
        Ok(overview)
    }
}
