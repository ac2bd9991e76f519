//! The devices of this person, as the rooms know them; one is taken out of all rooms at once.
//!
//! A removal is written down before any room hears of it, and each room is asked again with everything that it tells of its
//! members until the device is out of it: after a crash, a restart, or days without a relay.

mod meant;
mod whose;

use proto::RoomId;
use serde::{Deserialize, Serialize};
use shared::{
    identity::{DeviceId, clean_name},
    room::{Command, Millis},
};
use tokio::sync::oneshot;

pub use self::meant::meant;
use self::whose::give;
use super::{
    Local, RoomStatus, lock,
    room::{Ask, own_leaves},
};
use crate::reason::{DeviceReason, Reason};

/// A device of this person in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDevice {
    /// The room's label.
    pub room: String,
    /// Names the device there.
    pub id: DeviceId,
    /// What it is called.
    pub name: String,
    /// This one.
    pub is_me: bool,
    /// Since when it is in, Unix milliseconds; 0 where that is not known here.
    pub since: Millis,
    /// It is to be taken out.
    pub goes: bool,
    /// Nobody is shown the room: in it the devices keep in step.
    pub is_hidden: bool,
    /// Which device it is: its id in the room of own devices. None where none of them says that this is it.
    pub of: Option<DeviceId>,
    /// On which day it was in use last, Unix milliseconds; 0 where it has not said so.
    pub seen: Millis,
}

impl OwnDevice {
    /// By what it is told apart: the same in all rooms, where it says which it is.
    pub fn whole_id(&self) -> DeviceId {
        self.of.unwrap_or(self.id)
    }

    /// The beginning of that, for people.
    pub fn short_id(&self) -> String {
        self.whole_id().to_string().chars().take(8).collect()
    }
}

impl Local {
    /// All devices of this person, by room.
    ///
    /// # Errors
    /// [`Reason`] when it cannot be read which are to go.
    pub(crate) async fn devices(&self) -> Result<Vec<OwnDevice>, Reason> {
        let (mut devices, mut places) = (Vec::new(), Vec::new());
        // What this one is called a room may not have heard yet.
        let own_name = lock(&self.0.profile).engine.device_name.clone();
        let shut_out = self.0.vault.run(|store| store.shut_out()).await?;
        let is_in = |status: &RoomStatus| {
            status.over.is_none() && !shut_out.iter().any(|(room, _)| *room == status.id)
        };
        for status in self.all_rooms().into_iter().filter(is_in) {
            // A room that was just started has read its rows once it answers.
            self.settled(&status.label).await;
            let Some(view) = self.view(&status.label) else { continue };
            let id = status.id;
            let going = self.0.vault.run(move |store| store.device_removals(id)).await?;
            let ours = view.people().into_iter().find(|present| present.is_me);
            devices.extend(ours.into_iter().flat_map(|present| present.devices).map(|member| OwnDevice {
                room: status.label.clone(),
                id: member.device.id,
                name: if member.me { own_name.clone() } else { member.device.name.clone() },
                is_me: member.me,
                since: member.since,
                goes: going.contains(&member.device.id),
                is_hidden: view.own_devices,
                of: None,
                seen: 0,
            }));
            places.push((status.label, id));
        }
        let said = self.0.vault.run(|store| store.devices_here()).await?;
        give(&mut devices, &said, &places);
        Ok(devices)
    }

    /// Of devices that are out of all rooms nothing is known any more: the next one that comes is another.
    pub(super) async fn forget_devices_gone(&self) {
        if self.0.config.only.is_some() {
            return;
        }
        let (me, mut most) = (self.me().1, 1);
        // There each device is once, and a room of people may count one that is gone while its relay is away.
        if let Some(own) = self.own_devices() {
            self.settled(&own.label).await;
            let Some(view) = self.view(&own.label) else { return };
            most = most.max(own_leaves(Some(&*view), &me));
            let _ = self.0.vault.run(move |store| store.own_devices_at_most(most)).await;
            return;
        }
        for status in self.all_rooms().into_iter().filter(|status| status.over.is_none()) {
            self.settled(&status.label).await;
            // Where nothing is known of a room, nothing is said of all of them.
            let Some(view) = self.view(&status.label) else { return };
            most = most.max(own_leaves(Some(&*view), &me));
        }
        // It is looked at again.
        let _ = self.0.vault.run(move |store| store.own_devices_at_most(most)).await;
    }

    /// Takes a device out of every room that it is in, named by what it is called or by its id in a room. Returns where it
    /// is; it goes from there as soon as each room's relay is there.
    ///
    /// # Errors
    /// [`Reason`] when there is no such device, several are called so, it is this one, or it cannot be saved.
    pub(crate) async fn remove_device(&self, named: &str) -> Result<Vec<OwnDevice>, Reason> {
        let found = meant(self.devices().await?, named)?;
        let me = self.me().1;
        let places: Vec<_> =
            found.iter().filter_map(|one| Some((self.id(&one.room).ok()?, one.id))).collect();
        self.0.vault.run(move |store| store.want_devices_removed(&places)).await?;
        // It may have heard of ways into rooms in which it is not yet.
        let gone: Vec<_> = found.iter().filter_map(|one| one.of).collect();
        self.end_device_links(&gone).await;
        if let Some(own) = self.own_devices().and_then(|room| room.view) {
            let there = own.members.iter().map(|member| member.device.id).filter(|id| !gone.contains(id));
            let there: Vec<_> = there.collect();
            // What cannot be written goes with the device.
            let _ = self.0.vault.run(move |store| store.drop_offers_without(&there)).await;
        }
        for one in &found {
            // A room that cannot be told now is with what it tells next.
            let _ = self.ensure(&one.room, Command::RemoveDevice { who: me, device: one.id }).await;
        }
        Ok(found)
    }

    /// This device is called so from now on, here and in all rooms.
    ///
    /// # Errors
    /// [`Reason`] when the name cannot be shown or not be saved.
    pub(crate) async fn name_device(&self, name: &str) -> Result<(), Reason> {
        let name = clean_name(name).map_err(DeviceReason::BadName)?;
        let saved = name.clone();
        self.0.vault.run(move |store| store.set_device_name(&saved)).await?;
        lock(&self.0.profile).engine.device_name.clone_from(&name);
        self.0.here.notify_one();
        for status in self.all_rooms().into_iter().filter(|status| status.over.is_none()) {
            self.settled(&status.label).await;
            if self.view(&status.label).is_some() {
                self.tell(&status.label, Command::NameDevice(name.clone())).await?;
            }
        }
        Ok(())
    }

    /// Rings for a device of this account of which none of ours speaks. True: it was told, and that is kept.
    ///
    /// # Errors
    /// [`Reason`] when the alarm cannot be stored.
    pub(super) async fn ring(&self, room: RoomId, device: DeviceId) -> Result<bool, Reason> {
        let Some(label) = self.label_of(room) else { return Ok(false) };
        let Some(view) = self.view(&label) else { return Ok(false) };
        let Some(member) = view.members.iter().find(|member| member.device.id == device) else {
            return Ok(false);
        };
        let (reply, answer) = oneshot::channel();
        if self.asks(&label)?.send(Ask::Unclaimed(member.device.name.clone(), reply)).await.is_err() {
            return Ok(false);
        }
        // A room that ends now rings no more.
        let Ok(done) = answer.await else { return Ok(false) };
        done?;
        Ok(self.0.vault.run(move |store| store.set_rung(room, device)).await.is_ok())
    }

    /// Waits until a room has read its rows.
    pub(super) async fn settled(&self, room: &str) {
        let Ok(asks) = self.asks(room) else { return };
        let (reply, answer) = oneshot::channel();
        if asks.send(Ask::Queued(reply)).await.is_ok() {
            // A room that is over answers nothing.
            let _ = answer.await;
        }
    }
}
