//! The help: what works on the screen that was there, then all keys and commands; what is typed searches in it.

use crossterm::event::KeyCode;

use super::{App, Overlay};
use crate::faces::{
    groups::{self, fits},
    tui::{
        editor::{Editor, To},
        keymap::{Group, Key},
    },
    words,
};

/// The help as it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Help {
    /// Only what has these words is shown.
    pub text: Editor,
    /// Lines that were scrolled by.
    pub scroll: usize,
    /// What lay over the rooms before, and does again afterwards.
    pub behind: Option<Box<Overlay>>,
    /// A message is chosen behind it.
    pub is_selecting: bool,
}

/// A title and its rows: keys or a command, and what they do.
pub(super) type Section = (&'static str, Vec<(String, &'static str)>);

/// Above the settings that were searched for.
const SETTINGS: &str = "Settings in config.toml, which `schat config --edit` opens";

impl App {
    /// Opens the help over whatever is there.
    pub(super) fn help(&mut self, text: &str, behind: Option<Overlay>) {
        let help = Help {
            text: Editor::of(text),
            scroll: 0,
            behind: behind.map(Box::new),
            is_selecting: self.selected.is_some(),
        };
        self.overlay = Some(Overlay::Help(help));
    }

    /// What lay behind it is there again.
    pub(super) fn close_help(&mut self, help: Help) {
        self.overlay = help.behind.map(|behind| *behind);
    }

    pub(super) fn help_key(&mut self, mut help: Help, key: Key, code: KeyCode) {
        let before = help.text.text().to_owned();
        match code {
            KeyCode::Esc | KeyCode::Enter => return self.close_help(help),
            KeyCode::Char('?') if help.text.is_empty() => return self.close_help(help),
            KeyCode::Down => help.scroll += 1,
            KeyCode::PageDown => help.scroll += self.page(),
            KeyCode::Up => help.scroll = help.scroll.saturating_sub(1),
            KeyCode::PageUp => help.scroll = help.scroll.saturating_sub(self.page()),
            KeyCode::Backspace => help.text.delete(To::Left),
            _ => self.edit_field(&mut help.text, key),
        }
        if help.text.text() != before {
            help.scroll = 0;
        }
        self.overlay = Some(Overlay::Help(help));
    }

    /// What the help shows: what works on the screen behind it comes first.
    pub(crate) fn sections(&self, help: &Help) -> Vec<Section> {
        let here = help.behind.as_deref().and_then(keys_of);
        let first = match (&here, help.is_selecting) {
            (Some(_), _) => None,
            (None, true) => Some(Group::Chosen),
            (None, false) => Some(Group::Write),
        };
        let groups = first.into_iter().chain(Group::ALL.into_iter().filter(|group| Some(*group) != first));
        let bound = groups.map(|group| {
            let rows = self.keys.help().iter().filter(|bound| bound.group == group);
            (group.title(), rows.map(|bound| (bound.keys.clone(), bound.what)).collect::<Vec<_>>())
        });
        let here = here.map(|(title, keys)| {
            (title, keys.iter().map(|(keys, what)| ((*keys).to_owned(), *what)).collect::<Vec<_>>())
        });
        let keys = here.into_iter().chain(bound).map(|(title, mut rows)| {
            rows.retain(|(keys, what)| fits(help.text.text(), &[title, keys, what]));
            (title, rows)
        });
        let commands = groups::found(help.text.text()).into_iter().map(|(title, rows)| {
            (title, rows.into_iter().map(|(usage, what)| ((*usage).to_owned(), *what)).collect())
        });
        let wanted = help.text.text();
        // Unasked they would be as long as all the rest.
        let settings = words::settings::all().filter(|_| !wanted.trim().is_empty());
        let settings: Vec<_> = settings.filter(|(name, what)| fits(wanted, &[name, what])).collect();
        let settings = (!settings.is_empty()).then_some((SETTINGS, settings));
        keys.filter(|(_, rows)| !rows.is_empty()).chain(commands).chain(settings).collect()
    }
}

type Keys = (&'static str, &'static [(&'static str, &'static str)]);

/// The keys of what lies over the rooms, where nobody can change them.
fn keys_of(overlay: &Overlay) -> Option<Keys> {
    Some(match overlay {
        Overlay::Help(_) => return None,
        Overlay::Switcher(..) => (
            "Going to a room",
            &[
                ("letters", "the rooms that have them in their name"),
                ("Up, Down", "another one"),
                ("Enter", "go there"),
                ("Esc", "stay"),
            ],
        ),
        Overlay::Link(_) => (
            "A link",
            &[
                ("c", "copy it"),
                ("q", "show it as a code for a camera"),
                ("any other letter or sign", "close, and type it"),
                ("any other key", "close"),
            ],
        ),
        Overlay::Code(_) => (
            "A code for a camera",
            &[("a letter or sign", "close, and type it"), ("any other key, c and q", "the link again")],
        ),
        Overlay::Search(_) => (
            "Searching",
            &[
                ("letters", "what all lines have that are found"),
                ("Tab", "in this room, or in all"),
                ("Up, Down", "another line"),
                ("Enter", "go there"),
                ("Esc", "stay"),
            ],
        ),
        Overlay::Reactions(_) => (
            "A sign under a message",
            &[
                ("1 … 8", "put that sign under it, or take it back"),
                ("letters", "a sign of your own"),
                ("Enter", "take the chosen one"),
                ("Esc", "none"),
            ],
        ),
        Overlay::Delete(_) => {
            ("Deleting a message", &[("y", "delete it for everybody"), ("any other key", "keep it")])
        }
        Overlay::Details(..) => (
            "What is told",
            &[
                ("Up, Down, PgUp, PgDn", "scroll"),
                ("f", "fetch the file of the message, if it has one"),
                ("any other key", "close"),
            ],
        ),
        Overlay::Open(_) => (
            "Opening a link",
            &[("Up, Down", "another link of the message"), ("y", "open it"), ("any other key", "do not")],
        ),
    })
}
