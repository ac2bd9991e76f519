//! One room as it is shown.

use std::collections::VecDeque;

use shared::{engine::GroupView, identity::Fingerprint, timeline::Line};

use crate::faces::{sanitize, words};

/// Rows kept in memory per room: many screens. What is older is fetched from the disk again; while somebody reads
/// there, the newest go instead and are fetched when they come back.
const ROWS: usize = 5_000;

/// A thing said or told. All text is safe for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A chat line.
    Message {
        /// Its place in the log.
        seq: u64,
        /// Unix milliseconds.
        at: u64,
        /// How the sender is called.
        name: String,
        /// Who it is.
        who: Fingerprint,
        /// What was said, with its own line breaks.
        text: String,
        /// We said it.
        mine: bool,
        /// It names us.
        mentions: bool,
    },
    /// About the room.
    Note {
        /// How loud.
        kind: Kind,
        /// One line.
        text: String,
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

/// One room as it is shown.
#[derive(Debug)]
pub struct Pane {
    /// The room.
    pub label: String,
    /// What was said, oldest first.
    pub rows: VecDeque<Row>,
    /// Messages since the room was looked at.
    pub unread: usize,
    /// How many of them name us.
    pub mentions: usize,
    /// When the last message was said, Unix milliseconds.
    pub last_at: u64,
    /// The group.
    pub view: Option<GroupView>,
    /// Why it is over.
    pub over: Option<String>,
    /// Entries read of those there are.
    pub catching_up: Option<(u64, u64)>,
    /// Lines of the screen between the end of the room and the bottom of what is shown.
    pub scroll: usize,
    /// The oldest stored line is here.
    pub is_whole: bool,
}

impl Pane {
    pub(super) fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            rows: VecDeque::new(),
            unread: 0,
            mentions: 0,
            last_at: 0,
            view: None,
            over: None,
            catching_up: None,
            scroll: 0,
            is_whole: false,
        }
    }

    /// A message as a row.
    pub(super) fn row(&self, line: &Line, me: &str) -> Row {
        let message = &line.message;
        let name = words::name(&message.from, self.view.as_ref());
        let mut text = sanitize::paragraph(&message.text).join("\n");
        let mentions = !message.mine && names(&text, &sanitize::line(me));
        if line.deleted {
            text.push_str("(deleted)");
        } else if line.edited.is_some() {
            text.push_str(" (edited)");
        }
        let (seq, at, who, mine) = (message.seq, message.at, message.from.fingerprint, message.mine);
        Row::Message { seq, at, name, who, text, mine, mentions }
    }

    /// A line that is here may be another now.
    pub(super) fn change(&mut self, line: &Line, me: &str) {
        let row = self.row(line, me);
        let here = |row: &&mut Row| matches!(row, Row::Message { seq, .. } if *seq == line.message.seq);
        if let Some(old) = self.rows.iter_mut().rev().find(here) {
            *old = row;
        }
    }

    /// Lines whose time is over.
    pub(super) fn forget(&mut self, seqs: &[u64]) {
        self.rows.retain(|row| !matches!(row, Row::Message { seq, .. } if seqs.contains(seq)));
    }

    /// Lines of before, which were not here.
    pub(super) fn insert(&mut self, lines: Vec<Line>, me: &str) {
        for line in lines {
            let seq_of = |row: &Row| match row {
                Row::Message { seq, .. } => *seq,
                Row::Note { .. } => 0,
            };
            let at = self.rows.iter().position(|row| seq_of(row) > line.message.seq);
            let row = self.row(&line, me);
            self.rows.insert(at.unwrap_or(self.rows.len()), row);
        }
    }

    /// Adds a row at the end. Whoever has scrolled up goes on seeing the same.
    pub(super) fn push(&mut self, row: Row, (width, _): (usize, usize)) {
        if let Row::Message { at, .. } = row {
            self.last_at = self.last_at.max(at);
        }
        if self.scroll > 0 {
            self.scroll += row.height(width);
        }
        self.rows.push_back(row);
        if self.rows.len() > ROWS {
            self.rows.pop_front();
            self.is_whole = false;
        }
    }

    /// Adds older messages in front; none when there are no more.
    pub(super) fn add_older(&mut self, lines: Vec<Line>, me: &str) {
        self.is_whole = lines.is_empty();
        for line in lines.into_iter().rev() {
            let row = self.row(&line, me);
            self.rows.push_front(row);
        }
    }

    /// The least sequence number that is here.
    pub fn oldest(&self) -> Option<u64> {
        self.rows.iter().find_map(|row| match row {
            Row::Message { seq, .. } => Some(*seq),
            Row::Note { .. } => None,
        })
    }
}

impl Row {
    /// Lines of the screen that it takes, roughly: days are not counted.
    fn height(&self, width: usize) -> usize {
        match self {
            Self::Message { name, text, .. } => {
                let indent = super::super::draw::indent(name);
                super::height(text, width.saturating_sub(indent))
            }
            Self::Note { text, .. } => super::height(text, width.saturating_sub(2)),
        }
    }
}

/// Whether a text names somebody: as a word, however it is written.
fn names(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    !name.is_empty()
        && text.match_indices(&name).any(|(at, found)| {
            let (before, after) = (text.get(..at), text.get(at + found.len()..));
            is_edge(before.and_then(|text| text.chars().next_back()))
                && is_edge(after.and_then(|text| text.chars().next()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mention_is_a_whole_word() {
        for (text, is_one) in [
            ("bob: look", true),
            ("@Bob!", true),
            ("ask bob", true),
            ("bobsled", false),
            ("kebob", false),
            ("", false),
        ] {
            assert_eq!(names(text, "bob"), is_one, "{text}");
        }
        assert!(!names("anything", ""));
    }
}
