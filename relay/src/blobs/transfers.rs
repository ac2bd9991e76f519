//! What is on its way now: how many transfers there are, who sends a blob, and whom to tell that one is gone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use proto::{BlobId, PublicKey, RoomId};
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch},
    time::timeout,
};

use crate::policy::{files::FileLimits, refusal::Limit};

/// All transfers of a relay.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transfers {
    rooms: Arc<Mutex<HashMap<RoomId, Room>>>,
}

#[derive(Debug, Default)]
struct Room {
    count: u32,
    members: HashMap<PublicKey, u32>,
    blobs: HashMap<BlobId, Active>,
}

/// One blob that somebody sends or fetches.
#[derive(Clone, Debug)]
struct Active {
    users: u32,
    /// Files of lower numbers are gone.
    gone: watch::Sender<u64>,
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
    key: PublicKey,
    active: Active,
}

/// The right to write a blob.
#[derive(Debug)]
pub(crate) struct Pen {
    mine: u64,
    newest: watch::Receiver<u64>,
    held: Held,
}

/// That the pen is still held, by whatever was written with it and is not on disk.
pub(super) type Held = Arc<OwnedMutexGuard<()>>;

impl Transfers {
    /// One more of this member in this room, or the limit that it would be over.
    pub(crate) fn begin(
        &self,
        room: RoomId,
        blob: BlobId,
        key: PublicKey,
        limits: &FileLimits,
    ) -> Result<Transfer, Limit> {
        let mut rooms = self.lock();
        let (count, theirs) = rooms
            .get(&room)
            .map_or((0, 0), |of_room| (of_room.count, of_room.members.get(&key).copied().unwrap_or(0)));
        if theirs >= limits.transfers_per_member {
            return Err(Limit::TransfersPerMember);
        }
        if count >= limits.transfers_per_room {
            return Err(Limit::TransfersPerRoom);
        }
        let of_room = rooms.entry(room).or_default();
        of_room.count += 1;
        *of_room.members.entry(key).or_default() += 1;
        let active = of_room.blobs.entry(blob).or_insert_with(|| Active {
            users: 0,
            gone: watch::Sender::new(0),
            newest: watch::Sender::new(0),
            pen: Arc::default(),
        });
        active.users += 1;
        Ok(Transfer { all: self.clone(), room, blob, key, active: active.clone() })
    }

    /// A blob with the file of this number is gone: whoever sends or fetches it stops. One of the same id that was begun since
    /// has another number.
    pub(crate) fn gone(&self, room: &RoomId, blob: &BlobId, number: u64) {
        let rooms = self.lock();
        if let Some(active) = rooms.get(room).and_then(|of_room| of_room.blobs.get(blob)) {
            active.gone.send_if_modified(|gone| {
                let is_news = *gone <= number;
                *gone = (*gone).max(number.saturating_add(1));
                is_news
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transfer {
    /// Returns when the blob with the file of this number is gone. Cancel-safe.
    pub(crate) async fn gone(&self, number: u64) {
        if self.active.gone.subscribe().wait_for(|gone| *gone > number).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether it is gone already.
    pub(crate) fn is_gone(&self, number: u64) -> bool {
        *self.active.gone.borrow() > number
    }

    /// Becomes the blob's one sender: the one before is told, and has put down its pen when this returns. `None` if it does
    /// not in time, or if a newer one came meanwhile.
    pub(crate) async fn take_pen(&self, patience: Duration) -> Option<Pen> {
        let mut mine = 0;
        self.active.newest.send_modify(|newest| {
            *newest += 1;
            mine = *newest;
        });
        let newest = self.active.newest.subscribe();
        let held = timeout(patience, self.active.pen.clone().lock_owned()).await.ok()?;
        let is_newest = *newest.borrow() == mine;
        is_newest.then(|| Pen { mine, newest, held: Arc::new(held) })
    }
}

impl Pen {
    /// Returns when a newer sender wants to write. Cancel-safe.
    pub(crate) async fn superseded(&mut self) {
        let mine = self.mine;
        if self.newest.wait_for(|newest| *newest > mine).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// For whatever is written with it.
    pub(super) fn held(&self) -> Held {
        self.held.clone()
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let mut rooms = self.all.lock();
        let Some(of_room) = rooms.get_mut(&self.room) else { return };
        of_room.count -= 1;
        if let Some(theirs) = of_room.members.get_mut(&self.key) {
            *theirs -= 1;
            if *theirs == 0 {
                of_room.members.remove(&self.key);
            }
        }
        if let Some(active) = of_room.blobs.get_mut(&self.blob) {
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
    const ANN: PublicKey = PublicKey([3; 32]);
    const BOB: PublicKey = PublicKey([4; 32]);
    const SOON: Duration = Duration::from_secs(20);

    fn limits(room: u32, member: u32) -> FileLimits {
        FileLimits { transfers_per_room: room, transfers_per_member: member, ..FileLimits::default() }
    }

    #[tokio::test]
    async fn newer_sender_waits_for_the_older_one_and_is_the_only_one_then() {
        let (all, few) = (Transfers::default(), limits(2, 2));
        let begin = || all.begin(ROOM, BLOB, ANN, &few);
        let (one, two) = (begin().unwrap(), begin().unwrap());
        let mut pen = one.take_pen(SOON).await.unwrap();
        let writes = pen.held();
        let next = tokio::spawn(async move { (two.take_pen(SOON).await.is_some(), two) });
        pen.superseded().await;
        drop(pen);
        tokio::task::yield_now().await;
        assert!(!next.is_finished(), "something is still on its way to the disk");
        drop(writes);
        let (took, two) = next.await.unwrap();
        assert!(took);
        drop((one, two));
        assert!(all.lock().is_empty(), "nothing is remembered");
    }

    #[test]
    fn one_member_leaves_places_to_others() {
        let (all, few) = (Transfers::default(), limits(3, 2));
        let begin = |key| all.begin(ROOM, BLOB, key, &few);
        let hers = [begin(ANN).unwrap(), begin(ANN).unwrap()];
        assert_eq!(begin(ANN).unwrap_err(), Limit::TransfersPerMember);
        let his = begin(BOB).unwrap();
        assert_eq!(begin(BOB).unwrap_err(), Limit::TransfersPerRoom);
        assert!(all.begin(RoomId([9; 32]), BLOB, ANN, &few).is_ok(), "in another room she has others");
        drop(hers);
        let again = [begin(ANN).unwrap(), begin(ANN).unwrap()];
        drop((his, again));
        assert!(all.lock().is_empty(), "nothing is remembered");
    }

    #[tokio::test]
    async fn blob_that_is_gone_is_gone_for_all_and_not_for_those_of_its_next_life() {
        let (all, many) = (Transfers::default(), limits(9, 9));
        let old = all.begin(ROOM, BLOB, ANN, &many).unwrap();
        let new = all.begin(ROOM, BLOB, ANN, &many).unwrap();
        all.gone(&ROOM, &BLOB, 7);
        old.gone(7).await;
        old.gone(6).await;
        {
            let next_life = new.gone(8);
            tokio::pin!(next_life);
            assert!(is_pending(&mut next_life).await);
            all.gone(&ROOM, &BLOB, 8);
            next_life.await;
        }
        drop((old, new));
        assert!(all.lock().is_empty());
    }

    async fn is_pending(future: &mut (impl Future<Output = ()> + Unpin)) -> bool {
        tokio::select! {
            biased;
            () = future => false,
            () = std::future::ready(()) => true,
        }
    }
}
