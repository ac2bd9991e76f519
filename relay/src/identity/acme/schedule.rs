//! When to ask the authority: never often. Time is an argument.

use std::time::Duration;

use certs::ServerCertificate;
use serde::{Deserialize, Serialize};

use super::error::OrderError;

/// First waits after a failure; each further one in a row doubles them, up to the second figure.
///
/// Nobody answered: ten seconds, up to an hour. That costs the authority nothing.
const UNREACHABLE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(3600));
/// A no: a quarter of an hour, up to a day. Let's Encrypt bears five failed validations an hour; these are three.
const REFUSED: (Duration, Duration) = (Duration::from_secs(15 * 60), Duration::from_secs(24 * 3600));
/// The relay ended in the midst of it: a minute, up to a day, so that a relay that crashes at each start does not
/// order at each start.
const INTERRUPTED: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));
/// The longest that an authority's Retry-After is obeyed: a week, the longest of Let's Encrypt's windows.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// The least time between two tries that a person asks for.
const LEAST: Duration = Duration::from_secs(60);

/// What is remembered of failed tries, across restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// What was wanted; whoever wants something else begins anew.
    pub wanted: String,
    /// What the certificate that is kept was issued for.
    pub issued: String,
    /// Tries in a row that failed.
    pub failures: u32,
    /// When the last one began, in seconds since 1970.
    pub tried: u64,
    /// Not before this, in seconds since 1970.
    pub next: u64,
    /// Why the last one failed.
    pub error: Option<String>,
}

impl State {
    /// For this wish, whatever was tried for another.
    pub(super) fn wanting(self, wanted: String) -> Self {
        if self.wanted == wanted { self } else { Self { wanted, issued: self.issued, ..Self::default() } }
    }

    /// Before a try: as if the relay were to end in the midst of it.
    pub(super) fn begin(&mut self, now: u64) {
        self.failures = self.failures.saturating_add(1);
        self.tried = now;
        self.next = now.saturating_add(doubled(INTERRUPTED, self.failures).as_secs());
        self.error = Some("the relay ended before it had an answer".to_owned());
    }

    /// After a failed try. `noise` spreads relays that failed together: up to an eighth more.
    pub(super) fn fail(&mut self, error: &OrderError, now: u64, noise: u32) {
        let (wait, asked) = match error {
            OrderError::Unreachable { wait, .. } => (doubled(UNREACHABLE, self.failures), wait),
            OrderError::Refused { wait, .. } => (doubled(REFUSED, self.failures), wait),
            _ => (doubled(REFUSED, self.failures), &None),
        };
        let wait = wait.max(asked.unwrap_or_default()).min(LONGEST);
        let more = (wait.as_secs() / 8 * u64::from(noise)) >> 32;
        self.next = now.saturating_add(wait.as_secs()).saturating_add(more);
        self.error = Some(error.to_string());
    }

    /// After one that brought a certificate.
    pub(super) fn succeed(&mut self) {
        let wanted = std::mem::take(&mut self.wanted);
        *self = Self { issued: wanted.clone(), wanted, tried: self.tried, ..Self::default() };
    }

    /// When the next try may be, in seconds since 1970. A clock that was wrong when the state was written cannot
    /// keep the relay waiting for more than the longest wait there is.
    pub(super) fn allowed(&self, now: u64) -> u64 {
        let longest = now.saturating_add(LONGEST.as_secs()).saturating_add(LONGEST.as_secs() / 8);
        if self.next > longest { now } else { self.next }
    }

    /// A person asks for it now: the wait is over, but not sooner than a minute after the last try.
    pub(super) fn hurry(&mut self, now: u64) {
        self.next = self.next.min(self.tried.saturating_add(LEAST.as_secs())).min(now + LEAST.as_secs());
    }
}

/// When a certificate is to be renewed, in seconds since 1970: at two thirds of its life, and up to a twentieth
/// later, each certificate at a moment of its own, which its key decides so that a restart does not move it.
pub(super) fn renewal(certificate: &ServerCertificate) -> u64 {
    let life = certificate.not_after_unix.saturating_sub(certificate.not_before_unix);
    let noise = certificate.chain.first().and_then(|leaf| certs::pin_of(leaf).ok()).map_or(0, |pin| {
        let [a, b, c, d, ..] = *pin.as_bytes();
        u32::from_be_bytes([a, b, c, d])
    });
    let jitter = (life / 20).saturating_mul(u64::from(noise)) >> 32;
    certificate.not_before_unix.saturating_add(life / 3 * 2).saturating_add(jitter)
}

fn doubled((first, most): (Duration, Duration), failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn refused(wait: Option<Duration>) -> OrderError {
        OrderError::Refused { detail: "no".into(), remedy: "none", wait }
    }

    fn unreachable() -> OrderError {
        OrderError::Unreachable { cause: "nobody".into(), wait: None }
    }

    /// The waits of `count` failures in a row, in seconds.
    fn waits(error: &OrderError, count: usize) -> Vec<u64> {
        let mut state = State::default();
        let one = |_| {
            state.begin(NOW);
            state.fail(error, NOW, 0);
            state.allowed(NOW) - NOW
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn authority_that_refuses_is_asked_at_most_four_times_in_the_first_two_hours() {
        let waits = waits(&refused(None), 12);
        assert_eq!(waits[..4], [900, 1800, 3600, 7200]);
        assert!(waits[..3].iter().sum::<u64>() + waits[3] > 7200);
        assert_eq!(waits[11], 24 * 3600, "never given up, never more than daily");
    }

    #[test]
    fn authority_that_is_away_is_asked_soon_and_then_hourly() {
        let waits = waits(&unreachable(), 40);
        assert_eq!((waits[0], waits[1], waits[39]), (10, 20, 3600));
    }

    #[test]
    fn retry_after_is_obeyed_up_to_a_week() {
        assert_eq!(waits(&refused(Some(Duration::from_secs(50_000))), 1), [50_000]);
        assert_eq!(waits(&refused(Some(Duration::from_secs(1))), 1), [900]);
        assert_eq!(waits(&refused(Some(Duration::from_secs(u64::MAX / 2))), 1), [7 * 24 * 3600]);
    }

    #[test]
    fn relay_that_dies_in_each_try_does_not_order_at_each_start() {
        let mut state = State::default();
        for expected in [60, 120, 240, 480] {
            state.begin(NOW);
            assert_eq!(state.allowed(NOW) - NOW, expected);
        }
    }

    #[test]
    fn another_wish_begins_anew_and_the_same_does_not() {
        let mut state = State::default().wanting("a".into());
        state.begin(NOW);
        assert_eq!(state.clone().wanting("a".into()), state);
        assert_eq!(state.wanting("b".into()).allowed(NOW), 0);
    }

    #[test]
    fn state_from_a_wrong_clock_does_not_keep_the_relay_waiting_for_ever() {
        let mut state = State::default();
        state.begin(NOW + 10 * 365 * 24 * 3600);
        assert_eq!(state.allowed(NOW), NOW);
    }

    #[test]
    fn person_in_a_hurry_waits_a_minute_at_most_and_cannot_hammer() {
        let mut state = State::default();
        state.begin(NOW);
        state.fail(&refused(None), NOW, u32::MAX);
        state.hurry(NOW + 10);
        assert_eq!(state.allowed(NOW + 10), NOW + 60);
    }

    #[test]
    fn renewal_is_at_two_thirds_of_the_life_and_not_much_later() {
        let dir = tempfile::TempDir::new().unwrap();
        let authority = certs::Authority::load_or_create(dir.path()).unwrap();
        let day = 24 * 3600;
        for _ in 0..8 {
            let mut certificate = authority.leaf(&["localhost".to_owned()]).unwrap();
            (certificate.not_before_unix, certificate.not_after_unix) = (NOW, NOW + 90 * day);
            let after = renewal(&certificate) - NOW;
            assert!((60 * day..=60 * day + 90 * day / 20).contains(&after), "{after}");
            assert_eq!(after, renewal(&certificate) - NOW, "the same after a restart");
        }
    }
}
