//! Where UDP is blocked: the same streams in a WebSocket over TLS over TCP, at the same port.
//!
//! ```text
//! accept ─▶ door ─▶ TLS ─▶ HTTP ─┬─▶ a page that says what this is
//!                                └─▶ WebSocket ─▶ tunnel ─▶ the rooms, as over QUIC
//! ```

mod http;
mod pace;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use proto::{CHANNEL_BINDING_LABEL, CHANNEL_BINDING_LEN};
use rustls::ServerConfig;
use socket2::Type;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tunnel::{Rules, Tunnel};

use self::pace::Pace;
use crate::{
    net::{socket, tls::ACME_TLS, transport::Guest},
    policy::limits::{
        IDLE_TIMEOUT, KEEP_ALIVE, Limits, SPARE_STREAMS, TCP_UNREAD, TCP_UNREAD_STRANGER, TCP_UNREAD_TRANSFER,
    },
};

/// Listens; serves nobody yet.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::from_std(socket::bind(address, Type::STREAM)?.into())
}

/// Shakes hands with those who connect to one listener; cheap to clone.
#[derive(Clone)]
pub(crate) struct Greeter {
    acceptor: TlsAcceptor,
    pace: Pace,
}

/// Who has come as far as a WebSocket.
pub(crate) struct Greeted {
    upgraded: Upgraded,
    /// Ties Joins to its TLS connection.
    pub binding: [u8; CHANNEL_BINDING_LEN],
}

impl Greeter {
    /// With this certificate.
    pub(crate) fn new(tls: Arc<ServerConfig>) -> Self {
        Self { acceptor: TlsAcceptor::from(tls), pace: Pace::new() }
    }

    /// TLS and HTTP; `None` when no WebSocket came of it.
    pub(crate) async fn greet(self, socket: TcpStream, header_time: Duration) -> Option<Greeted> {
        // A frame is written at once and leaves at once. What cannot have this is slower, nothing else.
        let _ = socket.set_nodelay(true);
        let secured = self.pace.keep(self.acceptor.accept(socket)).await.ok()?;
        if secured.get_ref().1.alpn_protocol() == Some(ACME_TLS) {
            // RFC 8737, 3: the certificate was the answer.
            return None;
        }
        let binding = binding(&secured)?;
        Some(Greeted { upgraded: http::upgrade(secured, header_time).await?, binding })
    }
}

impl Greeted {
    /// Streams can be opened from now on.
    pub(crate) async fn guest(self, limits: &Limits) -> Guest {
        let known = Arc::<AtomicBool>::default();
        let tunnel = Tunnel::server(TokioIo::new(self.upgraded), rules(limits, known.clone())).await;
        Guest::new(tunnel, known)
    }
}

/// Ties Joins to this TLS connection, as over QUIC.
fn binding(secured: &TlsStream<TcpStream>) -> Option<[u8; CHANNEL_BINDING_LEN]> {
    let binding = [0; CHANNEL_BINDING_LEN];
    secured.get_ref().1.export_keying_material(binding, CHANNEL_BINDING_LABEL, Some(b"")).ok()
}

fn rules(limits: &Limits, known: Arc<AtomicBool>) -> Rules {
    let transfers = limits.files.transfers_per_connection;
    Rules {
        // Those over the limit are told so, as over QUIC.
        streams: limits.rooms_per_connection.saturating_add(SPARE_STREAMS).saturating_add(transfers) as usize,
        unread: (transfers as usize).saturating_mul(TCP_UNREAD_TRANSFER).saturating_add(TCP_UNREAD),
        unread_by_strangers: TCP_UNREAD_STRANGER,
        known,
        idle: IDLE_TIMEOUT,
        keep_alive: KEEP_ALIVE,
    }
}
