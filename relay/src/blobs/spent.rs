//! Bytes that were written and never kept: they count against an opener's day, and a member's part of it, like those that were, or whoever writes and
//! drops in turn would be free of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use proto::PublicKey;

use super::row::OpenerBytes;

/// Whose day they are of: the room's opener, and the member who sent them.
pub(super) type Payer = (OpenerBytes, PublicKey);

/// By payer: how many, and when (Unix milliseconds). It is emptied whenever the index is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Spent(Arc<Mutex<HashMap<Payer, (u64, u64)>>>);

impl Spent {
    /// So many more.
    pub(super) fn add(&self, payer: Payer, bytes: u64, now_ms: u64) {
        let mut spent = self.lock();
        let (so_far, at_ms) = spent.entry(payer).or_default();
        *so_far = so_far.saturating_add(bytes);
        *at_ms = now_ms.max(*at_ms);
    }

    /// All of it, to be counted.
    pub(super) fn take(&self) -> HashMap<Payer, (u64, u64)> {
        std::mem::take(&mut *self.lock())
    }

    /// It could not be counted.
    pub(super) fn put_back(&self, spent: HashMap<Payer, (u64, u64)>) {
        for (payer, (bytes, at_ms)) in spent {
            self.add(payer, bytes, at_ms);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Payer, (u64, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
