//! What streams of one connection share.

use std::{net::IpAddr, sync::Arc};

use tokio::sync::watch;

use crate::{
    net::admission::{Permit, Share},
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
}

impl Peer {
    /// Nothing is joined yet.
    pub fn new(shared: Arc<Shared>, permit: &Permit, binding: [u8; proto::CHANNEL_BINDING_LEN]) -> Self {
        let (payer, share) = (permit.address, permit.share.clone());
        let (joined, gate) = (watch::Sender::new(false), watch::Sender::default());
        Self { shared, payer, binding, share, joined, gate }
    }

    /// A stream of it is about to join.
    pub fn joining(&self) -> Joining {
        Joining::new(self.shared.clone(), self.payer, self.gate.clone())
    }
}
