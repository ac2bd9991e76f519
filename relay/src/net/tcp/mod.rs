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
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use proto::{CHANNEL_BINDING_LABEL, CHANNEL_BINDING_LEN};
use rustls::ServerConfig;
use socket2::Type;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tunnel::{Rules, Tunnel};

use self::pace::Pace;
use crate::{
    net::{
        admission::{Place, Verdict},
        socket,
        tls::ACME_TLS,
        transport::Connection,
    },
    ops::metrics::{Carrier, Window},
    policy::{
        limits::{
            ACCEPT_PAUSE, CLOSE_TIME, IDLE_TIMEOUT, KEEP_ALIVE, Limits, SPARE_STREAMS, TCP_UNREAD,
            TCP_UNREAD_STRANGER,
        },
        refusal::Limit,
    },
    session::{
        connection::serve_rooms,
        shared::{Peer, Shared},
    },
};

/// What the fallback needs of a client that was let in.
pub(crate) struct Guest {
    tunnel: Tunnel,
    known: Arc<AtomicBool>,
}

impl Guest {
    /// The connection itself.
    pub fn tunnel(&self) -> &Tunnel {
        &self.tunnel
    }

    /// It has joined a room: more of what it sends may wait to be read.
    pub fn welcome(&self) {
        self.known.store(true, Ordering::Relaxed);
    }
}

/// Listens; serves nobody yet.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::from_std(socket::bind(address, Type::STREAM)?.into())
}

/// Serves a listener until the relay stops; returns when those that are connected have seen their streams end.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener, tls: Arc<ServerConfig>) {
    let (acceptor, pace) = (TlsAcceptor::from(tls), Pace::new());
    let mut stopping = shared.stopping.subscribe();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => break,
            // Ended tasks are cleared as they end; there are as many as places behind the door.
            Some(_) = connections.join_next() => {}
            (socket, address) = accept(&listener) => {
                let limits = shared.limits();
                // Its address is proven: TCP has just shaken hands with it. Refused means dropped: any word
                // would first need TLS.
                // A connect costs less than a QUIC handshake, so half of the places are not for TCP.
                let most = limits.max_handshakes.div_ceil(2);
                let verdict = shared.door.knock_below(most, &limits, address.ip(), true, Instant::now());
                if let Verdict::Enter(place) = verdict {
                    connections.spawn(greet(shared.clone(), socket, acceptor.clone(), pace.clone(), place));
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The next connection. Cancel-safe.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // It was gone again; or there are no more file descriptors, and the next try would fail at once.
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// A WebSocket, and what ties Joins to its TLS connection.
type Greeted = (Upgraded, [u8; CHANNEL_BINDING_LEN]);

async fn greet(shared: Arc<Shared>, socket: TcpStream, acceptor: TlsAcceptor, pace: Pace, mut place: Place) {
    let limits = shared.limits();
    let mut stopping = shared.stopping.subscribe();
    let greeting = timeout(limits.join_time, shake_hands(socket, acceptor, &pace, limits.join_time));
    let greeted = tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping) => return,
        greeted = greeting => greeted,
    };
    let Ok(greeted) = greeted else { return shared.metrics.limited_at(Limit::JoinTime, place.address) };
    let Some((upgraded, binding)) = greeted else { return };
    place.settle();
    shared.metrics.accepted.inc();
    let _counted = shared.metrics.carried(Carrier::Tcp);
    let known = Arc::<AtomicBool>::default();
    let tunnel = Tunnel::server(TokioIo::new(upgraded), rules(&limits, known.clone())).await;
    let peer = Peer::new(shared.clone(), &place, binding);
    serve_rooms(peer, &Connection::Tcp(Guest { tunnel: tunnel.clone(), known })).await;
    // It has been told to close, and has not said why yet.
    let _ = timeout(CLOSE_TIME, tunnel.closed()).await;
    shared.metrics.blocked(Window::Tcp, u64::from(tunnel.overran()));
}

/// TLS and HTTP; `None` when no WebSocket came of it.
async fn shake_hands(
    socket: TcpStream,
    acceptor: TlsAcceptor,
    pace: &Pace,
    header_time: Duration,
) -> Option<Greeted> {
    // A frame is written at once and leaves at once. What cannot have this is slower, nothing else.
    let _ = socket.set_nodelay(true);
    let secured = pace.keep(acceptor.accept(socket)).await.ok()?;
    if secured.get_ref().1.alpn_protocol() == Some(ACME_TLS) {
        // RFC 8737, 3: the certificate was the answer.
        return None;
    }
    let binding = binding(&secured)?;
    Some((http::upgrade(secured, header_time).await?, binding))
}

/// Ties Joins to this TLS connection, as over QUIC.
fn binding(secured: &TlsStream<TcpStream>) -> Option<[u8; CHANNEL_BINDING_LEN]> {
    let binding = [0; CHANNEL_BINDING_LEN];
    secured.get_ref().1.export_keying_material(binding, CHANNEL_BINDING_LABEL, Some(b"")).ok()
}

fn rules(limits: &Limits, known: Arc<AtomicBool>) -> Rules {
    Rules {
        // Those over the limit are told so, as over QUIC.
        streams: limits.rooms_per_connection.saturating_add(SPARE_STREAMS) as usize,
        unread: TCP_UNREAD,
        unread_by_strangers: TCP_UNREAD_STRANGER,
        known,
        idle: IDLE_TIMEOUT,
        keep_alive: KEEP_ALIVE,
    }
}
