//! What an operator says of a room that is frozen or dropped: one line for people, or nothing.

use std::{fmt, str::FromStr, sync::Arc};

use proto::MAX_WORDS;
use serde::{Deserialize, Serialize};

/// At most [`MAX_WORDS`] bytes without anything that hides or moves text; cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(Arc<str>);

/// A reason, and since when it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Unix milliseconds; never 0.
    pub at_ms: u64,
    /// May be empty.
    pub reason: Reason,
}

/// A text that is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReason {
    /// Too long.
    #[error("a reason has at most {MAX_WORDS} bytes, this one has {0}")]
    TooLong(usize),
    /// Something that does not show, or moves what stands beside it.
    #[error("a reason is one line without hidden characters, this one has U+{:04X}", u32::from(*.0))]
    Hidden(char),
}

impl Notice {
    /// As of now.
    pub fn new(at_ms: u64, reason: Reason) -> Self {
        Self { at_ms: at_ms.max(1), reason }
    }
}

impl Reason {
    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Reason {
    type Err = BadReason;

    fn from_str(text: &str) -> Result<Self, BadReason> {
        let text = text.trim();
        if text.len() > MAX_WORDS {
            return Err(BadReason::TooLong(text.len()));
        }
        text.chars().find(|c| is_hidden(*c)).map_or(Ok(Self(text.into())), |c| Err(BadReason::Hidden(c)))
    }
}

impl TryFrom<String> for Reason {
    type Error = BadReason;

    fn try_from(text: String) -> Result<Self, BadReason> {
        text.parse()
    }
}

impl From<Reason> for String {
    fn from(Reason(text): Reason) -> Self {
        text.as_ref().into()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a slip of the hand or of the clipboard brings in: controls, breaks of a line, joiners, marks of direction, blanks
/// that are none. Clients look again, by the whole of Unicode.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffc}'
            | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_one_line_that_shows_all_it_says() {
        assert_eq!(" court order 12/26 ".parse::<Reason>().unwrap().as_str(), "court order 12/26");
        assert!("".parse::<Reason>().unwrap().is_empty());
        assert!("é".repeat(MAX_WORDS / 2).parse::<Reason>().is_ok());
        assert_eq!("é".repeat(MAX_WORDS / 2 + 1).parse::<Reason>(), Err(BadReason::TooLong(MAX_WORDS + 2)));
        for c in ['\n', '\x1b', '\u{7f}', '\u{202e}', '\u{200b}', '\u{2028}', '\u{feff}', '\u{e0041}'] {
            assert_eq!(format!("a{c}b").parse::<Reason>(), Err(BadReason::Hidden(c)));
        }
    }

    #[test]
    fn reason_that_is_none_does_not_come_in_by_json_either() {
        assert!(serde_json::from_str::<Reason>("\"a\\u202eb\"").is_err());
        let reason: Reason = "spam".parse().unwrap();
        assert_eq!(serde_json::from_str::<Reason>(&serde_json::to_string(&reason).unwrap()).unwrap(), reason);
    }
}
