//! A row of a room: a chat line, or what is told beside it.

use super::ShownLine;
use crate::{
    faces::words::{self, Among},
    store::RoomLogItem,
};

/// A thing said or told. All text is safe for a terminal.
#[derive(Clone, Debug)]
pub(crate) enum Row {
    /// A chat line.
    Message(Box<ShownLine>),
    /// About the room.
    Note {
        /// How loud.
        kind: Kind,
        /// One line.
        text: String,
        /// What of it is in the history on the disk as well.
        stored: Option<RoomLogItem>,
    },
}

/// How loud a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In passing.
    Info,
    /// Not to be missed, though nobody need have done anything wrong.
    Loud,
    /// Not to be missed.
    Alarm,
}

impl Row {
    /// What happened in the room, as it stands in the history.
    pub(super) fn happening<'a>(what: &'a RoomLogItem, among: impl Into<Among<'a>>) -> Self {
        let kind = match () {
            () if what.is_alarm() => Kind::Alarm,
            () if what.is_loud() => Kind::Loud,
            () => Kind::Info,
        };
        Self::Note { kind, text: words::happening(what, None, among), stored: Some(what.clone()) }
    }

    /// Others have the names in it as well, it turns out. What is loud stays as it was told.
    pub(super) fn rename(&mut self, among: Among<'_>) {
        match self {
            Self::Message(entry) => entry.rename(among),
            Self::Note { text, stored: Some(what), .. } if !what.is_loud() => {
                *text = words::happening(what, None, among);
            }
            Self::Note { .. } => {}
        }
    }

    pub(super) fn stored(&self) -> Option<&RoomLogItem> {
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
    pub(crate) fn entry(&self) -> Option<&ShownLine> {
        match self {
            Self::Message(entry) => Some(entry),
            Self::Note { .. } => None,
        }
    }
}
