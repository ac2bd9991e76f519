//! Opening a link of a message: asked first, with where it really goes.

use crossterm::event::KeyCode;

use super::{App, Effect, Overlay};
use crate::faces::markup;

/// The links of a message that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    /// Each as it is written, and the host it goes to.
    pub links: Vec<(String, String)>,
    /// The chosen one.
    pub at: usize,
    /// The one whose host was last drawn as a whole.
    pub drawn: Option<usize>,
}

impl Open {
    /// Whether it can be read where the chosen one goes; else it is not opened.
    pub(crate) fn is_seen(&self) -> bool {
        self.drawn == Some(self.at)
    }
}

impl App {
    /// Asks which link of the chosen message to open.
    pub(super) fn begin_open(&mut self) {
        let Some(entry) = self.chosen().filter(|entry| !entry.deleted) else { return };
        let links = markup::opening(&entry.text);
        if links.is_empty() {
            let hides = markup::targets(&entry.text).iter().any(|(link, _)| markup::has_userinfo(link));
            let why = if hides {
                "That link has a name before an @, which hides where it goes: it is not opened. Enter shows where it goes."
            } else {
                "That message has no link that a browser opens."
            };
            self.alert = Some(why.to_owned());
            return;
        }
        self.overlay = Some(Overlay::Open(Open { links, at: 0, drawn: None }));
    }

    pub(super) fn open_key(&mut self, mut open: Open, code: KeyCode) {
        let last = open.links.len().saturating_sub(1);
        match code {
            KeyCode::Up => open.at = open.at.saturating_sub(1),
            KeyCode::Down => open.at = (open.at + 1).min(last),
            // Not before it is read where it goes.
            KeyCode::Char('y' | 'Y') if !open.is_seen() => {}
            KeyCode::Char('y' | 'Y') => {
                let chosen = open.links.into_iter().nth(open.at);
                return self.effects.extend(chosen.map(|(link, _)| Effect::Open(link)));
            }
            _ => return,
        }
        self.overlay = Some(Overlay::Open(open));
    }
}
