use std::{cell::RefCell, num::NonZero, rc::Rc};

use ratatui::{Terminal, TerminalOptions, Viewport, layout::Rect, text::Line, widgets::Paragraph};
use vt100::Parser;

use super::*;

/// What somebody writes, and what a terminal may take for more cells or fewer.
const SIGNS: [&str; 11] = [
    "👨\u{200d}👩\u{200d}👧",
    "🏳\u{fe0f}\u{200d}🌈",
    "🇩🇪",
    "👍🏽",
    "❤\u{fe0f}",
    "1\u{fe0f}\u{20e3}",
    "नि",
    "क्षि",
    "ที่",
    "e\u{301}",
    "ក\u{17d2}ក",
];

const COLUMNS: u16 = 24;

#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Draws one screen after the other; what a terminal shows that joins nothing, cell by cell.
fn screen(screens: &[&[&str]]) -> (Parser, Vec<u8>) {
    let area = Rect::new(0, 0, COLUMNS, 3);
    let options = TerminalOptions { viewport: Viewport::Fixed(area) };
    let written = Written::default();
    let placed = Placed::new(written.clone());
    placed.columns.set(COLUMNS);
    let mut terminal = Terminal::with_options(placed, options).unwrap();
    for screen in screens {
        let lines: Vec<Line<'_>> = screen.iter().map(|line| Line::from(*line)).collect();
        terminal.draw(|frame| frame.render_widget(Paragraph::new(lines), area)).unwrap();
    }
    let bytes = written.0.borrow().clone();
    let mut parser = Parser::new(NonZero::new(3).unwrap(), NonZero::new(COLUMNS).unwrap(), 0);
    parser.process(&bytes);
    (parser, bytes)
}

fn cell(parser: &Parser, row: u16, column: u16) -> String {
    parser.screen().cell(row, column).map(|cell| cell.contents().to_owned()).unwrap_or_default()
}

#[test]
fn what_follows_a_sign_of_doubtful_width_stands_where_it_belongs() {
    for sign in SIGNS {
        let line = format!("a{sign}bc{sign}|");
        let (parser, _) = screen(&[&[&line]]);
        let width = sign.cell_width();
        for (column, letter) in [(0, "a"), (1 + width, "b"), (2 + width, "c"), (3 + 2 * width, "|")] {
            assert_eq!(cell(&parser, 0, column), letter, "{sign}: {}", parser.screen().contents());
        }
    }
}

#[test]
fn place_of_what_follows_is_told_and_not_left_to_the_terminal() {
    for sign in ["e\u{301}", "ที่", "नि"] {
        let (_, bytes) = screen(&[&[&format!("{sign}x")]]);
        let text = String::from_utf8(bytes).unwrap();
        let place = format!("\u{1b}[1;{}H", sign.cell_width() + 1);
        let (drawn, place) = (text.rfind(sign), text.find(&place));
        assert!(drawn.is_some() && drawn < place && place < text.find('x'), "{}", text.escape_debug());
    }
}

#[test]
fn nothing_of_a_sign_stays_when_other_text_takes_its_place() {
    for sign in SIGNS {
        let line = format!("a {sign} bcdef {sign}{sign}");
        for after in ["", "x", "an other line", "日本"] {
            let (parser, _) = screen(&[&[&line, after], &[after, &line], &[after, after]]);
            let shown: Vec<String> = parser.screen().rows(0, COLUMNS).collect();
            assert_eq!(
                shown.iter().map(|row| row.trim_end()).collect::<Vec<_>>(),
                [after, after, ""],
                "{sign}"
            );
        }
    }
}

#[test]
fn sign_that_changes_before_other_text_does_not_cover_it() {
    for sign in SIGNS {
        let width = usize::from(sign.cell_width());
        let (before, after) = (format!("{} still here", "-".repeat(width)), format!("{sign} still here"));
        let (parser, _) = screen(&[&[&before], &[&after]]);
        let shown = parser.screen().rows(u16::try_from(width).unwrap(), COLUMNS).next().unwrap();
        assert_eq!(shown.trim_end(), " still here", "{sign}");
    }
}

#[test]
fn sign_at_the_end_of_a_row_does_not_reach_into_the_next() {
    let line = format!("{}👨\u{200d}👩\u{200d}👧", " ".repeat(22));
    let (_, bytes) = screen(&[&[&line, "next"]]);
    let text = String::from_utf8(bytes).unwrap();
    let (off, sign, on) = (text.find("\u{1b}[?7l"), text.find('👨'), text.find("\u{1b}[?7h"));
    assert!(off.is_some() && off < sign && sign < on, "{}", text.escape_debug());
}

#[test]
fn rows_of_usual_text_are_drawn_where_they_changed_and_nowhere_else() {
    let (_, once) = screen(&[&["Zoë: Привет, 日本 …"]]);
    let (_, twice) = screen(&[&["Zoë: Привет, 日本 …"], &["Zoë: Привет, 日本 …!"]]);
    let more = String::from_utf8(twice[once.len()..].to_vec()).unwrap();
    assert!(more.contains('!') && !more.contains("Zoë") && !more.contains("[?7l"), "{}", more.escape_debug());
}
