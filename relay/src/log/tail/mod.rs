//! The live end of a room: its last entries as frames, held once for all who read it, and who has lost access
//! since. Who has read up to here touches neither the disk nor another thread.
//!
//! ```text
//! writer ── fsync ──▶ push(entries, losses) ──▶ wake ──▶ each reader: next(cursor, permit)
//!                                                          │ Frames: send them
//!                                                          │ Nothing: wait
//!                                                          └ Behind: read the disk, then come back
//! ```
//!
//! **Access.** Whenever somebody may have lost the right to read (removed, or suspended by an undoing, or come with a
//! commit that was dropped), or got it back, the room's generation rises in the same step in
//! which the entries of that transaction appear. A reader remembers the generation for which its key was found in the
//! database ([`ReadPermit`]), and gets frames only if nobody has lost anything since, or only others have. Else it is sent
//! to the database, which knows. So an entry that was appended after a key was removed is never handed to it. Who
//! joined suspended reads nothing here at all, whatever its permit says: it waits until it is brought back.

mod chunk;
mod news;
mod ring;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use proto::PublicKey;
use tokio::sync::{broadcast, watch};

use self::chunk::Chunk;
pub use self::{chunk::Frames, news::Loss};
pub(crate) use self::{
    news::{News, RoomNews},
    ring::Ring,
};
use crate::policy::limits::{EPHEMERAL_QUEUE, LOSSES};

/// The live end of one room. There is one as long as somebody follows the room.
#[derive(Debug)]
pub struct Tail {
    state: Mutex<State>,
    woken: watch::Sender<()>,
    /// Who is too slow for them loses the oldest. A signal that all have taken takes no memory.
    signals: broadcast::Sender<Signal>,
}

#[derive(Debug, Default)]
struct State {
    /// Without gaps, the newest last.
    chunks: VecDeque<Chunk>,
    /// Sequence number of the last entry that came by; 0 before the first.
    head: u64,
    /// Rises when anybody may have lost access.
    generation: u64,
    /// Who, for each of the last generations.
    losses: VecDeque<Loss>,
    /// The room was dropped.
    ended: bool,
}

/// The generation for which a key is known to have access.
#[derive(Debug)]
pub struct ReadPermit {
    key: PublicKey,
    generation: AtomicU64,
}

/// No generation: the key has not been looked up yet.
const UNKNOWN: u64 = u64::MAX;

/// What is there for a reader.
#[derive(Debug)]
pub enum Next {
    /// These come after its cursor.
    Frames(Frames),
    /// It has all that came by.
    Nothing,
    /// Only the database can tell: its cursor is before what is held, or its access has to be looked up.
    Behind,
    /// The room was dropped.
    Ended,
}

/// Something that is not kept, as a frame.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Who sent it, and does not get it.
    pub from: PublicKey,
    /// For everybody else.
    pub frame: Bytes,
}

impl ReadPermit {
    /// Of a key that has not been looked up.
    pub fn new(key: PublicKey) -> Self {
        Self { key, generation: AtomicU64::new(UNKNOWN) }
    }

    /// The database has the key. `generation` was asked for *before* the database was: what changed in between is
    /// a newer one.
    pub fn found(&self, generation: u64) {
        self.generation.store(generation, Ordering::Relaxed);
    }
}

impl Tail {
    pub(super) fn new() -> Self {
        let (signals, _) = broadcast::channel(EPHEMERAL_QUEUE);
        Self { state: Mutex::default(), woken: watch::Sender::new(()), signals }
    }

    /// The generation of access in force.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Whether a key is known to have access now.
    pub fn allows(&self, permit: &ReadPermit) -> bool {
        self.lock().allows(permit)
    }

    /// What is there after a cursor, at most about [`READ_BYTES`](crate::policy::limits::READ_BYTES).
    pub fn next(&self, cursor: u64, permit: &ReadPermit) -> Next {
        let state = self.lock();
        if state.ended {
            return Next::Ended;
        }
        if !state.allows(permit) {
            return Next::Behind;
        }
        if cursor >= state.head {
            return Next::Nothing;
        }
        chunk::after(&state.chunks, cursor).map_or(Next::Behind, Next::Frames)
    }

    /// Sends a signal to whoever reads at the moment, but for its sender.
    pub fn signal(&self, signal: Signal) {
        // Fails only when nobody listens.
        if self.signals.send(signal).is_ok() {
            self.wake();
        }
    }

    pub(super) fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    pub(super) fn woken(&self) -> watch::Receiver<()> {
        self.woken.subscribe()
    }

    /// Adds what has just become durable, in one step. Says of each new chunk its last sequence number and its bytes.
    pub(super) fn push(&self, news: RoomNews) -> Vec<(u64, usize)> {
        let mut state = self.lock();
        for loss in news.losses {
            state.lose(loss);
        }
        state.ended |= news.ended;
        let mut held = Vec::new();
        for chunk in chunk::of(news.entries) {
            if chunk.first() != state.head + 1 {
                // The first that came by, or some were too large to be held, or a disk failed and it is not known what
                // is on it. Whoever has not got that far reads the disk.
                state.chunks.clear();
            }
            state.head = chunk.last();
            if let Some(size) = chunk.size() {
                held.push((chunk.last(), size));
                state.chunks.push_back(chunk);
            } else {
                state.chunks.clear();
            }
        }
        held
    }

    /// Wakes the readers.
    pub(super) fn wake(&self) {
        self.woken.send_replace(());
    }

    /// Lets go of what is held up to a sequence number.
    fn forget(&self, last: u64) {
        let mut state = self.lock();
        while state.chunks.front().is_some_and(|chunk| chunk.last() <= last) {
            state.chunks.pop_front();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lose(&mut self, loss: Loss) {
        self.generation += 1;
        self.losses.push_back(loss);
        if self.losses.len() > LOSSES {
            self.losses.pop_front();
        }
    }

    /// Whether the key lost nothing since it was looked up. What is too long ago is not known any more.
    fn allows(&self, permit: &ReadPermit) -> bool {
        let known = permit.generation.load(Ordering::Relaxed);
        if known == self.generation {
            return true;
        }
        let Some(since) = self.generation.checked_sub(known) else { return false };
        let Some(skip) = usize::try_from(since).ok().and_then(|since| self.losses.len().checked_sub(since))
        else {
            return false;
        };
        let lost = self.losses.iter().skip(skip).any(|loss| loss.may_be(&permit.key));
        if !lost {
            permit.found(self.generation);
        }
        !lost
    }
}
