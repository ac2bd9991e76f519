//! The system's clock, for what certificates say.

use std::time::{SystemTime, UNIX_EPOCH};

use rustls::{pki_types::UnixTime, time_provider::TimeProvider};

/// Before 1970 it says 1970: then no certificate is valid yet, and that is told. rustls's own would panic.
#[derive(Debug)]
pub(super) struct SystemClock;

impl TimeProvider for SystemClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(since_1970(SystemTime::now()))
    }
}

fn since_1970(now: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clock_before_1970_is_one_that_is_wrong() {
        for (now, said) in [
            (UNIX_EPOCH + Duration::from_secs(9), 9),
            (UNIX_EPOCH, 0),
            (UNIX_EPOCH - Duration::from_secs(9), 0),
        ] {
            assert_eq!(since_1970(now).as_secs(), said);
        }
    }
}
