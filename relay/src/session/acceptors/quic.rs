//! Over QUIC: from a handshake to a connection.

use std::{sync::Arc, time::Instant};

use proto::{CHANNEL_BINDING_LABEL, CHANNEL_BINDING_LEN, CloseCode};
use quinn::{Endpoint, Incoming, crypto::rustls::HandshakeData};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    net::{
        admission::{Permit, Verdict},
        transport::Connection,
    },
    ops::metrics::{Carrier, Window},
    policy::refusal::Limit,
    session::{connection::serve_rooms, peer::Peer, shared::Shared},
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
            // Ended tasks are cleared as they end; there are as many as permits behind the door.
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
        Verdict::Enter(permit) => {
            connections.spawn(shake_hands(shared.clone(), incoming, permit));
        }
        // Fails only for an address that is proven already.
        Verdict::Prove => drop(incoming.retry()),
        Verdict::Refuse => incoming.refuse(),
    }
}

async fn shake_hands(shared: Arc<Shared>, incoming: Incoming, mut permit: Permit) {
    let Ok(connecting) = incoming.accept() else { return };
    let Ok(connected) = timeout(shared.limits().join_time, connecting).await else {
        return shared.metrics.limited_at(Limit::JoinTime, permit.address);
    };
    let Ok(connection) = connected else { return };
    permit.settle();
    shared.metrics.accepted.inc();
    let mut binding = [0; CHANNEL_BINDING_LEN];
    let exported = connection.export_keying_material(&mut binding, CHANNEL_BINDING_LABEL, b"");
    match protocol(&connection) {
        Some(protocol) if protocol == proto::ALPN && exported.is_ok() => {
            let _counted = shared.metrics.carried(Carrier::Quic);
            let peer = Peer::new(shared.clone(), &permit, binding);
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
