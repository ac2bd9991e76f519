//! How many cells a picture covers, and how many pixels are shown in them.

use super::{How, Shows};

/// What a picture becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Columns and rows.
    pub cells: (u16, u16),
    /// Width and height in what the terminal shows.
    pub pixels: (u32, u32),
}

impl Size {
    /// Of a picture, within so many columns and rows. `grows`: it is the small copy of a larger one.
    pub(super) fn of((width, height): (u32, u32), shows: &Shows, most: (u16, u16), grows: bool) -> Self {
        let [width, height] = [width, height].map(|side| u64::from(side.max(1)));
        let [cell_width, cell_height] = [shows.cell.0, shows.cell.1].map(|side| u64::from(side.max(1)));
        let (room_width, room_height) = (u64::from(most.0) * cell_width, u64::from(most.1) * cell_height);
        // The scale as a fraction: the smaller one of both, and 1 unless it may grow.
        let (above, below) = match room_width * height <= room_height * width {
            true => (room_width, width),
            false => (room_height, height),
        };
        let (above, below) = if above > below && !grows { (1, 1) } else { (above, below) };
        let scaled = |side: u64| (side * above / below).max(1);
        let [width, height] = [scaled(width), scaled(height)];
        let cells = (width.div_ceil(cell_width).max(1), height.div_ceil(cell_height).max(1));
        let cells = (small(cells.0).min(most.0.max(1)), small(cells.1).min(most.1.max(1)));
        let pixels = match shows.how {
            // A cell is one wide and two high.
            How::Blocks { .. } => (u32::from(cells.0), u32::from(cells.1) * 2),
            How::Kitty | How::Iterm2 | How::Sixel => (
                u32::try_from(width)
                    .unwrap_or(u32::MAX)
                    .min(u32::from(most.0.max(1)) * u32::from(shows.cell.0.max(1))),
                u32::try_from(height)
                    .unwrap_or(u32::MAX)
                    .min(u32::from(most.1.max(1)) * u32::from(shows.cell.1.max(1))),
            ),
        };
        Self { cells, pixels }
    }
}

fn small(cells: u64) -> u16 {
    u16::try_from(cells).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shows(how: How) -> Shows {
        Shows { how, cell: (10, 20), in_tmux: false }
    }

    #[test]
    fn shape_is_kept_and_nothing_grows_but_previews() {
        let kitty = shows(How::Kitty);
        let size = |width, height, grows| Size::of((width, height), &kitty, (40, 12), grows);
        assert_eq!(size(4_000, 3_000, false), Size { cells: (32, 12), pixels: (320, 240) });
        assert_eq!(size(3_000, 300, false), Size { cells: (40, 2), pixels: (400, 40) });
        assert_eq!(size(64, 48, false), Size { cells: (7, 3), pixels: (64, 48) });
        assert_eq!(size(64, 48, true), Size { cells: (32, 12), pixels: (320, 240) });
        let blocks = shows(How::Blocks { is_true: true });
        let size = Size::of((4_000, 3_000), &blocks, (40, 12), false);
        assert_eq!(size, Size { cells: (32, 12), pixels: (32, 24) });
    }

    proptest! {
        #[test]
        fn never_more_than_there_is_room_for(
            picture: (u32, u32), cell: (u16, u16), most in (0..500_u16, 0..200_u16), grows: bool
        ) {
            for how in [How::Kitty, How::Blocks { is_true: false }] {
                let size = Size::of(picture, &Shows { how, cell, in_tmux: false }, most, grows);
                prop_assert!((1..=most.0.max(1)).contains(&size.cells.0));
                prop_assert!((1..=most.1.max(1)).contains(&size.cells.1));
                prop_assert!(size.pixels.0 <= u32::from(most.0.max(1)) * u32::from(cell.0.max(1)));
                prop_assert!(size.pixels.1 <= u32::from(most.1.max(1)) * u32::from(cell.1.max(2)));
                prop_assert!(size.pixels.0 > 0 && size.pixels.1 > 0);
            }
        }
    }
}
