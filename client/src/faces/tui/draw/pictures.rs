//! Pictures that are no text, over the cells that their rows left empty.

use ratatui::{Frame, layout::Rect};
use shared::file::BlobId;

use super::{
    super::app::App,
    row::{Drawn, Spot},
};

/// Rows of one picture below each other.
pub struct Spots {
    blob: BlobId,
    /// The first one of them, from the top of the picture.
    first: u16,
    area: Rect,
}

/// Where pictures stand among these lines.
pub fn spots<'a>(lines: impl Iterator<Item = &'a Drawn>, area: Rect) -> Vec<Spots> {
    let mut spots: Vec<Spots> = Vec::new();
    for (y, drawn) in (area.y..area.bottom()).zip(lines) {
        let Some(Spot { blob, row }) = drawn.picture else { continue };
        match spots.last_mut() {
            Some(above)
                if above.blob == blob
                    && above.area.bottom() == y
                    && above.first + above.area.height == row =>
            {
                above.area.height += 1;
            }
            _ => {
                let x = area.x + u16::try_from(drawn.body).unwrap_or(u16::MAX).min(area.width);
                let area = Rect { x, y, width: area.right() - x, height: 1 };
                spots.push(Spots { blob, first: row, area });
            }
        }
    }
    spots
}

/// Draws what is no text. Not below anything else that is drawn: some terminals would show it above.
pub fn draw(frame: &mut Frame<'_>, app: &App, spots: &[Spots]) {
    if app.overlay.is_some() || app.alert.is_some() {
        return;
    }
    for Spots { blob, first, area } in spots {
        let Some((columns, _)) = app.gallery.cells(blob) else { continue };
        if let Some(canvas) = app.gallery.canvas(blob).filter(|canvas| canvas.is_graphic()) {
            // Cut at the right some would not be drawn, and others go beyond.
            if columns <= area.width {
                canvas.draw(*first, Rect { width: columns, ..*area }, frame.buffer_mut());
            }
        }
    }
}

/// Draws what is no text beside names: rows of pictures, line by line.
pub fn beside(frame: &mut Frame<'_>, app: &App, area: Rect, lines: &[Option<(BlobId, u16)>]) {
    if app.overlay.is_some() || app.alert.is_some() {
        return;
    }
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        let Some((blob, 0)) = line else { continue };
        let Some((columns, rows)) = app.gallery.cells(blob) else { continue };
        let place = Rect { y, width: columns.min(area.width), height: rows.min(area.bottom() - y), ..area };
        if let Some(canvas) = app.gallery.canvas(blob).filter(|canvas| canvas.is_graphic()) {
            canvas.draw(0, place, frame.buffer_mut());
        }
    }
}
