//! A running relay, for the program and for whoever embeds it.

pub(crate) mod config;
pub(crate) mod error;
pub(crate) mod link;
#[cfg(feature = "program")]
mod operators;
pub(crate) mod reload;
mod start;

use std::{net::SocketAddr, sync::Arc};

use certs::Pin;
use proto::CloseCode;
use quinn::Endpoint;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::timeout,
};

pub use self::config::Config;
pub(crate) use self::start::open_backend;
use crate::{
    blobs::FileTotals,
    identity::{self, Identity, IdentityError},
    log::Backend,
    ops::metrics::Metrics,
    policy::limits::{DRAIN_TIME, FLUSH_TIME, LAST_FRAME_TIME, Limits},
    relay::{error::StartError, reload::Reloader},
    session::shared::Shared,
};

/// A relay that serves. Call [`Relay::shutdown`]; dropped without it, connections see it vanish, and
/// what was acknowledged is on disk all the same.
pub struct Relay {
    endpoints: Vec<Endpoint>,
    reloader: Reloader,
    addresses: Vec<SocketAddr>,
    has_fallback: bool,
    pin: Pin,
    host: Option<String>,
    shared: Arc<Shared>,
    backend: Arc<dyn Backend>,
    acceptors: Vec<JoinHandle<()>>,
    chores: Vec<JoinHandle<()>>,
    identity: Arc<Identity>,
    #[cfg(feature = "program")]
    operators: Option<operators::Operators>,
}

impl Relay {
    /// Where it listens, with the real ports.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether clients that UDP does not reach can come by TCP, at each address.
    pub fn has_fallback(&self) -> bool {
        self.has_fallback
    }

    /// What clients pin.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// A link to hand out for one of its addresses.
    pub fn link(&self, address: SocketAddr) -> String {
        let host = self.host.clone().unwrap_or_else(|| link::host(address));
        link::link(&host, address.port(), &self.pin)
    }

    /// Reads the certificate again, or makes the next one, without waiting for its time.
    ///
    /// # Errors
    /// [`IdentityError`]; then the one before stays.
    pub async fn reload_certificate(&self) -> Result<(), IdentityError> {
        self.identity.clone().reload().await
    }

    /// The limits in force.
    pub fn limits(&self) -> Arc<Limits> {
        self.shared.limits()
    }

    /// Members online, all rooms together.
    pub fn online(&self) -> usize {
        self.shared.router().online()
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Other limits from now on. Connections that are open keep their QUIC windows and their number of rooms.
    pub fn reload(&self, limits: Limits) {
        self.reloader.reload(limits);
    }

    /// Its rooms, for whoever operates it.
    pub fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// How often the database was read. Who is online and keeps up costs no read.
    pub fn database_reads(&self) -> u64 {
        self.backend.stats().reads.get()
    }

    /// Clients' addresses in the security log from now on, or none any more.
    pub fn show_addresses(&self, shown: bool) {
        self.shared.metrics.security.show_addresses(shown);
    }

    /// Looks at the wall clock and goes through a round of retention at once, as it does by itself every few minutes.
    pub async fn tidy(&self) {
        let clock = self.shared.clock.clone();
        let _ = tokio::task::spawn_blocking(move || clock.look()).await;
        let now_ms = self.shared.clock.aged_ms();
        self.backend.trim(now_ms).await;
        self.shared.blobs.purge(now_ms).await;
        self.shared.blobs.trim(now_ms).await;
        start::drop_orphans(&*self.backend, &self.shared.blobs).await;
    }

    /// Files that it keeps, in numbers.
    pub fn files(&self) -> FileTotals {
        self.shared.blobs.totals()
    }

    /// Memory that parts of files on their way hold now, in bytes.
    pub fn files_in_memory(&self) -> u64 {
        self.shared.files_in_memory()
    }

    /// Returns true once a worker of the runtime and the thread that writes have both answered.
    pub async fn is_alive(&self) -> bool {
        let backend = self.backend.clone();
        // On a worker, and given up with this future.
        let mut asked = JoinSet::new();
        asked.spawn(async move { backend.probe().await });
        asked.join_next().await.is_some_and(|answer| answer.is_ok())
    }

    /// Returns if the relay cannot append any more, for ever: shut it down and start it anew.
    pub async fn failed(&self) {
        self.backend.failed().await;
    }

    /// Takes no more connections, tells every stream, lets what was accepted reach the disk and its
    /// acknowledgement the client, and closes. Takes less than 5 s.
    pub async fn shutdown(mut self) {
        self.shared.stopping.send_replace(true);
        for chore in &self.chores {
            chore.abort();
        }
        let accepted = async {
            for acceptor in &mut self.acceptors {
                // One that failed has nothing open any more.
                let _ = acceptor.await;
            }
        };
        // Twice: once for acknowledgements, once for the last frame itself.
        let _ = timeout(LAST_FRAME_TIME * 2, accepted).await;
        for acceptor in &self.acceptors {
            acceptor.abort();
        }
        let closed = async { tokio::join!(self.backend.close(), self.shared.blobs.close()) };
        let _ = timeout(FLUSH_TIME, closed).await;
        let clock = self.shared.clock.clone();
        let marked = tokio::task::spawn_blocking(move || clock.finish());
        let _ = timeout(FLUSH_TIME, marked).await;
        for endpoint in &self.endpoints {
            endpoint.close(CloseCode::ShuttingDown.value().into(), b"");
        }
        let idle = async {
            for endpoint in &self.endpoints {
                endpoint.wait_idle().await;
            }
        };
        let _ = timeout(DRAIN_TIME, idle).await;
        self.shared.metrics.security.finish();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for task in self.acceptors.iter().chain(&self.chores) {
            task.abort();
        }
    }
}

/// The links of a relay that would be started with this; none for a port that the system is yet to choose.
pub(crate) fn links(config: &Config) -> Result<Vec<String>, StartError> {
    let pin = identity::pin(&config.data_dir()?)?;
    let known = config.listen.iter().filter(|address| address.port() != 0);
    let host = |address: &SocketAddr| config.host.clone().unwrap_or_else(|| link::host(*address));
    Ok(known.map(|address| link::link(&host(address), address.port(), &pin)).collect())
}
