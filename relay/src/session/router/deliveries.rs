//! What one frame costs in frames to others: as many as there are members online.

use std::{net::IpAddr, time::Instant};

use proto::RoomId;

use crate::policy::{
    limits::Rate,
    quota::{Over, Quota},
};

/// Deliveries that one room, and one address in all its rooms, have left to cause.
#[derive(Debug)]
pub(super) struct Deliveries {
    room: Quota<RoomId>,
    address: Quota<IpAddr>,
}

impl Deliveries {
    pub(super) fn new(rate: Rate) -> Self {
        Self { room: Quota::new(rate), address: Quota::new(rate) }
    }

    pub(super) fn set_rate(&mut self, rate: Rate) {
        self.room.set_rate(rate);
        self.address.set_rate(rate);
    }

    /// Takes so many from both, or none; never more than a burst.
    pub(super) fn take(
        &mut self,
        room: RoomId,
        address: IpAddr,
        count: u32,
        now: Instant,
    ) -> Result<(), Over> {
        self.room.take_many(room, count, now)?;
        self.address.take_many(address, count, now).inspect_err(|_| self.room.refund_many(&room, count))
    }

    /// Gives so many back.
    pub(super) fn refund(&mut self, room: &RoomId, address: &IpAddr, count: u32) {
        self.room.refund_many(room, count);
        self.address.refund_many(address, count);
    }
}
