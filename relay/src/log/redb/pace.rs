//! How fast something happens, of late, in two numbers: each event counts less the longer it is ago.

use std::time::{Duration, Instant};

/// Time in which what happened comes to count a third, nearly.
const FADE: Duration = Duration::from_secs(10);

/// Below so many a second, nothing happens: half an hour after a burst of a thousand nothing is left to show.
const LEAST: f64 = 1e-3;

/// A rate that fades.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    per_second: f64,
    at: Option<Instant>,
}

impl Pace {
    /// So many happened now.
    pub(super) fn add(&mut self, count: u64, now: Instant) {
        self.per_second = self.per_second(now) + count as f64 / FADE.as_secs_f64();
        self.at = Some(now);
    }

    /// How many a second.
    pub(super) fn per_second(&self, now: Instant) -> f64 {
        let ago = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let rate = self.per_second * (-ago.as_secs_f64() / FADE.as_secs_f64()).exp();
        if rate < LEAST { 0.0 } else { rate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_pace_is_told_as_it_is_and_fades_when_it_ends() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert!(pace.per_second(start).abs() < f64::EPSILON);
        let mut now = start;
        for _ in 0..1200 {
            now += Duration::from_millis(50);
            pace.add(2, now);
        }
        assert!((pace.per_second(now) - 40.0).abs() < 1.0, "{pace:?}");
        assert!(pace.per_second(now + FADE) < 16.0);
        assert!(pace.per_second(now + 12 * FADE).abs() < f64::EPSILON);
    }
}
