//! A door for the authority's challenge where the relay has no TCP port of its own to answer it on. It is open only
//! while a challenge waits, and everybody who comes is shown the challenge's certificate or nothing.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use socket2::Type;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet, time::timeout};
use tokio_rustls::TlsAcceptor;

use super::error::OrderError;
use crate::net::{
    socket,
    tls::{self, Certificate},
};

/// Handshakes at once; authorities send fewer than ten, from several places. Further ones wait in the backlog.
const HANDSHAKES: usize = 16;
/// Time for one handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Open sockets; dropped, they are closed.
pub(super) struct Listener(#[expect(dead_code, reason = "its tasks end with it")] JoinSet<()>);

impl Listener {
    /// Answers challenges on these addresses, of which none is fine.
    pub(super) fn open(addresses: &[SocketAddr], certificate: &Arc<Certificate>) -> Result<Self, OrderError> {
        let mut tasks = JoinSet::new();
        if addresses.is_empty() {
            return Ok(Self(tasks));
        }
        let config = tls::challenge_config(certificate.clone()).map_err(OrderError::Setup)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        for address in addresses {
            let listener =
                bind(*address).map_err(|source| OrderError::Listen { address: *address, source })?;
            tasks.spawn(serve(listener, acceptor.clone()));
        }
        Ok(Self(tasks))
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    let mut handshakes = JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        tokio::select! {
            Some(_) = handshakes.join_next() => {}
            accepted = listener.accept() => {
                // Out of file descriptors, perhaps: others end, so go on, but not in a circle without rest.
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let acceptor = acceptor.clone();
                handshakes.spawn(async move {
                    let _place = place;
                    // The handshake is all that is asked of it (RFC 8737, 3).
                    let _ = timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await;
                });
            }
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::from_std(socket::bind(address, Type::STREAM)?.into())
}
