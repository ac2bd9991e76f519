//! Over TCP, where UDP is blocked: from a connect to a connection.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

#[cfg(feature = "program")]
use crate::net::proxy::client_of;
use crate::{
    net::{
        admission::{Permit, Verdict},
        networks::Networks,
        tcp::Greeter,
        transport::Connection,
    },
    ops::metrics::Window,
    policy::{
        limits::{ACCEPT_PAUSE, CLOSE_TIME, PAGE_TIMES},
        refusal::Limit,
    },
    session::{connection::serve_rooms, peer::Peer, shared::Shared},
};

/// Serves a listener until the relay stops; returns when those that are connected have seen their streams end. Clients may be
/// behind these proxies.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener, greeter: Greeter, proxies: Networks) {
    // There can be none.
    #[cfg(not(feature = "program"))]
    let _ = proxies;
    let mut stopping = shared.stopping.subscribe();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => break,
            // Ended tasks are cleared as they end; there are as many as permits behind the door.
            Some(_) = connections.join_next() => {}
            (socket, address) = accept(&listener) => {
                #[cfg(feature = "program")]
                if proxies.have(address.ip()) {
                    // As many as the proxy opens: it is the operator's own, and bounds them.
                    connections.spawn(behind_proxy(shared.clone(), socket, greeter.clone(), address));
                    continue;
                }
                if let Some(permit) = enter(&shared, address) {
                    connections.spawn(greet(shared.clone(), socket, greeter.clone(), permit));
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// A permit for a client, if there is one. Its address is proven: TCP has just shaken hands with it. Refused means dropped: any
/// word would first need TLS.
fn enter(shared: &Shared, client: SocketAddr) -> Option<Permit> {
    let limits = shared.limits();
    // A connect costs less than a QUIC handshake, so half of the permits are not for TCP.
    let most = limits.max_handshakes.div_ceil(2);
    match shared.door.knock_below(most, &limits, client.ip(), true, Instant::now().into_std()) {
        Verdict::Enter(permit) => Some(permit),
        Verdict::Prove | Verdict::Refuse => None,
    }
}

/// First comes who the client is.
#[cfg(feature = "program")]
async fn behind_proxy(shared: Arc<Shared>, mut socket: TcpStream, greeter: Greeter, proxy: SocketAddr) {
    let mut stopping = shared.stopping.subscribe();
    let named = timeout(shared.limits().join_time, client_of(&mut socket, proxy));
    let client = tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping) => return,
        client = named => client,
    };
    let Ok(Some(client)) = client else { return };
    if let Some(permit) = enter(&shared, client) {
        greet(shared, socket, greeter, permit).await;
    }
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

async fn greet(shared: Arc<Shared>, socket: TcpStream, greeter: Greeter, mut permit: Permit) {
    let limits = shared.limits();
    let mut stopping = shared.stopping.subscribe();
    let (reads, mut reading) = watch::channel(false);
    let greeting = greeter.greet(socket, limits.join_time, permit.address, reads);
    tokio::pin!(greeting);
    let time = sleep(limits.join_time);
    tokio::pin!(time);
    let mut is_reader = false;
    let greeted = loop {
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => return,
            greeted = &mut greeting => break greeted,
            Ok(_) = reading.wait_for(|reads| *reads), if !is_reader => {
                is_reader = true;
                permit.settle();
                time.as_mut().reset(Instant::now() + limits.join_time * PAGE_TIMES);
            }
            () = &mut time => {
                if !is_reader {
                    shared.metrics.limited_at(Limit::JoinTime, permit.address);
                }
                return;
            }
        }
    };
    let Some(greeted) = greeted else { return };
    permit.settle();
    shared.metrics.accepted.inc();
    let _counted = shared.metrics.carried(greeted.carrier());
    let peer = Peer::new(shared.clone(), &permit, greeted.binding);
    let guest = greeted.guest(&limits).await;
    let tunnel = guest.tunnel().clone();
    serve_rooms(peer, &Connection::Tcp(guest)).await;
    // It has been told to close, and has not said why yet.
    let _ = timeout(CLOSE_TIME, tunnel.closed()).await;
    shared.metrics.blocked(Window::Tcp, u64::from(tunnel.overran()));
}
