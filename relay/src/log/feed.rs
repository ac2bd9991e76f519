//! Who follows a room: they share its [`Tail`].

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use proto::RoomId;
use tokio::sync::{broadcast, watch};

use super::tail::{Next, ReadPermit, Signal, Tail};

/// The rooms somebody follows. Rooms nobody follows are not here.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    rooms: Arc<Mutex<HashMap<RoomId, Followed>>>,
    /// How many rooms were dropped.
    ended: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Followed {
    tail: Arc<Tail>,
    followers: usize,
}

/// Follows one room.
#[derive(Debug)]
pub struct Feed {
    feeds: Feeds,
    room: RoomId,
    tail: Arc<Tail>,
    woken: watch::Receiver<()>,
}

impl Feeds {
    /// Follows a room from now on.
    pub fn follow(&self, room: RoomId) -> Feed {
        let mut rooms = self.lock();
        let followed =
            rooms.entry(room).or_insert_with(|| Followed { tail: Arc::new(Tail::new()), followers: 0 });
        followed.followers += 1;
        let (tail, woken) = (followed.tail.clone(), followed.tail.woken());
        Feed { feeds: self.clone(), room, tail, woken }
    }

    /// Whether anybody follows a room.
    pub fn is_followed(&self, room: &RoomId) -> bool {
        self.lock().contains_key(room)
    }

    /// Whether nobody follows any room.
    pub(super) fn is_quiet(&self) -> bool {
        self.lock().is_empty()
    }

    /// All rooms that are followed.
    pub(super) fn rooms(&self) -> Vec<RoomId> {
        self.lock().keys().copied().collect()
    }

    /// The tail of a room that is followed.
    pub(super) fn tail(&self, room: &RoomId) -> Option<Arc<Tail>> {
        self.lock().get(room).map(|followed| followed.tail.clone())
    }

    /// The same of a room that is no more: whoever follows one of this id from now on follows another.
    pub(super) fn end(&self, room: &RoomId) -> Option<Arc<Tail>> {
        self.ended.fetch_add(1, Relaxed);
        self.lock().remove(room).map(|followed| followed.tail)
    }

    /// How many rooms were dropped since the start, whoever followed them.
    pub(super) fn ended(&self) -> u64 {
        self.ended.load(Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, Followed>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    /// Returns once there is news since the last call (the first time: since following). Cancel-safe.
    pub async fn changed(&mut self) {
        if self.woken.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What is there after a cursor.
    pub fn next(&self, cursor: u64, permit: &ReadPermit) -> Next {
        self.tail.next(cursor, permit)
    }

    /// The generation of access in force: ask before the database, and tell the permit what was found.
    pub fn generation(&self) -> u64 {
        self.tail.generation()
    }

    /// Whether a key is known to have access now.
    pub fn allows(&self, permit: &ReadPermit) -> bool {
        self.tail.allows(permit)
    }

    /// Signals from now on; each one wakes like an entry, see [`Feed::changed`].
    pub fn signals(&self) -> broadcast::Receiver<Signal> {
        self.tail.signals()
    }

    /// The tail alone, for who sends signals.
    pub fn tail(&self) -> Arc<Tail> {
        self.tail.clone()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let mut rooms = self.feeds.lock();
        let Some(followed) = rooms.get_mut(&self.room) else { return };
        // A room that was dropped and opened again has another one.
        if !Arc::ptr_eq(&followed.tail, &self.tail) {
            return;
        }
        followed.followers -= 1;
        if followed.followers == 0 {
            rooms.remove(&self.room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn news_between_following_and_waiting_is_not_missed() {
        let (feeds, room) = (Feeds::default(), RoomId([1; 32]));
        let mut feed = feeds.follow(room);
        feeds.tail(&room).unwrap().wake();
        feed.changed().await;
    }

    #[test]
    fn rooms_nobody_follows_are_forgotten() {
        let (feeds, room) = (Feeds::default(), RoomId([1; 32]));
        let (one, two) = (feeds.follow(room), feeds.follow(room));
        drop(one);
        assert_eq!(feeds.lock().len(), 1);
        drop(two);
        assert_eq!(feeds.lock().len(), 0);
    }

    #[test]
    fn follower_of_a_dropped_room_does_not_end_the_one_that_has_its_id_now() {
        let (feeds, room) = (Feeds::default(), RoomId([1; 32]));
        let old = feeds.follow(room);
        feeds.end(&room).unwrap();
        let _new = feeds.follow(room);
        drop(old);
        assert_eq!(feeds.lock().len(), 1);
    }
}
