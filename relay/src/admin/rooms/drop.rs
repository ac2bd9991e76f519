//! Dropping a room: found by the beginning of its id, gone for ever.

use std::time::Duration;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::{
    RoomRow,
    prefix::{Prefix, parse_id},
};
use crate::admin::{Admin, Answer, Fault, Reply, Request};

/// Time that a command waits for a room's rows to go; after it they go on in the background.
const PURGE_TIME: Duration = Duration::from_secs(20);

/// The room to drop, by its whole id: a command asks about the one that it found, and drops no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Which {
    /// In hexadecimal.
    pub id: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Everything of it is gone. Otherwise nobody can read it, and the rest of it goes in the background.
    pub purged: bool,
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
        Err(_) => Err(Fault::new(
            StatusCode::CONFLICT,
            "more than one room's id begins so; give more of it (`relay rooms --json` shows ids in full)",
        )),
    }
}

/// `POST /v1/rooms/drop`: its members' streams end, and nobody can join it any more.
pub(in crate::admin) async fn drop(admin: &Admin, request: &Request) -> Answer {
    let Which { id } = request.json()?;
    let room = parse_id(&id)?;
    let backend = admin.backend.clone();
    // A task of its own: it goes on when the command is interrupted.
    let dropping = tokio::spawn(async move { backend.drop_room(room).await });
    match timeout(PURGE_TIME, dropping).await {
        Ok(Ok(Ok(true))) => Reply::json(&Dropped { purged: true }),
        Ok(Ok(Ok(false))) => Err(Fault::not_found("there is no such room any more")),
        Ok(_) => Err(Fault::unavailable()),
        Err(_) => Reply::json(&Dropped { purged: false }),
    }
}
