//! A device that was linked enters the rooms of its account: some at a time, and those that are left at the next start.

use std::sync::Arc;

use shared::content::HandedRoom;
use tokio::{
    sync::{Mutex, Semaphore},
    task::JoinSet,
};

use super::{handed, news::LinkNews};
use crate::{
    failure::{Exit, Failure},
    runtime::Local,
};

/// Rooms that are entered at once: a relay looks at joins one by one, and this device at their groups.
const AT_ONCE: usize = 8;

/// Enters them, each for itself: what one relay does holds up no other.
pub(super) async fn enter(local: Local, rooms: Vec<HandedRoom>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let left = Arc::new(Mutex::new(rooms.clone()));
    let mut entering = JoinSet::new();
    for room in rooms {
        let (local, places, left) = (local.clone(), places.clone(), left.clone());
        entering.spawn(async move {
            let Ok(_place) = places.acquire().await else { return };
            let done = one(&local, &room).await;
            // What may work at the next start is kept for it.
            let is_over = done.as_ref().err().is_none_or(|failure| failure.exit != Exit::Network);
            let mut left = left.lock().await;
            if is_over {
                left.retain(|other| other.room_id != room.room_id);
                let kept = handed::list(left.clone());
                // What cannot be kept is tried again at the next start.
                let _ = local.0.vault.run(move |store| store.set_handed(&kept)).await;
            }
            let (count, failure) = (left.len(), done.err());
            drop(left);
            local.show_link(LinkNews::Room { room: room.label, left: count, failure }).await;
        });
    }
    while entering.join_next().await.is_some() {}
}

async fn one(local: &Local, room: &HandedRoom) -> Result<(), Failure> {
    let Some(link) = handed::link(room) else { return Err(not_invited(&room.label)) };
    let label = local.join(&link).await?;
    local.entered(&label).await?;
    if room.muted {
        local.mute(&label, true).await?;
    }
    if room.pinned {
        local.pin(&label, true).await?;
    }
    Ok(())
}

fn not_invited(room: &str) -> Failure {
    Failure::new(
        Exit::Refused,
        "not_invited",
        format!("Your other device could make no invite into {room}."),
        "Ask a member for an invite, or make one there: /invite uses=1.",
    )
}
