//! Sockets that the service manager opened (`LISTEN_FDS`): a privileged port without a privilege, and a port that
//! stays bound while the relay restarts, so that packets wait instead of being turned away.

use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
};

#[cfg(feature = "program")]
use listenfd::ListenFd;

/// Sockets to use instead of the addresses of `listen`.
#[derive(Debug, Default)]
pub struct Sockets {
    /// For QUIC.
    pub udp: Vec<UdpSocket>,
    /// For where UDP does not get through.
    pub tcp: Vec<TcpListener>,
}

/// What was handed over for one address.
#[derive(Debug, Default)]
pub(crate) struct Handed {
    pub udp: Option<UdpSocket>,
    pub tcp: Option<TcpListener>,
}

/// Sockets that are of no use.
#[derive(Debug, thiserror::Error)]
pub enum SocketsError {
    /// Something else.
    #[error(
        "socket {0} of those that the service manager handed over is neither UDP nor listening TCP; use ListenDatagram= and ListenStream= with a port"
    )]
    Kind(usize),
    /// TCP alone.
    #[error(
        "the service manager handed over no UDP socket; add ListenDatagram= with the same port to the socket unit"
    )]
    NoUdp,
    /// The system says no.
    #[error("a socket of the service manager cannot be used: {0}")]
    Io(#[from] io::Error),
}

impl Sockets {
    /// What the service manager handed over: nothing, mostly. To be called once, before there are threads.
    ///
    /// # Errors
    /// [`SocketsError`] for sockets that a relay cannot use.
    #[cfg(feature = "program")]
    pub fn inherited() -> Result<Self, SocketsError> {
        let mut handed = ListenFd::from_env();
        let mut sockets = Self::default();
        for index in 0..handed.len() {
            if let Ok(Some(socket)) = handed.take_udp_socket(index) {
                sockets.udp.push(socket);
            } else if let Ok(Some(listener)) = handed.take_tcp_listener(index) {
                sockets.tcp.push(listener);
            } else {
                return Err(SocketsError::Kind(index));
            }
        }
        if sockets.udp.is_empty() && !sockets.tcp.is_empty() {
            return Err(SocketsError::NoUdp);
        }
        Ok(sockets)
    }

    /// Those for one address: the next for UDP, and TCP at the same port.
    pub(crate) fn take(&mut self, address: SocketAddr) -> Handed {
        let udp = (!self.udp.is_empty()).then(|| self.udp.remove(0));
        let is_same = |listener: &TcpListener| listener.local_addr().is_ok_and(|tcp| tcp == address);
        let tcp = self.tcp.iter().position(is_same).map(|at| self.tcp.remove(at));
        Handed { udp, tcp }
    }

    /// Where they listen, if there are any.
    pub(crate) fn addresses(&self) -> io::Result<Option<Vec<SocketAddr>>> {
        let addresses = self.udp.iter().map(UdpSocket::local_addr).collect::<io::Result<Vec<_>>>()?;
        Ok((!addresses.is_empty()).then_some(addresses))
    }
}
