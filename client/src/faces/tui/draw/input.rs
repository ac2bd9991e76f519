//! What is typed: its lines, the cursor in them, and the words that are in no dictionary.

use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::Style,
    text::Line,
    widgets::Paragraph,
};
use unicode_segmentation::UnicodeSegmentation as _;

use super::super::{app::App, bidi, wrap::cells};
use crate::faces::sanitize;

/// Before the first line; the others are as far in.
const PROMPT: &str = "> ";

/// Cells for text. One stays free for the cursor at the end of a full line.
fn room(width: usize) -> usize {
    width.saturating_sub(PROMPT.len() + 1).max(1)
}

/// The input as lines of the screen, and where the cursor is in them.
pub(super) struct Typed {
    pub(super) lines: Vec<String>,
    row: usize,
    column: usize,
}

/// What is typed, for a screen of this width.
pub(super) fn lines(app: &App, width: usize) -> Typed {
    let room = room(width);
    let cut = |text: &str| -> Vec<String> {
        text.split('\n').flat_map(|line| hard_wrap(&sanitize::tabs(line), room)).collect()
    };
    let before = cut(app.editor.before());
    let (row, column) = (before.len().saturating_sub(1), before.last().map_or(0, |line| cells(line)));
    let lines = cut(app.editor.text());
    let lines = lines
        .into_iter()
        .enumerate()
        .map(|(at, line)| format!("{}{line}", if at == 0 { PROMPT } else { "  " }))
        .collect();
    Typed { lines, row, column: column + PROMPT.len() }
}

/// Cuts without regard for words, so that the cursor's place depends on what is before it alone.
pub(super) fn hard_wrap(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut used) = (vec![String::new()], 0);
    for grapheme in text.graphemes(true) {
        let wide = cells(grapheme);
        if used + wide > width && used > 0 {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(grapheme);
        }
        used += wide;
    }
    lines
}

/// Draws it, and puts the cursor there.
pub(super) fn show(frame: &mut Frame<'_>, app: &App, area: Rect, typed: Typed) {
    let skipped = (typed.row + 1).saturating_sub(usize::from(area.height));
    let lines: Vec<Line<'_>> = typed.lines.into_iter().skip(skipped).map(Line::from).collect();
    let style = if app.editor.is_refused() { app.theme.quiet() } else { Style::new() };
    frame.render_widget(Paragraph::new(lines).style(style), area);
    underline(frame, app, area, skipped);
    (area.y..area.bottom()).for_each(|y| bidi::isolate(frame.buffer_mut(), y, area.x..area.right()));
    if app.selected.is_some() || app.overlay.is_some() {
        // Keys do not go here.
        return;
    }
    let (x, y) = (
        u16::try_from(typed.column).unwrap_or(0),
        u16::try_from(typed.row.saturating_sub(skipped)).unwrap_or(0),
    );
    let (right, bottom) = (area.right().saturating_sub(1), area.bottom().saturating_sub(1));
    frame.set_cursor_position(Position::new((area.x + x).min(right), (area.y + y).min(bottom)));
}

/// Underlines the words that are in no dictionary.
fn underline(frame: &mut Frame<'_>, app: &App, area: Rect, skipped: usize) {
    let wrong = app.spelling.wrong(app.editor.text(), app.editor.before().len());
    if wrong.is_empty() {
        return;
    }
    let (room, style) = (room(usize::from(area.width)), app.theme.misspelt());
    for (row, from, to) in rows_of(app.editor.text(), room, &wrong) {
        let Some(y) = row.checked_sub(skipped).and_then(|row| u16::try_from(row).ok()) else { continue };
        for column in from..to {
            let x = u16::try_from(column + PROMPT.len()).unwrap_or(u16::MAX);
            let at = Position::new(area.x.saturating_add(x), area.y.saturating_add(y));
            if let Some(cell) = frame.buffer_mut().cell_mut(at).filter(|_| area.contains(at)) {
                cell.set_style(style);
            }
        }
    }
}

/// Where parts of a text stand once it is cut as [`hard_wrap`] cuts it: row, first cell, and the cell behind the last. A
/// part that goes on in the next row is there twice. The parts follow each other in the text.
fn rows_of(text: &str, room: usize, parts: &[(usize, usize)]) -> Vec<(usize, usize, usize)> {
    let (mut rows, mut parts) = (Vec::new(), parts.iter().copied().peekable());
    let (mut at, mut row) = (0, 0);
    for line in text.split('\n') {
        let mut used = 0;
        // A tab is as many spaces as it takes, of which each may begin the next row.
        let mut across = 0;
        for grapheme in line.graphemes(true) {
            while parts.next_if(|(_, end)| *end <= at).is_some() {}
            let pieces = if grapheme == "\t" { TAB - across % TAB } else { 1 };
            let wide = if grapheme == "\t" { 1 } else { cells(grapheme) };
            for _ in 0..pieces {
                if used + wide > room && used > 0 {
                    (row, used) = (row + 1, 0);
                }
                if parts.peek().is_some_and(|(start, _)| *start <= at) {
                    match rows.last_mut() {
                        Some((last, _, to)) if (*last, *to) == (row, used) => *to = used + wide,
                        _ => rows.push((row, used, used + wide)),
                    }
                }
                used += wide;
                across += wide;
            }
            at += grapheme.len();
        }
        // The line break.
        at += 1;
        row += 1;
    }
    rows
}

/// Cells from one tab stop to the next, as [`sanitize::tabs`] has them.
const TAB: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_of_a_text_is_found_where_it_is_drawn() {
        let text = "soup\tat eigth\n日本 eigth and quiteverylongwords";
        for room in 3..40 {
            let drawn: Vec<Vec<String>> = text
                .split('\n')
                .flat_map(|line| hard_wrap(&sanitize::tabs(line), room))
                .map(|line| {
                    line.graphemes(true)
                        .flat_map(|g| {
                            std::iter::once(g.to_owned()).chain((1..cells(g)).map(|_| String::new()))
                        })
                        .collect()
                })
                .collect();
            for word in ["soup", "at", "eigth", "日本", "and", "quiteverylongwords"] {
                let start = text.find(word).unwrap();
                let rows = rows_of(text, room, &[(start, start + word.len())]);
                let shown: String =
                    rows.iter().flat_map(|(row, from, to)| drawn[*row][*from..*to].to_vec()).collect();
                assert_eq!(shown, word, "{room}: {rows:?}");
            }
        }
    }

    #[test]
    fn parts_that_stand_beside_each_other_stay_two() {
        assert_eq!(rows_of("ab cd", 10, &[(0, 2), (3, 5)]), [(0, 0, 2), (0, 3, 5)]);
        assert_eq!(rows_of("abcd", 3, &[(0, 4)]), [(0, 0, 3), (1, 0, 1)]);
        assert_eq!(rows_of("", 3, &[]), []);
    }
}
