//! What the settings' file changes: keys, colours, the mouse.

use super::*;

/// A home with these settings.
fn home(settings: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let place = dir.path().join(".config/schat");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("config.toml"), settings).unwrap();
    dir
}

#[test]
fn keys_of_vi_are_there_for_who_wants_them() {
    for vim in [true, false] {
        let dir = home(&format!("[keys]\nvim = {vim}\n"));
        let (mut ann, _link) = host(&dir, &[]);
        says_lines(&mut ann, 3);
        selects(&mut ann);
        // The oldest, and an answer to it; without vi's keys the newest stays the chosen one.
        ann.press(&["g", "r"]);
        ann.wait_for(if vim { "↳ ann: line 1." } else { "↳ ann: line 3." });
        ann.press(&[ESCAPE]);
        ann.wait("no answer", |screen| !screen.contains('↳'));
        selects(&mut ann);
        ann.press(&["i", "o"]);
        if vim {
            ann.wait("the input", |screen| screen.contains("> o") && !screen.contains("r reply"));
            ann.press(&["\u{15}"]);
        } else {
            ann.press(&[ESCAPE]);
            ann.wait("the end of choosing", |screen| !screen.contains("r reply"));
            assert!(!ann.screen().contains("> o") && !ann.screen().contains("> io"), "{}", ann.screen());
        }
        quits(&mut ann);
    }
}

#[test]
fn colours_are_those_of_the_settings() {
    let purple = vt100::Color::Rgb(0x12, 0x34, 0x56);
    let has = |terminal: &Terminal| {
        terminal.look(|screen| {
            let mut cells = (0..24).flat_map(|row| (0..80).map(move |col| (row, col)));
            cells.any(|(row, col)| screen.cell(row, col).is_some_and(|cell| cell.fgcolor() == purple))
        })
    };
    for (settings, changed) in [("", false), ("[theme]\nquiet = \"#123456\"\n", true)] {
        let dir = home(settings);
        let (mut ann, _link) = host(&dir, &[("COLORTERM", "truecolor")]);
        says_lines(&mut ann, 1);
        assert_eq!(has(&ann), changed, "{settings}");
        quits(&mut ann);
    }
}

#[test]
fn mouse_scrolls_or_is_left_to_the_terminal() {
    let asks = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        ["1000", "1002", "1003", "1006", "1015"].iter().any(|mode| text.contains(&format!("\u{1b}[?{mode}")))
    };
    for mouse in [true, false] {
        let dir = home(&format!("[screen]\nmouse = {mouse}\n"));
        let (mut ann, _link) = host(&dir, &[]);
        says_lines(&mut ann, 40);
        let mode = ann.look(vt100::Screen::mouse_protocol_mode);
        assert_eq!(mode != vt100::MouseProtocolMode::None, mouse);
        if mouse {
            for (wheel, shown, hidden) in [(64, "line 18.", "line 40."), (65, "line 40.", "line 18.")] {
                (0..4).for_each(|_| ann.press(&[&format!("\u{1b}[<{wheel};50;10M")]));
                ann.wait("other lines", |screen| screen.contains(shown) && !screen.contains(hidden));
            }
        }
        quits(&mut ann);
        assert_eq!(asks(&ann.raw()), mouse);
        assert_eq!(ann.look(vt100::Screen::mouse_protocol_mode), vt100::MouseProtocolMode::None);
    }
}
