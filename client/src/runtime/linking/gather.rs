//! Puts together what a new device gets: one invite for each room, asked for all at once.

use std::time::Duration;

use proto::Message as _;
use shared::{
    content::{HandOver, HandedRoom},
    invite::link::InviteLink,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};
use zeroize::Zeroizing;

use super::steps::WAIT_MS;
use crate::{
    failure::{Exit, Failure},
    runtime::{Local, RoomStatus, lock, now_ms, room::Ask},
};

/// How long a room may take to make an invite: a commit, and its way to a relay that is slow.
const INVITE: Duration = Duration::from_secs(20);

/// How far it has come; with `bytes` once all is there.
pub(super) struct Gathered {
    pub(super) bytes: Option<Zeroizing<Vec<u8>>>,
    pub(super) rooms: usize,
    pub(super) without: Vec<(String, Failure)>,
    pub(super) is_last: bool,
}

/// Begins; what comes out last has everything.
pub(super) fn begin(local: &Local) -> mpsc::Receiver<Gathered> {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(gather(local.clone(), sender));
    receiver
}

async fn gather(local: Local, told: mpsc::Sender<Gathered>) {
    let rooms: Vec<RoomStatus> = local.rooms().into_iter().filter(|room| room.over.is_none()).collect();
    let mut asked = JoinSet::new();
    for room in rooms {
        let local = local.clone();
        asked.spawn(async move {
            let invite = timeout(INVITE, local.invite_device(&room.label)).await;
            let invite = invite.unwrap_or_else(|_| Err(no_answer(&room.label)));
            (room, invite)
        });
    }
    let (mut handed, mut without) = (Vec::new(), Vec::new());
    while let Some(done) = asked.join_next().await {
        let Ok((room, invite)) = done else { continue };
        let invite = match invite {
            Ok(invite) => Some(invite),
            Err(failure) => {
                without.push((room.label.clone(), failure));
                None
            }
        };
        handed.extend(one(&room, invite.as_ref()));
        let ready = handed.len().saturating_sub(without.len());
        let _ =
            told.send(Gathered { bytes: None, rooms: ready, without: without.clone(), is_last: false }).await;
    }
    handed.sort_by(|one, other| one.label.cmp(&other.label));
    let rooms = handed.iter().filter(|room| !room.secret.is_empty()).count();
    let (secret, name, status, glyph) = {
        let profile = lock(&local.0.profile);
        let engine = &profile.engine;
        (engine.identity.to_bytes(), engine.name.clone(), engine.status.clone(), engine.glyph.clone())
    };
    let whole = HandOver { account: secret.to_vec().into(), name, status, glyph, rooms: handed };
    let bytes = Some(Zeroizing::new(whole.encode_to_vec()));
    // Whoever asked may have ended.
    let _ = told.send(Gathered { bytes, rooms, without, is_last: true }).await;
}

/// A room as it is handed over; none where its relay is this device's own and does not run.
fn one(room: &RoomStatus, invite: Option<&InviteLink>) -> Option<HandedRoom> {
    let (host, port) = match (invite, &room.relay) {
        (Some(invite), _) => (invite.host.clone(), invite.port),
        (None, Some(relay)) => (relay.host.clone(), relay.port),
        (None, None) => return None,
    };
    let link = invite.map(|invite| &invite.link);
    let pin = link.and_then(|link| link.pin).map(|pin| pin.to_vec()).unwrap_or_default();
    let secret = link.map(|link| link.secret.as_bytes().to_vec()).unwrap_or_default();
    Some(HandedRoom {
        label: room.label.clone(),
        room_id: room.id.as_bytes().to_vec().into(),
        host,
        port: u32::from(port),
        pin: pin.into(),
        secret: secret.into(),
        muted: room.is_muted,
        pinned: room.is_pinned,
    })
}

impl Local {
    /// A link into a room for one device of ours.
    async fn invite_device(&self, room: &str) -> Result<InviteLink, Failure> {
        let asks = self.asks(room)?;
        let (reply, answer) = oneshot::channel();
        let expires_ms = now_ms().saturating_add(WAIT_MS);
        asks.send(Ask::InviteDevice { expires_ms, reply }).await.map_err(|_| no_answer(room))?;
        answer.await.map_err(|_| no_answer(room))?
    }
}

fn no_answer(room: &str) -> Failure {
    Failure::new(
        Exit::Network,
        "no_answer",
        format!("No invite into {room} could be made in time."),
        "Make one for the new device when the relay of that room can be reached: /invite uses=1.",
    )
}
