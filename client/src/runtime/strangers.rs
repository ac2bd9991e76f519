//! Devices of this account that came into a room by a way that was made for another device, and of which no device of this person
//! says that it is this one: whoever was taken out had heard of that way. They are taken out as well.
//!
//! A device that did come by its own way, and had no time to say so, is hit by that too. It is let in again by a new way; whoever is
//! gone is told of none.

use std::sync::Arc;

use proto::RoomId;
use shared::{
    identity::DeviceId,
    room::{Command, DeviceHere, GroupView, MAX_HERE, Member},
};

use super::Local;
use crate::store::DeviceWay;

/// The room of own devices, and who says there that it is which leaf of which room.
pub(super) struct Claims {
    own: Arc<GroupView>,
    said: Vec<(DeviceId, DeviceHere)>,
}

impl Local {
    /// None: it cannot be known now. Whoever runs some of the rooms does not know of the others, and while that relay is away somebody
    /// may have said so whom this device did not hear.
    pub(super) async fn claims(&self) -> Option<Claims> {
        let own = self.own_devices().filter(|own| self.0.config.only.is_none() && self.is_up(own.id))?.view?;
        let said = self.0.vault.run(|store| store.devices_here()).await.ok()?;
        Some(Claims { own, said })
    }

    /// Takes out whoever came by a spoilt way. Ways that nobody can come by any more are forgotten.
    pub(super) async fn take_out_strangers(&self) {
        let Ok(ways) = self.0.vault.run(|store| store.device_ways()).await else { return };
        if ways.is_empty() {
            return;
        }
        let Some(claims) = self.claims().await else { return };
        let me = self.me().1;
        let (mut seen, mut over, mut out) = (Vec::new(), Vec::new(), Vec::new());
        for way in &ways {
            let Some(label) = self.label_of(way.room) else { continue };
            let Some(view) = self.view(&label) else { continue };
            let looked = look(way, &view, &claims);
            seen.extend(looked.is_seen.then_some(way.invite));
            over.extend(looked.is_over.then_some(way.invite));
            out.extend(looked.strangers.into_iter().map(|device| (label.clone(), way.room, device)));
        }
        let wanted: Vec<_> = out.iter().map(|(_, room, device)| (*room, *device)).collect();
        let kept = self.0.vault.run(move |store| {
            // Those that are hit and did not deserve it are let in again.
            for (room, _) in &wanted {
                store.offer_was_taken(*room)?;
            }
            store.want_devices_removed(&wanted)?;
            store.settle_device_ways(&seen, &over)
        });
        // What cannot be kept is looked at again.
        if kept.await.is_err() {
            return;
        }
        for (label, _, device) in out {
            // A room that cannot be told now is with what it tells next.
            let _ = self.tell(&label, Command::RemoveDevice { who: me, device }).await;
        }
    }
}

/// What a room says of a way into it.
struct Looked {
    is_seen: bool,
    is_over: bool,
    strangers: Vec<DeviceId>,
}

fn look(way: &DeviceWay, view: &GroupView, claims: &Claims) -> Looked {
    let is_live = view.invites.iter().any(|invite| invite.id == way.invite);
    let came: Vec<&Member> =
        view.members.iter().filter(|member| member.invite == Some(way.invite) && !member.me).collect();
    // In the room of own devices nobody says who it is there: that is who says it.
    let is_known = |leaf: &DeviceId| view.own_devices || claims.have(way.room, *leaf);
    let unclaimed = || came.iter().map(|member| member.device.id).filter(|leaf| !is_known(leaf));
    let strangers: Vec<DeviceId> = if way.is_spoilt { unclaimed().collect() } else { Vec::new() };
    let is_seen = way.is_seen || is_live || !came.is_empty();
    // Whoever came by it and has not said so yet may be gone before that.
    Looked { is_seen, is_over: is_seen && !is_live && unclaimed().next().is_none(), strangers }
}

impl Claims {
    /// A device that is there says that it is this leaf of the room.
    pub(super) fn have(&self, room: RoomId, leaf: DeviceId) -> bool {
        let there = |device: DeviceId| self.own.members.iter().any(|member| member.device.id == device);
        self.said.iter().filter(|(device, _)| there(*device)).any(|(_, here)| {
            // Whoever is in more rooms than can be said may be there.
            here.rooms.len() >= MAX_HERE || here.rooms.contains(&(room, leaf))
        })
    }
}
