//! What streams of one connection share.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::sync::watch;

use crate::{
    net::admission::{Permit, Share},
    policy::quota::Bucket,
    session::{
        join_gate::{JoinGate, Joining},
        shared::Shared,
    },
};

/// One connection's state.
pub(crate) struct Peer {
    pub shared: Arc<Shared>,
    /// Who pays for new rooms.
    pub payer: IpAddr,
    /// The TLS exporter value that a Join signs.
    pub binding: [u8; proto::CHANNEL_BINDING_LEN],
    /// What its address may hold.
    pub share: Arc<Share>,
    /// True once a stream of this connection has joined a room.
    pub joined: watch::Sender<bool>,
    /// When its next stream is taken.
    pub gate: watch::Sender<JoinGate>,
    /// How many files are on their way.
    pub transfers: watch::Sender<u32>,
    /// How many streams are a room's.
    rooms: watch::Sender<u32>,
    joins: Mutex<Bucket>,
}

/// One of the places that a connection has for something, until it is dropped.
pub(crate) struct Place<'a>(&'a watch::Sender<u32>);

impl Peer {
    /// Nothing is joined yet.
    pub fn new(shared: Arc<Shared>, permit: &Permit, binding: [u8; proto::CHANNEL_BINDING_LEN]) -> Self {
        let (payer, share) = (permit.address, permit.share.clone());
        let (joined, gate) = (watch::Sender::new(false), watch::Sender::default());
        let (transfers, rooms, joins) = (watch::Sender::new(0), watch::Sender::new(0), Mutex::default());
        Self { shared, payer, binding, share, joined, gate, transfers, rooms, joins }
    }

    /// A place for one more room, if there is one.
    pub fn room(&self) -> Option<Place<'_>> {
        Place::take(&self.rooms, self.shared.limits().rooms_per_connection)
    }

    /// A place for one more transfer, if there is one.
    pub fn transfer(&self) -> Option<Place<'_>> {
        Place::take(&self.transfers, self.shared.limits().files.transfers_per_connection)
    }

    /// Whether it may join once more.
    pub fn may_join(&self) -> bool {
        let rate = self.shared.limits().joins_per_connection;
        let mut joins = self.joins.lock().unwrap_or_else(PoisonError::into_inner);
        joins.take(rate, Instant::now()).is_ok()
    }

    /// It was no Join.
    pub fn refund_join(&self) {
        let rate = self.shared.limits().joins_per_connection;
        self.joins.lock().unwrap_or_else(PoisonError::into_inner).refund(1, rate);
    }

    /// A stream of it is about to join.
    pub fn joining(&self) -> Joining {
        Joining::new(self.shared.clone(), self.payer, self.gate.clone())
    }
}

impl<'a> Place<'a> {
    fn take(places: &'a watch::Sender<u32>, most: u32) -> Option<Self> {
        let took = places.send_if_modified(|taken| {
            let is_free = *taken < most;
            *taken += u32::from(is_free);
            is_free
        });
        // Lazily: one that is made is given back.
        took.then(|| Self(places))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|taken| *taken -= 1);
    }
}
