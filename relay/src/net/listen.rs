//! What one address is listened on with: UDP always, TCP at the same port as the fallback.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
};

use quinn::{Endpoint, ServerConfig};
use socket2::{SockRef, Type};
use tokio::net::TcpListener;

use crate::net::{networks::Networks, quic, reset::ResetKey, socket, sockets::Handed, tcp};

/// Tries to find a port that is free for both, when any will do. More than one is hardly ever needed.
const TRIES: usize = 32;

/// Whether clients that UDP does not reach get a way by TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fallback {
    /// No.
    #[default]
    Off,
    /// Where the port is free for it; else a warning.
    WhereFree,
    /// Yes, or the relay does not start.
    Required,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// With QUIC.
    #[error("cannot listen on {address}: {source}")]
    Quic { address: SocketAddr, source: io::Error },
    /// With TCP, when that was required.
    #[error("cannot listen on TCP {address}: {source}")]
    Fallback { address: SocketAddr, source: io::Error },
}

/// One address, bound. Nobody is answered before [`Listening::serve`].
pub(crate) struct Listening {
    /// As it was asked for, with the real port: one socket for both families calls itself [::].
    pub address: SocketAddr,
    fallback: Option<TcpListener>,
    socket: UdpSocket,
}

impl Listening {
    /// Opens the sockets that were not handed over. It needs nothing of the data directory, so that a relay whose
    /// port is taken leaves nothing behind.
    pub(crate) fn open(address: SocketAddr, fallback: Fallback, handed: Handed) -> Result<Self, ListenError> {
        let Handed { mut udp, mut tcp } = handed;
        let mut tries = if address.port() == 0 { TRIES } else { 1 };
        loop {
            let bind = |source| ListenError::Quic { address, source };
            let socket: UdpSocket = match udp.take() {
                Some(handed) => {
                    socket::enlarge(&SockRef::from(&handed));
                    handed
                }
                None => socket::bind(address, Type::DGRAM).map_err(bind)?.into(),
            };
            let address = SocketAddr::new(address.ip(), socket.local_addr().map_err(bind)?.port());
            tries -= 1;
            let fallback = match (fallback, tcp_listener(address, fallback, tcp.take())) {
                (_, Ok(listener)) => listener,
                (_, Err(error)) if tries > 0 && error.kind() == io::ErrorKind::AddrInUse => continue,
                (Fallback::Required, Err(source)) => return Err(ListenError::Fallback { address, source }),
                (_, Err(error)) => {
                    tracing::warn!(
                        %error,
                        "no fallback over TCP: clients that UDP does not reach cannot connect. Free the TCP port, \
                         or set tcp=false to do without"
                    );
                    None
                }
            };
            return Ok(Self { address, fallback, socket });
        }
    }

    /// From now on QUIC is answered. The listener for TCP is the other half.
    pub(crate) fn serve(
        self,
        proxies: &Networks,
        reset: &ResetKey,
        server: &ServerConfig,
    ) -> Result<(Endpoint, Option<TcpListener>), ListenError> {
        let endpoint = quic::endpoint(self.socket, proxies, reset, server.clone());
        Ok((endpoint.map_err(|source| ListenError::Quic { address: self.address, source })?, self.fallback))
    }
}

fn tcp_listener(
    address: SocketAddr,
    fallback: Fallback,
    handed: Option<std::net::TcpListener>,
) -> io::Result<Option<TcpListener>> {
    match (fallback, handed) {
        (Fallback::Off, _) => Ok(None),
        (_, Some(listener)) => {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener).map(Some)
        }
        (Fallback::WhereFree | Fallback::Required, None) => tcp::listen(address).map(Some),
    }
}
