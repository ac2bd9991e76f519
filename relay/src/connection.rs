//! From a handshake to streams, and who may have how many of them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use proto::{CHANNEL_BINDING_LABEL, CHANNEL_BINDING_LEN, CloseCode};
use quinn::{Endpoint, Incoming, crypto::rustls::HandshakeData};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::timeout,
};

use crate::{
    limits::{Limits, MAX_HANDSHAKES, REFUSED_JOINS},
    metrics::Limit,
    shared::{Peer, Share, Shared, payer},
    stream::{self, Outcome},
    transport::Connection,
};

/// Lets connections in, one by one.
#[derive(Clone)]
pub(crate) struct Door {
    shared: Arc<Shared>,
    handshakes: Arc<Semaphore>,
    connections: Arc<Semaphore>,
    addresses: Addresses,
    retry_above: usize,
}

impl Door {
    pub fn new(shared: Arc<Shared>, limits: &Limits) -> Self {
        Self {
            shared,
            handshakes: Arc::new(Semaphore::new(MAX_HANDSHAKES)),
            connections: Arc::new(Semaphore::new(limits.connections)),
            addresses: Addresses { open: Arc::default(), limit: limits.connections_per_address },
            retry_above: limits.retry_above,
        }
    }

    /// Serves an endpoint until the relay stops; returns when no new connection can come any more and
    /// those that are open have seen their streams end.
    pub async fn serve(self, endpoint: Endpoint) {
        let mut stopping = self.shared.stopping.subscribe();
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => break,
                // Ended tasks are cleared as they end; there are as many as permits below.
                Some(_) = connections.join_next() => {}
                incoming = endpoint.accept() => match incoming {
                    Some(incoming) => self.admit(incoming, &mut connections),
                    None => break,
                },
            }
        }
        // No more handshakes.
        endpoint.set_server_config(None);
        while connections.join_next().await.is_some() {}
    }

    fn admit(&self, incoming: Incoming, connections: &mut JoinSet<()>) {
        let busy = MAX_HANDSHAKES - self.handshakes.available_permits();
        if busy >= self.retry_above && !incoming.remote_address_validated() {
            // Fails only for an address that is validated already.
            let _ = incoming.retry();
            return;
        }
        let payer = payer(incoming.remote_address().ip());
        let handshake = self.handshakes.clone().try_acquire_owned();
        let place = self.connections.clone().try_acquire_owned();
        let (handshake, place, guest) = match (handshake, place, self.addresses.enter(payer)) {
            (Ok(handshake), Ok(place), Some(guest)) => (handshake, place, guest),
            (Err(_), _, _) => return self.refuse(incoming, Limit::Handshakes),
            (_, Err(_), _) => return self.refuse(incoming, Limit::Connections),
            (_, _, None) => return self.refuse(incoming, Limit::ConnectionsPerAddress),
        };
        let shared = self.shared.clone();
        connections.spawn(async move {
            let _place = place;
            serve(shared, incoming, &guest, handshake).await;
        });
    }

    fn refuse(&self, incoming: Incoming, limit: Limit) {
        self.shared.metrics.limited(limit);
        incoming.refuse();
    }
}

async fn serve(shared: Arc<Shared>, incoming: Incoming, guest: &Guest, handshake: OwnedSemaphorePermit) {
    let Ok(connecting) = incoming.accept() else { return };
    let Ok(Ok(connection)) = timeout(shared.join_time, connecting).await else { return };
    drop(handshake);
    let mut binding = [0; CHANNEL_BINDING_LEN];
    let exported = connection.export_keying_material(&mut binding, CHANNEL_BINDING_LABEL, b"");
    match protocol(&connection) {
        Some(protocol) if protocol == proto::ALPN && exported.is_ok() => {
            let peer = Peer {
                shared,
                payer: guest.address,
                binding,
                share: guest.share.clone(),
                joined: false.into(),
            };
            serve_rooms(peer, &Connection::Quic(connection)).await;
        }
        // The handshake lets no other protocol through; further ones are dispatched here.
        _ => connection.close(CloseCode::Malformed.value().into(), b""),
    }
}

fn protocol(connection: &quinn::Connection) -> Option<Vec<u8>> {
    connection.handshake_data()?.downcast::<HandshakeData>().ok()?.protocol
}

async fn serve_rooms(peer: Peer, connection: &Connection) {
    let peer = Arc::new(peer);
    let mut stopping = peer.shared.stopping.subscribe();
    let mut streams = JoinSet::new();
    let mut refused = 0;
    let idle = tokio::time::sleep(peer.shared.join_time * 2);
    tokio::pin!(idle);
    loop {
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => break,
            // The flag is read when the time is up: it may have been set while all branches waited.
            () = &mut idle, if !idle.is_elapsed() => {
                if !peer.joined.load(Ordering::Relaxed) {
                    return connection.close(CloseCode::TimedOut);
                }
            }
            Some(ended) = streams.join_next() => {
                refused += u32::from(matches!(ended, Ok(Outcome::Refused)));
                if refused >= REFUSED_JOINS {
                    return connection.close(CloseCode::TooMany);
                }
            }
            stream = connection.accept() => match stream {
                Some((send, recv)) => {
                    let peer = peer.clone();
                    streams.spawn(async move { stream::serve(&peer, send, recv).await });
                }
                None => break,
            },
        }
    }
    // Either the client is gone and the streams end by themselves, or the relay stops and they say so.
    while streams.join_next().await.is_some() {}
    connection.close(CloseCode::ShuttingDown);
}

/// Connections by address, and the memory they share; as many entries as there are connections at most.
#[derive(Clone)]
struct Addresses {
    open: Arc<Mutex<HashMap<IpAddr, Household>>>,
    limit: usize,
}

/// The connections of one address, counted, and what they share.
type Household = (usize, Arc<Share>);

/// One connection of an address, given back on drop.
struct Guest {
    addresses: Addresses,
    address: IpAddr,
    share: Arc<Share>,
}

impl Addresses {
    fn enter(&self, address: IpAddr) -> Option<Guest> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, share) = open.entry(address).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Guest { addresses: self.clone(), address, share: share.clone() })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut open = self.addresses.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, _)) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_all_connections() {
        let addresses = Addresses { open: Arc::default(), limit: 2 };
        let (one, other): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let first = addresses.enter(one);
        let _second = addresses.enter(one);
        assert!(addresses.enter(one).is_none());
        assert!(addresses.enter(other).is_some());
        drop(first);
        assert!(addresses.enter(one).is_some());
    }

    #[test]
    fn addresses_without_connections_are_forgotten() {
        let addresses = Addresses { open: Arc::default(), limit: 2 };
        drop(addresses.enter([192, 0, 2, 1].into()));
        assert!(addresses.open.lock().unwrap().is_empty());
    }
}
