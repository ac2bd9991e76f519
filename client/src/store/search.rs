//! Search over the sealed history: the lines are opened one after the other, the newest first. There is no
//! index, since one that helps would lie beside the sealed lines and tell their words.

use proto::RoomId;
use shared::timeline::Line;

use super::{Store, StoreError};

/// What somebody looks for: all words, in any order, anywhere in the text, however they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    words: Vec<String>,
    from: Option<String>,
}

/// A part of the history that was looked through.
#[derive(Debug, Default)]
pub struct Found {
    /// Lines that fit, newest first.
    pub lines: Vec<Line>,
    /// Where to go on: before this sequence number. None: there is nothing older.
    pub next: Option<u64>,
}

impl Query {
    /// The words of `text`. `from`: only of people whose display name contains this.
    pub fn new(text: &str, from: Option<&str>) -> Self {
        let words = text.split_whitespace().map(str::to_lowercase).collect();
        Self { words, from: from.map(str::to_lowercase) }
    }

    /// It asks for nothing, so everything would fit.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.from.is_none()
    }

    /// Whether a line is what is looked for. Deleted ones never are.
    pub fn fits(&self, line: &Line) -> bool {
        let by = |from: &String| line.message.from.name.to_lowercase().contains(from);
        if line.deleted || self.from.as_ref().is_some_and(|from| !by(from)) {
            return false;
        }
        let text = line.message.text.to_lowercase();
        self.words.iter().all(|word| text.contains(word))
    }
}

impl Store {
    /// Looks through at most `lines` chat lines of a room before `seq`. In parts, so that others get their turn
    /// between two of them.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn search(&self, room: RoomId, before: u64, lines: u32, query: &Query) -> Result<Found, StoreError> {
        let page = self.history_before(room, before, lines)?;
        let is_full = u32::try_from(page.len()).is_ok_and(|length| length == lines);
        let next = page.first().map(|line| line.message.seq).filter(|_| is_full);
        Ok(Found { lines: page.into_iter().rev().filter(|line| query.fits(line)).collect(), next })
    }
}
