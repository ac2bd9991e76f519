//! Search over the sealed history: the lines are opened one after the other, the newest first. There is no
//! index, since one that helps would lie beside the sealed lines and tell their words. What is looked for and what is found are
//! made [`loose`] as they are compared, so that `strasse` finds `Straße`, and `cafe` finds `café` however it was typed.

use std::cmp::Reverse;

use proto::RoomId;
use serde::{Deserialize, Serialize};
use shared::message::timeline::Line;

use super::{Store, StoreError};
use crate::text::loose::loose;

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
        let words = loose(text).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Self { words, from: from.map(loose) }
    }

    /// It asks for nothing, so everything would fit.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.from.is_none()
    }

    /// Whether a line is what is looked for. Deleted ones never are.
    pub fn fits(&self, line: &Line) -> bool {
        let by = |from: &String| loose(&line.message.from.name).contains(from);
        if line.deleted || self.from.as_ref().is_some_and(|from| !by(from)) {
            return false;
        }
        let mut text = loose(&line.message.text);
        if let Some(file) = &line.message.file {
            text.push('\n');
            text.push_str(&loose(&file.name));
        }
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

#[cfg(test)]
mod tests {
    use shared::{
        identity::Fingerprint,
        room::{Message, Person},
    };

    use super::*;

    fn finds(wanted: &str, text: &str) -> bool {
        let from = Person { name: "Zoe\u{308}".to_owned(), fingerprint: Fingerprint([1; 32]) };
        let message = Message {
            id: [1; 16],
            seq: 1,
            at: 1,
            from,
            text: text.to_owned(),
            reply_to: None,
            mine: false,
            disappears: None,
            file: None,
        };
        let line = Line::from(message);
        assert!(Query::new("", Some("zoe")).fits(&line) && !Query::new("", Some("ann")).fits(&line));
        Query::new(wanted, None).fits(&line)
    }

    #[test]
    fn word_is_found_in_whatever_form_it_was_written() {
        for (wanted, text) in [
            ("caf\u{e9}", "un cafe\u{301}, vite"),
            ("cafe\u{301}", "un caf\u{e9}"),
            ("cafe", "un caf\u{e9}"),
            ("café", "UN CAFE"),
            ("istanbul", "İstanbul'a"),
            ("strasse", "Straße 7"),
            ("STRASSE", "in der straße"),
            ("straße", "STRASSE"),
            ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
            ("ｆｕｌｌ", "full width"),
            ("میخواهم", "می\u{200c}خواهم"),
            ("ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"),
            ("Dampfschiff", "Dampf\u{ad}schiff"),
            ("two  words", "words,\ntwo of them"),
        ] {
            assert!(finds(wanted, text), "{wanted} {text}");
        }
        assert!(!finds("two words", "two") && !finds("мои", "мой"));
    }

    #[test]
    fn nothing_that_is_looked_for_finds_nothing() {
        assert!(Query::new(" \u{200b} ", None).is_empty());
    }
}
