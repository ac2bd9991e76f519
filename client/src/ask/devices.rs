//! The devices of this person.

use serde::{Deserialize, Serialize};

use super::Request;
use crate::{
    reason::Reason,
    runtime::{Entropy, FaceId, KeyRoom, Local, OwnDevice, Replaced, RoomsBeyond},
};

/// All devices of this person, by room.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Devices;

impl Request for Devices {
    type Answer = Vec<OwnDevice>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Vec<OwnDevice>, Reason> {
        local.devices().await
    }
}

/// Takes a device out of every room; answered with where it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RemoveDevice(pub(crate) String);

impl Request for RemoveDevice {
    type Answer = Vec<OwnDevice>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Vec<OwnDevice>, Reason> {
        local.remove_device(&self.0).await
    }
}

/// Calls this device so.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NameDevice(pub(crate) String);

impl Request for NameDevice {
    type Answer = ();

    const CHANGES: bool = true;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.name_device(&self.0).await
    }
}

/// Gives the account another key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReplaceKey {
    /// What the present recovery key comes from.
    pub(crate) phrase: Entropy,
    /// What the next one comes from; without it, it is only looked whether there can be one.
    pub(crate) fresh: Option<Entropy>,
}

impl Request for ReplaceKey {
    type Answer = Replaced;

    // Nobody knows whether it was done: then the phrase is another one.
    const REPEATS: bool = false;
    const CHANGES: bool = true;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Replaced, Reason> {
        local.replace_key(&self.phrase, self.fresh.as_ref()).await
    }
}

/// Which rooms have taken the present key of the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeyRooms;

impl Request for KeyRooms {
    type Answer = Vec<KeyRoom>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Vec<KeyRoom>, Reason> {
        Ok(local.key_rooms().await)
    }
}

/// In how many rooms a device of this person is, or any other one, and this device is not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BeyondHere(pub(crate) Option<String>);

impl Request for BeyondHere {
    type Answer = RoomsBeyond;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<RoomsBeyond, Reason> {
        local.rooms_beyond(self.0.as_deref()).await
    }
}
