//! Pictures in the full screen: as blocks, where the terminal has colours, and as nothing where somebody wants none.

use super::*;

/// A home with this setting and a picture.
fn home(pictures: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let place = dir.path().join(".config/schat");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("config.toml"), format!("[screen]\npictures = \"{pictures}\"\n")).unwrap();
    let picture = image::RgbImage::from_pixel(80, 64, image::Rgb([255, 0, 0]));
    picture.save_with_format(dir.path().join("cat.png"), image::ImageFormat::Png).unwrap();
    dir
}

/// Cells of the picture.
fn red(terminal: &Terminal, red: vt100::Color) -> usize {
    terminal.look(|screen| {
        let cells = (0..24).flat_map(|row| (0..80).map(move |col| (row, col)));
        let cell = |(row, col)| {
            screen.cell(row, col).is_some_and(|cell| cell.fgcolor() == red && cell.contents() == "▀")
        };
        cells.filter(|at| cell(*at)).count()
    })
}

#[test]
fn picture_that_was_sent_is_shown_below_its_line_and_goes_when_it_is_scrolled_away() {
    let true_red = vt100::Color::Rgb(255, 0, 0);
    for (colours, colour) in [(&[("COLORTERM", "truecolor")][..], true_red), (&[], vt100::Color::Idx(196))] {
        let dir = home("auto");
        let (mut ann, _link) = host(&dir, colours);
        ann.type_text("/file cat.png");
        ann.press(&[ENTER]);
        // 80 by 64 pixels, shown as large as the small copy that comes first, whose red is not quite one.
        let cells = 10 * 25;
        ann.wait("the picture", |screen| screen.contains("cat.png") && screen.matches('▀').count() == cells);
        ann.wait("the whole picture", |_| red(&ann, colour) == cells);
        says_lines(&mut ann, 30);
        ann.wait("nothing of it", |screen| !screen.contains('▀'));
        quits(&mut ann);
    }
}

#[test]
fn nobody_who_wants_none_sees_pictures() {
    let dir = home("off");
    let (mut ann, _link) = host(&dir, &[]);
    ann.type_text("/file cat.png");
    ann.press(&[ENTER]);
    ann.wait("the line", |screen| {
        screen.lines().any(|line| line.contains("ann: (file") && line.contains('✓'))
    });
    says_lines(&mut ann, 2);
    assert!(!ann.screen().contains('▀'));
    quits(&mut ann);
}
