//! TLS handshakes over TCP, one step at a time.
//!
//! A step that computes takes half a millisecond of a processor, and twenty strangers who connect in the same moment would
//! take all of them for ten: longer than a message takes. So no two steps run at once, and after each there is a pause
//! at least as long as it took. Who waits is served in order. Over QUIC the Retry spreads them already.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::ready,
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, time::sleep};

/// A step that took less has computed nothing: it waited for the network.
const STEP: Duration = Duration::from_micros(50);

/// Longest pause: far longer than a step takes, unless the system gave its processor to others meanwhile.
const LONGEST: Duration = Duration::from_millis(5);

/// Whose step is next; cheap to clone.
#[derive(Clone)]
pub(super) struct Pace(Arc<Semaphore>);

impl Pace {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Does some work, each of its steps in turn with those of others.
    pub(super) async fn keep<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut next = Box::pin(self.0.clone().acquire_owned());
        poll_fn(|context| {
            let turn = ready!(next.as_mut().poll(context));
            next = Box::pin(self.0.clone().acquire_owned());
            let begun = Instant::now();
            let polled = work.as_mut().poll(context);
            let took = begun.elapsed();
            if took >= STEP {
                tokio::spawn(async move {
                    sleep(took.min(LONGEST)).await;
                    drop(turn);
                });
            }
            polled
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn steps_come_one_after_the_other_with_pauses_between() {
        const STEPS: u32 = 10;
        const TIME: Duration = Duration::from_millis(4);
        let (pace, begun) = (Pace::new(), Instant::now());
        let work = || async {
            let step = Instant::now();
            while step.elapsed() < TIME {}
        };
        let all: Vec<_> = (0..STEPS)
            .map(|_| {
                let pace = pace.clone();
                tokio::spawn(async move { pace.keep(work()).await })
            })
            .collect();
        for one in all {
            one.await.unwrap();
        }
        // The last one's pause is not waited for.
        assert!(begun.elapsed() >= TIME * (2 * STEPS - 1), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn who_waits_for_the_network_holds_nobody_up() {
        let pace = Pace::new();
        let mut waits = pin!(pace.keep(std::future::pending::<()>()));
        assert!(tokio::time::timeout(LONGEST, waits.as_mut()).await.is_err());
        let other = tokio::time::timeout(Duration::from_secs(30), pace.keep(async {}));
        assert!(other.await.is_ok());
    }
}
