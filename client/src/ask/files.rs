//! Files that are sent and fetched.

use serde::{Deserialize, Serialize};

use super::Request;
use crate::{
    reason::Reason,
    runtime::{FaceId, Local, Outgoing, Steer, Transfer, Wanted},
    store::{FileLocation, PictureKey},
};

/// Sends a file; answered when that is begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SendFile {
    pub(crate) room: String,
    pub(crate) file: Outgoing,
}

impl Request for SendFile {
    type Answer = Transfer;

    async fn answer(self, local: &Local, asker: Option<FaceId>) -> Result<Transfer, Reason> {
        let token = match asker {
            Some(face) => face.marked(&self.file.token),
            None => self.file.token,
        };
        local.send_file(&self.room, Outgoing { token, ..self.file }).await
    }
}

/// Fetches the file of a message; answered when that is begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct GetFile {
    pub(crate) room: String,
    pub(crate) wanted: Wanted,
}

impl Request for GetFile {
    type Answer = Transfer;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Transfer, Reason> {
        local.get_file(&self.room, self.wanted).await
    }
}

/// Fetches the file of a message for as long as whoever asks is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct GetPassing {
    pub(crate) room: String,
    pub(crate) wanted: Wanted,
}

impl Request for GetPassing {
    type Answer = Transfer;

    async fn answer(self, local: &Local, asker: Option<FaceId>) -> Result<Transfer, Reason> {
        local.get_passing(&self.room, self.wanted, asker).await
    }
}

/// Files under way, of one room or of all, with the labels of their rooms.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transfers(pub(crate) Option<String>);

impl Request for Transfers {
    type Answer = Vec<(String, Transfer)>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Self::Answer, Reason> {
        Ok(local.files(self.0.as_deref()))
    }
}

/// Lets a file go on, wait or end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SteerFile {
    pub(crate) number: i64,
    pub(crate) steer: Steer,
}

impl Request for SteerFile {
    type Answer = ();

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.steer_file(self.number, self.steer)
    }
}

/// Where a file is on this device that was sent or fetched.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FilePlace {
    pub(crate) room: String,
    pub(crate) picture: PictureKey,
}

impl Request for FilePlace {
    type Answer = Option<FileLocation>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Self::Answer, Reason> {
        local.file_place(&self.room, self.picture).await
    }
}
