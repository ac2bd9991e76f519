//! Voice messages: files that say how long they are.

use std::path::Path;

use crate::{faces::words::command::file as words, failure::Failure, reason::FileFault, sound};

/// Which of the files are voice messages, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Voice {
    /// They are files like any other.
    None,
    /// They say themselves how long they are.
    Read,
    /// So many milliseconds.
    Told(u32),
}

impl Voice {
    /// What the command line says.
    pub(super) fn new(is_voice: bool, duration: Option<u32>) -> Self {
        match duration {
            Some(length) => Self::Told(length),
            None if is_voice => Self::Read,
            None => Self::None,
        }
    }

    /// How long this file is, in milliseconds; 0 for one that is no voice message.
    pub(super) fn of(self, path: &Path) -> Result<u32, Failure> {
        match self {
            Self::None => Ok(0),
            Self::Told(length) => Ok(length),
            Self::Read => of_file(path),
        }
    }
}

fn of_file(path: &Path) -> Result<u32, Failure> {
    match sound::duration_ms(path) {
        Ok(Some(length)) => Ok(length),
        Ok(None) => Err(words::no_duration(path)),
        Err(error) => Err(words::unread_duration(path, &FileFault::from(&error))),
    }
}

/// A length such as `12s`, `1m30s`, `1h` or `90`, in milliseconds.
pub(super) fn length(text: &str) -> Result<u32, String> {
    let wrong = || words::NO_LENGTH.to_owned();
    let (hours, rest) = text.split_once('h').unwrap_or(("0", text));
    let (minutes, seconds) = rest.split_once('m').unwrap_or(("0", rest));
    let seconds = seconds.strip_suffix('s').unwrap_or(seconds);
    let number = |text: &str| match text {
        "" => Some(0),
        text if text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse::<u32>().ok(),
        _ => None,
    };
    let total = (|| Some(number(hours)? * 3_600 + number(minutes)? * 60 + number(seconds)?))();
    total.filter(|seconds| (1..=86_400).contains(seconds)).map(|seconds| seconds * 1_000).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_nonsense_is_not() {
        for (text, ms) in [
            ("12s", 12_000),
            ("90", 90_000),
            ("1m30s", 90_000),
            ("2m", 120_000),
            ("1440m", 86_400_000),
            ("1h2m3s", 3_723_000),
        ] {
            assert_eq!(length(text), Ok(ms), "{text}");
        }
        for text in ["", "0", "0s", "s", "m", "-1s", "25h", "12.5s", "1441m", "99999999999s", "1m 2s", "+5"] {
            assert!(length(text).is_err(), "{text}");
        }
    }
}
