//! Ways into rooms that were made for devices of this person, while somebody may still come by one. Every device hears of all of them:
//! a device that is taken out may know a way that was made for another.

use proto::RoomId;
use serde::{Deserialize, Serialize};

use super::{Damage, Store, StoreError};

/// Ways that this device made or heard of.
const WAYS: &str = "device_ways";

/// What goes with the account.
pub(super) const OF_DEVICES: &[&str] = &[WAYS];

/// At most; the oldest are forgotten first.
const MOST: usize = 1024;

/// A way into a room for one device of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceWay {
    /// The room.
    pub room: RoomId,
    /// The invite.
    pub invite: [u8; 16],
    /// The room was seen to have it. Until then it is not over: the relay may hold back what made it.
    pub is_seen: bool,
    /// A device that may have heard of it is gone.
    pub is_spoilt: bool,
}

impl Store {
    /// The ways that are not over.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn device_ways(&self) -> Result<Vec<DeviceWay>, StoreError> {
        let rows: Vec<Row> = self.json(WAYS)?.unwrap_or_default();
        rows.iter().map(|row| row.read().ok_or(StoreError::Damaged(Damage::Offers))).collect()
    }

    /// These were made for devices of this person.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be kept.
    pub fn add_device_ways(&mut self, those: &[(RoomId, [u8; 16])]) -> Result<(), StoreError> {
        let mut all = self.device_ways()?;
        let before = all.len();
        for (room, invite) in those.iter().copied() {
            if !all.iter().any(|way| (way.room, way.invite) == (room, invite)) {
                all.push(DeviceWay { room, invite, is_seen: false, is_spoilt: false });
            }
        }
        if all.len() == before { Ok(()) } else { self.set_device_ways(&all) }
    }

    /// A device is gone that may have heard of all of them.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be kept.
    pub fn spoil_device_ways(&mut self) -> Result<(), StoreError> {
        let mut all = self.device_ways()?;
        if all.iter().all(|way| way.is_spoilt) {
            return Ok(());
        }
        all.iter_mut().for_each(|way| way.is_spoilt = true);
        self.set_device_ways(&all)
    }

    /// The rooms were seen to have some, and others are over.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be kept.
    pub fn settle_device_ways(&mut self, seen: &[[u8; 16]], over: &[[u8; 16]]) -> Result<(), StoreError> {
        let before = self.device_ways()?;
        let mut all = before.clone();
        all.retain(|way| !over.contains(&way.invite));
        all.iter_mut().for_each(|way| way.is_seen |= seen.contains(&way.invite));
        if all == before { Ok(()) } else { self.set_device_ways(&all) }
    }

    fn set_device_ways(&mut self, all: &[DeviceWay]) -> Result<(), StoreError> {
        let newest = all.iter().skip(all.len().saturating_sub(MOST));
        let rows: Vec<Row> = newest.map(Row::of).collect();
        self.set_json(WAYS, &rows)
    }
}

/// A way as it is stored; ids as hexadecimal digits.
#[derive(Serialize, Deserialize)]
struct Row {
    room: String,
    invite: String,
    seen: bool,
    spoilt: bool,
}

impl Row {
    fn of(way: &DeviceWay) -> Self {
        Self {
            room: hex::encode(way.room.as_bytes()),
            invite: hex::encode(way.invite),
            seen: way.is_seen,
            spoilt: way.is_spoilt,
        }
    }

    fn read(&self) -> Option<DeviceWay> {
        let (mut room, mut invite) = ([0; RoomId::LEN], [0; 16]);
        hex::decode_to_slice(&self.room, &mut room).ok()?;
        hex::decode_to_slice(&self.invite, &mut invite).ok()?;
        Some(DeviceWay { room: RoomId(room), invite, is_seen: self.seen, is_spoilt: self.spoilt })
    }
}
