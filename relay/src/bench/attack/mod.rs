//! Attacks on the relay under test. Each runs in a thread of its own, behind everything else on the
//! machine: a real attacker brings processors of its own, this one has to borrow.

pub(super) mod cards;
pub(super) mod forge;
pub(super) mod frames;
pub(super) mod hoards;
pub(super) mod holes;
pub(super) mod idle;
pub(super) mod initials;
pub(super) mod migrations;
pub(super) mod neighbour;
pub(super) mod repeats;
pub(super) mod rooms;
pub(super) mod signals;
pub(super) mod stalled;
pub(super) mod streams;
pub(super) mod tcp;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::Context;
use tokio::sync::{oneshot, watch};

use super::client::PATIENCE;

/// Niceness of an attacker's thread.
const NICENESS: i32 = 10;

/// Pause after an attacker was refused, so that it does not spin.
pub(super) const PAUSE: Duration = Duration::from_millis(5);

/// A running attack; told to stop on drop.
pub(super) struct Attack {
    ready: Option<oneshot::Receiver<()>>,
    stop: watch::Sender<bool>,
    tries: Tries,
    thread: JoinHandle<anyhow::Result<()>>,
}

/// What an attack is told.
pub(super) struct Orders {
    ready: Option<oneshot::Sender<()>>,
    stop: watch::Receiver<bool>,
    /// To be counted by the attack.
    pub tries: Tries,
}

/// How often an attack did what it does.
#[derive(Clone, Default)]
pub(super) struct Tries(Arc<AtomicU64>);

impl Attack {
    /// Starts one.
    pub(super) fn launch<F, Fut>(attack: F) -> anyhow::Result<Self>
    where
        F: FnOnce(Orders) -> Fut + Send + 'static,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        let (stop, stopped) = watch::channel(false);
        let (ready, is_ready) = oneshot::channel();
        let tries = Tries::default();
        let orders = Orders { ready: Some(ready), stop: stopped, tries: tries.clone() };
        let thread = std::thread::Builder::new().name("attack".into()).spawn(move || {
            // Of this thread alone. Without it the attack is only stronger.
            let _ = rustix::process::nice(NICENESS);
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(attack(orders))
        })?;
        Ok(Self { ready: Some(is_ready), stop, tries, thread })
    }

    /// Waits until it is under way.
    pub(super) async fn ready(&mut self) -> anyhow::Result<()> {
        if let Some(ready) = self.ready.take() {
            let ready =
                tokio::time::timeout(PATIENCE, ready).await.context("the attack does not get under way")?;
            // An attack that failed before says why when it is stopped.
            let _ = ready;
        }
        Ok(())
    }

    /// How often it has done what it does.
    pub(super) fn tries(&self) -> u64 {
        self.tries.0.load(Ordering::Relaxed)
    }

    /// Ends it.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        let thread = self.thread;
        let ended = tokio::task::spawn_blocking(move || thread.join()).await?;
        ended.unwrap_or_else(|_| anyhow::bail!("the attack's thread failed"))
    }
}

impl Tries {
    /// One more.
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}

impl Orders {
    /// Says that it is under way.
    pub(super) fn ready(&mut self) {
        if let Some(ready) = self.ready.take() {
            // Fails only when nobody waits for it.
            let _ = ready.send(());
        }
    }

    /// Returns when it has to end.
    pub(super) async fn stopped(&mut self) {
        // An attack whose owner is gone ends as well.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }

    /// Does the same from several places at once, again and again, until it has to end. What fails is tried
    /// again: being refused is an attacker's life.
    pub(super) async fn repeat<F, Fut>(mut self, places: usize, attempt: F) -> anyhow::Result<()>
    where
        F: Fn(usize, Tries) -> Fut,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        let (attempt, tries) = (&attempt, self.tries.clone());
        let forever = |place| {
            let tries = tries.clone();
            async move {
                loop {
                    if attempt(place, tries.clone()).await.is_err() {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        };
        let all = futures_util::future::join_all((0..places).map(forever));
        self.ready();
        tokio::select! {
            _ = all => {}
            () = self.stopped() => {}
        }
        Ok(())
    }
}
