//! A row of a room: a chat line, or what is told beside it.

use shared::room::GroupView;

use super::Entry;
use crate::{faces::words, store::What};

/// A thing said or told. All text is safe for a terminal.
#[derive(Clone, Debug)]
pub enum Row {
    /// A chat line.
    Message(Box<Entry>),
    /// About the room.
    Note {
        /// How loud.
        kind: Kind,
        /// One line.
        text: String,
        /// What of it is in the history on the disk as well.
        stored: Option<What>,
    },
}

/// How loud a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In passing.
    Info,
    /// Not to be missed.
    Alarm,
}

impl Row {
    /// What happened in the room, as it stands in the history.
    pub(super) fn happening(what: &What, view: Option<&GroupView>) -> Self {
        let kind = if what.is_alarm() { Kind::Alarm } else { Kind::Info };
        Self::Note { kind, text: words::happening(what, None, view), stored: Some(what.clone()) }
    }

    pub(super) fn stored(&self) -> Option<&What> {
        match self {
            Self::Note { stored, .. } => stored.as_ref(),
            Self::Message(_) => None,
        }
    }

    /// What it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Note { text, .. } => 128 + text.len(),
            Self::Message(entry) => entry.bytes(),
        }
    }

    /// Lines of the screen that it took when it was measured last.
    pub(super) fn lines(&self) -> usize {
        self.entry().map_or(1, |entry| entry.height.get().1.max(1))
    }

    /// The chat line, if it is one.
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Message(entry) => Some(entry),
            Self::Note { .. } => None,
        }
    }
}
