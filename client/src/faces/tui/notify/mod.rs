//! Telling somebody who looks elsewhere: the bell, a sequence that asks the terminal for a notification, the desktop.

#[cfg(feature = "notify")]
mod desktop;

use self::desktop::Desktop;
use super::{app::News, wrap::fit};
use crate::{
    faces::sanitize,
    settings::{Notify, Osc},
};

/// No desktop: none can be started, and so none is told anything.
#[cfg(not(feature = "notify"))]
mod desktop {
    pub(super) enum Desktop {}

    impl Desktop {
        pub(super) fn start() -> Option<Self> {
            None
        }

        pub(super) fn tell(&self, _: String) {
            match *self {}
        }
    }
}

/// Most cells of a notification: what desktops show of one.
const WIDTH: usize = 160;

/// How somebody is told.
pub(super) struct Notifier {
    settings: Notify,
    way: Option<Way>,
    in_tmux: bool,
    desktop: Option<Desktop>,
}

/// A sequence that asks a terminal for a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Nine,
    SevenSevenSeven,
}

impl Notifier {
    /// As the settings say. `variable` reads the environment.
    pub(super) fn new(settings: Notify, variable: impl Fn(&str) -> Option<String>) -> Self {
        let way = match settings.osc {
            Osc::Off => None,
            Osc::Nine => Some(Way::Nine),
            Osc::SevenSevenSeven => Some(Way::SevenSevenSeven),
            Osc::Auto => auto(&variable),
        };
        let in_tmux = variable("TMUX").is_some_and(|tmux| !tmux.is_empty());
        Self { settings, way, in_tmux, desktop: settings.desktop.then(Desktop::start).flatten() }
    }

    /// Tells it: hands it to the desktop, and gives the bytes for the terminal.
    pub(super) fn tell(&self, news: &[News]) -> Vec<u8> {
        let Some(text) = self.text(news) else { return Vec::new() };
        if let Some(desktop) = &self.desktop {
            desktop.tell(text.clone());
        }
        self.bytes(&text)
    }

    /// One notification for all that came at once: who and where, and what only if the settings allow it.
    fn text(&self, news: &[News]) -> Option<String> {
        let wanted = |news: &&News| news.mentions || !self.settings.mentions_only;
        let news: Vec<&News> = news.iter().filter(wanted).collect();
        let first = news.first()?;
        let mut text = match &first.who {
            Some(who) if first.mentions => format!("{who} names you in {}", first.room),
            Some(who) => format!("{who} in {}", first.room),
            None => format!("ALARM in {}", first.room),
        };
        if self.settings.text && first.who.is_some() {
            text = format!("{text}: {}", first.text);
        }
        if news.len() > 1 {
            text = format!("{text} (and {} more)", news.len() - 1);
        }
        Some(fit(&sanitize::line(&text), WIDTH))
    }

    fn bytes(&self, text: &str) -> Vec<u8> {
        // It would end a field, and ConEmu takes numbers before one for orders.
        let text = text.replace(';', ",");
        let mut sequence = match self.way {
            Some(Way::Nine) => format!("\u{1b}]9;schat: {text}\u{7}"),
            Some(Way::SevenSevenSeven) => format!("\u{1b}]777;notify;schat;{text}\u{7}"),
            None => String::new(),
        };
        if self.in_tmux && !sequence.is_empty() {
            sequence = format!("\u{1b}Ptmux;{}\u{1b}\\", sequence.replace('\u{1b}', "\u{1b}\u{1b}"));
        }
        if self.settings.bell {
            sequence.push('\u{7}');
        }
        sequence.into_bytes()
    }
}

/// What this terminal is known to understand. Others get nothing: some print what they do not know.
fn auto(variable: &impl Fn(&str) -> Option<String>) -> Option<Way> {
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    let term = variable("TERM").unwrap_or_default();
    match program.as_str() {
        "iTerm.app" | "WezTerm" | "ghostty" => return Some(Way::Nine),
        // Whatever is around it; tmux hands the sequence on only if it was told to.
        "tmux" => return Some(Way::Nine),
        _ => {}
    }
    let starts = |names: &[&str]| names.iter().any(|name| term.starts_with(name));
    if starts(&["xterm-kitty", "xterm-ghostty", "wezterm"]) {
        Some(Way::Nine)
    } else if starts(&["foot", "rxvt"]) || variable("VTE_VERSION").is_some() {
        Some(Way::SevenSevenSeven)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(who: Option<&str>, text: &str) -> News {
        News { room: "lobby".into(), who: who.map(str::to_owned), text: text.into(), mentions: false }
    }

    fn notifier(settings: Notify, environment: &[(&str, &str)]) -> Notifier {
        let settings = Notify { desktop: false, ..settings };
        Notifier::new(settings, |name| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn told(settings: Notify, environment: &[(&str, &str)], news: &[News]) -> String {
        String::from_utf8(notifier(settings, environment).tell(news)).unwrap()
    }

    #[test]
    fn terminal_is_asked_in_the_way_that_it_knows() {
        let quiet = Notify { bell: false, ..Notify::default() };
        let one = [news(Some("bob"), "secret")];
        for (environment, sequence) in [
            (vec![("TERM_PROGRAM", "iTerm.app")], "\u{1b}]9;schat: bob in lobby\u{7}"),
            (vec![("TERM", "foot")], "\u{1b}]777;notify;schat;bob in lobby\u{7}"),
            (vec![("TERM", "xterm-256color")], ""),
            (
                vec![("TERM_PROGRAM", "tmux"), ("TMUX", "/tmp/x")],
                "\u{1b}Ptmux;\u{1b}\u{1b}]9;schat: bob in lobby\u{7}\u{1b}\\",
            ),
        ] {
            assert_eq!(told(quiet, &environment, &one), sequence, "{environment:?}");
        }
    }

    #[test]
    fn what_was_said_is_told_only_where_the_settings_allow_it() {
        let terminal = [("TERM", "foot")];
        let one = [news(Some("bob"), "the secret")];
        assert!(!told(Notify::default(), &terminal, &one).contains("secret"));
        let loud = Notify { text: true, ..Notify::default() };
        assert!(told(loud, &terminal, &one).contains("bob in lobby: the secret"));
    }

    #[test]
    fn name_or_text_of_others_cannot_end_the_sequence() {
        let loud = Notify { text: true, bell: false, osc: Osc::Nine, ..Notify::default() };
        let wrong = [news(Some("4;1\u{7}\u{1b}]0;x"), "a\u{9c}b\u{1b}\\;c")];
        let told = told(loud, &[("TERM", "xterm")], &wrong);
        let inside = told.strip_prefix("\u{1b}]9;").unwrap().strip_suffix('\u{7}').unwrap();
        assert!(!inside.contains(|c: char| c.is_control() || c == ';'), "{inside:?}");
    }

    #[test]
    fn only_mentions_ring_where_that_is_wanted() {
        let few = Notify { mentions_only: true, osc: Osc::Off, ..Notify::default() };
        assert_eq!(told(few, &[], &[news(Some("bob"), "hi")]), "");
        let mention = News { mentions: true, ..news(Some("bob"), "ann!") };
        assert_eq!(told(few, &[], &[mention]), "\u{7}");
    }

    #[test]
    fn several_at_once_are_one_notification() {
        let settings = Notify { bell: false, osc: Osc::Nine, ..Notify::default() };
        let all = [news(Some("bob"), "1"), news(Some("eve"), "2"), news(None, "3")];
        assert_eq!(told(settings, &[], &all), "\u{1b}]9;schat: bob in lobby (and 2 more)\u{7}");
    }
}
