//! Rooms that were dropped and are remembered: what `relay rooms --dropped` asks for.

use serde::{Deserialize, Serialize};

use super::prefix::hex;
use crate::{
    admin::{Admin, Answer, Reply},
    policy::reason::Reason,
};

/// One room that nobody opens again for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedRoom {
    /// Its id in hexadecimal.
    pub id: String,
    /// When it was dropped, Unix milliseconds.
    pub at_ms: u64,
    /// What the operator says; may be empty.
    pub reason: Reason,
}

/// All of them, the newest first: at most [`MAX_DROPPED`](crate::policy::limits::MAX_DROPPED).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedList {
    /// These.
    pub rooms: Vec<DroppedRoom>,
}

/// `GET /v1/dropped`.
pub(in crate::admin) async fn dropped(admin: &Admin) -> Answer {
    let rooms = admin.backend.dropped_rooms().await?.into_iter();
    let rooms =
        rooms.map(|(id, notice)| DroppedRoom { id: hex(&id), at_ms: notice.at_ms, reason: notice.reason });
    Reply::json(&DroppedList { rooms: rooms.collect() })
}
