//! Starting: the data, the sockets, and the tasks that keep them.

use std::{path::Path, sync::Arc, time::Duration};

use quinn::Endpoint;

#[cfg(feature = "program")]
use super::operators::{self, OperatorSockets};
use super::{Config, Relay};
use crate::{
    blobs::Blobs,
    clock::{self, Clock, TimeSource},
    identity::{self, Identity, Tls},
    log::{self, Backend, caught::caught},
    net::{
        listen::Listening,
        quic,
        reset::ResetKey,
        sockets::{Sockets, SocketsError},
        tls,
    },
    ops::security::QUIET,
    policy::{
        files::SWEEP_INTERVAL,
        limits::{Limits, TRIM_INTERVAL},
    },
    relay::{error::StartError, link, reload::Reloader},
    session::{acceptors, shared::Shared},
};

impl Relay {
    /// Starts a relay on the current tokio runtime. When this returns, it serves.
    ///
    /// # Errors
    /// [`StartError`] with cause and remedy.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_on(config, Sockets::default()).await
    }

    /// Starts a relay on these sockets. Where there are any, they take the place of the addresses of `listen`.
    ///
    /// # Errors
    /// [`StartError`] with cause and remedy.
    pub async fn start_on(mut config: Config, mut sockets: Sockets) -> Result<Self, StartError> {
        if let Some(handed) = sockets.addresses().map_err(SocketsError::Io)? {
            tracing::info!(sockets = handed.len(), "listening on sockets of the service manager");
            config.listen = handed;
        }
        let data_dir = config.data_dir()?;
        let limits = config.limits.clone();
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
        // First of all: a relay that cannot start makes no identity and no database.
        config.tls.check()?;
        #[cfg(feature = "program")]
        operators::check(&config, &data_dir).await?;
        let mut bound = Vec::new();
        for address in std::mem::take(&mut config.listen) {
            let handed = sockets.take(address);
            bound.push(Listening::open(address, config.fallback, handed)?);
        }
        #[cfg(feature = "program")]
        let for_operators = OperatorSockets::bind(&config).await?;
        let proxies = config.proxies();
        let (tls, life, wanted, path) = (config.tls, config.leaf_life, limits.clone(), data_dir.clone());
        let time = config.time;
        // Opening may repair a large log after a crash.
        let opened =
            tokio::task::spawn_blocking(move || caught(|| open(&path, &wanted, &tls, names, (life, time))));
        let Opened { backend, blobs, clock, reset, identity } =
            opened.await.ok().flatten().ok_or_else(|| StartError::Damaged { path: data_dir.clone() })??;
        let crypto = tls::server_config(identity.certificate.clone())?;
        let server = quic::server_config(crypto, &limits);

        let secured = tls::tcp_config(identity.certificate.clone())?;
        let (mut endpoints, mut addresses) = (Vec::new(), Vec::new());
        let (mut listeners, mut without_tcp) = (Vec::new(), Vec::new());
        for listening in bound {
            let address = listening.address;
            let (endpoint, fallback) = listening.serve(&proxies, &reset, &server)?;
            addresses.push(address);
            endpoints.push(endpoint);
            match fallback {
                Some(listener) => listeners.push(listener),
                None => without_tcp.push(address),
            }
        }

        let shared = Arc::new(Shared::new(backend.clone(), blobs.clone(), clock.clone(), &limits));
        let serve =
            |endpoint: &Endpoint| tokio::spawn(acceptors::quic::serve(shared.clone(), endpoint.clone()));
        let mut acceptors: Vec<_> = endpoints.iter().map(serve).collect();
        let serve = |listener| {
            tokio::spawn(acceptors::tcp::serve(shared.clone(), listener, secured.clone(), proxies.clone()))
        };
        acceptors.extend(listeners.into_iter().map(serve));
        let reloader = Reloader {
            endpoints: endpoints.clone(),
            server,
            backend: backend.clone(),
            shared: shared.clone(),
        };
        let has_fallback = without_tcp.is_empty();
        let pin = identity.pin;
        let chores = vec![
            // Where there is TCP, it answers the authority's challenges as well.
            tokio::spawn(identity.clone().keep_fresh(without_tcp)),
            tokio::spawn(keep_trimmed(backend.clone(), blobs.clone(), clock.clone())),
            tokio::spawn(keep_swept(backend.clone(), blobs.clone(), clock.clone())),
            tokio::spawn(look_for_damage(backend.clone(), clock.clone())),
            tokio::spawn(keep_time(clock)),
            tokio::spawn(keep_said(shared.clone())),
        ];
        shared.metrics.security.show_addresses(config.log_addresses);
        let relay = Self {
            endpoints,
            reloader,
            addresses,
            has_fallback,
            pin,
            host: config.host,
            shared,
            backend,
            acceptors,
            chores,
            identity,
            #[cfg(feature = "program")]
            operators: None,
        };
        #[cfg(feature = "program")]
        let relay = for_operators.open(relay, &data_dir).await?;
        Ok(relay)
    }
}

/// What is in the data directory.
struct Opened {
    backend: Arc<dyn Backend>,
    blobs: Arc<Blobs>,
    clock: Arc<Clock>,
    reset: ResetKey,
    identity: Arc<Identity>,
}

fn open(
    data_dir: &Path,
    limits: &Limits,
    tls: &Tls,
    names: Vec<String>,
    (leaf_life, time): (Duration, Arc<dyn TimeSource>),
) -> Result<Opened, StartError> {
    let broken = |error| StartError::io(data_dir.to_owned(), error);
    let backend = open_backend(data_dir, limits)?;
    if !identity::is_there(data_dir).map_err(broken)? && backend.has_rooms() {
        return Err(StartError::NoIdentity { path: data_dir.to_owned() });
    }
    let blobs = Blobs::open(data_dir, limits);
    let blobs = blobs.map_err(|error| StartError::files(data_dir.to_owned(), error))?;
    let reset = ResetKey::load_or_create(data_dir).map_err(broken)?;
    let identity = Arc::new(Identity::load(tls, data_dir, names, leaf_life)?);
    let clock = Arc::new(Clock::open(data_dir, time, || backend.newest_ms().unwrap_or(0)));
    Ok(Opened { backend, blobs: Arc::new(blobs), clock, reset, identity })
}

/// Opens the database, also for a command while no relay runs.
pub(crate) fn open_backend(data_dir: &Path, limits: &Limits) -> Result<Arc<dyn Backend>, StartError> {
    create_private(data_dir).map_err(|error| StartError::io(data_dir.to_owned(), error))?;
    log::open(data_dir, limits).map_err(|error| StartError::data(data_dir.to_owned(), error))
}

async fn keep_trimmed(backend: Arc<dyn Backend>, blobs: Arc<Blobs>, clock: Arc<Clock>) {
    loop {
        backend.trim(clock.aged_ms()).await;
        blobs.trim(clock.aged_ms()).await;
        drop_orphans(&*backend, &blobs).await;
        tokio::time::sleep(TRIM_INTERVAL).await;
    }
}

/// Deletes the files of rooms that are no more.
pub(crate) async fn drop_orphans(backend: &dyn Backend, blobs: &Blobs) {
    // What cannot be read now is looked at in the next round.
    if let Ok(missing) = backend.missing(blobs.rooms()).await
        && !missing.is_empty()
    {
        blobs.drop_rooms(missing).await;
    }
}

/// Deletes files whose time is over, and those of rooms that were dropped, soon.
async fn keep_swept(backend: Arc<dyn Backend>, blobs: Arc<Blobs>, clock: Arc<Clock>) {
    let mut ended = 0;
    loop {
        blobs.purge(clock.due_ms()).await;
        let now = backend.ended();
        if std::mem::replace(&mut ended, now) != now {
            drop_orphans(&*backend, &blobs).await;
        }
        tokio::time::sleep(SWEEP_INTERVAL).await;
    }
}

/// After an end that was none in order, and no other time, since every row is read: says whether the database is whole.
async fn look_for_damage(backend: Arc<dyn Backend>, clock: Arc<Clock>) {
    if clock.had_ended() {
        return;
    }
    let found = tokio::task::spawn_blocking(move || backend.survey()).await;
    match found {
        Ok(Ok(found)) if found.is_whole() => {
            tracing::info!("the last relay here did not end in order; its database is whole");
        }
        Ok(Ok(found)) => {
            let (damaged, elsewhere) = (found.damaged.len(), found.elsewhere);
            tracing::error!(damaged, elsewhere, "rooms are damaged; `relay check` names them");
        }
        Ok(Err(_)) | Err(_) => tracing::error!("the database cannot be checked; look at `relay check`"),
    }
}

/// Has the relay's clock look at the wall clock.
async fn keep_time(clock: Arc<Clock>) {
    loop {
        tokio::time::sleep(clock::LOOK_EVERY).await;
        let clock = clock.clone();
        // It may write a mark, for which the disk is waited for.
        let _ = tokio::task::spawn_blocking(move || clock.look()).await;
    }
}

/// Says what the security log has counted.
async fn keep_said(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(QUIET).await;
        shared.metrics.security.flush();
    }
}

fn create_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
