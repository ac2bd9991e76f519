//! Over QUIC: from a handshake to a connection.

use std::{sync::Arc, time::Instant};

use proto::{CHANNEL_BINDING_LABEL, CHANNEL_BINDING_LEN, CloseCode};
use quinn::{Endpoint, Incoming, crypto::rustls::HandshakeData};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    net::{
        admission::{Permit, Verdict},
        transport::Connection,
        web::Pages,
    },
    ops::metrics::{Carrier, Window},
    policy::refusal::Limit,
    session::{connection::serve_rooms, peer::Peer, shared::Shared},
};
#[cfg(feature = "program")]
use crate::{
    net::{
        leaves::H3_ALPN,
        web::transport::{self as web, Visit},
    },
    policy::limits::CLOSE_TIME,
};

/// HTTP/3's H3_REQUEST_REJECTED (RFC 9114, 8.1): a page that is not served.
#[cfg(feature = "program")]
const NOT_SERVED: u32 = 0x10b;

/// Serves an endpoint until the relay stops; returns when no new connection can come any more and
/// those that are open have seen their streams end. `pages` are what browsers get.
pub(crate) async fn serve(shared: Arc<Shared>, endpoint: Endpoint, pages: Option<Arc<Pages>>) {
    let mut stopping = shared.stopping.subscribe();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => break,
            // Ended tasks are cleared as they end; there are as many as permits behind the door.
            Some(_) = connections.join_next() => {}
            incoming = endpoint.accept() => match incoming {
                Some(incoming) => admit(&shared, incoming, &pages, &mut connections),
                None => break,
            },
        }
    }
    // No more handshakes.
    endpoint.set_server_config(None);
    while connections.join_next().await.is_some() {}
}

fn admit(
    shared: &Arc<Shared>,
    incoming: Incoming,
    pages: &Option<Arc<Pages>>,
    connections: &mut JoinSet<()>,
) {
    let (address, is_proven) = (incoming.remote_address().ip(), incoming.remote_address_validated());
    match shared.door.knock(&shared.limits(), address, is_proven, Instant::now()) {
        Verdict::Enter(permit) => {
            connections.spawn(shake_hands(shared.clone(), incoming, pages.clone(), permit));
        }
        // Fails only for an address that is proven already.
        Verdict::Prove => drop(incoming.retry()),
        Verdict::Refuse => incoming.refuse(),
    }
}

async fn shake_hands(shared: Arc<Shared>, incoming: Incoming, pages: Option<Arc<Pages>>, mut permit: Permit) {
    // A relay inside another program serves no browsers.
    #[cfg(not(feature = "program"))]
    drop(pages);
    let Ok(connecting) = incoming.accept() else { return };
    let Ok(connected) = timeout(shared.limits().join_time, connecting).await else {
        return shared.metrics.limited_at(Limit::JoinTime, permit.address);
    };
    let Ok(connection) = connected else { return };
    permit.settle();
    shared.metrics.accepted.inc();
    match protocol(&connection) {
        Some(protocol) if protocol == proto::ALPN => {
            let mut binding = [0; CHANNEL_BINDING_LEN];
            if connection.export_keying_material(&mut binding, CHANNEL_BINDING_LABEL, b"").is_err() {
                return connection.close(CloseCode::Malformed.value().into(), b"");
            }
            let _counted = shared.metrics.carried(Carrier::Quic);
            let peer = Peer::new(shared.clone(), &permit, binding);
            serve_rooms(peer, &Connection::Quic(connection.clone())).await;
        }
        #[cfg(feature = "program")]
        Some(protocol) if protocol == H3_ALPN => {
            let Some(pages) = pages else { return };
            // Apart: what it takes is given back when it is over, and a member stays for days.
            let greeting = Box::pin(web::greet(connection.clone(), &pages));
            let Ok(visit) = timeout(shared.limits().join_time, greeting).await else {
                shared.metrics.limited_at(Limit::JoinTime, permit.address);
                return connection.close(NOT_SERVED.into(), b"");
            };
            let Some(Visit { session, binding }) = visit else {
                return connection.close(NOT_SERVED.into(), b"");
            };
            let _counted = shared.metrics.carried(Carrier::WebTransport);
            let peer = Peer::new(shared.clone(), &permit, binding);
            serve_rooms(peer, &Connection::Web(Box::new(session))).await;
            // It has been told to close, and may not have heard why yet.
            let _ = timeout(CLOSE_TIME, connection.closed()).await;
        }
        // The handshake lets no other protocol through; further ones are dispatched here.
        _ => return connection.close(CloseCode::Malformed.value().into(), b""),
    }
    // RFC 9000, 19.12 and 19.13.
    let said = connection.stats().frame_rx;
    shared.metrics.blocked(Window::Connection, said.data_blocked);
    shared.metrics.blocked(Window::Stream, said.stream_data_blocked);
}

fn protocol(connection: &quinn::Connection) -> Option<Vec<u8>> {
    connection.handshake_data()?.downcast::<HandshakeData>().ok()?.protocol
}
