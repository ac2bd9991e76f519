//! The largest of many rooms, in the memory of those alone.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{PAGE, Rooms};
use crate::log::{Operator, RoomSummary, Unavailable};

/// Goes through all rooms page by page and keeps the `count` largest.
pub(super) async fn largest(log: &dyn Operator, count: usize) -> Result<Rooms, Unavailable> {
    let mut kept = Largest { heap: BinaryHeap::new(), count };
    let (mut after, mut total) = (None, 0);
    loop {
        let page = log.rooms(after, PAGE).await?;
        total += page.len() as u64;
        after = page.last().map(|room| room.id);
        let is_last = page.len() < PAGE;
        page.into_iter().for_each(|room| kept.offer(room));
        if is_last {
            let rooms = kept.sorted().into_iter().map(Into::into).collect();
            return Ok(Rooms { total, rooms });
        }
    }
}

/// The smallest of those kept is on top, ready to give way.
struct Largest {
    heap: BinaryHeap<Reverse<Sized>>,
    count: usize,
}

/// Ordered by size, then by id so that the order is always the same.
struct Sized(RoomSummary);

impl Largest {
    fn offer(&mut self, room: RoomSummary) {
        self.heap.push(Reverse(Sized(room)));
        if self.heap.len() > self.count {
            self.heap.pop();
        }
    }

    fn sorted(self) -> Vec<RoomSummary> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse(Sized(room))| room).collect()
    }
}

impl Sized {
    fn key(&self) -> (u64, Reverse<proto::RoomId>) {
        (self.0.bytes + self.0.slot_bytes + self.0.key_bytes, Reverse(self.0.id))
    }
}

impl PartialEq for Sized {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Sized {}

impl PartialOrd for Sized {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sized {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use proto::RoomId;

    use super::*;

    fn room(id: u8, bytes: u64) -> RoomSummary {
        RoomSummary {
            id: RoomId([id; 32]),
            entries: 1,
            bytes,
            slot_bytes: 0,
            key_bytes: 0,
            keys: 1,
            head: 1,
            last_commit: 0,
            last_at_ms: 0,
            frozen: None,
        }
    }

    #[test]
    fn only_the_largest_are_kept_and_come_first() {
        let mut kept = Largest { heap: BinaryHeap::new(), count: 3 };
        for (id, bytes) in [(1, 5), (2, 9), (3, 1), (4, 9), (5, 7), (6, 2)] {
            kept.offer(room(id, bytes));
            assert!(kept.heap.len() <= 3);
        }
        let order: Vec<_> = kept.sorted().iter().map(|room| room.id.0[0]).collect();
        assert_eq!(order, [2, 4, 5]);
    }
}
