//! Colours. Nothing is told by colour alone: names, marks and words say it too.

use ratatui::style::{Color, Modifier, Style};
use shared::identity::Fingerprint;

use super::markup::Look;
use crate::settings::{Colour, Colours, ThemeName};

/// Colours that people with any kind of colour vision tell apart, after Okabe and Ito (2008), as the nearest
/// entries of the 256-colour table: orange, sky blue, bluish green, yellow, blue, vermillion, reddish purple.
const ON_DARK: Palette = palette([214, 75, 36, 185, 69, 202, 175], [214, 203, 245, 75, 150]);

/// The same seven, dark enough for a light ground.
const ON_LIGHT: Palette = palette([130, 25, 29, 94, 19, 124, 90], [130, 124, 242, 25, 22]);

/// How things look.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
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
    /// The theme of the settings. `NO_COLOR` in the environment wins over all of it.
    pub fn new(name: ThemeName, changed: &Colours) -> Self {
        Self::chosen(name, changed, no_color())
    }

    /// No colours.
    pub fn plain() -> Self {
        Self { palette: None }
    }

    fn chosen(name: ThemeName, changed: &Colours, no_color: bool) -> Self {
        let mut palette = match name {
            _ if no_color => return Self::plain(),
            ThemeName::Dark => ON_DARK,
            ThemeName::Light => ON_LIGHT,
            ThemeName::Plain => return Self::plain(),
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

/// The wish of <https://no-color.org>.
fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_wins_over_the_settings() {
        let changed = Colours { alarm: Some(Colour::Rgb(255, 0, 0)), ..Colours::default() };
        let alarm = |name, no_color| Theme::chosen(name, &changed, no_color).alarm();
        assert_eq!(alarm(ThemeName::Dark, false).fg, Some(Color::Rgb(255, 0, 0)));
        assert_eq!(alarm(ThemeName::Dark, true).fg, None);
        assert_eq!(alarm(ThemeName::Plain, false).fg, None);
        assert!(alarm(ThemeName::Plain, false).add_modifier.contains(Modifier::BOLD));
    }

    #[test]
    fn what_is_not_changed_is_the_themes() {
        let changed = Colours { selected: Some(Colour::Indexed(6)), ..Colours::default() };
        let theme = Theme::chosen(ThemeName::Light, &changed, false);
        assert_eq!(theme.quiet().fg, Some(Color::Indexed(242)));
        assert_eq!(theme.selected().fg, Some(Color::Indexed(6)));
    }
}
