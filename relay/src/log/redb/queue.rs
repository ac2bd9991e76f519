//! What waits for the writer, and whose turn it is.
//!
//! ```text
//! stream ─▶ line of its address ─▶ queue of its room ─┐   a batch: so many bytes of each address in turn,
//! stream ─▶ line of its address ─▶ queue of its room ─┴─▶ and of an address one publish of each room in turn
//! ```
//!
//! So one address with publishes in any number of rooms delays those of others by about one batch, and a full room those
//! of its own address alone (deficit round robin, Shreedhar and Varghese 1995). Two publishes of one address in one room stay
//! in their order.
//!
//! Whoever publishes is in its line at once. Who has much there, or comes while all lines together are long, waits until
//! the writer has taken it before it reads on: so what is here is bounded by that length and the number of streams, each
//! of which had its publish in memory anyway.
//!
//! One lock, held for as long as it takes to move one publish, stands in the place of a channel's. Nobody waits for the
//! disk under it.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use proto::RoomId;
use tokio::sync::{oneshot, watch};

use crate::policy::limits::{BATCH_BYTES, BATCH_JOBS, LINE_JOBS, PUBLISH_KIB, TURN_BYTES, WRITER_QUEUE};

/// Who waits: the address that pays and the room. No address for what the relay itself has to do.
pub(super) type Waiter = (Option<IpAddr>, RoomId);

/// Resolves when the job was taken, or never will be.
pub(super) type Taken = oneshot::Receiver<()>;

/// The queue; `T` is a job.
#[derive(Debug)]
pub(super) struct Queue<T> {
    lines: Mutex<Lines<T>>,
    work: Condvar,
    /// True once nobody takes anything any more.
    ended: watch::Sender<bool>,
}

#[derive(Debug)]
struct Lines<T> {
    of: HashMap<Option<IpAddr>, Lane<T>>,
    /// Those in `of`, the next one first.
    turns: VecDeque<Option<IpAddr>>,
    jobs: usize,
    is_closed: bool,
}

#[derive(Debug)]
struct Lane<T> {
    rooms: HashMap<RoomId, VecDeque<Waiting<T>>>,
    /// Those in `rooms`, the next one first.
    turns: VecDeque<RoomId>,
    jobs: usize,
    /// Bytes that it may still take in its turn.
    credit: usize,
}

#[derive(Debug)]
struct Waiting<T> {
    job: T,
    bytes: usize,
    /// Who waits for it to be taken.
    taken: Option<oneshot::Sender<()>>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let lines = Lines { of: HashMap::new(), turns: VecDeque::new(), jobs: 0, is_closed: false };
        Self { lines: Mutex::new(lines), work: Condvar::new(), ended: watch::Sender::new(false) }
    }
}

impl<T> Queue<T> {
    /// Puts a job of so many bytes into its line. Returns what to wait for before the next one.
    ///
    /// # Errors
    /// The job, when nothing is taken any more.
    pub(super) fn push(&self, (address, room): Waiter, bytes: usize, job: T) -> Result<Option<Taken>, T> {
        let mut lines = self.lock();
        if lines.is_closed {
            return Err(job);
        }
        let Lines { of, turns, jobs, .. } = &mut *lines;
        let line = of.entry(address).or_insert_with(|| {
            turns.push_back(address);
            Lane { rooms: HashMap::new(), turns: VecDeque::new(), jobs: 0, credit: 0 }
        });
        (*jobs, line.jobs) = (*jobs + 1, line.jobs + 1);
        let is_long = line.jobs > LINE_JOBS || (*jobs > WRITER_QUEUE && line.jobs > 1);
        let (taken, wait) = is_long.then(oneshot::channel).unzip();
        // A page of the disk is what the smallest costs.
        let bytes = bytes.max((PUBLISH_KIB as usize) << 10);
        line.push(room, Waiting { job, bytes, taken });
        drop(lines);
        self.work.notify_one();
        Ok(wait)
    }

    /// The next batch. Blocks until there is one, or until this time, and then it is empty; `None` when the queue was closed
    /// and all is taken.
    pub(super) fn take(&self, until: Option<Instant>) -> Option<Vec<T>> {
        let is_idle = |lines: &mut Lines<T>| lines.jobs == 0 && !lines.is_closed;
        let lines = self.lock();
        let mut lines = match until {
            None => self.work.wait_while(lines, is_idle).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                let waited = self.work.wait_timeout_while(lines, left, is_idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        if lines.jobs == 0 && lines.is_closed {
            return None;
        }
        let (batch, taken) = lines.take();
        drop(lines);
        // Wakes others, and so not under the lock. Those who are gone meanwhile do not care.
        for taken in taken {
            let _ = taken.send(());
        }
        Some(batch)
    }

    /// Takes nothing more; what is there stays until it is taken.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.work.notify_all();
    }

    /// Nobody takes anything any more: whoever waits learns it.
    pub(super) fn end(&self) {
        let mut lines = self.lock();
        lines.is_closed = true;
        lines.of.clear();
        lines.turns.clear();
        lines.jobs = 0;
        drop(lines);
        self.ended.send_replace(true);
    }

    /// Returns when [`Queue::end`] was called.
    pub(super) async fn ended(&self) {
        // Fails only when the sender is gone, which is here.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    fn lock(&self) -> MutexGuard<'_, Lines<T>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lines<T> {
    fn take(&mut self) -> (Vec<T>, Vec<oneshot::Sender<()>>) {
        let (mut batch, mut all_taken, mut total) = (Vec::new(), Vec::new(), 0);
        let is_full = |batch: &Vec<T>, total| batch.len() >= BATCH_JOBS || total >= BATCH_BYTES;
        while !is_full(&batch, total)
            && let Some(address) = self.turns.pop_front()
        {
            let Some(line) = self.of.get_mut(&address) else { continue };
            line.credit += TURN_BYTES;
            while !is_full(&batch, total)
                && let Some(Waiting { job, bytes, taken }) = line.pop()
            {
                batch.push(job);
                all_taken.extend(taken);
                total += bytes;
                self.jobs -= 1;
            }
            // Who has nothing waiting saves nothing up.
            if line.jobs == 0 {
                self.of.remove(&address);
            } else {
                self.turns.push_back(address);
            }
        }
        (batch, all_taken)
    }
}

impl<T> Lane<T> {
    fn push(&mut self, room: RoomId, waiting: Waiting<T>) {
        let queue = self.rooms.entry(room).or_insert_with(|| {
            self.turns.push_back(room);
            VecDeque::new()
        });
        queue.push_back(waiting);
    }

    /// The next one, if there is credit for it.
    fn pop(&mut self) -> Option<Waiting<T>> {
        let room = *self.turns.front()?;
        let queue = self.rooms.get_mut(&room)?;
        self.credit = self.credit.checked_sub(queue.front()?.bytes)?;
        let waiting = queue.pop_front();
        self.jobs -= 1;
        self.turns.pop_front();
        if queue.is_empty() {
            self.rooms.remove(&room);
        } else {
            self.turns.push_back(room);
        }
        waiting
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HONEST: Option<IpAddr> = address(1);

    const fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
    }

    fn room(number: u16) -> RoomId {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&number.to_be_bytes());
        RoomId(id)
    }

    /// Whether somebody has to wait after it.
    fn push(queue: &Queue<(u8, u16, u32)>, from: u8, number: u16, count: u32, bytes: usize) -> bool {
        queue.push((address(from), room(number)), bytes, (from, number, count)).unwrap().is_some()
    }

    fn fill(queue: &Queue<(u8, u16, u32)>, from: u8, number: u16, count: u32, bytes: usize) {
        push(queue, from, number, count, bytes);
    }

    #[test]
    fn one_address_with_many_full_rooms_delays_another_by_no_more_than_a_batch() {
        for bytes in [10, 100_000, 4 << 20] {
            let queue = Queue::default();
            for count in 0..20 {
                (0..80).for_each(|number| fill(&queue, 2, number, count, bytes));
            }
            push(&queue, 1, 100, 0, 200);
            let batch = queue.take(None).unwrap();
            assert!(batch.contains(&(1, 100, 0)), "{bytes}: {}", batch.len());
        }
    }

    #[test]
    fn a_hundred_addresses_that_flood_leave_room_in_the_first_batch() {
        let queue = Queue::default();
        for count in 0..20 {
            (10..110).for_each(|from| fill(&queue, from, 1, count, 10));
        }
        push(&queue, 1, 1, 0, 200);
        assert!(queue.take(None).unwrap().contains(&(1, 1, 0)));
    }

    #[test]
    fn rooms_of_one_address_take_turns_and_each_keeps_its_order() {
        let queue = Queue::default();
        (0..1000).for_each(|count| fill(&queue, 1, 1, count, 10));
        (0..3).for_each(|count| fill(&queue, 1, 2, count, 10));
        let batch = queue.take(None).unwrap();
        assert_eq!(batch.len(), BATCH_JOBS);
        assert_eq!(batch[..6], [(1, 1, 0), (1, 2, 0), (1, 1, 1), (1, 2, 1), (1, 1, 2), (1, 2, 2)]);
        let counts: Vec<_> = batch[6..].iter().map(|(_, _, count)| *count).collect();
        assert!(counts.is_sorted(), "{counts:?}");
    }

    #[test]
    fn large_one_gets_its_turn_though_small_ones_keep_coming() {
        let queue = Queue::default();
        push(&queue, 2, 1, 0, 12 << 20);
        let mut batches = 0;
        loop {
            (0..BATCH_JOBS as u32).for_each(|count| fill(&queue, 1, 1, count, 10));
            batches += 1;
            if queue.take(None).unwrap().contains(&(2, 1, 0)) {
                break;
            }
            assert!(batches < 20, "it starves");
        }
    }

    #[test]
    fn who_has_much_waiting_waits_and_who_has_nothing_never_does() {
        let queue = Queue::default();
        let waits = |from, count| push(&queue, from, 1, count, 10);
        assert_eq!((0..2 * LINE_JOBS as u32).filter(|count| waits(2, *count)).count(), LINE_JOBS);
        assert!(!waits(1, 0) && !waits(3, 0), "lines are full, and not theirs");
        assert!(waits(1, 1), "all lines together are long");
    }

    #[tokio::test]
    async fn who_waits_goes_on_when_its_own_was_taken() {
        let queue = Queue::default();
        let mut waiting = Vec::new();
        for count in 0..2 * BATCH_JOBS {
            waiting.extend(queue.push((HONEST, room(1)), 10, count).unwrap());
        }
        let mut last = waiting.pop().unwrap();
        queue.take(None).unwrap();
        assert!(last.try_recv().is_err());
        queue.take(None).unwrap();
        last.await.unwrap();
    }

    #[tokio::test]
    async fn nothing_is_lost_at_the_close_and_nothing_taken_after_it() {
        let queue = Queue::default();
        assert!(!push(&queue, 1, 1, 7, 10));
        queue.close();
        assert!(queue.push((HONEST, room(1)), 10, (0, 0, 0)).is_err());
        assert_eq!(queue.take(None), Some(vec![(1, 1, 7)]));
        assert_eq!(queue.take(None), None);
        queue.end();
        queue.ended().await;
    }
}
