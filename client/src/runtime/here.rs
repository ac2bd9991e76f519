//! Tells this person's other devices where this one is: who it is in which room, what it is called, and on which day it was in use.
//! When something of that has changed, and else once a day.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use shared::room::{Command, Day, DeviceHere, MAX_HERE, MessageBody};
use tokio::{sync::Notify, time::timeout};

use super::{Inner, Local, lock, now_ms};
use crate::store::RoomKind;

/// What changes within this time is told together: a device that is new enters twenty rooms at once.
const TOGETHER: Duration = Duration::from_secs(2);

/// How often it is looked whether another day has begun.
const LOOK: Duration = Duration::from_secs(3600);

/// Where rooms say that something has changed.
pub(super) type Changed = Arc<Notify>;

/// Until nobody has the rooms any more.
pub(super) async fn run(rooms: Weak<Inner>, changed: Changed) {
    loop {
        // Another day may have begun, or not.
        let _ = timeout(LOOK, changed.notified()).await;
        tokio::time::sleep(TOGETHER).await;
        let Some(local) = rooms.upgrade().map(Local) else { return };
        local.forget_devices_gone().await;
        local.tell_here().await;
        local.offer_rooms().await;
    }
}

impl Local {
    /// Says where this device is, unless it has said just that today.
    pub(super) async fn tell_here(&self) {
        // Whoever runs some of the rooms does not know of the others.
        let Some(own) = self.own_devices().filter(|_| self.0.config.only.is_none()) else { return };
        let rooms = self.places().await;
        let view = self.view(&own.label).filter(|view| view.own_devices);
        let me = view.and_then(|view| view.members.iter().find(|member| member.me).map(|me| me.device.id));
        let (Some(me), Ok(told)) = (me, self.0.vault.run(|store| store.device_told()).await) else { return };
        // In another room of own devices nobody heard it.
        let told = told.filter(|(device, _)| *device == me).map(|(_, here)| here);
        let name = lock(&self.0.profile).engine.device_name.clone();
        let here = now(told.as_ref(), name, rooms, Day::of(now_ms()));
        if told.as_ref() == Some(&here) {
            return;
        }
        let said = MessageBody::Here(Box::new(here.clone()));
        if self.tell(&own.label, Command::Say { token: String::new(), body: said }).await.is_ok() {
            // If that is not kept it is said once more.
            let _ = self.0.vault.run(move |store| store.set_device_told(me, &here)).await;
        }
    }

    /// Who this device is in each of its rooms.
    async fn places(&self) -> Vec<(proto::RoomId, shared::identity::DeviceId)> {
        let mut places = Vec::new();
        for status in self.all_rooms().into_iter().filter(|status| status.over.is_none()) {
            self.settled(&status.label).await;
            let is_shown = self.entry(&status.label, |_, entry| lock(&entry.state).kind == RoomKind::Chat);
            let Some(view) = self.view(&status.label).filter(|_| is_shown == Some(true)) else { continue };
            let me = view.members.iter().find(|member| member.me);
            places.extend(me.map(|me| (status.id, me.device.id)));
        }
        places.sort_unstable_by_key(|(room, _)| room.0);
        places.truncate(MAX_HERE);
        places
    }
}

/// Where this device is now. It is there since it said so first.
fn now(
    told: Option<&DeviceHere>,
    name: String,
    rooms: Vec<(proto::RoomId, shared::identity::DeviceId)>,
    today: Day,
) -> DeviceHere {
    // On a clock that was set back it is no later than today.
    let since = told.map_or(today, |told| told.since.min(today));
    DeviceHere { name, since, seen: today, rooms }
}
