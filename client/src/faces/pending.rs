//! What was said and is not on the relay's disk yet, so that the end of the input does not cut it off.

use std::time::Duration;

use tokio::{sync::watch, time::timeout};

/// How long the end waits for the relay, in seconds. What is not sent then is sent at the next start.
const PATIENCE_S: u64 = 10;

/// Counts messages under way. Clones share the count.
#[derive(Clone)]
pub struct Pending(watch::Sender<usize>);

impl Default for Pending {
    fn default() -> Self {
        Self(watch::channel(0).0)
    }
}

impl Pending {
    /// One more was taken.
    pub fn add(&self) {
        self.0.send_modify(|count| *count = count.saturating_add(1));
    }

    /// One arrived. Those of an earlier start do not count.
    pub fn done(&self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }

    /// Waits until all arrived. False: some did not in time.
    pub async fn settle(&self) -> bool {
        let mut count = self.0.subscribe();
        let all = count.wait_for(|count| *count == 0);
        timeout(Duration::from_secs(PATIENCE_S), all).await.is_ok()
    }
}
