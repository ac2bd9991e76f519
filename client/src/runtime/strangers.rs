//! Devices of this account that came into a room by a way that was made for another device, and of which no device of this person
//! says that it is this one: whoever was taken out had heard of that way. They are taken out as well.
//!
//! A device that did come by its own way, and had no time to say so, is hit by that too. It is let in again by a new way; whoever is
//! gone is told of none.

use shared::{
    identity::DeviceId,
    room::{GroupView, Member},
};

use super::{Local, claims::Claims};
use crate::store::DeviceWay;

impl Local {
    /// Takes out whoever came by a spoilt way. Ways that nobody can come by any more are forgotten.
    pub(super) async fn take_out_strangers(&self) {
        let Ok(ways) = self.0.vault.run(|store| store.device_ways()).await else { return };
        if ways.is_empty() {
            return;
        }
        let Some(claims) = self.claims().await else { return };
        let (mut seen, mut over, mut out) = (Vec::new(), Vec::new(), Vec::new());
        for way in &ways {
            let Some(label) = self.label_of(way.room) else { continue };
            let Some(view) = self.view(&label) else { continue };
            let looked = look(way, &view, &claims);
            seen.extend(looked.is_seen.then_some(way.invite));
            over.extend(looked.is_over.then_some(way.invite));
            out.extend(looked.strangers.into_iter().map(|device| (label.clone(), way.room, device)));
        }
        if self.take_out(out).await {
            // What cannot be kept is looked at again.
            let _ = self.0.vault.run(move |store| store.settle_device_ways(&seen, &over)).await;
        }
    }
}

/// What a room says of a way into it.
struct Looked {
    is_seen: bool,
    is_over: bool,
    strangers: Vec<DeviceId>,
}

/// Our other devices that came into a room by that way. By the name of an open room everybody else does as well, who are not ours to
/// take out.
pub(super) fn came_by(view: &GroupView, invite: [u8; 16]) -> impl Iterator<Item = &Member> {
    view.members
        .iter()
        .filter(move |member| member.invite == Some(invite) && !member.me && view.is_ours(member))
}

fn look(way: &DeviceWay, view: &GroupView, claims: &Claims) -> Looked {
    let is_live = view.invites.iter().any(|invite| invite.id == way.invite);
    let came: Vec<&Member> = came_by(view, way.invite).collect();
    // In the room of own devices nobody says who it is there: that is who says it.
    let is_known = |leaf: &DeviceId| view.own_devices || claims.have(way.room, *leaf);
    let unclaimed = || came.iter().map(|member| member.device.id).filter(|leaf| !is_known(leaf));
    let strangers: Vec<DeviceId> = if way.is_spoilt { unclaimed().collect() } else { Vec::new() };
    let is_seen = way.is_seen || is_live || !came.is_empty();
    // Whoever came by it and has not said so yet may be gone before that.
    Looked { is_seen, is_over: is_seen && !is_live && unclaimed().next().is_none(), strangers }
}
