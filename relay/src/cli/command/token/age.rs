//! How long a token lives, as people write it.

use std::{str::FromStr, time::Duration};

/// Longest age: more days than anybody will remember, and no sum with the time of day overflows.
const MOST_DAYS: u64 = 36_500;

/// A span of time, or no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// So long.
    For(Duration),
    /// No end.
    Never,
}

/// The text is no age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a number with its unit, like 30d, 12h, 90m or 2w, at most {MOST_DAYS}d, or `never`")]
pub(super) struct BadAge;

impl Age {
    /// When it is over, Unix milliseconds; 0 for never.
    pub(super) fn after(self, now_ms: u64) -> u64 {
        match self {
            Self::For(age) => now_ms.saturating_add(u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
            Self::Never => 0,
        }
    }
}

impl FromStr for Age {
    type Err = BadAge;

    fn from_str(text: &str) -> Result<Self, BadAge> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let unit = text.chars().last().ok_or(BadAge)?;
        let seconds: u64 = match unit {
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => return Err(BadAge),
        };
        let digits = text.strip_suffix(unit).unwrap_or_default();
        if !digits.chars().all(|c| c.is_ascii_digit()) {
            return Err(BadAge);
        }
        let count: u64 = digits.parse().map_err(|_| BadAge)?;
        let seconds = count.checked_mul(seconds).filter(|seconds| (1..=MOST_DAYS * 86_400).contains(seconds));
        seconds.map(|seconds| Self::For(Duration::from_secs(seconds))).ok_or(BadAge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_mean_what_they_say() {
        for (text, hours) in [("30d", 720), ("12h", 12), ("120m", 2), ("2w", 336)] {
            let age: Age = text.parse().unwrap();
            assert_eq!(age.after(5), 5 + hours * 3_600_000, "{text}");
        }
        assert_eq!("never".parse(), Ok(Age::Never));
        assert_eq!(Age::Never.after(5), 0);
    }

    #[test]
    fn what_is_no_age_is_refused() {
        let huge = format!("{}d", u64::MAX);
        for wrong in ["", "d", "30", "30 d", "+3d", "-1d", "0d", "1.5h", "3y", "é", "36501d", &huge, "Never"]
        {
            assert_eq!(wrong.parse::<Age>(), Err(BadAge), "{wrong}");
        }
    }
}
