//! A device that was linked enters the rooms of its account: some at a time, and those that are left at the next start.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use proto::RoomId;
use shared::invite::link::InviteLink;
use tokio::{
    sync::{Mutex, Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use super::handed;
use crate::{
    failure::Exit,
    portable::{
        Intake, Reader, TakeError,
        schema::{Body, Room},
    },
    reason::{LinkReason, Reason},
    runtime::{LinkNews, Local, lock},
};

/// Rooms that are entered at once: a relay looks at joins one by one, and this device at their groups.
const AT_ONCE: usize = 8;

/// How long the room of the devices may take longer than all others.
const AMONG: Duration = Duration::from_secs(10);

/// What is still to be entered.
struct Left {
    rooms: Vec<Room>,
    own_devices: Option<InviteLink>,
}

/// Enters them, each for itself: what one relay does holds up no other.
pub(super) async fn enter(local: Local, rooms: Vec<Room>, own_devices: Option<InviteLink>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let left = Arc::new(Mutex::new(Left { rooms: rooms.clone(), own_devices: own_devices.clone() }));
    let mut entering = JoinSet::new();
    let (among, is_among) = watch::channel(own_devices.is_none());
    if let Some(link) = own_devices {
        let (local, left) = (local.clone(), left.clone());
        entering.spawn(async move {
            // Without it the devices do not tell each other what was read; they work all the same.
            if is_over(&among_devices(&local, &link).await) {
                let mut left = left.lock().await;
                left.own_devices = None;
                keep(&local, &left).await;
            }
            among.send_replace(true);
        });
    }
    let waiting = Arc::new(AtomicUsize::new(rooms.len()));
    let past = Arc::new(past(&local).await);
    for room in rooms {
        let (local, places, left, past) = (local.clone(), places.clone(), left.clone(), past.clone());
        let (mut is_among, waiting) = (is_among.clone(), waiting.clone());
        entering.spawn(async move {
            let Ok(_place) = places.acquire().await else { return };
            let done = one(&local, &room, &past).await;
            let mut left = left.lock().await;
            if is_over(&done) {
                left.rooms.retain(|other| other.id != room.id);
                keep(&local, &left).await;
            }
            let (count, why) = (left.rooms.len(), done.err());
            drop(left);
            if waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
                // Whoever waits for the last room may end then, and the other devices would take this one for a stranger's.
                let _ = timeout(AMONG, is_among.wait_for(|is| *is)).await;
                local.tell_here().await;
            }
            local.show_link(LinkNews::Room { room: room.label, left: count, why }).await;
        });
    }
    while entering.join_next().await.is_some() {}
    if left.lock().await.rooms.is_empty() {
        // What stays is of no use, and goes with the next start.
        let _ = local.0.vault.run(|store| store.set_handed_past(None)).await;
    }
}

/// The room is not over.
fn is_open(local: &Local, label: &str) -> bool {
    local.room(label).is_ok_and(|room| room.over.is_none())
}

/// The past that was handed over, by room.
async fn past(local: &Local) -> BTreeMap<RoomId, Vec<Body>> {
    let Ok(Some(bytes)) = local.0.vault.run(|store| store.handed_past()).await else {
        return BTreeMap::new();
    };
    let (mut reader, mut past) = (Reader::new(&**bytes), BTreeMap::<RoomId, Vec<Body>>::new());
    while let Ok(Some(body)) = reader.read() {
        if let Body::Past(one) = &body
            && let Ok(room) = one.room.as_slice().try_into()
        {
            past.entry(RoomId(room)).or_default().push(body);
        }
    }
    past
}

/// What may work at the next start is kept for it.
fn is_over(done: &Result<(), Reason>) -> bool {
    done.as_ref().err().is_none_or(|why| why.exit() != Exit::Network)
}

async fn keep(local: &Local, left: &Left) {
    let kept = handed::kept(left.rooms.clone(), left.own_devices.as_ref());
    // What cannot be kept is tried again at the next start.
    let _ = local.0.vault.run(move |store| store.set_handed(&kept)).await;
}

async fn among_devices(local: &Local, link: &InviteLink) -> Result<(), Reason> {
    // An earlier run may have been killed on its way in: its invite is used up, and the room goes on by itself.
    let label = match local.own_devices() {
        Some(room) => room.label,
        None => local.join_own_devices(link).await?,
    };
    local.entered(&label).await
}

async fn one(local: &Local, room: &Room, past: &BTreeMap<RoomId, Vec<Body>>) -> Result<(), Reason> {
    let Some(link) = handed::link(&room.entry) else {
        return Err(LinkReason::NotInvited(room.label.clone()).into());
    };
    // An earlier run may have been killed on its way in: its invite is used up, and the room goes on by itself.
    let begun = handed::id(room).and_then(|id| local.label_of(id)).filter(|label| is_open(local, label));
    let label = match begun {
        Some(label) => label,
        None => local.join(&link).await?,
    };
    local.entered(&label).await?;
    let Some(mut value) = handed::value(room).filter(|value| Some(value.record.id) == local.id(&label).ok())
    else {
        // Another room than it was said to be: whoever is in it is shown, and nothing is taken for read there.
        return Ok(());
    };
    let (name, fingerprint) = local.me();
    let me = shared::identity::Person { name, fingerprint };
    let past = past.get(&value.record.id).cloned().unwrap_or_default();
    let taken = local.0.vault.run(move |store| {
        let mut intake = Intake::new(me);
        // As it was handed over unless something later was heard: that came with the room.
        let label = store.rooms()?.into_iter().find(|one| one.id == value.record.id).map(|one| one.label);
        let is_in = |labels: &BTreeSet<String>| label.as_ref().is_some_and(|label| labels.contains(label));
        (value.muted, value.pinned) = (is_in(&store.muted()?), is_in(&store.pinned()?));
        intake.admit(store, &value, Vec::new())?;
        for body in past {
            match intake.take(store, body) {
                Ok(_) => {}
                Err(TakeError::Store(error)) => return Err(error),
                // The rest of it is of no use.
                Err(TakeError::Read(_)) => break,
            }
        }
        Ok((store.muted()?, store.pinned()?))
    });
    let (muted, pinned) = taken.await?;
    // The lists of this run know it as well.
    *lock(&local.0.muted) = muted;
    *lock(&local.0.pinned) = pinned;
    Ok(())
}
