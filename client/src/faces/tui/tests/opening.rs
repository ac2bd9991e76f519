//! Links that are to deceive whoever opens them.

use super::*;

/// Asks about the links of a message.
fn asked(text: &str) -> App {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), text));
    app.selected = Some(id(1));
    key(&mut app, KeyCode::Char('o'));
    app
}

fn long(host: &str) -> String {
    format!("https://{host}/login%2F{}", "session".repeat(260))
}

#[test]
fn long_link_does_not_push_its_host_off_the_screen() {
    for (width, height) in [(80, 24), (80, 8), (40, 6), (30, 4)] {
        let mut app = asked(&long("evil.example"));
        let shown = screen(&mut app, width, height);
        let row = |wanted: &str| shown.iter().position(|row| row.contains(wanted));
        let host = row("goes to evil.example").unwrap_or_else(|| panic!("{width}x{height}: {shown:?}"));
        assert!(row("https://evil.example/").is_none_or(|link| link > host), "{shown:?}");
        // The message itself may be seen below.
        let of_link = |row: &&String| row.starts_with('│') && row.contains("sionses");
        assert!(shown.iter().filter(of_link).count() <= 3, "{shown:?}");
        assert!(height < 8 || row("…").is_some(), "{shown:?}");
        let opened = key(&mut app, KeyCode::Char('y'));
        assert!(matches!(opened.as_slice(), [Effect::Open(_)]), "{width}x{height}: {opened:?}");
    }
}

#[test]
fn chosen_link_is_drawn_whatever_stands_before_it() {
    for (width, height) in [(80, 24), (80, 8), (40, 6), (30, 4)] {
        let mut app = asked(&format!("{} {}", long("bank.example"), long("evil.example")));
        key(&mut app, KeyCode::Down);
        let shown = text(&mut app, width, height);
        assert!(shown.contains("goes to evil.example"), "{width}x{height}: {shown}");
        assert!(!shown.contains("goes to bank.example"), "{width}x{height}: {shown}");
        assert!(height < 24 || shown.contains("Open 2 of 2"), "{shown}");
    }
}

#[test]
fn link_whose_host_was_not_seen_is_not_opened() {
    // Nothing was drawn yet.
    let mut app = asked("https://a.example/ https://b.example/");
    assert_eq!(key(&mut app, KeyCode::Char('y')), []);
    text(&mut app, 80, 24);
    key(&mut app, KeyCode::Down);
    assert_eq!(key(&mut app, KeyCode::Char('y')), [], "the other one was drawn");
    // The end of a host that is too long for the screen says whose it is, but nobody could have read all of it.
    let mut app = asked(&format!("https://www.bank.example.{}evil.example/", "a.".repeat(2_000)));
    let shown = text(&mut app, 80, 24);
    assert!(shown.contains("evil.example") && shown.contains("y does nothing"), "{shown}");
    assert_eq!(key(&mut app, KeyCode::Char('y')), []);
    // An alarm lies over the lower lines.
    let mut app = asked("https://a.example/");
    app.alert("all of it ".repeat(200));
    assert!(!text(&mut app, 80, 24).contains("goes to a.example"));
    assert_eq!(key(&mut app, KeyCode::Char('y')), []);
    assert!(text(&mut app, 80, 24).contains("goes to a.example"));
    assert_eq!(key(&mut app, KeyCode::Char('y')), [Effect::Open("https://a.example/".into())]);
}

#[test]
fn link_with_a_name_before_its_host_is_not_opened_and_that_is_said() {
    let deceiving = format!("https://www.bank.example%2Flogin%2F{}@evil.example/", "session".repeat(260));
    let mut app = asked(&deceiving);
    assert_eq!(app.overlay, None);
    assert!(text(&mut app, 80, 24).contains("name before an @"));
    let mut app = asked(&format!("{deceiving} https://a.example/"));
    assert!(text(&mut app, 80, 24).contains("goes to a.example"));
    assert_eq!(key(&mut app, KeyCode::Char('y')), [Effect::Open("https://a.example/".into())]);
}

#[test]
fn last_line_says_what_y_does() {
    let mut app = asked("https://a.example/");
    let shown = text(&mut app, 80, 24);
    assert!(shown.contains("y opens the link") && !shown.contains("y copy"), "{shown}");
    key(&mut app, KeyCode::Esc);
    assert!(text(&mut app, 80, 24).contains("y copy"));
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("ann", 1), "soup"));
    app.selected = Some(id(1));
    key(&mut app, KeyCode::Char('d'));
    let shown = text(&mut app, 80, 24);
    assert!(shown.contains("y deletes ·") && !shown.contains("y copy"), "{shown}");
}
