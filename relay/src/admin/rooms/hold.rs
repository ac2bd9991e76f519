//! Dropping, freezing and thawing a room, which is found by the beginning of its id.

use std::time::Duration;

use hyper::StatusCode;
use proto::RoomId;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::{
    RoomRow,
    prefix::{Prefix, hex, parse_id},
};
use crate::{
    admin::{Admin, Answer, Fault, Reply, Request},
    log::Hold,
    policy::reason::Reason,
};

/// Time that a command waits for the rows of rooms to go; after it they go on in the background.
pub const PURGE_TIME: Duration = Duration::from_secs(20);

/// The room, by its whole id: a command asks about the one that it found, and drops no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Which {
    /// In hexadecimal.
    pub id: String,
    /// What members are told.
    #[serde(default)]
    pub reason: Reason,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Everything of it is gone. Otherwise nobody can read it, and the rest of it goes in the background.
    pub purged: bool,
}

/// A room that goes on, or may be opened again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thawed {
    /// In hexadecimal.
    pub id: String,
    /// It had been dropped.
    pub was_dropped: bool,
}

/// `GET /v1/rooms/PREFIX`: the one room whose id begins so.
pub(in crate::admin) async fn find(admin: &Admin, prefix: &str) -> Answer {
    let prefix = Prefix::parse(prefix)?;
    let mut found = admin.backend.rooms(prefix.before(), 2).await?;
    found.retain(|room| prefix.fits(&room.id));
    match <[_; 1]>::try_from(found) {
        Ok([room]) => Reply::json(&RoomRow::from(room)),
        Err(none) if none.is_empty() => {
            Err(Fault::not_found("there is no such room; `relay rooms` shows those that there are"))
        }
        Err(_) => Err(ambiguous()),
    }
}

/// `POST /v1/rooms/drop`: its members' streams end, and nobody can join it any more.
pub(in crate::admin) async fn drop(admin: &Admin, request: &Request) -> Answer {
    let Which { id, reason } = request.json()?;
    let (room, notice) = (parse_id(&id)?, admin.notice(reason));
    let backend = admin.backend.clone();
    // A task of its own: it goes on when the command is interrupted.
    let dropping = tokio::spawn(async move { backend.hold_room(room, Hold::Drop(notice)).await });
    match timeout(PURGE_TIME, dropping).await {
        Ok(Ok(Ok(true))) => Reply::json(&Dropped { purged: true }),
        Ok(Ok(Ok(false))) => Err(Fault::not_found("there is no such room any more")),
        Ok(_) => Err(Fault::unavailable()),
        Err(_) => Reply::json(&Dropped { purged: false }),
    }
}

/// `POST /v1/rooms/freeze`: it is read, and nothing is appended to it.
pub(in crate::admin) async fn freeze(admin: &Admin, request: &Request) -> Answer {
    let Which { id, reason } = request.json()?;
    let hold = Hold::Freeze(admin.notice(reason));
    match admin.backend.hold_room(parse_id(&id)?, hold).await? {
        true => Reply::json(&()),
        false => Err(Fault::not_found("there is no such room any more")),
    }
}

/// `POST /v1/rooms/thaw`, named by the beginning of its id: a frozen one goes on, and one that was dropped may be opened
/// again.
pub(in crate::admin) async fn thaw(admin: &Admin, request: &Request) -> Answer {
    let Which { id, .. } = request.json()?;
    let prefix = Prefix::parse(&id)?;
    let mut there = admin.backend.rooms(prefix.before(), 2).await?;
    there.retain(|room| prefix.fits(&room.id));
    let mut fits: Vec<(RoomId, bool)> = there.iter().map(|room| (room.id, false)).collect();
    if fits.is_empty() {
        let dropped = admin.backend.dropped_rooms().await?.into_iter();
        fits = dropped.filter(|(id, _)| prefix.fits(id)).map(|(id, _)| (id, true)).collect();
    }
    match &*fits {
        [] => Err(Fault::not_found("there is no such room; `relay rooms` shows those that there are")),
        [(id, was_dropped)] => {
            match admin.backend.hold_room(*id, Hold::Thaw(admin.shared.clock.now_ms())).await? {
                true => Reply::json(&Thawed { id: hex(id), was_dropped: *was_dropped }),
                false => Err(Fault::new(StatusCode::CONFLICT, "the room is not frozen")),
            }
        }
        _ => Err(ambiguous()),
    }
}

fn ambiguous() -> Fault {
    let message =
        "more than one room's id begins so; give more of it (`relay rooms --json` shows ids in full)";
    Fault::new(StatusCode::CONFLICT, message)
}

/// An answer of one of these, noted as what the operator did.
pub(in crate::admin) fn done(admin: &Admin, action: &'static str, answer: Answer) -> Answer {
    if answer.is_ok() {
        admin.did(action);
    }
    answer
}
