//! Each cell where it belongs, whatever the terminal takes for its width.
//!
//! How many cells an emoji of several characters, a flag or a letter with marks takes is not the same everywhere: what is two
//! cells here are six in a terminal that does not know how to join them. What follows would stand too far to the right, and what
//! is taken away later would leave a part of itself behind. So the place of such a sign is emptied first, the next cell is
//! told its place, and the rest of its row is drawn anew whenever something in the row changes.

use std::{
    cell::Cell as Kept,
    io::{self, Write},
};

use ratatui::{
    backend::{Backend, ClearType, CrosstermBackend, WindowSize},
    buffer::{Cell, CellWidth as _},
    layout::{Position, Size},
};

/// A sign too wide for the last column stays in its row: DECAWM, off and on again.
const WRAP: (&[u8], &[u8]) = (b"\x1b[?7l", b"\x1b[?7h");

/// A terminal whose cells are drawn each in its place.
pub(super) struct Placed<W: Write> {
    to: CrosstermBackend<W>,
    /// What was drawn, row by row; no larger than the screen.
    shown: Vec<Vec<Cell>>,
    /// The screen's columns, when they were asked for last.
    columns: Kept<u16>,
}

impl<W: Write> Placed<W> {
    /// Draws on `to`.
    pub(super) fn new(to: W) -> Self {
        Self { to: CrosstermBackend::new(to), shown: Vec::new(), columns: Kept::new(0) }
    }

    /// Whether a row holds what terminals measure differently.
    fn holds_doubtful(&self, y: u16) -> bool {
        self.shown.get(usize::from(y)).is_some_and(|row| row.iter().any(is_doubtful))
    }

    /// Keeps a cell, and empties what it covers.
    fn keep(&mut self, x: u16, y: u16, cell: &Cell) {
        let (x, y) = (usize::from(x), usize::from(y));
        if self.shown.len() <= y {
            self.shown.resize_with(y + 1, Vec::new);
        }
        let Some(row) = self.shown.get_mut(y) else { return };
        let reach = x + usize::from(cell.cell_width()).max(1);
        if row.len() < reach {
            row.resize(reach, Cell::EMPTY);
        }
        for (at, kept) in row.iter_mut().enumerate().skip(x).take(reach - x) {
            *kept = if at == x { cell.clone() } else { Cell::EMPTY };
        }
    }

    /// A row from its first doubtful or changed cell on.
    fn draw_row(&mut self, y: u16, first: usize) -> io::Result<()> {
        let Some(row) = self.shown.get(usize::from(y)) else { return Ok(()) };
        let first = row.iter().position(is_doubtful).map_or(first, |doubtful| doubtful.min(first));
        let (mut cells, mut covered) = (Vec::new(), 0);
        for (x, cell) in row.iter().enumerate() {
            let is_covered = covered > 0;
            covered = if is_covered { covered - 1 } else { usize::from(cell.cell_width()).saturating_sub(1) };
            let Ok(column) = u16::try_from(x) else { break };
            if x >= first && !is_covered {
                cells.push((column, y, cell));
            }
        }
        self.to.write_all(WRAP.0)?;
        for run in cells.chunk_by(|(_, _, cell), (_, _, next)| !is_doubtful(cell) && !is_doubtful(next)) {
            if let [(x, _, cell)] = run
                && is_doubtful(cell)
            {
                let mut empty = (*cell).clone();
                empty.set_symbol(" ");
                let ground = (0..cell.cell_width()).map(|offset| (x.saturating_add(offset), y, &empty));
                self.to.draw(ground)?;
            }
            // Each run says first where it begins.
            self.to.draw(run.iter().copied())?;
        }
        // Nothing was drawn behind it; but the last sign may reach there.
        if let Some(end) = u16::try_from(row.len()).ok().filter(|end| *end < self.columns.get()) {
            self.to.set_cursor_position((end, y))?;
            self.to.clear_region(ClearType::UntilNewLine)?;
        }
        self.to.write_all(WRAP.1)
    }
}

impl<W: Write> Backend for Placed<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let content: Vec<_> = content.collect();
        let mut sure = Vec::new();
        for row in content.chunk_by(|(_, above, _), (_, below, _)| above == below) {
            let Some((x, y, _)) = row.first() else { continue };
            let held = self.holds_doubtful(*y);
            row.iter().for_each(|(x, y, cell)| self.keep(*x, *y, cell));
            if held || self.holds_doubtful(*y) {
                self.draw_row(*y, usize::from(*x))?;
            } else {
                sure.extend_from_slice(row);
            }
        }
        self.to.draw(sure.into_iter())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.shown.clear();
        self.to.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        if clear_type == ClearType::All {
            self.shown.clear();
        }
        self.to.clear_region(clear_type)
    }

    fn append_lines(&mut self, lines: u16) -> io::Result<()> {
        self.to.append_lines(lines)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.to.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.to.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.to.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.to.set_cursor_position(position)
    }

    fn size(&self) -> io::Result<Size> {
        let size = self.to.size()?;
        self.columns.set(size.width);
        Ok(size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.to.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.to)
    }
}

/// Terminals may take it for wider or narrower than it is here: all but single letters of scripts that every table of widths
/// has the same for.
fn is_doubtful(cell: &Cell) -> bool {
    let mut chars = cell.symbol().chars();
    let (Some(first), None) = (chars.next(), chars.next()) else { return !cell.symbol().is_empty() };
    let width = cell.cell_width();
    !match first {
        // Letters from Latin to Arabic; punctuation, arrows, frames.
        '\0'..='\u{2ff}' | '\u{370}'..='\u{8ff}' | '\u{1e00}'..='\u{27bf}' => width == 1,
        // Chinese, Japanese, Korean.
        '\u{2e80}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff01}'..='\u{ff60}' => width == 2,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
