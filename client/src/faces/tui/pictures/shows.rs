//! How this terminal shows pictures, by its name and its environment. It is asked nothing: an answer that is late would be
//! taken for what somebody types.

use crossterm::terminal::window_size;

use crate::settings::Pictures;

/// What a terminal shows pictures as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Halves of cells, in the colours of 24 bits or of the table of 256.
    Blocks { is_true: bool },
    /// Of kitty's protocol, by placeholders.
    Kitty,
    /// Of iTerm2's protocol.
    Iterm2,
    /// Sixel graphics.
    Sixel,
}

/// How pictures are shown, and how large a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shows {
    pub how: How,
    /// Width and height of a cell, in pixels; about, where they are nobody's concern.
    pub cell: (u16, u16),
    /// What is for the terminal has to pass through tmux.
    pub in_tmux: bool,
}

/// A cell where nobody says how large it is: half as wide as high.
const CELL: (u16, u16) = (8, 16);

/// Terminals that say in `TERM` that they have 24 bits of colour, whatever else they say.
const TRUE: [&str; 7] = ["direct", "kitty", "ghostty", "foot", "alacritty", "wezterm", "contour"];

/// Columns and rows of the terminal, and its width and height in pixels; 0 where it does not say.
pub(crate) fn window() -> (u16, u16, u16, u16) {
    window_size()
        .map_or_else(|_| (0, 0, 0, 0), |window| (window.columns, window.rows, window.width, window.height))
}

/// None: pictures are not shown.
pub(crate) fn found(
    wanted: Pictures,
    window: (u16, u16, u16, u16),
    variable: impl Fn(&str) -> Option<String>,
) -> Option<Shows> {
    if cfg!(not(feature = "pictures")) {
        return None;
    }
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let term = variable("TERM").unwrap_or_default();
    let in_tmux = is_set("TMUX");
    // What stands between shows cells, and what it does with anything else is its own affair.
    let is_within = in_tmux
        || is_set("STY")
        || is_set("ZELLIJ")
        || ["tmux", "screen"].iter().any(|in_| term.starts_with(in_));
    let says_true = variable("COLORTERM").is_some_and(|says| matches!(says.as_str(), "truecolor" | "24bit"));
    let is_true =
        says_true || TRUE.iter().any(|name| term.contains(name)) || (cfg!(windows) && term.is_empty());
    let blocks = How::Blocks { is_true };
    let how = match wanted {
        Pictures::Off => return None,
        Pictures::Blocks => blocks,
        Pictures::Kitty => How::Kitty,
        Pictures::Iterm2 => How::Iterm2,
        Pictures::Sixel => How::Sixel,
        // Who wants no colours wants none of a picture's either.
        Pictures::Auto if is_set("NO_COLOR") => return None,
        Pictures::Auto => match known(&term, &variable).filter(|_| !is_within) {
            Some(how) => how,
            None if is_true || term.contains("256col") => blocks,
            None => return None,
        },
    };
    match (how, cell(window)) {
        (How::Blocks { .. }, cell) => Some(Shows { how, cell: cell.unwrap_or(CELL), in_tmux }),
        (how, Some(cell)) => Some(Shows { how, cell, in_tmux }),
        // Without the size of a cell nobody knows how many a picture covers.
        (_, None) => Some(Shows { how: blocks, cell: CELL, in_tmux }),
    }
}

/// What is known of terminals. Konsole's, WezTerm's and the editors' kitty is not whole, and xterm may have no Sixel.
fn known(term: &str, variable: impl Fn(&str) -> Option<String>) -> Option<How> {
    let is = |name: &str, value: &str| variable(name).is_some_and(|found| found == value);
    if matches!(term, "xterm-kitty" | "xterm-ghostty") || is("TERM_PROGRAM", "ghostty") {
        return Some(How::Kitty);
    }
    let iterm = [("TERM_PROGRAM", "iTerm.app"), ("LC_TERMINAL", "iTerm2"), ("TERM_PROGRAM", "WezTerm")];
    if iterm.iter().any(|(name, value)| is(name, value)) {
        return Some(How::Iterm2);
    }
    let sixel = ["foot", "mlterm", "yaft", "contour"];
    sixel.iter().any(|name| term.starts_with(name)).then_some(How::Sixel)
}

/// How large a cell is; none where that makes no sense.
fn cell((columns, rows, width, height): (u16, u16, u16, u16)) -> Option<(u16, u16)> {
    let cell = (width.checked_div(columns)?, height.checked_div(rows)?);
    ((3..=100).contains(&cell.0) && (5..=200).contains(&cell.1)).then_some(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: (u16, u16, u16, u16) = (100, 40, 1_000, 800);

    fn shows(wanted: Pictures, window: (u16, u16, u16, u16), set: &[(&str, &str)]) -> Option<How> {
        let variable =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        found(wanted, window, variable).map(|shows| shows.how)
    }

    #[test]
    fn terminal_is_known_by_its_name_and_else_shows_blocks_or_nothing() {
        let blocks = |is_true| Some(How::Blocks { is_true });
        for (set, how) in [
            (&[("TERM", "xterm-kitty")][..], Some(How::Kitty)),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "ghostty")], Some(How::Kitty)),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")], Some(How::Iterm2)),
            (&[("TERM", "xterm-256color"), ("LC_TERMINAL", "iTerm2")], Some(How::Iterm2)),
            (&[("TERM", "foot")], Some(How::Sixel)),
            (&[("TERM", "xterm-256color")], blocks(false)),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], blocks(true)),
            (&[("TERM", "xterm")], None),
            (&[("TERM", "linux")], None),
            (&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")], None),
            (&[], None),
        ] {
            assert_eq!(shows(Pictures::Auto, WINDOW, set), how, "{set:?}");
        }
    }

    #[test]
    fn within_another_program_it_is_blocks_unless_somebody_knows_better() {
        for within in [("TMUX", "/tmp/x,1,0"), ("STY", "1.pts"), ("ZELLIJ", "0")] {
            let set = [("TERM", "xterm-kitty"), within];
            assert_eq!(shows(Pictures::Auto, WINDOW, &set), Some(How::Blocks { is_true: true }));
            assert_eq!(shows(Pictures::Kitty, WINDOW, &set), Some(How::Kitty));
        }
        let screen = [("TERM", "screen-256color"), ("LC_TERMINAL", "iTerm2")];
        assert_eq!(shows(Pictures::Auto, WINDOW, &screen), Some(How::Blocks { is_true: false }));
    }

    #[test]
    fn what_somebody_wants_is_done_where_it_can_be() {
        let set = [("TERM", "xterm"), ("NO_COLOR", "1")];
        assert_eq!(shows(Pictures::Off, WINDOW, &set), None);
        assert_eq!(shows(Pictures::Blocks, WINDOW, &set), Some(How::Blocks { is_true: false }));
        assert_eq!(shows(Pictures::Sixel, WINDOW, &set), Some(How::Sixel));
        // Where nobody says how large a cell is, or what is said makes no sense.
        for window in [(100, 40, 0, 0), (0, 0, 0, 0), (100, 40, 100, 40), (1, 1, u16::MAX, u16::MAX)] {
            assert_eq!(shows(Pictures::Kitty, window, &set), Some(How::Blocks { is_true: false }));
        }
    }
}
