//! The bound of all tails together: what was held the longest goes first, whichever room's it is.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

use super::{News, Tail};
use crate::log::Feeds;

/// What a chunk takes beside its bytes: its place here and in its room.
const OVERHEAD: usize = 256;

/// Owned by the writer, who alone adds to tails.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    /// In the order of appending. Chunks of rooms that nobody follows any more are gone already, and counted all the
    /// same until it is their turn: so this queue is bounded, too.
    held: VecDeque<Held>,
    bytes: usize,
}

#[derive(Debug)]
struct Held {
    tail: Weak<Tail>,
    last: u64,
    bytes: usize,
}

impl Ring {
    /// Adds what is durable now to the tails of the rooms that are followed, and keeps all of them together below
    /// `limit` bytes. Returns whom to wake.
    pub(crate) fn push(&mut self, feeds: &Feeds, news: News, limit: usize) -> Vec<Arc<Tail>> {
        let mut changed = Vec::new();
        for (room, news) in news.into_rooms() {
            let tail = if news.is_end() { feeds.end(&room) } else { feeds.tail(&room) };
            let Some(tail) = tail else { continue };
            for (last, bytes) in tail.push(news) {
                let bytes = bytes + OVERHEAD;
                self.bytes += bytes;
                self.held.push_back(Held { tail: Arc::downgrade(&tail), last, bytes });
            }
            changed.push(tail);
        }
        while self.bytes > limit {
            let Some(Held { tail, last, bytes }) = self.held.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(bytes);
            if let Some(tail) = tail.upgrade() {
                tail.forget(last);
            }
        }
        changed
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }
}
