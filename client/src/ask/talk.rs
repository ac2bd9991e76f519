//! Asking something of a room, changing what others see of us, and saying how far somebody is.

use serde::{Deserialize, Serialize};
use shared::room::Command;

use super::Request;
use crate::{
    reason::Reason,
    runtime::{FaceId, Local},
    store::{Cursor, PictureKey},
};

/// Asks something of a room; answered when that is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tell {
    pub(crate) room: String,
    pub(crate) command: Command,
}

impl Request for Tell {
    type Answer = ();

    const REPEATS: bool = false;

    async fn answer(self, local: &Local, asker: Option<FaceId>) -> Result<(), Reason> {
        let command = match asker {
            Some(face) => face.mark(self.command),
            None => self.command,
        };
        local.tell_as(asker, &self.room, command).await
    }
}

/// Changes the display name, in all rooms.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rename(pub(crate) String);

impl Request for Rename {
    type Answer = ();

    const CHANGES: bool = true;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.rename(&self.0).await
    }
}

/// Changes what we say of ourselves, in all rooms.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Describe {
    pub(crate) status: String,
    pub(crate) glyph: String,
}

impl Request for Describe {
    type Answer = ();

    const CHANGES: bool = true;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.describe(&self.status, &self.glyph).await
    }
}

/// Changes our picture, in all rooms.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SetAvatar(pub(crate) Option<Vec<u8>>);

impl Request for SetAvatar {
    type Answer = ();

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.set_avatar(self.0).await
    }
}

/// The picture of a member.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AvatarOf {
    pub(crate) room: String,
    pub(crate) picture: PictureKey,
}

impl Request for AvatarOf {
    type Answer = Option<Vec<u8>>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Self::Answer, Reason> {
        local.avatar(&self.room, self.picture).await
    }
}

/// Messages of a room up to `seq` are dealt with, at a cursor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ack {
    pub(crate) room: String,
    pub(crate) cursor: Cursor,
    pub(crate) seq: u64,
}

impl Request for Ack {
    type Answer = ();

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.ack_at(&self.room, &self.cursor, self.seq).await
    }
}

/// How far that is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Acked {
    pub(crate) room: String,
    pub(crate) cursor: Cursor,
}

impl Request for Acked {
    type Answer = u64;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<u64, Reason> {
        local.acked(&self.room, &self.cursor).await
    }
}

/// A notice was shown, by its number in the profile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Seen(pub(crate) i64);

impl Request for Seen {
    type Answer = ();

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.seen(self.0).await
    }
}
