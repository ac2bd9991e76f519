//! Tells this person's other devices where this one is: who it is in which room, what it is called, and on which day it was in use.
//! When something of that has changed, and else once a day.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use shared::room::{Command, Day, DeviceHere, MAX_HERE, MessageBody, Millis};
use tokio::{sync::Notify, time::timeout};

use super::{Inner, Local, lock, now_ms, unclaimed::Unclaimed};
use crate::store::{RoomKind, Told};

/// What changes within this time is told together: a device that is new enters twenty rooms at once.
const TOGETHER: Duration = Duration::from_secs(2);

/// How often it is looked whether another day has begun.
const LOOK: Duration = Duration::from_secs(3600);

/// Where rooms say that something has changed.
pub(super) type Changed = Arc<Notify>;

/// Until nobody has the rooms any more.
pub(super) async fn run(rooms: Weak<Inner>, changed: Changed) {
    let mut unclaimed = Unclaimed::default();
    loop {
        // Another day may have begun, or not.
        let _ = timeout(unclaimed.next().unwrap_or(LOOK), changed.notified()).await;
        tokio::time::sleep(TOGETHER).await;
        let Some(local) = rooms.upgrade().map(Local) else { return };
        local.look_after_devices(&mut unclaimed, (Instant::now(), now_ms())).await;
    }
}

impl Local {
    /// Does what is to be done now for this person's devices.
    pub(super) async fn look_after_devices(&self, unclaimed: &mut Unclaimed, now: (Instant, Millis)) {
        self.forget_devices_gone().await;
        self.tell_here().await;
        self.take_out_strangers().await;
        self.take_out_gone().await;
        self.ring_for_unclaimed(unclaimed, now).await;
        self.look_for_replaced().await;
        self.offer_rooms().await;
        // What could not be entered before.
        let local = self.clone();
        drop(tokio::spawn(async move { local.take_offers().await }));
    }

    /// Says where this device is, unless it has said just that today and all that are there now were there.
    pub(super) async fn tell_here(&self) {
        // One after the other: what one has told of devices that are gone is done then.
        let _one = self.0.telling.lock().await;
        // Whoever runs some of the rooms does not know of the others.
        let Some(own) = self.own_devices().filter(|_| self.0.config.only.is_none()) else { return };
        let rooms = self.places().await;
        let view = self.view(&own.label).filter(|view| view.own_devices);
        let Some(view) = view else { return };
        let me = view.members.iter().find(|member| member.me).map(|me| me.device.id);
        let others = view.members.iter().filter(|member| !member.me);
        let heard: Vec<_> = others.map(|member| member.device.id).collect();
        let (Some(me), Ok(told)) = (me, self.0.vault.run(|store| store.device_told()).await) else { return };
        // In another room of own devices nobody heard it.
        let told = told.filter(|told| told.me == me);
        let name = lock(&self.0.profile).engine.device_name.clone();
        let here = now(told.as_ref().map(|told| &told.here), name, rooms, Day::of(now_ms()));
        // Whoever is gone has heard of ways into rooms.
        let gone: Vec<_> =
            told.iter().flat_map(|told| &told.heard).filter(|one| !heard.contains(one)).copied().collect();
        if !gone.is_empty() && !self.end_device_links(&gone).await {
            return;
        }
        let is_heard = |told: &Told| {
            told.here == here && gone.is_empty() && heard.iter().all(|one| told.heard.contains(one))
        };
        if told.as_ref().is_some_and(is_heard) {
            return;
        }
        let said = MessageBody::Here(Box::new(here.clone()));
        if self.tell(&own.label, Command::Say { token: String::new(), body: said }).await.is_ok() {
            // If that is not kept it is said once more.
            let _ = self.0.vault.run(move |store| store.set_device_told(&Told { me, here, heard })).await;
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
