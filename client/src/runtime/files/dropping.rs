//! Files of ours that nobody is to have any more are dropped at the relay: their message was deleted, or its time is over.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use proto::{
    BlobId, RoomId,
    relay::{BlobDrop, Refused, client_frame, refused::Code, relay_frame},
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::task::prove;
use crate::{
    runtime::{Inner, Local, link::LinkState},
    transport::BlobStream,
};

/// What could not be dropped is tried again after this long, in seconds.
const AGAIN_S: u64 = 60;

/// A relay that does not answer for so long is asked again later, in seconds.
const PATIENCE_S: u64 = 10;

/// Drops what is to be dropped, for as long as the rooms run.
pub(super) async fn run(rooms: Weak<Inner>, wanted: Arc<Notify>) {
    loop {
        let Some(local) = rooms.upgrade().map(Local) else { return };
        let mut is_done = true;
        for status in local.all_rooms().into_iter().filter(|room| room.over.is_none()) {
            is_done &= room(&local, &status.label, status.id).await;
        }
        drop(local);
        if is_done {
            wanted.notified().await;
        } else {
            tokio::select! {
                () = sleep(Duration::from_secs(AGAIN_S)) => {}
                () = wanted.notified() => {}
            }
        }
    }
}

/// Whether nothing of that room is left to be dropped.
async fn room(local: &Local, label: &str, id: RoomId) -> bool {
    loop {
        let Ok(blobs) = local.0.vault.run(move |store| store.blobs_to_drop(id)).await else { return false };
        if blobs.is_empty() {
            return true;
        }
        if !some(local, label, id, blobs).await {
            return false;
        }
    }
}

/// The same of some of them.
async fn some(local: &Local, label: &str, id: RoomId, blobs: Vec<BlobId>) -> bool {
    for blob in blobs {
        let done = timeout(Duration::from_secs(PATIENCE_S), drop_one(local, (label, id), blob)).await;
        if done.unwrap_or(None).is_none() {
            return false;
        }
        if local.0.vault.run(move |store| store.has_dropped(id, blob)).await.is_err() {
            return false;
        }
    }
    true
}

/// None: not now.
async fn drop_one(local: &Local, (label, id): (&str, RoomId), blob: BlobId) -> Option<()> {
    let link = local.link_of(label)?;
    let mut state = link.state.clone();
    let up = state.wait_for(|state| matches!(state, LinkState::Up(..))).await.ok()?.clone();
    let LinkState::Up(connection, _) = up else { return None };
    let mut stream = BlobStream::open(&connection).await.ok()?;
    let proof = prove(local, id, blob.0, stream.binding()).await?;
    let drop = BlobDrop { proof: Some(proof), ..BlobDrop::default() };
    stream.begin(client_frame::Frame::BlobDrop(drop)).await.ok()?;
    loop {
        match stream.next().await.ok()??.frame {
            Some(relay_frame::Frame::BlobDropped(_)) => break,
            // Not ours, or not any more: nothing can be done from here.
            Some(relay_frame::Frame::Refused(no)) if is_for_good(&no) => break,
            Some(relay_frame::Frame::Refused(_)) => return None,
            _ => {}
        }
    }
    stream.finish().await;
    Some(())
}

/// A relay that stops, or a room that its operator has frozen, says no for now.
fn is_for_good(no: &Refused) -> bool {
    no.retry_after_ms == 0 && !matches!(no.code(), Code::ShuttingDown | Code::Frozen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_of_a_relay_that_stops_is_none_for_good() {
        let no =
            |code: Code, retry_after_ms| Refused { code: code.into(), retry_after_ms, ..Refused::default() };
        assert!(is_for_good(&no(Code::NoBlob, 0)) && is_for_good(&no(Code::NotAllowed, 0)));
        assert!(!is_for_good(&no(Code::ShuttingDown, 0)) && !is_for_good(&no(Code::Frozen, 0)));
        assert!(!is_for_good(&no(Code::NotAllowed, 1)));
    }
}
