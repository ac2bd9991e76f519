//! Who waits for a room's next entry.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use proto::RoomId;
use tokio::sync::watch;

/// The rooms somebody follows. Holds one number per such room; rooms nobody follows are not here.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    rooms: Arc<Mutex<HashMap<RoomId, watch::Sender<u64>>>>,
}

/// Follows one room.
#[derive(Debug)]
pub struct Feed {
    feeds: Feeds,
    room: RoomId,
    /// `None` only while dropping.
    head: Option<watch::Receiver<u64>>,
}

impl Feeds {
    /// Follows a room from now on.
    pub fn follow(&self, room: RoomId) -> Feed {
        let head = self.lock().entry(room).or_insert_with(|| watch::Sender::new(0)).subscribe();
        Feed { feeds: self.clone(), room, head: Some(head) }
    }

    /// Tells the followers of a room that there is something to read.
    pub fn appended(&self, room: &RoomId, head: u64) {
        if let Some(sender) = self.lock().get(room) {
            sender.send_replace(head);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, watch::Sender<u64>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    /// Returns once something was appended since the last call (the first time: since following).
    pub async fn appended(&mut self) {
        let told = match &mut self.head {
            Some(head) => head.changed().await.is_ok(),
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
        self.head = None;
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
        feeds.appended(&room, 1);
        feed.appended().await;
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
