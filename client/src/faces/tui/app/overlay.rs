//! What lies over the rooms, and its keys.

use crossterm::event::KeyCode;
use shared::room::MessageId;

use super::{App, Effect, Help, Open, REACTIONS, Search, Telling};
use crate::{
    faces::{
        tui::{
            editor::{Editor, To},
            keymap::{Action, Key},
        },
        words,
    },
    text::loose::loose,
};

/// What lies over the rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// All keys and commands.
    Help(Help),
    /// Go to a room: what was typed to find it, and which of those found is chosen.
    Switcher(Editor, usize),
    /// A link, to be copied.
    Link(ShownLink),
    /// The same as a code for a camera, and nothing else: a small terminal has no room for both.
    Code(ShownLink),
    /// What was said.
    Search(Search),
    /// A reaction for a message.
    Reactions(Reactions),
    /// Whether a message of ours is to go.
    Delete(MessageId),
    /// Everything about a message, or about the room.
    Details(Details),
    /// Whether a link is to be opened.
    Open(Open),
}

/// What the lines of a message are about.
pub(super) const MESSAGE: &str = "Message";

/// A link that is given to somebody else, or to another device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownLink {
    /// All of it.
    pub link: String,
    /// What is to be done with it.
    pub told: String,
    /// It is of a device that is to be linked: where that goes on, there is something else to be seen.
    pub is_device: bool,
}

impl From<String> for ShownLink {
    fn from(link: String) -> Self {
        Self { link, told: words::GIVE_LINK.to_owned(), is_device: false }
    }
}

impl From<&str> for ShownLink {
    fn from(link: &str) -> Self {
        link.to_owned().into()
    }
}

/// Lines to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Details {
    /// What they are about.
    pub title: &'static str,
    /// Safe for a terminal.
    pub lines: Vec<String>,
    /// Lines that were scrolled by.
    pub scroll: usize,
}

/// Reactions to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reactions {
    /// For this message.
    pub target: MessageId,
    /// One that is typed.
    pub text: Editor,
    /// The chosen one of [`REACTIONS`].
    pub at: usize,
}

impl App {
    /// Lines over the rooms, from the first.
    pub(crate) fn details(&mut self, title: &'static str, lines: Vec<String>) {
        self.overlay = Some(Overlay::Details(Details { title, lines, scroll: 0 }));
    }

    /// `code` is what the key means in a list or a field.
    pub(super) fn overlay_key(&mut self, overlay: Overlay, key: Key, code: KeyCode) {
        match (overlay, code) {
            (Overlay::Link(link), KeyCode::Char('c')) => {
                self.effects.push(Effect::Copy(link.link.clone()));
                self.overlay = Some(Overlay::Link(link));
            }
            (Overlay::Link(link), KeyCode::Char('q')) => self.overlay = Some(Overlay::Code(link)),
            (Overlay::Code(link), _) => self.overlay = Some(Overlay::Link(link)),
            (Overlay::Help(help), code) => self.help_key(help, key, code),
            (
                overlay @ (Overlay::Link(_) | Overlay::Delete(_) | Overlay::Details(..) | Overlay::Open(_)),
                KeyCode::Char('?'),
            ) => self.help("", Some(overlay)),
            (Overlay::Open(open), code) => self.open_key(open, code),
            // As its line says that tells where the file is.
            (Overlay::Details(Details { title: MESSAGE, .. }), _)
                if self.keys.action(key, true) == Some(Action::Fetch) && self.has_file() =>
            {
                self.begin_fetch();
            }
            (Overlay::Details(Details { scroll, title, lines }), code) => {
                let shown = |scroll| Overlay::Details(Details { title, lines, scroll });
                self.overlay = scrolled(scroll, code).map(shown);
            }
            (Overlay::Switcher(text, at), code) => self.switch(text, at, key, code),
            (Overlay::Search(search), code) => self.search_key(search, key, code),
            (Overlay::Reactions(reactions), code) => self.reaction_key(reactions, key, code),
            (Overlay::Delete(target), KeyCode::Char('y' | 'Y')) => {
                self.tell_of(Telling::Delete { target });
                self.selected = None;
            }
            // Any other key closes it.
            (Overlay::Link(_) | Overlay::Delete(_), _) => {}
        }
    }

    /// Labels that contain what was typed, by activity.
    pub(crate) fn found(&self, text: &str) -> Vec<String> {
        let text = loose(text);
        let fits = |label: &String| loose(label).contains(&text);
        self.by_activity().into_iter().map(|pane| pane.label.clone()).filter(fits).collect()
    }

    fn switch(&mut self, mut text: Editor, at: usize, key: Key, code: KeyCode) {
        let found = self.found(text.text());
        match code {
            KeyCode::Esc => return,
            KeyCode::Enter => return found.get(at).into_iter().for_each(|room| self.go(room)),
            KeyCode::Up => return self.overlay = Some(Overlay::Switcher(text, at.saturating_sub(1))),
            KeyCode::Down => {
                let at = (at + 1).min(found.len().saturating_sub(1));
                return self.overlay = Some(Overlay::Switcher(text, at));
            }
            KeyCode::Backspace => text.delete(To::Left),
            _ => self.edit_field(&mut text, key),
        }
        self.overlay = Some(Overlay::Switcher(text, 0));
    }

    fn reaction_key(&mut self, mut reactions: Reactions, key: Key, code: KeyCode) {
        let last = REACTIONS.len() - 1;
        match code {
            KeyCode::Esc => return,
            KeyCode::Enter => {
                let typed = Some(reactions.text.text().trim().to_owned()).filter(|text| !text.is_empty());
                let chosen = typed.or_else(|| REACTIONS.get(reactions.at).map(|emoji| (*emoji).to_owned()));
                return chosen.into_iter().for_each(|emoji| self.react(reactions.target, emoji));
            }
            KeyCode::Char(digit @ '1'..='8') if reactions.text.is_empty() => {
                let place = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).unwrap_or(1) - 1;
                let emoji = REACTIONS.get(place).map(|emoji| (*emoji).to_owned());
                return emoji.into_iter().for_each(|emoji| self.react(reactions.target, emoji));
            }
            KeyCode::Left if reactions.text.is_empty() => reactions.at = reactions.at.saturating_sub(1),
            KeyCode::Right if reactions.text.is_empty() => reactions.at = (reactions.at + 1).min(last),
            KeyCode::Up => reactions.at = reactions.at.saturating_sub(1),
            KeyCode::Down | KeyCode::Tab => reactions.at = (reactions.at + 1).min(last),
            KeyCode::Backspace => reactions.text.delete(To::Left),
            _ => self.edit_field(&mut reactions.text, key),
        }
        self.overlay = Some(Overlay::Reactions(reactions));
    }
}

/// None: it is closed.
fn scrolled(scroll: usize, code: KeyCode) -> Option<usize> {
    match code {
        KeyCode::Down | KeyCode::Char('j') => Some(scroll + 1),
        KeyCode::PageDown => Some(scroll + 10),
        KeyCode::Up | KeyCode::Char('k') => Some(scroll.saturating_sub(1)),
        KeyCode::PageUp => Some(scroll.saturating_sub(10)),
        _ => None,
    }
}
