//! What is on its way now: how many transfers there are, who sends a blob, and whom to tell that one is gone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use proto::{BlobId, RoomId};
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch},
    time::timeout,
};

/// All transfers of a relay.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transfers {
    rooms: Arc<Mutex<HashMap<RoomId, RoomTransfers>>>,
}

#[derive(Debug, Default)]
struct RoomTransfers {
    count: u32,
    blobs: HashMap<BlobId, Active>,
}

/// One blob that somebody sends or fetches.
#[derive(Clone, Debug)]
struct Active {
    users: u32,
    gone: watch::Sender<bool>,
    /// The newest sender.
    newest: watch::Sender<u64>,
    /// Held by the one that writes.
    pen: Arc<AsyncMutex<()>>,
}

/// One transfer, until it is dropped.
#[derive(Debug)]
pub(crate) struct Transfer {
    all: Transfers,
    room: RoomId,
    blob: BlobId,
    active: Active,
    gone: watch::Receiver<bool>,
}

/// The right to write a blob.
#[derive(Debug)]
pub(crate) struct Pen {
    mine: u64,
    newest: watch::Receiver<u64>,
    _held: OwnedMutexGuard<()>,
}

impl Transfers {
    /// One more in this room; `None` if there are as many as may be.
    pub fn begin(&self, room: RoomId, blob: BlobId, most: u32) -> Option<Transfer> {
        let mut rooms = self.lock();
        let of_room = rooms.entry(room).or_default();
        if of_room.count >= most {
            if of_room.count == 0 {
                rooms.remove(&room);
            }
            return None;
        }
        of_room.count += 1;
        let active = of_room.blobs.entry(blob).or_insert_with(|| Active {
            users: 0,
            gone: watch::Sender::new(false),
            newest: watch::Sender::new(0),
            pen: Arc::default(),
        });
        active.users += 1;
        let gone = active.gone.subscribe();
        Some(Transfer { all: self.clone(), room, blob, active: active.clone(), gone })
    }

    /// A blob is gone: whoever sends or fetches it stops. One of the same id that comes later is another.
    pub fn gone(&self, room: &RoomId, blob: &BlobId) {
        let mut rooms = self.lock();
        let Some(of_room) = rooms.get_mut(room) else { return };
        if let Some(active) = of_room.blobs.remove(blob) {
            active.gone.send_replace(true);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, RoomTransfers>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transfer {
    /// Returns when the blob is gone. Cancel-safe.
    pub async fn gone(&mut self) {
        if self.gone.wait_for(|gone| *gone).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Becomes the blob's one sender: the one before is told, and has put down its pen when this returns. `None` if it does
    /// not in time, or if a newer one came meanwhile.
    pub async fn take_pen(&self, patience: Duration) -> Option<Pen> {
        let mut mine = 0;
        self.active.newest.send_modify(|newest| {
            *newest += 1;
            mine = *newest;
        });
        let newest = self.active.newest.subscribe();
        let held = timeout(patience, self.active.pen.clone().lock_owned()).await.ok()?;
        let is_newest = *newest.borrow() == mine;
        is_newest.then_some(Pen { mine, newest, _held: held })
    }
}

impl Pen {
    /// Returns when a newer sender wants to write. Cancel-safe.
    pub async fn superseded(&mut self) {
        let mine = self.mine;
        if self.newest.wait_for(|newest| *newest > mine).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let mut rooms = self.all.lock();
        let Some(of_room) = rooms.get_mut(&self.room) else { return };
        of_room.count -= 1;
        if let Some(active) = of_room.blobs.get_mut(&self.blob)
            && active.gone.same_channel(&self.active.gone)
        {
            active.users -= 1;
            if active.users == 0 {
                of_room.blobs.remove(&self.blob);
            }
        }
        if of_room.count == 0 {
            rooms.remove(&self.room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId([1; 32]);
    const BLOB: BlobId = BlobId([2; 16]);
    const SOON: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn newer_sender_waits_for_the_older_one_and_is_the_only_one_then() {
        let all = Transfers::default();
        let (one, two) = (all.begin(ROOM, BLOB, 2).unwrap(), all.begin(ROOM, BLOB, 2).unwrap());
        assert!(all.begin(ROOM, BLOB, 2).is_none(), "no more than two in a room");
        let mut pen = one.take_pen(SOON).await.unwrap();
        let next = tokio::spawn(async move { (two.take_pen(SOON).await.is_some(), two) });
        pen.superseded().await;
        assert!(!next.is_finished());
        drop(pen);
        let (took, two) = next.await.unwrap();
        assert!(took);
        drop((one, two));
        assert!(all.lock().is_empty(), "nothing is remembered");
    }

    #[tokio::test]
    async fn blob_that_is_gone_is_gone_for_all_and_not_for_those_of_its_next_life() {
        let all = Transfers::default();
        let mut old = all.begin(ROOM, BLOB, 9).unwrap();
        all.gone(&ROOM, &BLOB);
        old.gone().await;
        let new = all.begin(ROOM, BLOB, 9).unwrap();
        drop(old);
        assert_eq!(all.lock().len(), 1);
        assert!(!*new.gone.borrow());
        drop(new);
        assert!(all.lock().is_empty());
    }
}
