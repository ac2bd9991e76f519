//! Colours. Nothing is told by colour alone: names, marks and words say it too.

mod terminal;

use ratatui::style::{Color, Modifier, Style};
use shared::identity::Fingerprint;

pub(super) use self::terminal::Depth;
use self::terminal::{Ground, depth, ground};
use crate::faces::markup::Look;
use crate::settings::{Colour, Colours, ThemeName};

/// Colours that people with any kind of colour vision tell apart, after Okabe and Ito (2008), as the nearest
/// entries of the 256-colour table: orange, sky blue, bluish green, yellow, blue, vermillion, reddish purple.
const ON_DARK: Palette = palette([214, 75, 36, 185, 69, 202, 175], [214, 203, 245, 75, 150]);

/// The same seven, dark enough for a light ground.
const ON_LIGHT: Palette = palette([130, 25, 29, 94, 19, 124, 90], [130, 124, 242, 25, 22]);

/// The same in the middle between black and white, to be read on both: for terminals that do not say which it is.
const ON_EITHER: Palette = palette([130, 31, 29, 64, 63, 161, 133], [130, 161, 243, 63, 28]);

/// Where there are sixteen, those that are far from the ground in the tables of most terminals. What is quiet has the
/// terminal's own colour: its bright black is often hardly to be seen.
const SIXTEEN_ON_DARK: Palette = palette([11, 14, 10, 15, 12, 9, 13], [11, 9, 7, 14, 10]);
const SIXTEEN_ON_LIGHT: Palette =
    Palette { quiet: Color::Reset, ..palette([5, 4, 1, 0, 12, 9, 4], [5, 1, 0, 4, 5]) };
const SIXTEEN_ON_EITHER: Palette =
    Palette { quiet: Color::Reset, ..palette([9, 12, 5, 9, 12, 5, 12], [5, 9, 0, 12, 5]) };

/// Where there are eight, bold may be bright and may not: without blue on black, which hardly anybody can read.
const EIGHT_ON_DARK: Palette = palette([3, 6, 2, 7, 3, 6, 5], [3, 1, 7, 6, 2]);
const EIGHT_ON_LIGHT: Palette =
    Palette { quiet: Color::Reset, ..palette([5, 4, 1, 0, 5, 4, 1], [5, 1, 0, 4, 5]) };
const EIGHT_ON_EITHER: Palette =
    Palette { quiet: Color::Reset, ..palette([1, 5, 1, 5, 1, 5, 1], [5, 1, 0, 5, 5]) };

/// How things look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theme {
    /// None: no colours.
    palette: Option<Palette>,
}

#[derive(Clone, Copy, Debug)]
struct Palette {
    senders: [Color; 7],
    mention: Color,
    alarm: Color,
    quiet: Color,
    link: Color,
    code: Color,
    /// None: only reversed.
    selected: Option<Color>,
}

impl Theme {
    /// The theme of the settings, in what the terminal has. `NO_COLOR` in the environment wins over all of it.
    pub(super) fn new(name: ThemeName, changed: &Colours) -> Self {
        Self::chosen(name, changed, |variable| std::env::var(variable).ok())
    }

    /// How many colours this program's terminal has.
    pub(super) fn depth() -> Depth {
        depth(|variable| std::env::var(variable).ok())
    }

    /// No colours.
    pub(super) fn plain() -> Self {
        Self { palette: None }
    }

    fn chosen(name: ThemeName, changed: &Colours, variable: impl Fn(&str) -> Option<String>) -> Self {
        // The wish of <https://no-color.org>.
        let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let ground = match name {
            _ if no_color => return Self::plain(),
            ThemeName::Auto => ground(&variable),
            ThemeName::Dark => Ground::Dark,
            ThemeName::Light => Ground::Light,
            ThemeName::Plain => return Self::plain(),
        };
        let mut palette = match (depth(&variable), ground) {
            (Depth::None, _) => return Self::plain(),
            (Depth::Many, Ground::Dark) => ON_DARK,
            (Depth::Many, Ground::Light) => ON_LIGHT,
            (Depth::Many, Ground::Unknown) => ON_EITHER,
            (Depth::Sixteen, Ground::Dark) => SIXTEEN_ON_DARK,
            (Depth::Sixteen, Ground::Light) => SIXTEEN_ON_LIGHT,
            (Depth::Sixteen, Ground::Unknown) => SIXTEEN_ON_EITHER,
            (Depth::Eight, Ground::Dark) => EIGHT_ON_DARK,
            (Depth::Eight, Ground::Light) => EIGHT_ON_LIGHT,
            (Depth::Eight, Ground::Unknown) => EIGHT_ON_EITHER,
        };
        if let Some(senders) = changed.senders {
            palette.senders = senders.0.map(colour);
        }
        let change = |slot: &mut Color, wanted: Option<Colour>| {
            if let Some(wanted) = wanted {
                *slot = colour(wanted);
            }
        };
        change(&mut palette.mention, changed.mention);
        change(&mut palette.alarm, changed.alarm);
        change(&mut palette.quiet, changed.quiet);
        palette.selected = changed.selected.map(colour);
        Self { palette: Some(palette) }
    }

    pub(super) fn sender(self, who: &Fingerprint) -> Style {
        let first = who.0.first().copied().map_or(0, usize::from);
        let pick = |palette: &Palette| palette.senders.get(first % palette.senders.len()).copied();
        let style = Style::new().add_modifier(Modifier::BOLD);
        self.palette.as_ref().and_then(pick).map_or(style, |colour| style.fg(colour))
    }

    pub(super) fn mine(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn quiet(self) -> Style {
        self.part(|palette| palette.quiet)
    }

    pub(super) fn alarm(self) -> Style {
        self.part(|palette| palette.alarm).add_modifier(Modifier::BOLD)
    }

    pub(super) fn mention(self) -> Style {
        self.part(|palette| palette.mention).add_modifier(Modifier::BOLD)
    }

    pub(super) fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn selected(self) -> Style {
        let style = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
        self.palette.and_then(|palette| palette.selected).map_or(style, |colour| style.fg(colour))
    }

    /// A word that is typed and in no dictionary.
    pub(super) fn misspelt(self) -> Style {
        self.part(|palette| palette.alarm).add_modifier(Modifier::UNDERLINED)
    }

    /// A part of a message.
    pub(super) fn look(self, look: Look) -> Style {
        match look {
            Look::Mark => self.quiet(),
            Look::Bold | Look::Mention => Style::new().add_modifier(Modifier::BOLD),
            Look::Italic => Style::new().add_modifier(Modifier::ITALIC),
            Look::Quote => self.quiet().add_modifier(Modifier::ITALIC),
            Look::Code => self.part(|palette| palette.code),
            Look::Link => self.part(|palette| palette.link).add_modifier(Modifier::UNDERLINED),
            Look::Warning => self.alarm(),
            Look::Me => self.mention().add_modifier(Modifier::UNDERLINED),
        }
    }

    fn part(self, pick: impl Fn(&Palette) -> Color) -> Style {
        self.palette.as_ref().map_or_else(Style::new, |palette| Style::new().fg(pick(palette)))
    }
}

/// Senders; then what names us, alarms, what is quiet, links, code.
const fn palette(senders: [u8; 7], others: [u8; 5]) -> Palette {
    let [a, b, c, d, e, f, g] = senders;
    let [mention, alarm, quiet, link, code] = others;
    Palette {
        senders: [
            Color::Indexed(a),
            Color::Indexed(b),
            Color::Indexed(c),
            Color::Indexed(d),
            Color::Indexed(e),
            Color::Indexed(f),
            Color::Indexed(g),
        ],
        mention: Color::Indexed(mention),
        alarm: Color::Indexed(alarm),
        quiet: Color::Indexed(quiet),
        link: Color::Indexed(link),
        code: Color::Indexed(code),
        selected: None,
    }
}

fn colour(wanted: Colour) -> Color {
    match wanted {
        Colour::Default => Color::Reset,
        Colour::Indexed(index) => Color::Indexed(index),
        Colour::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    }
}

#[cfg(test)]
mod tests;
