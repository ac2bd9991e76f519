//! A room that a person enters at one device comes to the others: each gets a link for one device of the account, in the room of
//! own devices. What another device offers is entered here.

use std::{collections::BTreeSet, time::Duration};

use proto::RoomId;
use shared::{
    identity::DeviceId,
    room::{DeviceHere, GroupView},
};
use tokio::time::timeout;

use super::{Local, linking::no_answer, lock};
use crate::{
    failure::Exit,
    reason::Reason,
    store::{EnteredRoom, Mark, Offer, Over, RoomKind, Store},
};

/// How long a room may take to make one.
const MAKE: Duration = Duration::from_secs(20);

impl Local {
    /// A person is about to enter a room at this device: whatever happens to this program from here on, once it is in the others are
    /// let in.
    pub(super) fn enters_here(&self, room: RoomId) {
        if self.own_devices().is_some() {
            let now = Some(EnteredRoom { room, made: Vec::new() });
            // What cannot be kept stays here alone.
            let _ = self.0.vault.now(|store| store.set_entered_room(room, now));
        }
    }

    /// A person went into a room at this device. Without other devices there is nobody to let in.
    pub(crate) async fn entered_here(&self, label: &str) {
        let Ok(room) = self.id(label) else { return };
        let is_of_people = self.entry(label, |_, entry| lock(&entry.state).kind == RoomKind::Chat);
        if self.own_devices().is_none() || is_of_people != Some(true) {
            return;
        }
        let now = Some(EnteredRoom { room, made: Vec::new() });
        // What cannot be kept stays here alone.
        if self.0.vault.run(move |store| store.set_entered_room(room, now)).await.is_ok() {
            self.0.here.notify_one();
        }
    }

    /// Lets the other devices into rooms that were entered here, as far as they are known not to be there.
    pub(super) async fn offer_rooms(&self) {
        let Some(own) = self.own_devices().and_then(|room| room.view) else { return };
        let read = |store: &mut Store| Ok((store.entered_rooms()?, store.devices_here()?));
        let Ok((entered, said)) = self.0.vault.run(read).await else { return };
        for mut one in entered {
            let (room, made) = (one.room, one.made.len());
            let is_done = self.offer_room(&own, &said, &mut one).await;
            if !is_done && one.made.len() == made {
                continue;
            }
            let now = Some(one).filter(|_| !is_done);
            // What is made twice is entered once.
            let _ = self.0.vault.run(move |store| store.set_entered_room(room, now)).await;
        }
    }

    /// True: nothing more is to be done for it.
    async fn offer_room(
        &self,
        own: &GroupView,
        said: &[(DeviceId, DeviceHere)],
        one: &mut EnteredRoom,
    ) -> bool {
        let Some(label) = self.label_of(one.room) else { return true };
        let Ok(status) = self.room(&label) else { return true };
        // Whoever means an open room types its name.
        if status.over.is_some() || status.view.as_ref().is_some_and(|view| view.open) {
            return true;
        }
        if status.view.is_none() {
            return false;
        }
        let mut is_done = true;
        for device in own.members.iter().filter(|member| !member.me).map(|member| member.device.id) {
            let here = said.iter().find(|(other, _)| *other == device);
            let is_there = here.map(|(_, here)| here.rooms.iter().any(|(room, _)| *room == one.room));
            match is_there {
                Some(true) => continue,
                Some(false) if one.made.contains(&device) => continue,
                // It has not said yet where it is.
                None => is_done = false,
                Some(false) => match self.make_offer(&label, one.room, device).await {
                    Ok(()) => one.made.push(device),
                    // What may work later is tried again then.
                    Err(reason) => is_done &= reason.exit() != Exit::Network,
                },
            }
        }
        is_done
    }

    async fn make_offer(&self, label: &str, room: RoomId, device: DeviceId) -> Result<(), Reason> {
        let link = timeout(MAKE, self.invite_device(label)).await.map_err(|_| no_answer(label))??;
        let id = link.link.secret.id();
        let mark = Mark::Entered(Offer { room, device, link });
        self.done_here(Some(mark), move |store| store.keep_invites(&[(room, id)])).await?;
        lock(&self.0.held).remove(&id);
        Ok(())
    }

    /// Enters what other devices offered to this one, one after the other.
    pub(super) async fn take_offers(&self) {
        // Somebody does it already, and sees what comes meanwhile.
        let Ok(_one) = self.0.taking.try_lock() else { return };
        let mut tried = BTreeSet::new();
        loop {
            let Ok(offers) = self.0.vault.run(|store| store.offers()).await else { return };
            let Some(offer) = offers.into_iter().find(|offer| tried.insert((offer.room.0, offer.device)))
            else {
                return;
            };
            if self.take_offer(&offer).await {
                let _ = self.0.vault.run(move |store| store.drop_offer(&offer)).await;
            }
        }
    }

    /// A room that is over here was left at another device.
    pub(super) fn is_left(&self, room: RoomId) {
        let rooms = lock(&self.0.rooms);
        if let Some(entry) = rooms.values().find(|entry| entry.record.id == room) {
            lock(&entry.state).over = Some(Over::Left);
        }
        drop(rooms);
        self.0.files.under_way().wake(room);
    }

    /// True: it is of no more use.
    async fn take_offer(&self, offer: &Offer) -> bool {
        let Some(own) = self.own_devices().and_then(|room| room.view) else { return false };
        let is_for_us = own.members.iter().any(|member| member.me && member.device.id == offer.device);
        let is_in = self.all_rooms().iter().any(|room| room.id == offer.room && room.over.is_none());
        if !is_for_us || is_in {
            return true;
        }
        let entered = async {
            let label = self.join(&offer.link).await?;
            self.entered(&label).await
        };
        // One relay that says nothing holds up no other offers.
        let done: Result<Result<(), Reason>, _> = timeout(MAKE, entered).await;
        let Ok(done) = done else { return false };
        done.err().is_none_or(|reason| reason.exit() != Exit::Network)
    }
}
