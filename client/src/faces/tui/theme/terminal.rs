//! What the terminal says of its colours. None has to say anything.

/// What lies behind the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    Dark,
    Light,
    /// Nobody says.
    Unknown,
}

/// How many colours there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// None: only bold, underlined and reversed.
    None,
    /// The eight of ECMA-48.
    Eight,
    /// The sixteen of ECMA-48 and its bright ones: what they look like is their owner's choice.
    Sixteen,
    /// The table of 256.
    Many,
}

/// Parts of the names of terminals that have the table of 256, although the name does not say so.
const MANY: [&str; 8] = ["256col", "direct", "kitty", "alacritty", "foot", "ghostty", "wezterm", "contour"];

/// Beginnings of the names of terminals that have eight colours.
const EIGHT: [&str; 9] = ["ansi", "pcansi", "wsvt", "cons25", "cygwin", "dtterm", "eterm", "hurd", "minix"];

/// By `COLORFGBG`, which some terminals set: numbers of the text's colour and, last, of what is behind it.
pub(super) fn ground(variable: impl Fn(&str) -> Option<String>) -> Ground {
    let colours = variable("COLORFGBG").unwrap_or_default();
    match colours.rsplit(';').next().and_then(|ground| ground.parse::<u8>().ok()) {
        Some(0..=6 | 8) => Ground::Dark,
        Some(7 | 9..=15) => Ground::Light,
        _ => Ground::Unknown,
    }
}

/// By `COLORTERM` and `TERM`.
pub(super) fn depth(variable: impl Fn(&str) -> Option<String>) -> Depth {
    let term = variable("TERM").unwrap_or_default();
    let is_true =
        variable("COLORTERM").is_some_and(|colour| matches!(colour.as_str(), "truecolor" | "24bit"));
    match term.as_str() {
        _ if is_true || MANY.iter().any(|many| term.contains(many)) => Depth::Many,
        "" if cfg!(windows) => Depth::Many,
        // Those of DEC, and what others call without colours.
        term if term
            .strip_prefix("vt")
            .is_some_and(|model| model.starts_with(|c: char| c.is_ascii_digit())) =>
        {
            Depth::None
        }
        term if ["-m", "-mono"].iter().any(|end| term.ends_with(end)) => Depth::None,
        "xterm-color" | "xterm-8color" => Depth::Eight,
        term if EIGHT.iter().any(|eight| term.starts_with(eight)) => Depth::Eight,
        _ => Depth::Sixteen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ground_is_what_the_terminal_says_or_unknown() {
        for (says, wanted) in [
            (Some("15;0"), Ground::Dark),
            (Some("0;15"), Ground::Light),
            (Some("0;default;15"), Ground::Light),
            (Some("7;8"), Ground::Dark),
            (Some("0;7"), Ground::Light),
            (Some("0;default"), Ground::Unknown),
            (Some(""), Ground::Unknown),
            (Some("0;231"), Ground::Unknown),
            (None, Ground::Unknown),
        ] {
            let variable = |name: &str| (name == "COLORFGBG").then_some(says).flatten().map(str::to_owned);
            assert_eq!(ground(variable), wanted, "{says:?}");
        }
    }

    #[test]
    fn terminal_has_many_colours_if_it_says_so() {
        for (term, colour, wanted) in [
            ("xterm", "", Depth::Sixteen),
            ("linux", "", Depth::Sixteen),
            ("screen", "", Depth::Sixteen),
            ("xterm", "truecolor", Depth::Many),
            ("xterm-256color", "", Depth::Many),
            ("tmux-256color", "", Depth::Many),
            ("xterm-kitty", "", Depth::Many),
            ("xterm-direct", "", Depth::Many),
            ("xterm-color", "", Depth::Eight),
            ("wsvt25", "", Depth::Eight),
            ("ansi", "", Depth::Eight),
            ("vt100", "", Depth::None),
            ("vt220-w", "", Depth::None),
            ("vte-256color", "", Depth::Many),
            ("vte", "", Depth::Sixteen),
            ("linux-m", "", Depth::None),
            ("vt220", "truecolor", Depth::Many),
        ] {
            let variable = |name: &str| match name {
                "TERM" => Some(term.to_owned()),
                "COLORTERM" => Some(colour.to_owned()),
                _ => None,
            };
            assert_eq!(depth(variable), wanted, "{term} {colour}");
        }
    }
}
