//! Lines in a frame, over what is there.

use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::Line,
    widgets::{Block, Borders, Clear, Paragraph},
};

use super::{
    super::{editor::Editor, wrap::cells},
    fit,
};
use crate::faces::sanitize;

/// Cells of a frame, and of what stands before a field in it.
const BEFORE: usize = 3;

/// Draws them at the top of the area, with a title.
pub(super) fn boxed(frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<Line<'_>>) {
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let place = Rect { height, ..area };
    let block =
        Block::new().borders(Borders::ALL).title(fit(title, usize::from(area.width.saturating_sub(2))));
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(block), place);
}

/// Puts the cursor where it is in a field, which is in this row of a box.
pub(super) fn cursor(frame: &mut Frame<'_>, area: Rect, field: &Editor, row: usize) {
    let small = |cells: usize| u16::try_from(cells).unwrap_or(u16::MAX);
    let x = area.x.saturating_add(small(BEFORE + cells(&sanitize::line(field.before()))));
    let y = area.y.saturating_add(small(row + 1));
    let (right, bottom) = (area.right().saturating_sub(2), area.bottom().saturating_sub(1));
    frame.set_cursor_position(Position::new(x.min(right), y.min(bottom)));
}
