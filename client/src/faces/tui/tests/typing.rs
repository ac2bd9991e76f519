//! What is typed: sent, refused, kept; and who else types.

use super::*;

#[test]
fn typed_line_goes_out_and_refused_one_comes_back() {
    let mut app = in_lobby();
    assert_eq!(type_line(&mut app, "hello"), [Effect::Line("hello".into())]);
    assert_eq!(app.editor.text(), "");
    app.put_back("hello".into());
    assert_eq!(app.editor.text(), "hello");
}

#[test]
fn what_is_typed_after_a_refusal_is_not_appended_to_what_was_refused() {
    let mut app = in_lobby();
    type_line(&mut app, "/jion x");
    app.put_back("/jion x".into());
    types(&mut app, "hello");
    assert_eq!(app.editor.text(), "hello");
    // It is not lost either.
    key(&mut app, KeyCode::Up);
    assert_eq!(app.editor.text(), "/jion x");
}

#[test]
fn refused_text_can_be_mended() {
    let mut app = in_lobby();
    type_line(&mut app, "/jion x");
    app.put_back("/jion x".into());
    key(&mut app, KeyCode::Left);
    types(&mut app, "y");
    assert_eq!(app.editor.text(), "/jion yx");
}

#[test]
fn tab_and_joiner_take_their_cells_and_no_others() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "x\ty می\u{200c}خواهم so\u{ad}ft"));
    app.editor.insert("a\tb");
    let mut terminal = Terminal::new(TestBackend::new(60, 10)).unwrap();
    terminal.draw(|frame| draw::draw(frame, &mut app)).unwrap();
    assert_eq!(terminal.get_cursor_position().unwrap().x, 2 + 8 + 1);
    let rows = screen(&mut app, 60, 10);
    assert!(rows.iter().any(|row| row.contains("> a       b")), "{rows:?}");
    let said = rows.iter().find(|row| row.contains("bob:")).unwrap();
    assert!(said.contains("x       y") && said.contains("soft") && !said.contains("\\u{"), "{said}");
    assert!(said.contains('\u{200c}'), "{said}");
}

#[test]
fn draft_stays_with_its_room() {
    let mut app = in_lobby();
    happens(&mut app, "team", engine::Event::Joined(view("team", false)));
    types(&mut app, "half a");
    let effects = press(&mut app, KeyCode::Char('1'), KeyModifiers::ALT);
    let effects = if app.current() == Some("team") {
        effects
    } else {
        press(&mut app, KeyCode::Char('2'), KeyModifiers::ALT)
    };
    assert_eq!(effects, [Effect::Draft { room: "lobby".into(), text: "half a".into() }]);
    assert_eq!((app.current(), app.editor.text()), (Some("team"), ""));
    app.go("lobby");
    assert_eq!(app.editor.text(), "half a");
}

#[test]
fn draft_is_kept_after_a_pause_and_forgotten_once_sent() {
    let mut app = in_lobby();
    types(&mut app, "half");
    let wake = app.next_wake().unwrap();
    app.set_now(wake);
    let kept = |text: &str| Effect::Draft { room: "lobby".into(), text: text.into() };
    assert_eq!(app.take_effects(), [kept("half")]);
    assert_eq!(app.next_wake(), None, "nothing left to do: the program sleeps");
    let effects = key(&mut app, KeyCode::Enter);
    assert!(effects.contains(&kept("")), "{effects:?}");
}

#[test]
fn draft_of_the_last_start_is_there_again() {
    let mut app = in_lobby();
    app.set_draft("lobby", "half a thought".into());
    app.set_draft("team", "other".into());
    assert_eq!(app.editor.text(), "half a thought");
    app.go("team");
    assert_eq!(app.editor.text(), "other");
}

#[test]
fn who_types_is_shown_until_they_stop_or_it_is_long_ago() {
    let mut app = in_lobby();
    let typing = |app: &mut App, name, byte, stopped| {
        happens(app, "lobby", engine::Event::Typing { who: person(name, byte), stopped });
    };
    let bar = |app: &mut App| screen(app, 100, 12)[10].clone();
    typing(&mut app, "bob", 2, false);
    assert!(bar(&mut app).contains("bob is typing"));
    typing(&mut app, "eve", 3, false);
    assert!(bar(&mut app).contains("bob, eve are typing"));
    typing(&mut app, "eve", 3, true);
    happens(&mut app, "lobby", message(1, person("bob", 2), "done"));
    assert!(!bar(&mut app).contains("typing"));
    typing(&mut app, "bob", 2, false);
    let wake = app.next_wake().unwrap();
    app.set_now(wake);
    assert!(!bar(&mut app).contains("typing"));
    assert_eq!(app.next_wake(), None);
}

#[test]
fn others_learn_that_we_type_only_if_they_may() {
    let told = |typing, text: &str| {
        let mut settings = settings();
        settings.privacy.typing = typing;
        let mut app = app_with(settings);
        happens(&mut app, "lobby", engine::Event::Joined(view("lobby", false)));
        types(&mut app, text)
    };
    let typing = Effect::Typing { room: "lobby".into(), stopped: false };
    assert_eq!(told(true, "hello"), [typing], "once, not for each letter");
    assert_eq!(told(false, "hello"), []);
    assert_eq!(told(true, "/kick bob"), [], "a command is nobody's business");
}

#[test]
fn others_learn_what_we_have_read_only_if_they_may_and_we_look() {
    let told = |seen: bool, focused: bool, scrolled: bool| {
        let mut settings = settings();
        settings.privacy.seen = seen;
        let mut app = app_with(settings);
        happens(&mut app, "lobby", engine::Event::Joined(view("lobby", false)));
        (1..60).for_each(|seq| happens(&mut app, "lobby", message(seq, person("bob", 2), "hi")));
        screen(&mut app, 80, 24);
        if scrolled {
            key(&mut app, KeyCode::PageUp);
        }
        if !focused {
            app.input(Input::FocusLost);
        }
        screen(&mut app, 80, 24);
        app.tell_seen();
        let effects = app.take_effects();
        app.tell_seen();
        assert_eq!(app.take_effects(), [], "once");
        effects
    };
    assert_eq!(told(true, true, false), [Effect::Seen { room: "lobby".into(), seq: 59 }]);
    for (seen, focused, scrolled) in [(false, true, false), (true, false, false), (true, true, true)] {
        assert_eq!(told(seen, focused, scrolled), []);
    }
}

#[test]
fn what_is_read_is_told_for_many_lines_at_once_and_never_forgotten() {
    let mut settings = settings();
    settings.privacy.seen = true;
    let mut app = app_with(settings);
    app.set_now(NOON);
    happens(&mut app, "lobby", engine::Event::Joined(view("lobby", false)));
    let mut told = Vec::new();
    for seq in 1..20 {
        happens(&mut app, "lobby", message(seq, person("bob", 2), "hi"));
        screen(&mut app, 80, 24);
        app.tell_seen();
        told.extend(app.take_effects());
    }
    app.set_now(app.next_wake().unwrap());
    app.tell_seen();
    told.extend(app.take_effects());
    let seen = |seq| Effect::Seen { room: "lobby".into(), seq };
    assert_eq!(told, [seen(1), seen(19)]);
    assert_eq!(app.next_wake(), None, "nothing more to tell");
}

#[test]
fn line_under_the_id_of_another_is_neither_quoted_nor_changed_in_its_place() {
    let mut app = in_lobby();
    let first = plain(1, person("bob", 2), "lunch?");
    let copy = Message { id: first.id, ..plain(2, person("eve", 3), "send me money") };
    let answer = Message { reply_to: Some(first.id), ..plain(3, person("ann", 1), "yes") };
    for message in [first.clone(), copy, answer] {
        happens(&mut app, "lobby", engine::Event::Message(message));
    }
    let shown = screen(&mut app, 80, 24).join("\n");
    assert!(shown.contains("↳ bob: lunch?"), "{shown}");
    let act = engine::Act {
        seq: 4,
        at: NOON,
        from: first.from.clone(),
        mine: false,
        target: first.id,
        change: engine::Alteration::Edit("supper?".into()),
    };
    let line = shared::message::timeline::Line::from(Message { text: "supper?".into(), ..first });
    let event = RoomEvent::Changed { act, line };
    app.event(Event::Room { room: "lobby".into(), event }, &Pending::default());
    let shown = screen(&mut app, 80, 24).join("\n");
    assert!(shown.contains("send me money") && shown.contains("bob: supper?"), "{shown}");
}

#[test]
fn tab_completes_commands_names_and_paths() {
    let mut app = in_lobby();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("notes.txt"), "").unwrap();
    let path = |name: &str| format!("/file {}/{name}", dir.path().display());
    for (typed, completed) in [
        ("/inv", "/invite".to_owned()),
        ("/lea", "/leave ".to_owned()),
        ("/ver", "/verify ".to_owned()),
        ("bo", "bob: ".to_owned()),
        ("hi b", "hi bob ".to_owned()),
        ("hi @e", "hi @eve ".to_owned()),
        ("/kick ev", "/kick eve".to_owned()),
        ("/moderator ev", "/moderator eve".to_owned()),
        (&path("no"), path("notes.txt")),
    ] {
        app.editor.load(typed.into());
        key(&mut app, KeyCode::Tab);
        assert_eq!(app.editor.text(), completed);
    }
}
