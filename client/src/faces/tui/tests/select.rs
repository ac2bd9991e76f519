//! A message is chosen.

use shared::file::{FileKey, Manifest};

use super::{
    super::app::{Here, Telling},
    *,
};
use crate::store::PictureKey;

fn talked() -> App {
    let mut app = in_lobby();
    for (seq, from, text) in [(1, "bob", "one"), (2, "ann", "two"), (3, "bob", "three")] {
        let byte = if from == "ann" { 1 } else { 2 };
        happens(&mut app, "lobby", message(seq, person(from, byte), text));
    }
    screen(&mut app, 80, 24);
    app
}

fn chosen(app: &App) -> Option<&str> {
    app.chosen().map(|entry| entry.text.as_str())
}

fn tell(what: Telling) -> Effect {
    Effect::Tell { room: "lobby".into(), what }
}

#[test]
fn esc_chooses_the_last_message_and_arrows_move() {
    let mut app = talked();
    key(&mut app, KeyCode::Esc);
    assert_eq!(chosen(&app), Some("three"));
    key(&mut app, KeyCode::Up);
    key(&mut app, KeyCode::Char('k'));
    assert_eq!(chosen(&app), Some("one"));
    key(&mut app, KeyCode::Char('j'));
    assert_eq!(chosen(&app), Some("two"));
    assert!(
        screen(&mut app, 80, 24)[22].contains("R reply") || screen(&mut app, 80, 24)[22].contains("r reply")
    );
    key(&mut app, KeyCode::Esc);
    assert_eq!((chosen(&app), app.editor.text()), (None, ""));
}

#[test]
fn reply_goes_out_as_one_and_esc_takes_it_back() {
    let mut app = talked();
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Char('r'));
    assert!(text(&mut app, 80, 24).contains("↳ bob: three (Esc: not)"));
    let effects = type_line(&mut app, "fine");
    assert_eq!(effects, [tell(Telling::Reply { to: id(3), text: "fine".into() })]);
    assert_eq!(type_line(&mut app, "more"), [Effect::Line("more".into())], "the next one is none");
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Char('r'));
    key(&mut app, KeyCode::Esc);
    assert_eq!(type_line(&mut app, "new"), [Effect::Line("new".into())]);
}

#[test]
fn edit_of_ones_own_message_gives_the_draft_back() {
    let mut app = talked();
    types(&mut app, "draft");
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Up);
    key(&mut app, KeyCode::Char('e'));
    assert_eq!(app.editor.text(), "two");
    let effects = type_line(&mut app, "!");
    assert_eq!(effects, [tell(Telling::Edit { target: id(2), text: "two!".into() })]);
    assert_eq!(app.editor.text(), "draft");
}

#[test]
fn message_of_somebody_else_is_neither_edited_nor_deleted() {
    let mut app = talked();
    for wish in ['e', 'd'] {
        key(&mut app, KeyCode::Esc);
        key(&mut app, KeyCode::Char(wish));
        assert!(app.alert.is_some() && app.overlay.is_none(), "{wish}");
        key(&mut app, KeyCode::Esc);
    }
}

#[test]
fn deletion_is_asked_about() {
    let mut app = talked();
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Up);
    key(&mut app, KeyCode::Char('d'));
    assert_eq!(key(&mut app, KeyCode::Char('n')), []);
    key(&mut app, KeyCode::Char('d'));
    assert_eq!(key(&mut app, KeyCode::Char('y')), [tell(Telling::Delete { target: id(2) })]);
}

#[test]
fn sign_is_chosen_or_typed_and_taken_back_by_choosing_it_again() {
    let mut app = talked();
    let react =
        |emoji: &str, withdrawn| tell(Telling::React { target: id(3), emoji: emoji.into(), withdrawn });
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Char('+'));
    assert!(text(&mut app, 80, 24).contains("1 👍"));
    assert_eq!(key(&mut app, KeyCode::Char('1')), [react("👍", false)]);
    key(&mut app, KeyCode::Char('+'));
    types(&mut app, "🦊");
    assert_eq!(key(&mut app, KeyCode::Enter), [react("🦊", false)]);
    let mut line = shared::message::timeline::Line::from(plain(3, person("bob", 2), "three"));
    line.reactions
        .push(shared::message::timeline::Reaction { emoji: "👍".into(), people: vec![person("ann", 1)] });
    let change = engine::Alteration::Delete;
    let act = engine::Act { seq: 9, at: NOON, from: person("ann", 1), mine: true, target: id(3), change };
    tells(&mut app, "lobby", RoomEvent::Changed { act, line });
    key(&mut app, KeyCode::Char('+'));
    assert_eq!(key(&mut app, KeyCode::Char('1')), [react("👍", true)]);
}

#[test]
fn text_is_copied_as_it_was_written() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "**bold** https://a@b.example/"));
    key(&mut app, KeyCode::Esc);
    assert_eq!(key(&mut app, KeyCode::Char('y')), [Effect::Copy("**bold** https://a@b.example/".into())]);
}

#[test]
fn details_say_who_it_is_and_where_links_go() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "see https://bank.example@evil.example/x"));
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Enter);
    let text = text(&mut app, 100, 24);
    for part in ["Fingerprint:  02020202", "2026-11-14 12:01:00", "number 1", "goes to     evil.example"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn chosen_message_is_always_on_the_screen() {
    let mut app = in_lobby();
    for seq in 1..=60 {
        happens(&mut app, "lobby", message(seq, person("bob", 2), &format!("line {seq}\nof two")));
    }
    key(&mut app, KeyCode::Esc);
    for seq in (1..=59).rev() {
        key(&mut app, KeyCode::Up);
        let text = text(&mut app, 80, 14);
        assert!(
            text.contains(&format!("line {seq}\n")) || text.contains(&format!("line {seq} ")),
            "{seq}:\n{text}"
        );
    }
}

#[test]
fn vim_keys_are_there_for_who_wants_them() {
    let mut settings = settings();
    settings.keys.vim = true;
    let mut app = app_with(settings);
    happens(&mut app, "lobby", engine::Event::Joined(view("lobby", false)));
    (1..=9).for_each(|seq| happens(&mut app, "lobby", message(seq, person("bob", 2), &format!("m{seq}"))));
    key(&mut app, KeyCode::Esc);
    types(&mut app, "g");
    assert_eq!(chosen(&app), Some("m1"));
    types(&mut app, "G");
    assert_eq!(chosen(&app), Some("m9"));
    types(&mut app, "i");
    types(&mut app, "gG");
    assert_eq!((chosen(&app), app.editor.text()), (None, "gG"));
}

#[test]
fn click_chooses_a_message_or_a_room() {
    use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
    let mut app = talked();
    happens(&mut app, "team", engine::Event::Joined(view("team", false)));
    let rows = screen(&mut app, 80, 24);
    let click = |app: &mut App, column, row| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        app.input(Input::Mouse(event));
    };
    let row = rows.iter().position(|row| row.contains("ann: two")).unwrap();
    click(&mut app, 40, u16::try_from(row).unwrap());
    assert_eq!(chosen(&app), Some("two"));
    let row = rows.iter().position(|row| row.contains("team")).unwrap();
    click(&mut app, 3, u16::try_from(row).unwrap());
    assert_eq!(app.current(), Some("team"));
}

#[test]
fn edit_never_loses_characters_that_are_not_shown() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("ann", 1), "a\tb\u{200b}c"));
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Char('e'));
    assert_eq!(app.editor.text(), "");
    assert!(app.alert.as_deref().is_some_and(|alert| alert.contains("not shown")), "{:?}", app.alert);
    // What is shown as it was said is edited as it was said.
    happens(&mut app, "lobby", message(2, person("ann", 1), "two\nlines 👩\u{200d}💻"));
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Char('e'));
    assert_eq!(app.editor.text(), "two\nlines 👩\u{200d}💻");
}

fn manifest() -> Manifest {
    Manifest {
        id: [9; 16],
        key: FileKey::from_bytes([2; 32]),
        size: 1_234_567,
        name: "my cat.jpg".to_owned(),
        media_type: "image/jpeg".to_owned(),
        parts: [4; 32],
        preview: Vec::new(),
        duration_ms: 0,
    }
}

/// Bob sent a file without a word, then somebody said something.
fn brought() -> App {
    let mut app = in_lobby();
    let file = Message { file: Some(Box::new(manifest())), ..plain(1, person("bob", 2), "") };
    happens(&mut app, "lobby", engine::Event::Message(file));
    happens(&mut app, "lobby", message(2, person("eve", 3), "hm"));
    screen(&mut app, 80, 24);
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Up);
    app
}

#[test]
fn file_of_the_chosen_message_is_fetched_by_a_key_however_old_it_is() {
    let mut app = brought();
    let room = "lobby".to_owned();
    assert_eq!(key(&mut app, KeyCode::Char('f')), [Effect::Get { room, id: id(1) }]);
    // Also where its details say so.
    app.about_file(&id(1), &Here::No);
    assert_eq!(key(&mut app, KeyCode::Char('f')), [Effect::Get { room: "lobby".to_owned(), id: id(1) }]);
    assert_eq!(app.overlay, None);
    key(&mut app, KeyCode::Down);
    assert_eq!(key(&mut app, KeyCode::Char('f')), []);
    assert!(text(&mut app, 80, 24).contains("No file comes with that message."));
}

#[test]
fn details_of_a_message_tell_of_its_file() {
    let mut app = brought();
    let (room, file) = ("lobby".to_owned(), PictureKey::of_file(&manifest()));
    assert_eq!(key(&mut app, KeyCode::Enter), [Effect::About { room, id: id(1), file }]);
    let told = |here: Here| {
        let mut app = brought();
        app.about_file(&id(1), &here);
        text(&mut app, 100, 24)
    };
    let shown = told(Here::No);
    for part in [
        "File:         \"my cat.jpg\"",
        "Size:         1.2 MB (1234567 bytes)",
        "Type:         image/jpeg, as its sender says",
        &format!("Id:           {}", hex::encode(id(1))),
        "not on this device; f or /get 00000000 fetches it",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(told(Here::At("/home/ann/my cat.jpg".into())).contains("Where:        /home/ann/my cat.jpg"));
    let gone = told(Here::Was("/home/ann/\u{1b}[2Jcat.jpg".into()));
    assert!(gone.contains("it was /home/ann/\\u{1b}[2Jcat.jpg, and is gone"), "{gone}");
}

#[test]
fn answer_to_a_file_without_words_names_the_file() {
    let mut app = brought();
    let answer = Message { reply_to: Some(id(1)), ..plain(3, person("eve", 3), "nice") };
    happens(&mut app, "lobby", engine::Event::Message(answer));
    let shown = text(&mut app, 80, 24);
    assert!(shown.contains("↳ bob: file \"my cat.jpg\", 1.2 MB"), "{shown}");
    key(&mut app, KeyCode::Char('q'));
    assert_eq!(app.editor.text(), "> file \"my cat.jpg\", 1.2 MB\n");
    assert!(text(&mut app, 80, 24).contains("↳ bob: file \"my cat.jpg\", 1.2 MB (Esc: not)"));
}
