//! Searching what was said, while typing.

use crossterm::event::KeyCode;

use super::{App, Effect, Overlay};
use crate::{
    faces::{
        sanitize,
        tui::{
            editor::{Editor, To},
            keymap::Key,
        },
        words,
    },
    store,
};

/// The search as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    /// What is searched for.
    pub text: Editor,
    /// Not only in the current room.
    pub everywhere: bool,
    /// The newest first.
    pub hits: Vec<Hit>,
    /// The chosen one.
    pub at: usize,
    /// An answer is awaited.
    pub is_busy: bool,
    /// Which question this is; answers to others are not of interest any more.
    number: u64,
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Where.
    pub room: String,
    /// Its place in the log.
    pub seq: u64,
    /// Unix milliseconds.
    pub at: u64,
    /// Who said it, safe for a terminal.
    pub name: String,
    /// What, in one line, safe for a terminal.
    pub text: String,
}

impl App {
    /// Opens the search.
    pub(crate) fn search(&mut self, text: &str) {
        let (text, everywhere) = (Editor::of(text), self.current.is_none());
        let search = Search { text, everywhere, hits: Vec::new(), at: 0, is_busy: false, number: 0 };
        self.ask(search);
    }

    /// What a question found. `Err`: why there is no answer.
    pub(crate) fn take_hits(&mut self, number: u64, found: Result<Vec<Hit>, String>) {
        let Some(Overlay::Search(search)) = &mut self.overlay else { return };
        if search.number != number {
            return;
        }
        search.is_busy = false;
        match found {
            Ok(hits) => {
                search.at = search.at.min(hits.len().saturating_sub(1));
                search.hits = hits;
            }
            Err(why) => self.alert(why),
        }
    }

    pub(super) fn search_key(&mut self, mut search: Search, key: Key, code: KeyCode) {
        let before = search.text.text().to_owned();
        match code {
            KeyCode::Esc => return,
            KeyCode::Enter => {
                let Some(hit) = search.hits.get(search.at).cloned() else {
                    self.overlay = Some(Overlay::Search(search));
                    return;
                };
                self.hits = (search.hits, search.at);
                return self.jump(&hit.room, hit.seq);
            }
            KeyCode::Up => search.at = search.at.saturating_sub(1),
            KeyCode::Down => search.at = (search.at + 1).min(search.hits.len().saturating_sub(1)),
            KeyCode::Tab => {
                search.everywhere = !search.everywhere || self.current.is_none();
                return self.ask(search);
            }
            KeyCode::Backspace => search.text.delete(To::Left),
            _ => self.edit_field(&mut search.text, key),
        }
        if search.text.text() != before {
            return self.ask(search);
        }
        self.overlay = Some(Overlay::Search(search));
    }

    /// Goes to the next of what the last search found.
    pub(super) fn next_hit(&mut self, older: bool) {
        let (hits, at) = &mut self.hits;
        let next = if older { *at + 1 } else { at.wrapping_sub(1) };
        let Some(hit) = hits.get(next).cloned() else {
            self.alert = Some("The search found no more.".to_owned());
            return;
        };
        *at = next;
        self.jump(&hit.room, hit.seq);
    }

    pub(super) fn ask(&mut self, mut search: Search) {
        self.searches += 1;
        search.number = self.searches;
        search.is_busy = !search.text.text().trim().is_empty();
        search.at = 0;
        if search.is_busy {
            self.effects.push(Effect::Find {
                number: search.number,
                room: self.current.clone().filter(|_| !search.everywhere),
                text: search.text.text().trim().to_owned(),
            });
        } else {
            search.hits.clear();
        }
        self.overlay = Some(Overlay::Search(search));
    }
}

impl From<store::Hit> for Hit {
    fn from(hit: store::Hit) -> Self {
        let message = hit.line.message;
        Self {
            room: hit.room,
            seq: message.seq,
            at: message.at,
            name: sanitize::line(&message.from.name),
            text: sanitize::line(&words::first_words(&message)),
        }
    }
}
