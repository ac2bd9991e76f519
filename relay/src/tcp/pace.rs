//! TLS handshakes over TCP, one step at a time.
//!
//! A step that computes takes half a millisecond of a processor, and twenty strangers who connect in the same moment would
//! take all of them for ten: longer than a message takes. So no two steps run at once, and after each there is a pause
//! as long as it took. Over QUIC the Retry spreads them already.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// A step that took less has computed nothing: it waited for the network.
const STEP: Duration = Duration::from_micros(50);

/// How long a step may take before the next one no longer waits for it: far more than one takes.
const LONGEST: Duration = Duration::from_millis(20);

/// Who shakes hands; cheap to clone.
#[derive(Clone)]
pub(super) struct Pace(Arc<Mutex<Instant>>);

impl Pace {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Does some work, each of its steps in turn with those of others.
    pub async fn keep<T>(&self, work: impl Future<Output = T>) -> T {
        let (mut work, mut rest) = (pin!(work), pin!(sleep(Duration::ZERO)));
        let mut is_resting = false;
        poll_fn(|context| {
            loop {
                if is_resting {
                    ready!(rest.as_mut().poll(context));
                    is_resting = false;
                }
                let begun = Instant::now();
                if let Err(free_at) = self.begin(begun) {
                    rest.as_mut().reset(free_at);
                    is_resting = true;
                    continue;
                }
                let polled = work.as_mut().poll(context);
                self.end(begun, Instant::now());
                return Poll::from(polled);
            }
        })
        .await
    }

    fn begin(&self, now: Instant) -> Result<(), Instant> {
        let mut free_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now < *free_at {
            return Err(*free_at);
        }
        *free_at = now + LONGEST;
        Ok(())
    }

    fn end(&self, begun: Instant, now: Instant) {
        let took = now - begun;
        let rest = if took < STEP { Duration::ZERO } else { took.min(LONGEST) };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now + rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn steps_come_one_after_the_other_with_pauses_between() {
        const STEPS: u32 = 10;
        const TIME: Duration = Duration::from_millis(5);
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
        let waits = pace.keep(std::future::pending::<()>());
        assert!(tokio::time::timeout(LONGEST / 2, waits).await.is_err());
        assert_eq!(pace.begin(Instant::now()), Ok(()));
        assert!(pace.begin(Instant::now()).is_err(), "one at a time");
    }
}
