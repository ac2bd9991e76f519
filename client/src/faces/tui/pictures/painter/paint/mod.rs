//! From a file or a preview to what is drawn.

use std::{fs::File, io::BufReader};

use image::{DynamicImage, RgbaImage};
use ratatui::layout::Size as Cells;
use ratatui_image::{
    protocol::{Protocol, iterm2::Iterm2, kitty::Kitty, sixel::Sixel},
    sliced::SlicedProtocol,
};

use super::{
    super::{
        How, Shows,
        blocks::Blocks,
        canvas::{Canvas, Graphic, Kind},
        size::Size,
    },
    Job, Painted,
};
use crate::{
    picture::{Limits, Refused, decode, open, quietly, shown_preview},
    store::FileLocation,
};

/// The picture, or else its preview.
pub(super) fn paint(job: Job) -> Painted {
    let Job { key, id, place, preview, shows, most, is_avatar } = job;
    let limits = if is_avatar { Limits::AVATAR } else { Limits::PREVIEW };
    // What takes the place of a preview is not smaller than that was.
    let grows = !is_avatar && !preview.is_empty();
    let whole = place.and_then(|place| file_at(&place)).map(|file| from_file(file, &shows, most, grows));
    let refused = whole.as_ref().and_then(|whole| whole.as_ref().err());
    let (is_refused, is_too_large) = (refused.is_some(), refused == Some(&Refused::TooLarge));
    let is_file = matches!(&whole, Some(Ok(_)));
    let has_bytes = is_avatar && !preview.is_empty();
    let pixels = whole.and_then(Result::ok).or_else(|| {
        let pixels = |width, height| Size::of((width, height), &shows, most, true).pixels;
        // A preview has the shape of the picture, if not all of it.
        let shown = shown_preview(&preview, limits, pixels)?;
        let cells = covered(&shown, &shows, most);
        Some((shown, cells))
    });
    let painted = pixels.and_then(|(pixels, cells)| {
        let canvas = quietly(|| canvas(pixels, cells, &shows, id).ok_or(Refused::Unreadable)).ok()?;
        Some((canvas, cells))
    });
    let (canvas, cells) = painted.map_or((None, (0, 0)), |(canvas, cells)| (Some(canvas), cells));
    // The picture of a member is all that there is of it.
    let is_whole = is_file || (has_bytes && canvas.is_some());
    let is_refused = is_refused || (has_bytes && canvas.is_none());
    Painted { key, shows, most, canvas, cells, is_whole, is_refused, is_too_large }
}

/// Only what was fetched or sent: another file at that place is not shown.
fn file_at(place: &FileLocation) -> Option<BufReader<File>> {
    let file = open(&place.path).ok()?;
    let found = file.get_ref().metadata().ok()?;
    (FileLocation::of(place.path.clone(), &found) == *place).then_some(file)
}

fn from_file(
    file: BufReader<File>,
    shows: &Shows,
    most: (u16, u16),
    grows: bool,
) -> Result<(RgbaImage, (u16, u16)), Refused> {
    let size = |width, height| Size::of((width, height), shows, most, grows).pixels;
    let pixels = decode(file, Limits::PICTURE, size)?.pixels;
    let cells = covered(&pixels, shows, most);
    Ok((pixels, cells))
}

/// The cells that these pixels cover.
fn covered(pixels: &RgbaImage, shows: &Shows, most: (u16, u16)) -> (u16, u16) {
    let (width, height) = pixels.dimensions();
    let (cell_width, cell_height) = match shows.how {
        How::Blocks { .. } => (1, 2),
        How::Kitty | How::Iterm2 | How::Sixel => (u32::from(shows.cell.0), u32::from(shows.cell.1)),
    };
    let cells = |side: u32, cell: u32, most: u16| {
        u16::try_from(side.div_ceil(cell.max(1))).unwrap_or(u16::MAX).min(most).max(1)
    };
    (cells(width, cell_width, most.0), cells(height, cell_height, most.1))
}

fn canvas(pixels: RgbaImage, (columns, rows): (u16, u16), shows: &Shows, id: u32) -> Option<Canvas> {
    let width = usize::try_from(pixels.width()).ok()?;
    // As base64.
    let bytes = pixels.as_raw().len() * 4 / 3;
    let (cells, in_tmux) = (Cells::new(columns, rows), shows.in_tmux);
    let kind = match shows.how {
        How::Blocks { is_true } => {
            return Some(Canvas::Blocks(Blocks::new(pixels.as_raw(), width, is_true)));
        }
        How::Kitty => {
            Kind::Rows(SlicedProtocol::Kitty(Kitty::new(pixels.into(), cells, id, in_tmux, false).ok()?))
        }
        How::Sixel => Kind::Whole(Protocol::Sixel(Sixel::new(pixels.into(), cells, in_tmux).ok()?)),
        How::Iterm2 => {
            let (picture, high) = (DynamicImage::from(pixels), u32::from(shows.cell.1.max(1)));
            let row = |row: u16| {
                let top = u32::from(row) * high;
                let height = high.min(picture.height().checked_sub(top)?);
                let part = picture.crop_imm(0, top, picture.width(), height);
                Iterm2::new(part, Cells::new(columns, 1), in_tmux).ok().map(Protocol::ITerm2)
            };
            Kind::Rows(SlicedProtocol::Sliced((0..rows).map(row).collect::<Option<_>>()?))
        }
    };
    Some(Canvas::Graphic(Graphic { kind, bytes }))
}

#[cfg(test)]
mod tests;
