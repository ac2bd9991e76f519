//! Rooms in numbers, and what is done to one: what `relay rooms`, `drop-room`, `freeze` and `thaw` ask for.

mod dropped;
mod hold;
mod largest;
mod prefix;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

pub(super) use self::{
    dropped::dropped,
    hold::{done, drop, find, freeze, thaw},
};
pub use self::{
    dropped::{DroppedList, DroppedRoom},
    hold::{Dropped, PURGE_TIME, Thawed, Which},
    prefix::{PrefixError, hex},
};
use super::{Admin, Answer, Fault, Reply, Request};
use crate::{
    log::{Freeze, RoomSummary, redb::Opener},
    policy::reason::{Notice, Reason},
};

/// Rooms in one answer at most: about 400 bytes each.
pub const MAX_ROOMS: usize = 10_000;

/// Rooms read from the database at once: a few milliseconds, and 100 KiB.
const PAGE: usize = 1024;

/// One room in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRow {
    /// Its id in hexadecimal, which says nothing.
    pub id: String,
    /// Entries that are kept.
    pub entries: u64,
    /// Bytes of these entries.
    pub bytes: u64,
    /// Bytes of its slots and their pieces.
    pub slot_bytes: u64,
    /// Bytes of its access keys; 0 from a relay that does not count them.
    #[serde(default)]
    pub key_bytes: u64,
    /// Access keys: members and live invites.
    pub keys: u64,
    /// When it was last written to or opened, Unix milliseconds; 0 when that is not known.
    pub last_at_ms: u64,
    /// Set while it is frozen.
    #[serde(default)]
    pub frozen: Option<FrozenRoom>,
}

/// Why nothing is appended to a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenRoom {
    /// Since when, Unix milliseconds.
    pub at_ms: u64,
    /// What the operator says; may be empty.
    pub reason: Reason,
    /// The opener for whom; `None` where it is for the room itself.
    pub opener: Option<String>,
}

/// Some rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rooms {
    /// All rooms there are, shown or not.
    pub total: u64,
    /// These.
    pub rooms: Vec<RoomRow>,
}

impl From<RoomSummary> for RoomRow {
    fn from(room: RoomSummary) -> Self {
        let RoomSummary { id, entries, bytes, slot_bytes, key_bytes, keys, last_at_ms, frozen, .. } = room;
        let frozen = frozen.map(Into::into);
        Self { id: hex(&id), entries, bytes, slot_bytes, key_bytes, keys, last_at_ms, frozen }
    }
}

impl From<Freeze> for FrozenRoom {
    fn from(Freeze { notice: Notice { at_ms, reason }, by }: Freeze) -> Self {
        Self { at_ms, reason, opener: by.as_ref().map(Opener::id) }
    }
}

/// `GET /v1/rooms?top=N`: the largest, the largest first. `GET /v1/rooms?count=N&after=ID`: N in the order of
/// their ids, for going through all of them.
pub(super) async fn list(admin: &Admin, request: &Request) -> Answer {
    let number = |name| match request.query(name).map(str::parse::<usize>) {
        None => Ok(None),
        Some(Ok(number)) if (1..=MAX_ROOMS).contains(&number) => Ok(Some(number)),
        Some(_) => Err(Fault::new(StatusCode::BAD_REQUEST, format!("{name} must be from 1 to {MAX_ROOMS}"))),
    };
    let mut rooms = match (number("top")?, number("count")?) {
        (Some(top), _) => largest::largest(&*admin.backend, top).await?,
        (None, count) => {
            let after = request.query("after").map(prefix::parse_id).transpose()?;
            let rooms = admin.backend.rooms(after, count.unwrap_or(PAGE)).await?;
            Rooms { total: 0, rooms: rooms.into_iter().map(Into::into).collect() }
        }
    };
    rooms.total = admin.overview().await?.rooms.max(rooms.rooms.len() as u64);
    Reply::json(&rooms)
}
