//! Which device of this person says that it is which leaf of a room: each says so of itself, in the room of own devices.

use proto::RoomId;
use shared::{identity::DeviceId, room::DeviceHere};

use super::Local;
use crate::store::RoomKind;

/// Who is in the room of own devices, and what was said there.
pub(super) struct Claims {
    /// None: nobody knows who is there now, and whatever was said counts.
    there: Option<Vec<DeviceId>>,
    said: Vec<(DeviceId, DeviceHere)>,
}

impl Local {
    /// None: it cannot be known now. Whoever runs some of the rooms does not know of the others, and while that relay is away somebody
    /// may have said so whom this device did not hear.
    pub(super) async fn claims(&self) -> Option<Claims> {
        self.own_devices().filter(|own| own.view.is_some() && self.is_up(own.id))?;
        self.claims_heard().await
    }

    /// The same as far as it was heard: that relay may be away, or keep this device out of the room. None: there never was one, or this
    /// runtime runs some of the rooms.
    pub(super) async fn claims_heard(&self) -> Option<Claims> {
        let own = self.rooms_that(|state| state.kind == RoomKind::OwnDevices);
        if own.is_empty() || self.0.config.only.is_some() {
            return None;
        }
        let view = own.into_iter().filter(|room| room.over.is_none()).find_map(|room| room.view);
        let there = view.map(|view| view.members.iter().map(|member| member.device.id).collect());
        let said = self.0.vault.run(|store| store.devices_here()).await.ok()?;
        Some(Claims { there, said })
    }
}

impl Claims {
    /// A device that is there says that it is this leaf of the room.
    pub(super) fn have(&self, room: RoomId, leaf: DeviceId) -> bool {
        // A list that is full says no more than what stands in it: nobody is in so many rooms.
        self.said
            .iter()
            .filter(|(device, _)| self.is_there(*device))
            .any(|(_, here)| here.rooms.contains(&(room, leaf)))
    }

    /// The device is one of ours, or nobody knows who is there now.
    pub(super) fn is_there(&self, device: DeviceId) -> bool {
        self.there.as_ref().is_none_or(|there| there.contains(&device))
    }
}
