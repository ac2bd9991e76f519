//! Entering and making rooms, the relay for that, and how rooms are listed.

use serde::{Deserialize, Serialize};
use shared::{
    invite::link::{InviteLink, LinkError, RelayUrl},
    room::Policy,
};
use zeroize::Zeroizing;

use super::Request;
use crate::{
    reason::{Reason, RelayReason},
    runtime::{FaceId, Local},
    transport::RelayAddress,
};

/// Joins the room of an invite link, as text; answered with its label.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Join(pub(crate) String);

impl Request for Join {
    type Answer = String;

    const REPEATS: bool = false;
    const CHANGES: bool = true;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<String, Reason> {
        let link: InviteLink = Zeroizing::new(self.0).parse().map_err(|error| bad_link(&error))?;
        local.join_here(&link).await
    }
}

/// Opens the open room of that name; answered with its label.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) name: String,
    pub(crate) relay: Option<RelayAddress>,
}

impl Request for Open {
    type Answer = String;

    const REPEATS: bool = false;
    const CHANGES: bool = true;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<String, Reason> {
        local.open(&self.name, self.relay)
    }
}

/// Makes a private room; answered with its label.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Create {
    pub(crate) name: String,
    pub(crate) relay: Option<RelayAddress>,
    pub(crate) policy: Policy,
}

impl Request for Create {
    type Answer = String;

    const REPEATS: bool = false;
    const CHANGES: bool = true;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<String, Reason> {
        let label = local.create(&self.name, self.relay, self.policy)?;
        local.entered_here(&label).await;
        Ok(label)
    }
}

/// Deletes what is kept of a room that is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Forget(pub(crate) String);

impl Request for Forget {
    type Answer = ();

    const CHANGES: bool = true;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.forget(&self.0).await
    }
}

/// Uses the relay of a link, as text; answered with whether another pin was remembered before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UseRelay(pub(crate) String);

impl Request for UseRelay {
    type Answer = bool;

    const CHANGES: bool = true;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<bool, Reason> {
        let link: RelayUrl = Zeroizing::new(self.0).parse().map_err(|error| bad_link(&error))?;
        Ok(local.use_relay(&link).await?.replaced)
    }
}

/// The relay for rooms that are named without one, from the next start on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LastRelay(pub(crate) RelayAddress);

impl Request for LastRelay {
    type Answer = ();

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.remember_relay(&self.0).await
    }
}

/// Whether somebody is told of what is said in a room while they look elsewhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mute {
    pub(crate) room: String,
    pub(crate) is_muted: bool,
}

impl Request for Mute {
    type Answer = ();

    const CHANGES: bool = true;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.mute(&self.room, self.is_muted).await
    }
}

/// Whether a room stands above the others in lists.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pin {
    pub(crate) room: String,
    pub(crate) is_pinned: bool,
}

impl Request for Pin {
    type Answer = ();

    const CHANGES: bool = true;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.pin(&self.room, self.is_pinned).await
    }
}

fn bad_link(error: &LinkError) -> Reason {
    RelayReason::Link(error.to_string()).into()
}
