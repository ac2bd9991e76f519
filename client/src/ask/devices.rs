//! The devices of this person.

use serde::{Deserialize, Serialize};

use super::Request;
use crate::{
    reason::Reason,
    runtime::{FaceId, Local, OwnDevice},
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
