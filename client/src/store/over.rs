//! Why a room is over: as a value, which is stored in its row.

use serde::{Deserialize, Serialize};
use shared::room::CloseReason;

use super::StoreError;

/// Why a room is over. Stored by these names, so a name and its fields stay once released; new ones may join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Over {
    /// Somebody left it; what was said there is still here.
    Left,
    /// It is of version 1 of the protocol: an archive.
    Archive {
        /// Whoever knew its name could join.
        open: bool,
    },
    /// It came back from a backup, which has no way into it.
    CameBack(NoWayIn),
    /// As the engine says.
    Closed(CloseReason),
    /// Its state cannot be read. Not stored.
    Unreadable(Unreadable),
    /// It was new, and could not be stored. Not stored.
    Unstored(StoreError),
    /// As an earlier version wrote it, in its words.
    Earlier(String),
}

/// Why a room that came back from a backup cannot be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoWayIn {
    /// Nobody else was in it who could let this device in.
    Alone,
    /// Its relay ran on the device that is gone.
    OwnRelay,
    /// The device had not got in, or was not in it any more.
    NotIn,
}

/// Why the state of a room cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unreadable {
    /// It is not what was written.
    Damaged,
    /// It was written by a later version.
    TooNew,
    /// Anything else, in the words of the library.
    Other(String),
}

impl Over {
    /// Whether it is an archive of version 1.
    pub fn is_archive(&self) -> bool {
        matches!(self, Self::Archive { .. })
    }

    /// The stored form.
    pub(crate) fn to_text(&self) -> String {
        // There is nothing in it that JSON does not take.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the stored form; whatever else stands there are words.
    pub(crate) fn of_text(text: String) -> Self {
        serde_json::from_str(&text).unwrap_or(Self::Earlier(text))
    }
}

impl From<&CloseReason> for Over {
    fn from(reason: &CloseReason) -> Self {
        match reason {
            CloseReason::Left => Self::Left,
            other => Self::Closed(other.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_comes_back_and_words_of_an_earlier_version_stay() {
        let removed = CloseReason::Removed { by: "bob \"\u{1b}".to_owned() };
        let came_back = Over::CameBack(NoWayIn::Alone);
        for over in [Over::Left, Over::Archive { open: true }, Over::Closed(removed), came_back] {
            assert_eq!(Over::of_text(over.to_text()), over);
        }
        for words in ["The room is full.", "", "{\"Nothing\":1}", "7"] {
            assert_eq!(Over::of_text(words.to_owned()), Over::Earlier(words.to_owned()));
        }
    }
}
