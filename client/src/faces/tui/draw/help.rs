//! The help: a field to search in it, then groups of keys and commands.

use ratatui::{Frame, layout::Rect, text::Line};

use super::{
    super::app::{App, Help},
    boxed::{boxed, cursor},
    wrap,
};
use crate::faces::{sanitize, words};

/// Cells of the keys and commands before what they do.
const COLUMN: usize = 26;

/// Below this width, in cells, what they do stands on lines of its own.
const NARROW: usize = 50;

/// Draws it; says how far it can be scrolled.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, area: Rect, help: &Help) -> usize {
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (title, rows) in app.sections(help) {
        lines.push(Line::styled(title, app.theme.mine()));
        lines.extend(rows.iter().flat_map(|(what, does)| row(what, does, width)).map(Line::from));
    }
    if lines.is_empty() {
        lines.push(Line::styled("Nothing has these words.", app.theme.quiet()));
    }
    // Two for the frame, one for the field.
    let page = usize::from(area.height.saturating_sub(3));
    let most = lines.len().saturating_sub(page);
    let scroll = help.scroll.min(most);
    let field = format!("> {}", sanitize::line(help.text.text()));
    let field = match lines.len().saturating_sub(scroll + page) {
        0 => field,
        more => {
            let more = format!("{} more below", words::counted(more, "line"));
            format!("{field:<free$}{more}", free = width.saturating_sub(more.len()))
        }
    };
    let shown = std::iter::once(Line::styled(field, app.theme.quiet()));
    let shown = shown.chain(lines.into_iter().skip(scroll)).collect();
    boxed(frame, area, " Help: type to search, arrows scroll, Esc closes ", shown);
    cursor(frame, area, &help.text, 0);
    most
}

/// What works, and what it does, in two columns where there is room.
fn row(what: &str, does: &str, width: usize) -> Vec<String> {
    let column = if width < NARROW { 0 } else { COLUMN };
    if column == 0 || what.len() > column - 2 {
        let does = wrap(does, width.saturating_sub(4)).into_iter().map(|line| format!("    {line}"));
        return std::iter::once(what.to_owned()).chain(does).collect();
    }
    let lines = wrap(does, width.saturating_sub(column)).into_iter().enumerate();
    lines.map(|(at, line)| format!("{:<column$}{line}", if at == 0 { what } else { "" })).collect()
}
