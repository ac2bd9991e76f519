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

/// The parameters of all sequences that choose colours and the like.
fn renditions(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let sequences = text.split("\u{1b}[").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        (rest[end..].starts_with('m')).then(|| rest[..end].to_owned())
    });
    sequences.collect()
}

#[test]
fn terminal_gets_the_sequences_that_its_kind_has_had_for_ever() {
    // 256 of them; 16; 8, where bold makes the bright ones; none.
    for (term, indexed, bright, any) in [
        ("xterm-256color", true, false, true),
        ("xterm", false, true, true),
        ("linux", false, true, true),
        ("wsvt25", false, false, true),
        ("xterm-color", false, false, true),
        ("vt220", false, false, false),
        ("xterm-mono", false, false, false),
    ] {
        let dir = home("");
        let (mut ann, link) = host(&dir, &[("TERM", term)]);
        let bob = TempDir::new().unwrap();
        let mut bob = joins(&bob, "bob", (&ann, &link), &[]);
        bob.type_text("see https://a.example/x `code` ann");
        bob.press(&[ENTER]);
        ann.wait_for("https://a.example/x");
        quits(&mut bob);
        quits(&mut ann);
        let chosen = renditions(&ann.raw());
        let has = |what: fn(u8) -> bool| {
            chosen.iter().flat_map(|one| one.split(';')).filter_map(|part| part.parse().ok()).any(what)
        };
        assert_eq!(chosen.iter().any(|one| one.contains("38;5;")), indexed, "{term}: {chosen:?}");
        assert_eq!(!indexed && has(|part| (90..98).contains(&part)), bright, "{term}: {chosen:?}");
        let classical = has(|part| (30..38).contains(&part) || (90..98).contains(&part));
        assert_eq!(indexed || classical, any, "{term}: {chosen:?}");
        assert!(has(|part| part == 1) && has(|part| part == 7), "{term}: bold and reversed are everywhere");
    }
}
