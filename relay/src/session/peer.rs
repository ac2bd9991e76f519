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
        joining::Joining,
        shared::Shared,
        streams::{StreamPermit, Streams},
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
    /// What its streams have come to. One for all of it: a thing that can be waited for takes a third of a KiB.
    pub streams: watch::Sender<Streams>,
    joins: Mutex<Bucket>,
}

impl Peer {
    /// Nothing is joined yet.
    pub(crate) fn new(
        shared: Arc<Shared>,
        permit: &Permit,
        binding: [u8; proto::CHANNEL_BINDING_LEN],
    ) -> Self {
        let (payer, share) = (permit.address, permit.share.clone());
        let (streams, joins) = (watch::Sender::default(), Mutex::default());
        Self { shared, payer, binding, share, streams, joins }
    }

    /// A place for one more room, if there is one.
    pub(crate) fn room(&self) -> Option<StreamPermit<'_>> {
        let most = self.shared.limits().rooms_per_connection;
        StreamPermit::take(&self.streams, |streams| &mut streams.rooms, most)
    }

    /// A place for one more transfer, if there is one.
    pub(crate) fn transfer(&self) -> Option<StreamPermit<'_>> {
        let most = self.shared.limits().files.transfers_per_connection;
        StreamPermit::take(&self.streams, |streams| &mut streams.transfers, most)
    }

    /// Whether it may join once more.
    pub(crate) fn may_join(&self) -> bool {
        let rate = self.shared.limits().joins_per_connection;
        let mut joins = self.joins.lock().unwrap_or_else(PoisonError::into_inner);
        joins.take(rate, Instant::now()).is_ok()
    }

    /// It was no Join.
    pub(crate) fn refund_join(&self) {
        let rate = self.shared.limits().joins_per_connection;
        self.joins.lock().unwrap_or_else(PoisonError::into_inner).refund(1, rate);
    }

    /// A stream of it is about to join.
    pub(crate) fn joining(&self) -> Joining {
        Joining::new(self.shared.clone(), self.payer, self.streams.clone())
    }

    /// A stream of it has opened a room.
    pub(crate) fn has_opened(&self) {
        self.streams.send_modify(|streams| streams.opened = streams.opened.saturating_add(1));
    }

    /// A stream of it has joined, or has proved a member's key for a file.
    pub(crate) fn has_joined(&self) {
        self.streams.send_if_modified(|streams| !std::mem::replace(&mut streams.have_joined, true));
    }
}
