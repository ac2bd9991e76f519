//! Pictures that are no text, over the cells that their rows left empty.

use ratatui::{Frame, layout::Rect};

use super::{
    super::app::App,
    row::{Drawn, Spot},
};
use crate::store::PictureKey;

/// Rows of one picture below each other.
pub(super) struct Spots {
    key: PictureKey,
    /// The first one of them, from the top of the picture.
    first: u16,
    area: Rect,
}

/// Where pictures stand among these lines.
pub(super) fn spots<'a>(lines: impl Iterator<Item = &'a Drawn>, area: Rect) -> Vec<Spots> {
    let mut spots: Vec<Spots> = Vec::new();
    for (y, drawn) in (area.y..area.bottom()).zip(lines) {
        let Some(Spot { key, row }) = drawn.picture else { continue };
        match spots.last_mut() {
            Some(above)
                if above.key == key && above.area.bottom() == y && above.first + above.area.height == row =>
            {
                above.area.height += 1;
            }
            _ => {
                let x = area.x + u16::try_from(drawn.body).unwrap_or(u16::MAX).min(area.width);
                let area = Rect { x, y, width: area.right() - x, height: 1 };
                spots.push(Spots { key, first: row, area });
            }
        }
    }
    spots
}

/// Draws what is no text. Not below anything else that is drawn: some terminals would show it above.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, spots: &[Spots]) {
    if app.overlay.is_some() || app.alert.is_some() {
        return;
    }
    for Spots { key, first, area } in spots {
        let Some((columns, _)) = app.gallery.cells(key) else { continue };
        if let Some(canvas) = app.gallery.canvas(key).filter(|canvas| canvas.is_graphic()) {
            // Cut at the right some would not be drawn, and others go beyond.
            if columns <= area.width {
                canvas.draw(*first, Rect { width: columns, ..*area }, frame.buffer_mut());
            }
        }
    }
}

/// Draws what is no text beside names: rows of pictures, line by line.
pub(super) fn beside(frame: &mut Frame<'_>, app: &App, area: Rect, lines: &[Option<(PictureKey, u16)>]) {
    if app.overlay.is_some() || app.alert.is_some() {
        return;
    }
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        let Some((key, 0)) = line else { continue };
        let Some((columns, rows)) = app.gallery.cells(key) else { continue };
        let place = Rect { y, width: columns.min(area.width), height: rows.min(area.bottom() - y), ..area };
        if let Some(canvas) = app.gallery.canvas(key).filter(|canvas| canvas.is_graphic()) {
            canvas.draw(0, place, frame.buffer_mut());
        }
    }
}
