//! What an end may say that carries nothing: pings, windows, ends of streams that are not there.

use proto::CloseCode;
use tokio::time::Instant;

use crate::limits::{IDLE_FRAMES, IDLE_FRAMES_PER_SECOND, WINDOW_BYTES};

/// A bucket of such frames.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: u64,
    /// Since when nothing was added.
    at: Instant,
    /// Bytes that we sent and that have earned the other side nothing yet.
    sent: u64,
}

impl Allowance {
    pub(crate) fn new() -> Self {
        Self { left: IDLE_FRAMES, at: Instant::now(), sent: 0 }
    }

    /// So many came.
    ///
    /// # Errors
    /// The code to close the connection with.
    pub(crate) fn spend(&mut self, frames: u64) -> Result<(), CloseCode> {
        if let Some(left) = self.left.checked_sub(frames) {
            self.left = left;
            return Ok(());
        }
        // Only now is the time asked for: an honest end hardly ever gets here.
        let earned = self.at.elapsed().as_secs().saturating_mul(IDLE_FRAMES_PER_SECOND);
        if earned > 0 {
            self.at = Instant::now();
        }
        self.add(earned);
        self.left = self.left.checked_sub(frames).ok_or(CloseCode::TooMany)?;
        Ok(())
    }

    /// We sent so many bytes: the other side opens its windows for them.
    pub(crate) fn earn(&mut self, bytes: usize) {
        self.sent += bytes as u64;
        self.add(self.sent / WINDOW_BYTES);
        self.sent %= WINDOW_BYTES;
    }

    fn add(&mut self, frames: u64) {
        self.left = self.left.saturating_add(frames).min(IDLE_FRAMES);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn frames_that_carry_nothing_end_it_and_those_of_a_day_do_not() {
        let mut allowance = Allowance::new();
        assert_eq!(allowance.spend(IDLE_FRAMES), Ok(()));
        assert_eq!(allowance.spend(1), Err(CloseCode::TooMany));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(allowance.spend(IDLE_FRAMES_PER_SECOND), Ok(()));
        assert_eq!(allowance.spend(1), Err(CloseCode::TooMany));
        tokio::time::advance(Duration::from_secs(24 * 3600)).await;
        assert_eq!(allowance.spend(IDLE_FRAMES), Ok(()));
        assert_eq!(allowance.spend(1), Err(CloseCode::TooMany), "a pause earns no more than what there was");
        for _ in 0..10 * WINDOW_BYTES {
            allowance.earn(1);
        }
        assert_eq!(allowance.spend(10), Ok(()), "who receives much opens many windows");
        assert_eq!(allowance.spend(1), Err(CloseCode::TooMany));
    }
}
