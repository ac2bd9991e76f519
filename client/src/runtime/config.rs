//! What a runtime is told at its start, and what it says about rooms.

use std::{path::PathBuf, sync::Arc};

use proto::{RoomId, relay::RelayFrame};
use serde::{Deserialize, Serialize};
use shared::room::GroupView;
use tokio::sync::mpsc;

use crate::{
    store::Over,
    transport::{Pin, RelayAddress, Transport},
};

/// What a face is shown of a room's past when the runtime starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Past {
    /// Nothing.
    Nothing,
    /// The last lines, for people.
    Last(u32),
    /// All lines after the acknowledged one, for programs.
    Unacknowledged,
}

/// The relay that this process runs itself.
#[derive(Clone, Debug)]
pub struct OwnRelay {
    /// Where to reach it from here.
    pub dial: RelayAddress,
    /// Its certificate authority.
    pub pin: Pin,
    /// Where others reach it, for links.
    pub advertise: RelayAddress,
}

/// How to run.
pub struct Config {
    /// The QUIC endpoint.
    pub transport: Transport,
    /// The relay for rooms that are named without one.
    pub relay: Option<RelayAddress>,
    /// Our own relay, for `schat host`.
    pub own: Option<OwnRelay>,
    /// What of the past is shown.
    pub past: Past,
    /// Run this room only; for one-shot commands.
    pub only: Option<String>,
    /// Where files go that are fetched, unless somebody says otherwise.
    pub downloads: Option<PathBuf>,
    /// Pictures are sent with what they tell besides their pixels.
    pub keeps_metadata: bool,
    /// Small pictures are fetched by themselves.
    pub fetches_images: bool,
    /// What is typed and not sent goes to the person's other devices.
    pub tells_drafts: bool,
    /// Gets a copy of each frame from the relay, as far as there is room; for the demonstration and tests.
    pub tap: Option<mpsc::Sender<RelayFrame>>,
}

/// A room, for lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomStatus {
    /// What faces call it.
    pub label: String,
    /// What the relay calls it.
    #[serde(with = "crate::codec::room_id")]
    pub id: RoomId,
    /// Its relay; none for our own when it does not run.
    pub relay: Option<RelayAddress>,
    /// The group, once we are a member. Shared: it lists all members, and is asked for with each line that is shown.
    #[serde(with = "crate::codec::view")]
    pub view: Option<Arc<GroupView>>,
    /// Somebody else is there, and everybody who is was verified.
    pub is_verified: bool,
    /// Why it is over, when it is.
    pub over: Option<Over>,
    /// Nobody wants to be told of what is said there.
    pub is_muted: bool,
    /// It stands above the others in lists.
    pub is_pinned: bool,
}
