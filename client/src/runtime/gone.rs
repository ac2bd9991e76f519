//! A device that was taken out of the room of own devices is taken out of all others as well, by whichever device of this person is in
//! them: it said which leaf of which room it is. What it says no more, or took back before, was still said.

use proto::RoomId;
use serde::{Deserialize, Serialize};
use shared::{identity::DeviceId, room::Command};

use super::{Local, devices::meant};
use crate::reason::Reason;

/// Rooms in which devices of this person said that they are, and this one is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomsBeyond {
    /// How many.
    pub rooms: usize,
    /// In so many of them another device that stays says that it is: it takes the one that goes out there.
    pub reached: usize,
}

impl Local {
    /// Takes devices that are gone out of the rooms that this one is in.
    pub(super) async fn take_out_gone(&self) {
        let Ok(claimed) = self.0.vault.run(|store| store.devices_claimed()).await else { return };
        let Some(claims) = self.claims().await else { return };
        let gone: Vec<_> = claimed.into_iter().filter(|one| !claims.is_there(one.device)).collect();
        if gone.is_empty() {
            return;
        }
        let (me, mut out) = (self.me().1, Vec::new());
        for status in self.all_rooms().into_iter().filter(|status| status.over.is_none()) {
            let Some(view) = status.view.filter(|view| !view.own_devices) else { continue };
            let ours = view.members.iter().filter(|member| member.person.fingerprint == me && !member.me);
            let leaves = ours.map(|member| member.device.id).filter(|leaf| {
                // What one that is here says that it is was never anybody else's.
                gone.iter().any(|one| one.is(status.id, *leaf)) && !claims.have(status.id, *leaf)
            });
            out.extend(leaves.map(|leaf| (status.label.clone(), status.id, leaf)));
        }
        self.take_out(out).await;
    }

    /// Takes leaves of this person out of rooms, whatever happens to this program. Those that did not deserve it are let in again.
    /// False: that cannot be kept, and is to be looked at again.
    pub(super) async fn take_out(&self, those: Vec<(String, RoomId, DeviceId)>) -> bool {
        if those.is_empty() {
            return true;
        }
        let (me, wanted) =
            (self.me().1, those.iter().map(|(_, room, leaf)| (*room, *leaf)).collect::<Vec<_>>());
        let kept = self.0.vault.run(move |store| {
            for (room, _) in &wanted {
                store.offer_was_taken(*room)?;
            }
            store.want_devices_removed(&wanted)
        });
        if kept.await.is_err() {
            return false;
        }
        for (label, _, device) in those {
            // A room that cannot be told now is with what it tells next.
            let _ = self.ensure(&label, Command::RemoveDevice { who: me, device }).await;
        }
        true
    }

    /// The rooms in which the device that is meant says that it is, or any of the others, and this one is not.
    ///
    /// # Errors
    /// [`Reason`] when there is no such device, or it cannot be read.
    pub(crate) async fn rooms_beyond(&self, named: Option<&str>) -> Result<RoomsBeyond, Reason> {
        let goes: Option<Vec<DeviceId>> = match named {
            Some(named) => {
                Some(meant(self.devices().await?, named)?.iter().filter_map(|one| one.of).collect())
            }
            None => None,
        };
        let Some(own) = self.own_devices().and_then(|own| own.view) else {
            return Ok(RoomsBeyond::default());
        };
        let said = self.0.vault.run(|store| store.devices_here()).await?;
        let is_gone = |device: &DeviceId| goes.as_ref().is_none_or(|goes| goes.contains(device));
        let others = own.members.iter().filter(|member| !member.me).map(|member| member.device.id);
        let (gone, stay): (Vec<_>, Vec<_>) = others
            .filter_map(|device| said.iter().find(|(other, _)| *other == device))
            .partition(|(device, _)| is_gone(device));
        let here: Vec<RoomId> = self
            .all_rooms()
            .into_iter()
            .filter(|status| status.over.is_none())
            .map(|status| status.id)
            .collect();
        let mut rooms: Vec<RoomId> =
            gone.iter().flat_map(|(_, here)| &here.rooms).map(|(room, _)| *room).collect();
        rooms.sort_unstable_by_key(|room| room.0);
        rooms.dedup();
        rooms.retain(|room| !here.contains(room));
        let is_reached =
            |room: &&RoomId| stay.iter().any(|(_, here)| here.rooms.iter().any(|(other, _)| other == *room));
        Ok(RoomsBeyond { rooms: rooms.len(), reached: rooms.iter().filter(is_reached).count() })
    }
}
