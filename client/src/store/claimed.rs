//! Which leaf of which room each device said that it is, now or before: what a device takes back, or says no more since it is gone, is
//! still known. So a device that is taken out is taken out of all rooms of which it ever spoke.

use proto::RoomId;
use serde::{Deserialize, Serialize};
use shared::{
    identity::DeviceId,
    room::{DeviceHere, MAX_HERE},
};

use super::{Store, StoreError};

/// What devices said ever.
const CLAIMED: &str = "devices_claimed";

/// What goes with the account.
pub(super) const OF_DEVICES: &[&str] = &[CLAIMED];

/// Devices, at most; whoever spoke first is forgotten first.
const MOST_DEVICES: usize = 32;

/// Places of a device, at most: those of many years.
const MOST_PLACES: usize = 4 * MAX_HERE;

/// What a device said ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// Its id in the room of own devices.
    pub device: DeviceId,
    /// Rooms, and who it is there. What was said first is kept: a flood of others pushes none of it out.
    places: Vec<([u8; RoomId::LEN], DeviceId)>,
}

impl Claimed {
    /// It said that it is this leaf of the room.
    pub fn is(&self, room: RoomId, leaf: DeviceId) -> bool {
        self.places.contains(&(room.0, leaf))
    }
}

impl Store {
    /// What devices said ever of where they are, those that are gone as well.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn devices_claimed(&self) -> Result<Vec<Claimed>, StoreError> {
        Ok(self.json(CLAIMED)?.unwrap_or_default())
    }

    /// A device says where it is.
    pub(super) fn device_claims(&mut self, device: DeviceId, here: &DeviceHere) -> Result<(), StoreError> {
        let mut all = self.devices_claimed()?;
        let known = all.iter().position(|one| one.device == device);
        let mut claimed = match known {
            Some(at) => all.remove(at),
            None => Claimed { device, places: Vec::new() },
        };
        let before = claimed.places.len();
        for (room, leaf) in &here.rooms {
            if claimed.places.len() < MOST_PLACES && !claimed.is(*room, *leaf) {
                claimed.places.push((room.0, *leaf));
            }
        }
        if known.is_some() && claimed.places.len() == before {
            return Ok(());
        }
        all.push(claimed);
        let extra = all.len().saturating_sub(MOST_DEVICES);
        all.drain(..extra);
        self.set_json(CLAIMED, &all)
    }
}
