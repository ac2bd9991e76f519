//! Memory that many share: a bound for all, one for each address and one for each network. Whoever holds least is served
//! first, and when there is too little, those give up theirs who hold most of it, and longest.
//!
//! ```text
//! take ─▶ waits (its address, its network, all) ─▶ holds ─▶ grows, moves ─▶ settled ─▶ dropped
//!                                                    └─▶ evicted: others wait, and it costs them most
//! ```

mod evict;
mod pace;
mod state;
#[cfg(test)]
mod tests;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::{sync::Notify, time::timeout};

use self::{
    evict::LOOK,
    state::{Standing, State},
};

/// How much there is, in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// For all.
    pub(crate) kib: u32,
    /// For one address; what is asked for beyond it is cut to it.
    pub(crate) share_kib: u32,
}

/// The memory.
#[derive(Debug)]
pub(crate) struct Pool(Mutex<State>);

/// What somebody holds of it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: Arc<Pool>,
    id: u64,
    wake: Arc<Notify>,
}

/// Others needed what was held too long or too slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Evicted;

impl Pool {
    /// All of it is free.
    pub(crate) fn new(terms: Terms) -> Arc<Self> {
        Arc::new(Self(State::new(terms).into()))
    }

    /// Waits for so many KiB. Cancel-safe.
    pub(crate) async fn take(self: &Arc<Self>, address: IpAddr, kib: u32) -> Lease {
        let (id, wake) = self.state().enter(address, Instant::now());
        let lease = Lease { pool: self.clone(), id, wake };
        // Who holds nothing has nothing to give up.
        let (Ok(()) | Err(Evicted)) = lease.grow(kib).await;
        lease
    }

    /// Never held across an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Waits for so many KiB more.
    ///
    /// # Errors
    /// [`Evicted`]: what it has is to be given back.
    pub(crate) async fn grow(&self, kib: u32) -> Result<(), Evicted> {
        self.pool.state().ask(self.id, kib, Instant::now());
        loop {
            match self.pool.state().standing(self.id) {
                Standing::Holds => return Ok(()),
                Standing::Evicted => return Err(Evicted),
                Standing::Waits => {}
            }
            if timeout(LOOK, self.wake.notified()).await.is_err() {
                self.pool.state().look(Instant::now());
            }
        }
    }

    /// What it holds, in KiB.
    pub(crate) fn kib(&self) -> u32 {
        self.pool.state().held(self.id)
    }

    /// So many bytes of it came or went.
    pub(crate) fn moved(&self, bytes: usize) {
        self.pool.state().moved(self.id, bytes);
    }

    /// From now on the relay is what it waits for: it is not evicted any more.
    pub(crate) fn settle(&self) {
        self.pool.state().settle(self.id);
    }

    /// Resolves when what it holds is to be given back.
    pub(crate) async fn evicted(&self) {
        while self.pool.state().standing(self.id) != Standing::Evicted {
            self.wake.notified().await;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.state().leave(self.id, Instant::now());
    }
}
