//! What operators come through: the socket in the data directory, and a port for whoever watches.

use std::{path::Path, sync::Arc, time::Instant};

use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

use super::{Config, Relay};
use crate::{
    admin::{self, Admin, Listener, ReloadRequest},
    clock::unix_ms,
    net::{listen::Fallback, networks::Networks},
    relay::{config::check_admin, error::StartError},
};

/// What is open to operators. Closed when it is dropped.
pub(super) struct Operators {
    tasks: Vec<JoinHandle<()>>,
    reloads: Mutex<mpsc::Receiver<ReloadRequest>>,
    /// Taken away with the relay.
    #[cfg(unix)]
    _socket: Option<admin::socket::SocketFile>,
}

/// What will be opened when the relay serves.
pub(super) struct OperatorSockets {
    /// For whoever watches, and who of another machine may.
    watching: Option<(TcpListener, Networks)>,
    /// The socket.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is none"))]
    socket: bool,
    /// A certificate is ordered from a public authority.
    orders: bool,
    /// There is a way for clients that UDP does not reach.
    tcp: bool,
}

/// Whether nothing is in the way of the socket. To be asked before anything is made.
pub(super) async fn check(config: &Config, data_dir: &Path) -> Result<(), StartError> {
    #[cfg(unix)]
    if config.admin {
        use admin::SocketError::Occupied;
        // Whatever else is wrong is said in better words where it is in the way: a relay holds its database, too.
        if let Err(source @ Occupied) = admin::socket::check(data_dir).await {
            return Err(StartError::Admin { path: data_dir.join(admin::SOCKET), source });
        }
    }
    #[cfg(not(unix))]
    let _ = (config, data_dir);
    Ok(())
}

impl OperatorSockets {
    /// Takes the port. Nobody is answered yet.
    pub(super) async fn bind(config: &Config) -> Result<Self, StartError> {
        let from = config.admin_from.clone();
        let watching = match config.admin_listen {
            Some(address) => {
                check_admin(address, &from)?;
                let listener = TcpListener::bind(address).await;
                Some((listener.map_err(|source| StartError::AdminListen { address, source })?, from))
            }
            None => None,
        };
        let (orders, tcp) = (config.tls.is_ordered(), config.fallback != Fallback::Off);
        Ok(Self { watching, socket: config.admin, orders, tcp })
    }

    /// Opens them to the operators of this relay.
    pub(super) async fn open(self, mut relay: Relay, data_dir: &Path) -> Result<Relay, StartError> {
        let watching = self.watching.as_ref().and_then(|(listener, _)| listener.local_addr().ok());
        let mut listeners: Vec<_> =
            self.watching.into_iter().map(|(listener, from)| Listener::Watching(listener, from)).collect();
        #[cfg(unix)]
        let socket = match self.socket {
            true => {
                let opened = admin::socket::listen(data_dir).await;
                let (listener, file) = opened
                    .map_err(|source| StartError::Admin { path: data_dir.join(admin::SOCKET), source })?;
                listeners.push(Listener::Socket(listener));
                Some(file)
            }
            false => None,
        };
        let (ask, reloads) = admin::reload::channel();
        let admin = Arc::new(Admin {
            shared: relay.shared.clone(),
            backend: relay.backend.clone(),
            certificate: relay.identity.certificate.clone(),
            data_dir: data_dir.to_owned(),
            addresses: relay.addresses.clone(),
            pin: relay.pin,
            host: relay.host.clone(),
            tcp: self.tcp,
            orders: self.orders,
            links: relay.addresses.iter().map(|address| relay.link(*address)).collect(),
            watching,
            started_ms: unix_ms(),
            started: Instant::now(),
            counted: Mutex::default(),
            reloads: ask,
        });
        let serve = |listener| tokio::spawn(admin::serve(admin.clone(), listener));
        relay.operators = Some(Operators {
            tasks: listeners.into_iter().map(serve).collect(),
            reloads: Mutex::new(reloads),
            #[cfg(unix)]
            _socket: socket,
        });
        Ok(relay)
    }
}

impl Relay {
    /// The next time that the operator asks for the settings to be read again. Who runs the relay knows where they
    /// come from, and answers. Loses no request when it is dropped half-way.
    pub async fn reload_request(&self) -> ReloadRequest {
        let asked = match &self.operators {
            Some(operators) => operators.reloads.lock().await.recv().await,
            None => None,
        };
        match asked {
            Some(request) => request,
            // Nobody is left who could ask.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Operators {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
