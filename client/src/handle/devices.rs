//! The devices of this person.

use super::Runtime;
use crate::{
    ask,
    reason::Reason,
    runtime::{Entropy, KeyRoom, OwnDevice, Replaced, RoomsBeyond},
};

impl Runtime {
    /// All devices of this person, by room.
    ///
    /// # Errors
    /// [`Reason`] when they cannot be read, or the daemon does not answer.
    pub async fn devices(&self) -> Result<Vec<OwnDevice>, Reason> {
        self.ask(ask::Devices).await
    }

    /// Takes a device out of every room that it is in. Returns where it is; it goes from there as soon as it can.
    ///
    /// # Errors
    /// [`Reason`] when no device, or more than one, is meant, it is this one, or it cannot be saved.
    pub async fn remove_device(&self, named: &str) -> Result<Vec<OwnDevice>, Reason> {
        self.ask(ask::RemoveDevice(named.to_owned())).await
    }

    /// Calls this device so, here and in all rooms.
    ///
    /// # Errors
    /// [`Reason`] when the name cannot be shown or not be saved.
    pub async fn name_device(&self, name: &str) -> Result<(), Reason> {
        self.ask(ask::NameDevice(name.to_owned())).await
    }

    /// Gives the account another key: `phrase` is what its recovery key comes from, `fresh` what the next one comes from. Without
    /// that it is only looked whether it can have one.
    ///
    /// # Errors
    /// [`Reason`] when it cannot be stored, or the daemon does not answer.
    pub async fn replace_key(&self, phrase: Entropy, fresh: Option<Entropy>) -> Result<Replaced, Reason> {
        self.ask(ask::ReplaceKey { phrase, fresh }).await
    }

    /// The rooms in which the device that is meant says that it is, or any other one of this person, and this one is not.
    ///
    /// # Errors
    /// [`Reason`] when there is no such device, or the daemon does not answer.
    pub async fn rooms_beyond(&self, named: Option<&str>) -> Result<RoomsBeyond, Reason> {
        self.ask(ask::BeyondHere(named.map(str::to_owned))).await
    }

    /// Which rooms have taken the present key of the account.
    ///
    /// # Errors
    /// [`Reason`] when the daemon does not answer.
    pub async fn key_rooms(&self) -> Result<Vec<KeyRoom>, Reason> {
        self.ask(ask::KeyRooms).await
    }
}
