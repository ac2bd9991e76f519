//! A picture, ready to be drawn.

use std::fmt;

use ratatui::{buffer::Buffer, layout::Rect, text::Span};

use super::blocks::Blocks;

/// A picture, ready to be drawn.
pub(crate) enum Canvas {
    /// As text.
    Blocks(Blocks),
    /// By a protocol of the terminal's, over empty cells.
    #[cfg(feature = "pictures")]
    Graphic(Graphic),
}

/// By a protocol of the terminal's.
#[cfg(feature = "pictures")]
pub(crate) struct Graphic {
    pub kind: Kind,
    /// What it takes in memory, about.
    pub bytes: usize,
}

#[cfg(feature = "pictures")]
pub(crate) enum Kind {
    /// Can be shown in part, and stands among text.
    Rows(ratatui_image::sliced::SlicedProtocol),
    /// Only whole.
    Whole(ratatui_image::protocol::Protocol),
}

impl Canvas {
    /// One row as text; a graphic leaves it empty.
    pub(crate) fn row(&self, row: usize) -> Vec<Span<'static>> {
        match self {
            Self::Blocks(blocks) => blocks.row(row),
            #[cfg(feature = "pictures")]
            Self::Graphic(_) => Vec::new(),
        }
    }

    /// Draws a graphic, of which the rows from `first` on are on the screen.
    #[cfg(feature = "pictures")]
    pub(crate) fn draw(&self, first: u16, area: Rect, buffer: &mut Buffer) {
        use ratatui::widgets::Widget as _;
        use ratatui_image::{Image, sliced::SlicedImage};

        let Self::Graphic(Graphic { kind, .. }) = self else { return };
        match kind {
            Kind::Rows(rows) => {
                let up = i16::try_from(first).unwrap_or(i16::MAX);
                SlicedImage::new(rows, (0, -up).into()).render(area, buffer);
            }
            Kind::Whole(whole) => {
                let size = whole.size();
                if first == 0 && size.height <= area.height && size.width <= area.width {
                    Image::new(whole).render(area, buffer);
                }
            }
        }
    }

    #[cfg(not(feature = "pictures"))]
    pub(crate) fn draw(&self, _: u16, _: Rect, _: &mut Buffer) {}

    /// It is drawn over cells, and not as text.
    pub(crate) fn is_graphic(&self) -> bool {
        !matches!(self, Self::Blocks(_))
    }

    /// What it takes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Blocks(blocks) => blocks.bytes(),
            #[cfg(feature = "pictures")]
            Self::Graphic(graphic) => graphic.bytes,
        }
    }
}

impl fmt::Debug for Canvas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canvas of {} bytes", self.bytes())
    }
}
