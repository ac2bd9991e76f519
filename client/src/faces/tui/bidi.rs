//! Right-to-left text stays where it is put. Terminals that reorder text (UAX #9) take a whole row for one paragraph: a
//! Hebrew word would pull the frame and its neighbours along. So each part of a row that holds such letters stands
//! between a first-strong isolate and its end. Terminals that do not reorder show neither.

use std::ops::Range;

use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr;

use crate::faces::sanitize::is_rtl;

/// First-strong isolate, and the end of one.
const MARKS: (char, char) = ('\u{2068}', '\u{2069}');

/// Isolates what is written from right to left within some columns of a row.
pub(super) fn isolate(buffer: &mut Buffer, row: u16, columns: Range<u16>) {
    let turns = |x: &u16| buffer.cell((*x, row)).is_some_and(|cell| cell.symbol().contains(is_rtl));
    let (Some(first), Some(last)) = (columns.clone().find(turns), columns.rev().find(turns)) else { return };
    // Terminals keep what takes no cell with the cell before it, so it is written with that one, and goes with it.
    let is_covered =
        first >= 2 && buffer.cell((first - 2, row)).is_some_and(|cell| cell.symbol().width() == 2);
    let before = first.checked_sub(if is_covered { 2 } else { 1 });
    let mut put = |x: u16, before: &str, after: &str| {
        if let Some(cell) = buffer.cell_mut((x, row)) {
            let symbol = format!("{before}{}{after}", cell.symbol());
            cell.set_symbol(&symbol);
        }
    };
    match before {
        Some(before) => put(before, "", &MARKS.0.to_string()),
        None => put(first, &MARKS.0.to_string(), ""),
    }
    put(last, "", &MARKS.1.to_string());
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    fn row(text: &str, columns: Range<u16>) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
        buffer.set_string(0, 0, text, Style::new());
        isolate(&mut buffer, 0, columns);
        buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn hebrew_does_not_reach_out_of_its_columns() {
        assert_eq!(row("ab שלום, bob שלום cd", 0..20), "ab \u{2068}שלום, bob שלום\u{2069} cd");
        assert_eq!(row("של | לום", 0..2), "\u{2068}של\u{2069} | לום");
        assert_eq!(row("א", 0..20), "\u{2068}א\u{2069}");
        assert_eq!(row("日א", 2..20).replace(' ', ""), "日\u{2068}א\u{2069}");
    }

    #[test]
    fn other_text_is_left_alone() {
        assert_eq!(row("日本 Zoë 42", 0..20).replace(' ', ""), "日本Zoë42");
    }
}
