//! A room that a person enters at one device comes to the others: each gets a link for one device of the account, in the room of
//! own devices. What another device offers is entered here.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use proto::RoomId;
use shared::{
    identity::DeviceId,
    room::{Command, DeviceHere, GroupView, Invited},
};
use tokio::time::{sleep, timeout};

use super::{Local, linking::no_answer, lock, strangers::came_by};
use crate::{
    failure::Exit,
    reason::Reason,
    store::{EnteredRoom, Mark, Offer, RoomKind, Store, StoreError},
};

/// How long a room may take to make one.
const MAKE: Duration = Duration::from_secs(20);

/// When what did not work is tried again.
const AGAIN: Duration = Duration::from_secs(60);

impl Local {
    /// A person is about to enter a room at this device: whatever happens to this program from here on, once it is in the others are
    /// let in.
    pub(super) fn enters_here(&self, room: RoomId) {
        if self.own_devices().is_some() {
            // What cannot be kept stays here alone.
            let _ = self.0.vault.now(|store| store.person_enters(room));
        }
    }

    /// A person went into a room at this device. Without other devices there is nobody to let in.
    pub(crate) async fn entered_here(&self, label: &str) {
        let Ok(room) = self.id(label) else { return };
        let is_of_people = self.entry(label, |_, entry| lock(&entry.state).kind == RoomKind::Chat);
        if self.own_devices().is_none() || is_of_people != Some(true) {
            return;
        }
        // What cannot be kept stays here alone.
        if self.0.vault.run(move |store| store.person_enters(room)).await.is_ok() {
            self.0.here.notify_one();
        }
    }

    /// Lets the other devices into rooms that were entered here, as far as they are known not to be there.
    pub(super) async fn offer_rooms(&self) {
        let Some(room) = self.own_devices() else { return };
        let Some(view) = room.view else { return };
        let read = move |store: &mut Store| {
            let with_going = |one: EnteredRoom| store.device_removals(one.room).map(|going| (one, going));
            let entered: Result<Vec<_>, _> = store.entered_rooms()?.into_iter().map(with_going).collect();
            Ok((entered?, store.devices_here()?, store.device_removals(room.id)?))
        };
        let Ok((entered, said, going)) = self.0.vault.run(read).await else { return };
        let mut own = (*view).clone();
        // Nobody who is to go is let in anywhere.
        own.members.retain(|member| !going.contains(&member.device.id));
        for (mut one, going) in entered {
            let before = one.clone();
            if self.is_over(one.room) {
                let _ = self.0.vault.run(move |store| store.entered_room_is_over(&before)).await;
                continue;
            }
            let is_done = self.offer_room(&own, (&said, &going), &mut one).await;
            if !is_done && one == before {
                continue;
            }
            let now = Some(one).filter(|_| !is_done);
            // What is made twice is entered once.
            let _ = self.0.vault.run(move |store| store.entered_room_is(&before, now)).await;
        }
    }

    fn is_over(&self, room: RoomId) -> bool {
        let status = self.label_of(room).and_then(|label| self.room(&label).ok());
        status.is_none_or(|status| status.over.is_some())
    }

    /// Of `said`, what devices say of themselves; of `going`, who is to leave that room. True: nothing more is to be done for it.
    async fn offer_room(
        &self,
        own: &GroupView,
        (said, going): (&[(DeviceId, DeviceHere)], &[DeviceId]),
        one: &mut EnteredRoom,
    ) -> bool {
        let Some(label) = self.label_of(one.room) else { return false };
        let Ok(status) = self.room(&label) else { return false };
        // Whoever means an open room types its name.
        if status.view.as_ref().is_some_and(|view| view.open) {
            return true;
        }
        let Some(view) = status.view else { return false };
        // A relay that is away holds up nothing else: it is looked again once its connection is up.
        if !self.is_up(one.room) {
            return false;
        }
        let Some(me) = own.members.iter().find(|member| member.me).map(|member| member.device.id) else {
            return false;
        };
        let is_in = |device: DeviceId| {
            let (_, here) = said.iter().find(|(other, _)| *other == device)?;
            // Whoever was away while it was taken out still says that it is there.
            let is_member = |leaf: &DeviceId| view.members.iter().any(|member| member.device.id == *leaf);
            let mut leaves = here.rooms.iter().filter(|(room, leaf)| *room == one.room && is_member(leaf));
            // Who is taken out for having said so too late comes in anew once it is out, which ends what it is offered before.
            let stays = |(_, leaf): &(RoomId, DeviceId)| (!going.contains(leaf)).then_some(true);
            leaves.next().map_or(Some(false), stays)
        };
        let others: Vec<DeviceId> =
            own.members.iter().filter(|member| !member.me).map(|member| member.device.id).collect();
        // Of those to which it was offered one lets in the others, if whoever made the offer has gone.
        let is_anothers =
            !one.by_person && others.iter().any(|other| other.0 < me.0 && is_in(*other) == Some(true));
        let there: Vec<(DeviceId, Option<bool>)> =
            others.iter().map(|device| (*device, is_in(*device))).collect();
        // Whoever was handed the account and has not come yet is not told of this room by anything else.
        let mut is_done = !awaits_device(own);
        for (device, is_there) in there {
            let made = one.made.iter().find(|(other, _)| *other == device).map(|(_, invite)| *invite);
            let live = made.filter(|made| view.invites.iter().any(|invite| invite.id == *made));
            match (is_there, live) {
                (Some(true), Some(invite)) => {
                    // It came by another way.
                    let _ = self.ensure(&label, Command::Revoke(invite)).await;
                }
                (Some(true), None) => {}
                // It has not said yet where it is, it is on its way, or another one sees to it.
                (None, _) | (_, Some(_)) => is_done = false,
                (Some(false), None) if is_anothers => is_done = false,
                (Some(false), None) => {
                    one.made.retain(|(other, _)| *other != device);
                    match self.make_offer(&label, one.room, device).await {
                        Ok(invite) => {
                            one.made.push((device, invite));
                            is_done = false;
                        }
                        // What may work later is tried again then.
                        Err(reason) if reason.exit() == Exit::Network => {
                            is_done = false;
                            self.look_again();
                        }
                        Err(_) => {}
                    }
                }
            }
        }
        is_done
    }

    async fn make_offer(&self, label: &str, room: RoomId, device: DeviceId) -> Result<[u8; 16], Reason> {
        let made = timeout(MAKE, self.invite_device(label, device.0)).await;
        let link = made.map_err(|_| no_answer(label))??;
        let id = link.link.secret.id();
        let mark = Mark::Entered(Offer { room, device, link });
        self.done_here(Some(mark), move |store| store.keep_invites(&[(room, id)])).await?;
        lock(&self.0.held).remove(&id);
        Ok(id)
    }

    /// Ends all ways into rooms that were made for devices of this account: those that are gone have heard of them, and are to come in
    /// nowhere. The others are given new ones. Whoever came by one just before is taken out. False: that cannot be kept.
    pub(super) async fn end_device_links(&self, gone: &[DeviceId]) -> bool {
        let me = self.me().1;
        let Ok(entered) = self.0.vault.run(|store| store.entered_rooms()).await else { return false };
        let (mut those, mut there) = (Vec::new(), Vec::new());
        for status in self.all_rooms().into_iter().filter(|status| status.over.is_none()) {
            self.settled(&status.label).await;
            let Some(view) = self.view(&status.label) else { continue };
            let is_ours = |invite: &&Invited| invite.for_device && invite.by.fingerprint == me;
            those.extend(
                view.invites
                    .iter()
                    .filter(is_ours)
                    .map(|invite| (status.label.clone(), status.id, invite.id)),
            );
        }
        for one in entered {
            let Some(label) = self.label_of(one.room) else { continue };
            let Some(view) = self.view(&label) else { continue };
            let theirs = one.made.iter().filter(|(device, _)| gone.contains(device));
            let came = theirs.flat_map(|(_, invite)| came_by(&view, *invite));
            there.extend(came.map(|member| (label.clone(), one.room, member.device.id)));
        }
        let kept: Vec<_> = those.iter().map(|(_, room, invite)| (*room, *invite)).collect();
        let out: Vec<_> = there.iter().map(|(_, room, device)| (*room, *device)).collect();
        let keep = move |store: &mut Store| {
            // Whoever comes by one from here on is looked at; whoever is gone may have used what was made for another.
            store.spoil_device_ways()?;
            store.want_invites_ended(&kept)?;
            store.want_devices_removed(&out)
        };
        let is_kept = self.0.vault.run(keep).await.is_ok();
        for (label, _, device) in there {
            let _ = self.ensure(&label, Command::RemoveDevice { who: me, device }).await;
        }
        for (label, _, invite) in those {
            // A room that cannot be told now is with what it tells next.
            let _ = self.ensure(&label, Command::Revoke(invite)).await;
        }
        is_kept
    }

    /// Enters what other devices offered to this one, one after the other.
    pub(super) async fn take_offers(&self) {
        // Whoever waits already sees what came until now.
        let Ok(_next) = self.0.next_to_take.try_lock() else { return };
        let _one = self.0.taking.lock().await;
        drop(_next);
        let (mut tried, mut has_failed) = (BTreeSet::new(), false);
        loop {
            let Ok(offers) = self.0.vault.run(|store| store.offers()).await else { return };
            // One that came in the place of another is a new one.
            let Some(offer) = offers.into_iter().find(|offer| tried.insert(offer.invite())) else { break };
            match self.take_offer(&offer).await {
                Tried::Over => drop(self.0.vault.run(move |store| store.drop_offer(&offer)).await),
                Tried::Waits => {}
                Tried::Failed => has_failed = true,
            }
        }
        if has_failed {
            self.look_again();
        }
    }

    /// What a relay or the network kept from being done may work in a while, whether anything else happens by then or not.
    fn look_again(&self) {
        if self.0.looks_again.swap(true, Ordering::Relaxed) {
            return;
        }
        let rooms = Arc::downgrade(&self.0);
        drop(tokio::spawn(async move {
            sleep(AGAIN).await;
            let Some(rooms) = rooms.upgrade() else { return };
            rooms.looks_again.store(false, Ordering::Relaxed);
            rooms.here.notify_one();
        }));
    }

    async fn take_offer(&self, offer: &Offer) -> Tried {
        let Some(own) = self.own_devices().and_then(|room| room.view) else { return Tried::Waits };
        let is_for_us = own.members.iter().any(|member| member.me && member.device.id == offer.device);
        if !is_for_us {
            return Tried::Over;
        }
        let there = self.all_rooms().into_iter().find(|room| room.id == offer.room && room.over.is_none());
        if let Some(room) = there {
            let is_by_this = |view: &GroupView| {
                view.members.iter().any(|member| member.me && member.invite == Some(offer.invite()))
            };
            // By another way: if that one is taken back, this one leads in again. By this one in a run that ended before the others
            // could be let in.
            let is_done =
                room.view.is_some_and(|view| is_by_this(&view)) && self.pass_on(offer.room).await.is_ok();
            return if is_done { Tried::Over } else { Tried::Waits };
        }
        let entered = async {
            // A stolen device may offer what it likes: what leads elsewhere is of no use, and nobody joins it.
            let Some(label) = self.join_offered(offer).await? else { return Ok(()) };
            self.entered(&label).await?;
            Ok(self.pass_on(offer.room).await?)
        };
        // One relay that says nothing holds up no other offers.
        let done: Result<Result<(), Reason>, _> = timeout(MAKE, entered).await;
        match done {
            Ok(Err(reason)) if reason.exit() == Exit::Network => Tried::Failed,
            Ok(_) => Tried::Over,
            Err(_late) => Tried::Failed,
        }
    }

    /// The other devices are to be let in where whoever made the offer cannot.
    async fn pass_on(&self, room: RoomId) -> Result<(), StoreError> {
        self.0.vault.run(move |store| store.offer_was_taken(room)).await?;
        self.0.here.notify_one();
        Ok(())
    }
}

/// What became of an offer.
enum Tried {
    /// It is of no more use.
    Over,
    /// Something else has to happen first, by which it is looked at again.
    Waits,
    /// It may work later.
    Failed,
}

/// Somebody may still come into the room of own devices by a way that was made for a device of this person. Those that are over are
/// ended there.
fn awaits_device(own: &GroupView) -> bool {
    own.invites.iter().any(|invite| invite.for_device)
}
