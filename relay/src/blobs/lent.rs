//! Files that somebody reads to their end: their space is given back when he has.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Which they are: as many at most as there are readers of whole files.
#[derive(Clone, Debug, Default)]
pub(super) struct Lent(Arc<Mutex<HashMap<u64, Loans>>>);

#[derive(Debug, Default)]
struct Loans {
    readers: u32,
    is_unwanted: bool,
}

impl Lent {
    /// One more reads it.
    pub(super) fn add(&self, number: u64) {
        self.lock().entry(number).or_default().readers += 1;
    }

    /// It is not wanted any more: whether somebody reads it, and the last of them is to give it back.
    pub(super) fn is_put_off(&self, number: u64) -> bool {
        self.lock().get_mut(&number).map(|loans| loans.is_unwanted = true).is_some()
    }

    /// One less reads it: whether he was the last, and is to give it back.
    pub(super) fn is_last_of_unwanted(&self, number: u64) -> bool {
        let mut lent = self.lock();
        let Some(loans) = lent.get_mut(&number) else { return false };
        loans.readers -= 1;
        if loans.readers > 0 {
            return false;
        }
        lent.remove(&number).is_some_and(|loans| loans.is_unwanted)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Loans>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
