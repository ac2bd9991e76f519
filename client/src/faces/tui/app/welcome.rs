//! What a new person can do, while there is no room.

use super::{App, Effect};

/// Something to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Paste a link.
    Join,
    /// Run a relay with a room in it.
    Host,
    /// See it work.
    Demo,
}

/// All of it, with what is said about it.
pub(crate) const CHOICES: [(Choice, &str, &str); 3] = [
    (Choice::Join, "Join a room", "paste your invite link, then Enter"),
    (Choice::Host, "Host a room", "a relay on this machine, and a link"),
    (Choice::Demo, "Watch the demo", "see here that the promises hold"),
];

impl App {
    /// Whether the list is shown.
    pub(crate) fn is_new(&self) -> bool {
        self.current.is_none() && self.panes.is_empty()
    }

    /// Moves the choice.
    pub(super) fn choose(&mut self, down: bool) {
        self.choice = if down { self.choice + 1 } else { self.choice.saturating_sub(1) };
        self.choice = self.choice.min(CHOICES.len() - 1);
    }

    /// Takes the choice at a place.
    pub(super) fn begin(&mut self, place: usize) {
        let Some((choice, ..)) = CHOICES.get(place) else { return };
        self.choice = place;
        match choice {
            Choice::Join => self.note("Paste the link here and press Enter.".to_owned()),
            choice => self.effects.push(Effect::Begin(*choice)),
        }
    }
}
