//! A stream on its way to a room, as its connection counts it.

use std::{net::IpAddr, sync::Arc, time::Instant};

use tokio::sync::watch;

use crate::{
    policy::refusal::Limit,
    session::{shared::Shared, streams::Streams},
};

/// A stream that wants to join; counted until it is dropped.
pub(crate) struct Joining {
    shared: Arc<Shared>,
    payer: IpAddr,
    streams: watch::Sender<Streams>,
}

impl Joining {
    /// One more of the connection whose streams these are; `payer` is who pays if it is refused.
    pub(crate) fn new(shared: Arc<Shared>, payer: IpAddr, streams: watch::Sender<Streams>) -> Self {
        streams.send_modify(|streams| streams.gate.joining += 1);
        Self { shared, payer, streams }
    }

    /// It may not.
    pub(crate) fn refused(self) {
        let now = Instant::now();
        let owed = self.shared.refused().spend(self.payer, now);
        if !owed.is_zero() {
            self.shared.metrics.limited_at(Limit::RefusedJoinsPerAddress, self.payer);
        }
        self.streams.send_modify(|streams| streams.gate.refused(now + owed));
    }
}

impl Drop for Joining {
    fn drop(&mut self) {
        self.streams.send_modify(|streams| streams.gate.joining -= 1);
    }
}
