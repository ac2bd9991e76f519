//! Colours. Nothing is told by colour alone: names, marks and words say it too.

use ratatui::style::{Color, Modifier, Style};
use shared::identity::Fingerprint;

/// Colours that people with any kind of colour vision tell apart, after Okabe and Ito (2008), as the nearest
/// entries of the 256-colour table: orange, sky blue, bluish green, yellow, blue, vermillion, reddish purple.
const SENDERS: [u8; 7] = [214, 75, 36, 185, 69, 202, 175];

/// How things look.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    with_colour: bool,
}

impl Theme {
    /// Colours, unless `NO_COLOR` is set.
    pub fn from_environment() -> Self {
        Self { with_colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    /// No colours.
    pub fn plain() -> Self {
        Self { with_colour: false }
    }

    pub(super) fn sender(self, who: &Fingerprint) -> Style {
        let first = who.0.first().copied().map_or(0, usize::from);
        let colour = SENDERS.get(first % SENDERS.len()).copied().unwrap_or(7);
        self.colour(Color::Indexed(colour)).add_modifier(Modifier::BOLD)
    }

    pub(super) fn mine(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn quiet(self) -> Style {
        if self.with_colour { Style::new().fg(Color::Indexed(245)) } else { Style::new() }
    }

    pub(super) fn alarm(self) -> Style {
        self.colour(Color::Indexed(203)).add_modifier(Modifier::BOLD)
    }

    pub(super) fn mention(self) -> Style {
        self.colour(Color::Indexed(214)).add_modifier(Modifier::BOLD)
    }

    pub(super) fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }

    fn colour(self, colour: Color) -> Style {
        if self.with_colour { Style::new().fg(colour) } else { Style::new() }
    }
}
