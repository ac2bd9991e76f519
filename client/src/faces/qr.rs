//! An invite link as a QR code of half blocks, for a phone's camera.

use qrcode::{Color, EcLevel, QrCode};

/// Rows of the least terminal that people use: the code of any short link fits it.
const ROWS: usize = 24;

/// Light modules around the code: four by ISO/IEC 18004, 9.1. Cameras do with less where a terminal has no more rows.
const QUIET: std::ops::RangeInclusive<usize> = 1..=4;

/// The code as lines of text; none when the link is too long for one.
pub fn qr(link: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(link, EcLevel::L).ok()?;
    let (width, colors) = (code.width(), code.to_colors());
    let rows = |quiet: usize| (width + 2 * quiet).div_ceil(2);
    let quiet = QUIET.rev().find(|quiet| rows(*quiet) <= ROWS).unwrap_or(4);
    let side = width + 2 * quiet;
    // Dark on light is what cameras expect; terminals are mostly light on dark. So light is drawn, dark left out.
    let is_light = |x: usize, y: usize| {
        let place = x.checked_sub(quiet).zip(y.checked_sub(quiet));
        let inside = place.filter(|(x, y)| *x < width && *y < width);
        inside.and_then(|(x, y)| colors.get(y * width + x)) != Some(&Color::Dark)
    };
    let half = |x: usize, y: usize| match (is_light(x, y), y + 1 < side && is_light(x, y + 1)) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    };
    let line = |y: usize| (0..side).map(|x| half(x, y)).collect::<String>();
    Some((0..side).step_by(2).map(line).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_square_text_with_a_quiet_zone() {
        let text = qr(&format!("schat://relay.example:4443/#{}", "x".repeat(200))).unwrap();
        let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
        assert!(widths[0].abs_diff(2 * widths.len()) <= 1);
        assert!(text.lines().next().is_some_and(|line| line.chars().all(|c| c == '█')));
    }

    #[test]
    fn longest_short_link_fits_a_small_terminal() {
        for length in [87, 100, 110] {
            let text = qr(&"x".repeat(length)).unwrap();
            let (rows, columns) = (text.lines().count(), text.lines().next().unwrap().chars().count());
            assert!(rows <= ROWS && columns <= 49, "{length} characters: {columns} × {rows}");
            assert!(text.lines().next().is_some_and(|line| line.chars().all(|c| c == '█')));
        }
    }
}
