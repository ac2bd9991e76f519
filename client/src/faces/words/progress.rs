//! How a file under way goes, in lines: few of them, so that the chat stays readable.

use std::time::{Duration, Instant};

use super::{Speed, bytes, called, percent};
use crate::runtime::{Transfer, TransferState};

/// A line after so long, where bytes went meanwhile.
const EVERY: Duration = Duration::from_secs(10);

/// And one whenever another part of so many percent is there.
const STEP: u64 = 25;

/// What was told of one file.
#[derive(Clone, Debug)]
pub struct Progress {
    speed: Speed,
    told_at: Instant,
    told: u64,
}

impl Progress {
    /// Begins with a file.
    pub fn start(transfer: &Transfer, now: Instant) -> Self {
        let speed = Speed::start(transfer, now);
        Self { speed, told_at: now, told: percent(transfer.done, transfer.size) }
    }

    /// What is to be said now, if anything is. Its beginning and its end are said elsewhere.
    pub fn at(&mut self, transfer: &Transfer, now: Instant) -> Option<String> {
        let Transfer { name, size, done, state, .. } = transfer;
        self.speed.at(transfer, now);
        let percent = percent(*done, *size);
        let is_step = percent / STEP > self.told / STEP;
        let is_late = now.saturating_duration_since(self.told_at) >= EVERY && percent > self.told;
        if *state != TransferState::Running || done >= size || !(is_step || is_late) {
            return None;
        }
        (self.told_at, self.told) = (now, percent);
        let speed = match self.speed.told(size.saturating_sub(*done)) {
            speed if speed.is_empty() => speed,
            speed => format!(", {speed}"),
        };
        Some(format!("{}: {percent} % of {}{speed}.", called(name), bytes(*size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Way;

    #[test]
    fn every_quarter_and_every_ten_seconds_is_told_and_nothing_between() {
        let at = |done, state| {
            let name = "cat.jpg".to_owned();
            Transfer { number: 1, way: Way::Up([1; 16]), name, size: 100_000_000, done, before: 0, state }
        };
        let running = |done| at(done, TransferState::Running);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut progress = Progress::start(&running(0), start);
        assert_eq!(progress.at(&running(5_000_000), after(1)), None);
        assert_eq!(
            progress.at(&running(25_000_000), after(5)).unwrap(),
            "cat.jpg: 25 % of 100 MB, 5.0 MB/s, 0:15 left."
        );
        assert_eq!(progress.at(&running(26_000_000), after(6)), None);
        assert_eq!(progress.at(&at(60_000_000, TransferState::Paused), after(7)), None);
        assert!(progress.at(&running(27_000_000), after(15)).unwrap().contains(": 27 % of"));
        assert_eq!(progress.at(&running(27_000_000), after(40)), None, "nothing went");
        assert!(progress.at(&running(80_000_000), after(41)).unwrap().contains(": 80 % of"));
        assert_eq!(progress.at(&running(100_000_000), after(42)), None, "its end is told as such");
    }
}
