//! Search over the sealed history: the lines are opened one after the other, the newest first. There is no
//! index, since one that helps would lie beside the sealed lines and tell their words.

use std::cmp::Reverse;

use proto::RoomId;
use serde::{Deserialize, Serialize};
use shared::message::timeline::Line;

use super::{Store, StoreError};

/// Lines that are looked through at once: some milliseconds.
const PART: u32 = 1_000;

/// What somebody looks for: all words, in any order, anywhere in the text, however they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    words: Vec<String>,
    from: Option<String>,
}

/// A line that was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The room's label.
    pub room: String,
    /// The line.
    pub line: Line,
}

/// A search in parts, so that others get their turn at the database between two of them:
/// [`Store::search`] until [`Search::is_done`].
#[derive(Clone, Debug)]
pub struct Search {
    query: Query,
    /// Still to be looked through; the last one first, from before this sequence number.
    rooms: Vec<(RoomId, String, u64)>,
    /// At most so many hits in the end, and in each room.
    limit: usize,
    /// Found in the room that is being looked through.
    here: usize,
    hits: Vec<Hit>,
}

impl Search {
    /// At most `limit` lines of these rooms, which are named by their labels.
    pub fn new(query: Query, rooms: impl IntoIterator<Item = (RoomId, String)>, limit: usize) -> Self {
        let rooms = rooms.into_iter().map(|(room, label)| (room, label, u64::MAX)).collect();
        Self { query, rooms, limit, here: 0, hits: Vec::new() }
    }

    /// All was looked through, or enough was found.
    pub fn is_done(&self) -> bool {
        self.rooms.is_empty()
    }

    /// What was found, newest first.
    pub fn hits(mut self) -> Vec<Hit> {
        self.hits.sort_by_key(|hit| Reverse((hit.line.message.at, hit.line.message.seq)));
        self.hits.truncate(self.limit);
        self.hits
    }
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
    /// Looks through the next part.
    ///
    /// # Errors
    /// [`StoreError`] when lines cannot be read or were altered.
    pub fn search(&self, mut search: Search) -> Result<Search, StoreError> {
        let Some((room, label, before)) = search.rooms.pop() else { return Ok(search) };
        let page = self.history_before(room, before, PART)?;
        let next = page.first().map(|line| line.message.seq);
        let found = page.into_iter().filter(|line| search.query.fits(line));
        let found: Vec<Hit> = found.map(|line| Hit { room: label.clone(), line }).collect();
        search.here += found.len();
        search.hits.extend(found);
        match next.filter(|_| search.here < search.limit) {
            Some(next) => search.rooms.push((room, label, next)),
            None => search.here = 0,
        }
        Ok(search)
    }
}
