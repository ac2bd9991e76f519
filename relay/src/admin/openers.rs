//! What is done to all rooms of whoever opened them: `relay drop-room`, `freeze` and `thaw` with `--opener`.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::{Admin, Answer, Fault, Reply, Request, rooms::PURGE_TIME};
use crate::{
    log::{
        HeldOpener, Hold, OpenerError, OpenerRooms,
        redb::{BadName, OpenerName},
    },
    policy::reason::{Notice, Reason},
};

/// Somebody who opened rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenerRow {
    /// As lists show it.
    pub id: String,
    /// All of its name.
    pub name: String,
    /// Rooms that there are.
    pub rooms: u64,
    /// It opens none: since when, and why.
    pub frozen: Option<Notice>,
}

/// The opener, by all of its name, and what its members are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhichOpener {
    /// Its name or the beginning of it.
    pub name: String,
    /// What members are told.
    #[serde(default)]
    pub reason: Reason,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// To whom, as lists show it.
    pub id: String,
    /// It opens rooms, or does not, otherwise than before.
    pub changed: bool,
    /// To how many rooms; `None` where that goes on in the background.
    pub rooms: Option<u64>,
}

/// `/v1/openers` and below.
pub(super) async fn answer(admin: &Admin, request: &Request, rest: &[&str]) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", [name]) => {
            let OpenerRooms { opener, rooms, frozen } = admin.backend.find_opener(name.parse()?).await?;
            let (id, name, rooms) = (opener.id(), opener.digits(), rooms.len() as u64);
            Reply::json(&OpenerRow { id, name, rooms, frozen })
        }
        ("POST", ["drop"]) => hold(admin, request, "drop-room", Hold::Drop).await,
        ("POST", ["freeze"]) => hold(admin, request, "freeze", Hold::Freeze).await,
        ("POST", ["thaw"]) => hold(admin, request, "thaw", |notice| Hold::Thaw(notice.at_ms)).await,
        _ => Err(Fault::not_found("rooms of openers are dropped, frozen and thawed, nothing else")),
    }
}

async fn hold(
    admin: &Admin,
    request: &Request,
    action: &'static str,
    hold: impl FnOnce(Notice) -> Hold,
) -> Answer {
    let WhichOpener { name, reason } = request.json()?;
    let (name, hold): (OpenerName, _) = (name.parse()?, hold(admin.notice(reason)));
    let opener = admin.backend.find_opener(name.clone()).await?.opener;
    let backend = admin.backend.clone();
    // A task of its own: it goes on when the command is interrupted.
    let holding = tokio::spawn(async move { backend.hold_opener(name, hold).await });
    let held = match timeout(PURGE_TIME, holding).await {
        Ok(Ok(held)) => {
            let HeldOpener { opener, changed, rooms } = held?;
            Held { id: opener.id(), changed, rooms: Some(rooms) }
        }
        Ok(Err(_)) => return Err(Fault::unavailable()),
        Err(_) => Held { id: opener.id(), changed: true, rooms: None },
    };
    admin.did(action);
    Reply::json(&held)
}

impl From<OpenerError> for Fault {
    fn from(error: OpenerError) -> Self {
        let status = match error {
            OpenerError::Unknown => StatusCode::NOT_FOUND,
            OpenerError::Ambiguous | OpenerError::TooMany => StatusCode::CONFLICT,
            OpenerError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

impl From<BadName> for Fault {
    fn from(error: BadName) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}
