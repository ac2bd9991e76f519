//! From a handshake to streams, and who may have how many of them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use proto::{CHANNEL_BINDING_LABEL, CHANNEL_BINDING_LEN, CloseCode};
use quinn::{Endpoint, Incoming, crypto::rustls::HandshakeData};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    net::{
        admission::{Place, Verdict},
        transport::Connection,
    },
    ops::metrics::{Carrier, Window},
    policy::{limits::REFUSED_JOINS, quota::Bucket, refusal::Limit},
    session::{
        join_gate::{Joining, Turn},
        shared::{Peer, Shared},
        stream::{self, Outcome},
    },
};

/// Serves an endpoint until the relay stops; returns when no new connection can come any more and
/// those that are open have seen their streams end.
pub(crate) async fn serve(shared: Arc<Shared>, endpoint: Endpoint) {
    let mut stopping = shared.stopping.subscribe();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => break,
            // Ended tasks are cleared as they end; there are as many as places behind the door.
            Some(_) = connections.join_next() => {}
            incoming = endpoint.accept() => match incoming {
                Some(incoming) => admit(&shared, incoming, &mut connections),
                None => break,
            },
        }
    }
    // No more handshakes.
    endpoint.set_server_config(None);
    while connections.join_next().await.is_some() {}
}

fn admit(shared: &Arc<Shared>, incoming: Incoming, connections: &mut JoinSet<()>) {
    let (address, is_proven) = (incoming.remote_address().ip(), incoming.remote_address_validated());
    match shared.door.knock(&shared.limits(), address, is_proven, Instant::now()) {
        Verdict::Enter(place) => {
            connections.spawn(shake_hands(shared.clone(), incoming, place));
        }
        // Fails only for an address that is proven already.
        Verdict::Prove => drop(incoming.retry()),
        Verdict::Refuse => incoming.refuse(),
    }
}

async fn shake_hands(shared: Arc<Shared>, incoming: Incoming, mut place: Place) {
    let Ok(connecting) = incoming.accept() else { return };
    let Ok(connected) = timeout(shared.limits().join_time, connecting).await else {
        return shared.metrics.limited_at(Limit::JoinTime, place.address);
    };
    let Ok(connection) = connected else { return };
    place.settle();
    shared.metrics.accepted.inc();
    let mut binding = [0; CHANNEL_BINDING_LEN];
    let exported = connection.export_keying_material(&mut binding, CHANNEL_BINDING_LABEL, b"");
    match protocol(&connection) {
        Some(protocol) if protocol == proto::ALPN && exported.is_ok() => {
            let _counted = shared.metrics.carried(Carrier::Quic);
            let peer = Peer::new(shared.clone(), &place, binding);
            serve_rooms(peer, &Connection::Quic(connection.clone())).await;
            // RFC 9000, 19.12 and 19.13.
            let said = connection.stats().frame_rx;
            shared.metrics.blocked(Window::Connection, said.data_blocked);
            shared.metrics.blocked(Window::Stream, said.stream_data_blocked);
        }
        // The handshake lets no other protocol through; further ones are dispatched here.
        _ => connection.close(CloseCode::Malformed.value().into(), b""),
    }
}

fn protocol(connection: &quinn::Connection) -> Option<Vec<u8>> {
    connection.handshake_data()?.downcast::<HandshakeData>().ok()?.protocol
}

/// Serves the streams of a connection until it is told to close.
pub(crate) async fn serve_rooms(peer: Peer, connection: &Connection) {
    let peer = Arc::new(peer);
    let (shared, mut joined) = (&peer.shared, peer.joined.subscribe());
    let mut stopping = shared.stopping.subscribe();
    let mut streams = JoinSet::new();
    let (mut refused, mut joins, mut is_guest) = (0, Bucket::default(), false);
    let idle = tokio::time::sleep(shared.limits().join_time * 2);
    tokio::pin!(idle);
    let later = tokio::time::sleep(Duration::ZERO);
    tokio::pin!(later);
    let mut turns = peer.turns.subscribe();
    let close = |code, limit| {
        shared.metrics.limited_at(limit, peer.payer);
        connection.close(code);
    };
    loop {
        let turn = turns.borrow_and_update().next(is_guest, Instant::now());
        if let Turn::At(instant) = turn {
            later.as_mut().reset(instant.into());
        }
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => break,
            _ = joined.wait_for(|joined| *joined), if !is_guest => {
                is_guest = true;
                connection.welcome(&shared.limits());
            }
            () = connection.closed() => break,
            () = &mut idle, if !is_guest && !idle.is_elapsed() => {
                return close(CloseCode::TimedOut, Limit::JoinTime);
            }
            Some(ended) = streams.join_next() => {
                refused += u32::from(matches!(ended, Ok(Outcome::Refused)));
                if refused >= REFUSED_JOINS {
                    return close(CloseCode::RefusedJoins, Limit::RefusedJoins);
                }
            }
            Ok(()) = turns.changed() => {}
            () = &mut later, if matches!(turn, Turn::At(_)) => {}
            stream = connection.accept(), if turn == Turn::Now => {
                let Some((send, recv)) = stream else { break };
                let limits = shared.limits();
                if joins.take(limits.joins_per_connection, Instant::now()).is_err() {
                    return close(CloseCode::TooMany, Limit::Joins);
                }
                let is_over = streams.len() >= limits.rooms_per_connection as usize;
                let joining = (!is_over).then(|| Joining::new(&peer));
                let peer = peer.clone();
                streams.spawn(async move {
                    match joining {
                        Some(joining) => stream::serve(&peer, send, recv, joining).await,
                        None => stream::refuse(&peer, send, recv, Limit::RoomsPerConnection).await,
                    }
                });
            }
        }
    }
    // Either the client is gone and the streams end by themselves, or the relay stops and they say so.
    while streams.join_next().await.is_some() {}
    connection.close(CloseCode::ShuttingDown);
}
