//! A picture as halves of cells: the upper one in the colour of the sign, the lower one in that of its ground.

use ratatui::{
    style::{Color, Style},
    text::Span,
};

/// Above this, of 255, a pixel covers what is behind it.
const OPAQUE: u8 = 127;

/// Steps of red, green and blue in the table of 256 colours (xterm).
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// A row of cells: what is above and below in each; none where what is behind shows through.
type Cells = Vec<(Option<Color>, Option<Color>)>;

/// A picture, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blocks(Vec<Cells>);

impl Blocks {
    /// Of pixels of four bytes each, red, green, blue and how much they cover; a row is so many pixels wide.
    pub(crate) fn new(rgba: &[u8], width: usize, is_true: bool) -> Self {
        let (pixels, _) = rgba.as_chunks::<4>();
        let colour = |[red, green, blue, covers]: [u8; 4]| {
            (covers > OPAQUE).then(|| match is_true {
                true => Color::Rgb(red, green, blue),
                false => Color::Indexed(nearest(red, green, blue)),
            })
        };
        let rows: Vec<&[[u8; 4]]> = pixels.chunks_exact(width.max(1)).collect();
        let cells = |pair: &[&[[u8; 4]]]| {
            let (upper, lower) = (pair.first().copied().unwrap_or_default(), pair.get(1).copied());
            let cell = |(at, above): (usize, &[u8; 4])| {
                let below = lower.and_then(|row| row.get(at)).copied();
                (colour(*above), below.and_then(colour))
            };
            upper.iter().enumerate().map(cell).collect()
        };
        Self(rows.chunks(2).map(cells).collect())
    }

    /// One row, from left to right.
    pub(crate) fn row(&self, row: usize) -> Vec<Span<'static>> {
        let cells = self.0.get(row).map(Vec::as_slice).unwrap_or_default();
        let span = |same: &[(Option<Color>, Option<Color>)]| {
            let (sign, style) = match same.first() {
                Some((Some(above), Some(below))) => ("▀", Style::new().fg(*above).bg(*below)),
                Some((Some(above), None)) => ("▀", Style::new().fg(*above)),
                Some((None, Some(below))) => ("▄", Style::new().fg(*below)),
                Some((None, None)) | None => (" ", Style::new()),
            };
            Span::styled(sign.repeat(same.len()), style)
        };
        cells.chunk_by(|a, b| a == b).map(span).collect()
    }

    /// What it takes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|row| size_of_val(row.as_slice()) + size_of::<Cells>()).sum()
    }
}

/// The nearest one of the table's cube and its greys.
fn nearest(red: u8, green: u8, blue: u8) -> u8 {
    let step = |part: u8| {
        let near = STEPS.iter().zip(0_u8..).min_by_key(|(step, _)| step.abs_diff(part));
        near.map_or((0, 0), |(step, at)| (*step, at))
    };
    let far = |colour: [u8; 3]| -> u32 {
        let pairs = colour.into_iter().zip([red, green, blue]);
        pairs.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let [(r, r_at), (g, g_at), (b, b_at)] = [red, green, blue].map(step);
    let mean = (u16::from(red) + u16::from(green) + u16::from(blue)) / 3;
    let shade = u8::try_from(mean.saturating_sub(3) / 10).unwrap_or(23).min(23);
    let grey = 8 + 10 * shade;
    if far([grey; 3]) < far([r, g, b]) { 232 + shade } else { 16 + 36 * r_at + 6 * g_at + b_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];
    const CLEAR: [u8; 4] = [9, 9, 9, 0];

    #[test]
    fn two_rows_of_pixels_are_one_of_cells() {
        let pixels = [[RED, CLEAR], [BLUE, RED], [CLEAR, RED]].as_flattened().as_flattened().to_vec();
        let blocks = Blocks::new(&pixels, 2, true);
        let (red, blue) = (Color::Rgb(255, 0, 0), Color::Rgb(0, 0, 255));
        let first =
            [Span::styled("▀", Style::new().fg(red).bg(blue)), Span::styled("▄", Style::new().fg(red))];
        assert_eq!(blocks.row(0), first);
        // A last row that has no other below it.
        assert_eq!(blocks.row(1), [Span::raw(" "), Span::styled("▀", Style::new().fg(red))]);
        assert!(blocks.row(2).is_empty() && blocks.bytes() > 0);
    }

    #[test]
    fn same_cells_beside_each_other_are_one_span() {
        let blocks = Blocks::new([RED; 12].as_flattened(), 6, true);
        assert_eq!(blocks.row(0).len(), 1);
        assert_eq!(blocks.row(0)[0].content, "▀▀▀▀▀▀");
    }

    #[test]
    fn colours_are_the_nearest_of_the_table() {
        for ((red, green, blue), index) in [
            ((0, 0, 0), 16),
            ((255, 255, 255), 231),
            ((255, 0, 0), 196),
            ((128, 128, 128), 244),
            ((95, 135, 175), 67),
            ((8, 8, 8), 232),
            ((238, 238, 238), 255),
        ] {
            assert_eq!(nearest(red, green, blue), index, "{red} {green} {blue}");
        }
    }

    #[test]
    fn pixels_that_fit_no_row_are_left_out() {
        assert_eq!(Blocks::new(&[1, 2, 3], 1, true), Blocks(Vec::new()));
        assert_eq!(Blocks::new(&RED, 0, true).row(0).len(), 1);
        assert!(Blocks::new(&RED, 5, true).row(0).is_empty());
    }
}
