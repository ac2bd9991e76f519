//! A running relay, for the program and for whoever embeds it.

use std::{
    net::{Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use certs::Pin;
use proto::{CloseCode, DEFAULT_PORT};
use quinn::Endpoint;
use tokio::{task::JoinHandle, time::timeout};

use crate::{
    admin::{self, Admin, Listener},
    backend::{Backend, redb::Redb},
    clock::unix_ms,
    connection,
    error::StartError,
    identity::{self, Identity, IdentityError, Tls},
    limits::{CLOSE_TIME, FAREWELL_TIME, FLUSH_TIME, Limits, TRIM_INTERVAL},
    link,
    listen::{Fallback, Listening},
    metrics::Metrics,
    quic,
    reload::Reloader,
    reset::ResetKey,
    shared::Shared,
    tcp, tls,
};

/// What a relay is started with. `Config::new(data_dir)` and `Config::default()` are complete.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; `0.0.0.0` and `[::]` both mean IPv4 and IPv6. Port 0 takes any free one.
    pub listen: Vec<SocketAddr>,
    /// Where the log and the identity are kept; `None` for the user's data directory.
    pub data_dir: Option<PathBuf>,
    /// The certificate.
    pub tls: Tls,
    /// The name or address to put in links; `None` to guess.
    pub host: Option<String>,
    /// The way for clients that UDP does not reach: TCP at the same port.
    pub fallback: Fallback,
    /// How long a leaf of the relay's own authority lives; it is replaced at half of it.
    pub leaf_life: Duration,
    /// What is allowed.
    pub limits: Limits,
    /// Offer the operator's socket in the data directory. The program does; who embeds a relay has other means.
    pub admin: bool,
    /// A loopback address for health and numbers; `None` for none.
    pub admin_listen: Option<SocketAddr>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![(Ipv6Addr::UNSPECIFIED, DEFAULT_PORT).into()],
            data_dir: None,
            tls: Tls::default(),
            host: None,
            fallback: Fallback::Off,
            leaf_life: certs::LEAF_LIFETIME,
            limits: Limits::default(),
            admin: false,
            admin_listen: None,
        }
    }
}

impl Config {
    /// Listens on one address and keeps its data in `data_dir`.
    pub fn new(listen: SocketAddr, data_dir: impl Into<PathBuf>) -> Self {
        Self { listen: vec![listen], data_dir: Some(data_dir.into()), ..Self::default() }
    }

    /// Where the data is: as told, else the user's data directory.
    ///
    /// # Errors
    /// [`StartError::NoDataDir`] if there is none.
    pub fn data_dir(&self) -> Result<PathBuf, StartError> {
        self.data_dir.clone().or_else(default_data_dir).ok_or(StartError::NoDataDir)
    }
}

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
    backend: Arc<Redb>,
    doors: Vec<JoinHandle<()>>,
    chores: Vec<JoinHandle<()>>,
    identity: Arc<Identity>,
    operators: Vec<JoinHandle<()>>,
    /// Taken away with the relay.
    #[cfg(unix)]
    socket: Option<admin::socket::SocketFile>,
}

impl Relay {
    /// Starts a relay on the current tokio runtime. When this returns, it serves.
    ///
    /// # Errors
    /// [`StartError`] with cause and remedy.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let data_dir = config.data_dir()?;
        let limits = config.limits;
        if config.listen.is_empty() {
            return Err(StartError::NoAddress);
        }
        let names = link::names(
            config
                .listen
                .iter()
                .map(|address| link::host(*address))
                .chain(config.host.clone())
                .chain(config.tls.domains().iter().cloned()),
        );
        let (tls, life, wanted, path) = (config.tls, config.leaf_life, limits.clone(), data_dir.clone());
        // Opening may repair a large log after a crash.
        let opened = tokio::task::spawn_blocking(move || open(&path, &wanted, &tls, names, life)).await;
        let (backend, reset, identity) = opened.map_err(|_| {
            let source = std::io::Error::other("the database is damaged");
            StartError::DataDir { path: data_dir.clone(), source }
        })??;
        let crypto = tls::server_config(identity.certificate.clone())?;
        let server = quic::server_config(crypto, &limits);

        let secured = tls::tcp_config(identity.certificate.clone())?;
        let (mut endpoints, mut addresses) = (Vec::new(), Vec::new());
        let (mut listeners, mut without_tcp) = (Vec::new(), Vec::new());
        for address in config.listen {
            let listening = Listening::open(address, config.fallback, &reset, &server)?;
            addresses.push(listening.address);
            endpoints.push(listening.endpoint);
            match listening.fallback {
                Some(listener) => listeners.push(listener),
                None => without_tcp.push(listening.address),
            }
        }

        let shared = Arc::new(Shared::new(backend.clone(), &limits));
        let serve = |endpoint: &Endpoint| tokio::spawn(connection::serve(shared.clone(), endpoint.clone()));
        let mut doors: Vec<_> = endpoints.iter().map(serve).collect();
        let serve = |listener| tokio::spawn(tcp::serve(shared.clone(), listener, secured.clone()));
        doors.extend(listeners.into_iter().map(serve));
        let reloader = Reloader {
            endpoints: endpoints.clone(),
            server,
            backend: backend.clone(),
            shared: shared.clone(),
        };
        let has_fallback = without_tcp.is_empty();
        let (pin, certificate) = (identity.pin, identity.certificate.clone());
        let chores = vec![
            // Where there is TCP, it answers the authority's challenges as well.
            tokio::spawn(identity.clone().keep_fresh(without_tcp)),
            tokio::spawn(keep_trimmed(backend.clone())),
        ];
        let mut relay = Self {
            endpoints,
            reloader,
            addresses,
            has_fallback,
            pin,
            host: config.host,
            shared,
            backend,
            doors,
            chores,
            identity,
            operators: Vec::new(),
            #[cfg(unix)]
            socket: None,
        };
        let operator = Operator { data_dir, listen: config.admin_listen, socket: config.admin };
        relay.open_admin(&operator, certificate).await?;
        Ok(relay)
    }

    /// Opens what operators come through.
    async fn open_admin(
        &mut self,
        config: &Operator,
        certificate: Arc<tls::Certificate>,
    ) -> Result<(), StartError> {
        let mut listeners = Vec::new();
        let mut watching = None;
        if let Some(address) = config.listen {
            let listener = admin::loopback(address).await?;
            watching = listener.local_addr().ok();
            listeners.push(Listener::Loopback(listener));
        }
        #[cfg(unix)]
        if config.socket {
            let path = config.data_dir.join(admin::SOCKET);
            let opened = admin::socket::listen(&config.data_dir).await;
            let (listener, file) = opened.map_err(|source| StartError::Admin { path, source })?;
            listeners.push(Listener::Socket(listener));
            self.socket = Some(file);
        }
        let admin = Arc::new(Admin {
            shared: self.shared.clone(),
            backend: self.backend.clone(),
            certificate,
            data_dir: config.data_dir.clone(),
            addresses: self.addresses.clone(),
            pin: self.pin,
            links: self.addresses.iter().map(|address| self.link(*address)).collect(),
            watching,
            started_ms: unix_ms(),
            counted: tokio::sync::Mutex::default(),
        });
        let serve = |listener| tokio::spawn(admin::serve(admin.clone(), listener));
        self.operators.extend(listeners.into_iter().map(serve));
        Ok(())
    }

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
        let doors = async {
            for door in &mut self.doors {
                // A door that failed has nothing open any more.
                let _ = door.await;
            }
        };
        // Twice: once for acknowledgements, once for the farewell itself.
        let _ = timeout(FAREWELL_TIME * 2, doors).await;
        for door in &self.doors {
            door.abort();
        }
        let _ = timeout(FLUSH_TIME, self.shared.backend.close()).await;
        for endpoint in &self.endpoints {
            endpoint.close(CloseCode::ShuttingDown.value().into(), b"");
        }
        let idle = async {
            for endpoint in &self.endpoints {
                endpoint.wait_idle().await;
            }
        };
        let _ = timeout(CLOSE_TIME, idle).await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for task in self.doors.iter().chain(&self.chores).chain(&self.operators) {
            task.abort();
        }
    }
}

/// What operators come through.
struct Operator {
    data_dir: PathBuf,
    listen: Option<SocketAddr>,
    socket: bool,
}

fn open(
    data_dir: &Path,
    limits: &Limits,
    tls: &Tls,
    names: Vec<String>,
    leaf_life: Duration,
) -> Result<(Arc<Redb>, ResetKey, Arc<Identity>), StartError> {
    let broken = |error| StartError::io(data_dir.to_owned(), error);
    let backend = open_backend(data_dir, limits)?;
    let reset = ResetKey::load_or_create(data_dir).map_err(broken)?;
    Ok((Arc::new(backend), reset, Arc::new(Identity::load(tls, data_dir, names, leaf_life)?)))
}

/// Opens the database, also for a command while no relay runs.
pub(crate) fn open_backend(data_dir: &Path, limits: &Limits) -> Result<Redb, StartError> {
    create_private(data_dir).map_err(|error| StartError::io(data_dir.to_owned(), error))?;
    Redb::open(data_dir, limits).map_err(|error| StartError::data(data_dir.to_owned(), error))
}

/// The links of a relay that would be started with this; none for a port that the system is yet to choose.
pub(crate) fn links(config: &Config) -> Result<Vec<String>, StartError> {
    let pin = identity::pin(&config.data_dir()?)?;
    let known = config.listen.iter().filter(|address| address.port() != 0);
    let host = |address: &SocketAddr| config.host.clone().unwrap_or_else(|| link::host(*address));
    Ok(known.map(|address| link::link(&host(address), address.port(), &pin)).collect())
}

async fn keep_trimmed(backend: Arc<Redb>) {
    loop {
        backend.trim(unix_ms()).await;
        tokio::time::sleep(TRIM_INTERVAL).await;
    }
}

/// The user's data directory by the XDG rules (or what takes their place on other systems).
fn default_data_dir() -> Option<PathBuf> {
    Some(directories::ProjectDirs::from("", "", "schat-relay")?.data_dir().to_owned())
}

fn create_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
