//! Who waits for a room's next entry.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use proto::RoomId;
use tokio::sync::watch;

/// The rooms somebody follows. Rooms nobody follows are not here.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    rooms: Arc<Mutex<HashMap<RoomId, watch::Sender<()>>>>,
}

/// Follows one room.
#[derive(Debug)]
pub struct Feed {
    feeds: Feeds,
    room: RoomId,
    /// `None` only while dropping.
    told: Option<watch::Receiver<()>>,
}

impl Feeds {
    /// Follows a room from now on.
    pub fn follow(&self, room: RoomId) -> Feed {
        let told = self.lock().entry(room).or_insert_with(|| watch::Sender::new(())).subscribe();
        Feed { feeds: self.clone(), room, told: Some(told) }
    }

    /// Tells the followers of a room that there is something to read, or no room any more.
    pub fn changed(&self, room: &RoomId) {
        if let Some(sender) = self.lock().get(room) {
            sender.send_replace(());
        }
    }

    /// Whether anybody follows a room.
    pub fn is_followed(&self, room: &RoomId) -> bool {
        self.lock().contains_key(room)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, watch::Sender<()>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    /// Returns once the room changed since the last call (the first time: since following).
    pub async fn changed(&mut self) {
        let told = match &mut self.told {
            Some(told) => told.changed().await.is_ok(),
            None => false,
        };
        if !told {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let mut rooms = self.feeds.lock();
        // Under the lock, so that of two followers who leave together one sees that it is the last.
        self.told = None;
        if rooms.get(&self.room).is_some_and(watch::Sender::is_closed) {
            rooms.remove(&self.room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn append_between_following_and_waiting_is_not_missed() {
        let (feeds, room) = (Feeds::default(), RoomId([1; 32]));
        let mut feed = feeds.follow(room);
        feeds.changed(&room);
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
}
