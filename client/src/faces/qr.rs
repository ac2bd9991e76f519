//! An invite link as a QR code of half blocks, for a phone's camera.

use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};

/// The code as lines of text; none when the link is too long for one.
pub fn qr(link: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(link, EcLevel::L).ok()?;
    // Dark on light is what cameras expect; terminals are mostly light on dark.
    Some(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

#[cfg(test)]
mod tests {
    #[test]
    fn code_is_square_text_with_a_quiet_zone() {
        let text = super::qr(&format!("schat://relay.example:4443/#{}", "x".repeat(200))).unwrap();
        let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
        assert!(widths[0].abs_diff(2 * widths.len()) <= 1);
        assert!(text.lines().next().is_some_and(|line| line.chars().all(|c| c == '█')));
    }
}
