//! Keys, the help that shows them, and the first run.

use super::{super::app::Choice, *};

#[test]
fn first_run_offers_what_a_number_or_enter_takes() {
    let mut app = app();
    screen(&mut app, 80, 24);
    assert_eq!(key(&mut app, KeyCode::Char('2')), [Effect::Begin(Choice::Host)]);
    key(&mut app, KeyCode::Down);
    assert_eq!(key(&mut app, KeyCode::Enter), [Effect::Begin(Choice::Demo)]);
    key(&mut app, KeyCode::Char('1'));
    assert!(text(&mut app, 80, 24).contains("Paste the link here"));
    app.input(Input::Paste("schat://h:1/#x".into()));
    let effects = key(&mut app, KeyCode::Enter);
    assert!(effects.contains(&Effect::Line("schat://h:1/#x".into())), "{effects:?}");
}

#[test]
fn help_shows_the_keys_that_are_in_force() {
    let mut settings = settings();
    settings.keys.actions.insert("search".into(), vec!["ctrl+s".into()]);
    settings.keys.actions.insert("redraw".into(), Vec::new());
    let mut app = app_with(settings);
    key(&mut app, KeyCode::F(1));
    let text = text(&mut app, 120, 120);
    assert!(text.contains("Ctrl+S                    search this room"), "{text}");
    assert!(!text.contains("draw the screen anew") && !text.contains("Ctrl+R "), "{text}");
    assert!(text.contains("Alt+1 … Alt+9") && text.contains("/verify"), "{text}");
}

#[test]
fn help_can_be_read_to_its_end_on_a_small_terminal() {
    let mut app = in_lobby();
    key(&mut app, KeyCode::F(1));
    let mut seen = String::new();
    for _ in 0..500 {
        seen += &text(&mut app, 40, 15);
        key(&mut app, KeyCode::Down);
    }
    assert!(seen.contains("/quit"), "{seen}");
    // And back with as many keys as there are lines, however long somebody pressed.
    let last = screen(&mut app, 40, 15);
    key(&mut app, KeyCode::Up);
    assert_ne!(screen(&mut app, 40, 15), last);
}

#[test]
fn help_knows_what_only_a_setting_does() {
    let mut app = in_lobby();
    key(&mut app, KeyCode::F(1));
    assert!(!text(&mut app, 80, 300).contains("spelling.check"));
    types(&mut app, "spell");
    let shown = text(&mut app, 100, 40);
    assert!(shown.contains("spelling.check") && shown.contains("Underline misspelt words"), "{shown}");
    assert!(shown.contains("config.toml") && !shown.contains("Nothing has these words"), "{shown}");
}

#[test]
fn question_mark_is_a_text_and_whoever_looks_for_help_by_it_is_told_the_key() {
    let mut app = in_lobby();
    types(&mut app, "?");
    let shown = text(&mut app, 80, 24);
    assert!(shown.contains("F1 shows all keys and commands"), "{shown}");
    types(&mut app, "?");
    assert!(!text(&mut app, 80, 24).contains("F1 shows"), "two are no question");
    assert_eq!(app.editor.text(), "??");
}

#[test]
fn several_lines_are_moved_in_before_the_history_is() {
    let mut app = in_lobby();
    type_line(&mut app, "before");
    types(&mut app, "one");
    press(&mut app, KeyCode::Enter, KeyModifiers::ALT);
    types(&mut app, "two");
    key(&mut app, KeyCode::Up);
    types(&mut app, "!");
    assert_eq!(app.editor.text(), "one!\ntwo");
    key(&mut app, KeyCode::Up);
    assert_eq!(app.editor.text(), "before");
    key(&mut app, KeyCode::Down);
    assert_eq!(app.editor.text(), "one!\ntwo");
}

#[test]
fn leaving_needs_an_empty_input() {
    let mut app = in_lobby();
    types(&mut app, "x");
    assert!(!press(&mut app, KeyCode::Char('c'), KeyModifiers::CONTROL).contains(&Effect::Quit));
    assert_eq!(app.editor.text(), "");
    assert_eq!(press(&mut app, KeyCode::Char('d'), KeyModifiers::CONTROL), [Effect::Quit]);
}

#[test]
fn program_can_be_stopped_whatever_is_open() {
    let mut app = in_lobby();
    assert_eq!(press(&mut app, KeyCode::Char('z'), KeyModifiers::CONTROL), [Effect::Suspend]);
    app.overlay = Some(app::Overlay::Link("schat://h:1/#x".into()));
    assert_eq!(press(&mut app, KeyCode::Char('z'), KeyModifiers::CONTROL), [Effect::Suspend]);
    assert!(app.overlay.is_some());
}
