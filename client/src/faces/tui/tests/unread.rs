//! What was not read, what was typed, and rooms that do not fit.

use super::{super::app::Wanted, *};
use crate::{faces::unread::Unread, store::Item};

fn alt(app: &mut App, c: char) -> Vec<Effect> {
    press(app, KeyCode::Char(c), KeyModifiers::ALT)
}

fn says(app: &mut App, room: &str, seq: u64, text: &str) {
    happens(app, room, message(seq, person("bob", 2), text));
}

fn two_rooms() -> App {
    let mut app = in_lobby();
    happens(&mut app, "team", engine::Event::Joined(view("team", false)));
    app
}

/// The text of the message under the line, if it is there.
fn below_the_line(app: &mut App) -> Option<String> {
    let rows = screen(app, 80, 40);
    let at = rows.iter().position(|row| row.contains("- not read -"))?;
    rows.get(at + 1)
        .map(|row| row.rsplit("bob").next().unwrap().trim_start_matches([':', '*', ' ']).to_owned())
}

#[test]
fn line_stands_before_the_first_unread_message_until_somebody_answers() {
    let mut app = two_rooms();
    says(&mut app, "team", 1, "read before");
    app.go("team");
    app.go("lobby");
    says(&mut app, "team", 2, "first");
    says(&mut app, "team", 3, "second");
    app.go("team");
    assert_eq!(below_the_line(&mut app).as_deref(), Some("first"));
    says(&mut app, "team", 4, "third");
    assert_eq!(below_the_line(&mut app).as_deref(), Some("first"), "what is said meanwhile moves nothing");
    happens(&mut app, "team", message(5, person("ann", 1), "oh"));
    assert_eq!(below_the_line(&mut app), None);
}

#[test]
fn line_is_gone_when_somebody_looked_and_went() {
    let mut app = two_rooms();
    says(&mut app, "team", 1, "one");
    app.go("team");
    app.go("lobby");
    app.go("team");
    assert_eq!(below_the_line(&mut app), None);
    says(&mut app, "team", 2, "two");
    assert_eq!(below_the_line(&mut app), None, "it was looked at");
}

#[test]
fn key_goes_to_the_first_unread_message_here_or_elsewhere() {
    let mut app = two_rooms();
    (1..=60).for_each(|seq| says(&mut app, "team", seq, &format!("line {seq}")));
    assert_eq!(alt(&mut app, 'u'), [], "everything is here");
    assert_eq!(app.current(), Some("team"));
    assert_eq!(app.chosen().map(|entry| entry.text.as_str()), Some("line 1"));
    let text = text(&mut app, 80, 14);
    assert!(text.contains("line 1") && !text.contains("line 60"), "{text}");
    key(&mut app, KeyCode::Esc);
    app.go("lobby");
    app.selected = None;
    alt(&mut app, 'u');
    assert!(app.alert.is_some(), "nothing is left");
}

#[test]
fn unread_message_that_is_not_here_is_fetched() {
    let mut app = in_lobby();
    app.set_unread("lobby", &Unread { count: 900, mentions: 0, after: 40, upto: 1_000 });
    (990..=1_000).for_each(|seq| says(&mut app, "lobby", seq, "newest"));
    assert_eq!(below_the_line(&mut app), None, "nobody knows yet where it is");
    let wanted = Wanted::Unread { room: "lobby".into(), after: 40 };
    assert!(alt(&mut app, 'u').contains(&Effect::Fetch(wanted.clone())));
    let line = |seq| Item::Line(plain(seq, person("bob", 2), &format!("line {seq}")).into());
    // Between them is something that is no message.
    app.take_page(&wanted, [38, 40, 43, 44].map(line).into());
    assert_eq!(app.chosen().map(|entry| entry.text.as_str()), Some("line 43"));
    assert_eq!(below_the_line(&mut app).as_deref(), Some("line 43"));
}

/// The room that the program begins in; so many messages come from the relay before it says that we are in.
fn started_with(count: u64) -> App {
    let mut app = app();
    app.set_unread("lobby", &Unread { count: 0, mentions: 0, after: 3, upto: 3 });
    app.go("lobby");
    let past = (1..=3).map(|seq| plain(seq, person("bob", 2), &format!("line {seq}")).into());
    past.for_each(|line| tells(&mut app, "lobby", RoomEvent::Past(line)));
    text(&mut app, 80, 24);
    (4..4 + count).for_each(|seq| says(&mut app, "lobby", seq, &format!("line {seq}")));
    happens(&mut app, "lobby", engine::Event::Joined(view("lobby", false)));
    app
}

fn read_upto(app: &mut App) -> Option<u64> {
    app.keep_read();
    app.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Read { seq, .. } => Some(seq),
        _ => None,
    })
}

#[test]
fn room_that_one_starts_in_begins_at_what_came_meanwhile() {
    let mut app = started_with(45);
    let rows = screen(&mut app, 80, 24);
    assert!(rows[1].contains("- not read -") && rows[2].ends_with("bob: line 4"), "{rows:#?}");
    let shown = rows.iter().filter(|row| row.contains("bob: line")).count() as u64;
    assert_eq!(read_upto(&mut app), Some(3 + shown), "no more than was on the screen");
    // It stays there, whatever is said.
    says(&mut app, "lobby", 49, "line 49");
    assert!(screen(&mut app, 80, 24)[2].ends_with("bob: line 4"));
    assert_eq!(read_upto(&mut app), None);
    (0..4).for_each(|_| drop(key(&mut app, KeyCode::PageDown)));
    assert!(text(&mut app, 80, 24).contains("bob: line 49"));
    assert_eq!(read_upto(&mut app), Some(49));
    alt(&mut app, 'u');
    assert_eq!(app.chosen().map(|entry| entry.text.as_str()), Some("line 4"));
}

#[test]
fn few_messages_that_came_meanwhile_stand_under_the_line_and_the_end_is_followed() {
    let mut app = started_with(3);
    assert_eq!(below_the_line(&mut app).as_deref(), Some("line 4"));
    assert_eq!((app.shown().unwrap().unread, read_upto(&mut app)), (0, Some(6)));
    (7..=60).for_each(|seq| says(&mut app, "lobby", seq, &format!("line {seq}")));
    assert!(text(&mut app, 80, 24).contains("bob: line 60"));
}

#[test]
fn what_was_stored_before_is_begun_at_as_well_and_what_is_missing_above_it_is_fetched() {
    let mut app = app();
    app.set_unread("lobby", &Unread { count: 60, mentions: 0, after: 40, upto: 100 });
    app.go("lobby");
    let line = |seq| plain(seq, person("bob", 2), &format!("line {seq}")).into();
    (61..=100).for_each(|seq| tells(&mut app, "lobby", RoomEvent::Past(line(seq))));
    happens(&mut app, "lobby", engine::Event::Joined(view("lobby", false)));
    text(&mut app, 80, 24);
    assert_eq!(read_upto(&mut app), None, "nobody knows yet where it begins");
    let wanted = app.wants().unwrap();
    assert_eq!(wanted, Wanted::Older { room: "lobby".into(), before: 61 });
    app.take_page(&wanted, (31..=60).map(|seq| Item::Line(line(seq))).collect());
    assert!(screen(&mut app, 80, 24)[2].ends_with("bob: line 41"));
    assert_eq!(app.wants(), None);
}

#[test]
fn room_with_a_draft_is_marked_and_each_room_keeps_its_own() {
    let mut app = two_rooms();
    types(&mut app, "half a word");
    app.go("team");
    types(&mut app, "another");
    let row = |app: &mut App, name: &str| {
        let rows = screen(app, 80, 12);
        rows.iter().find(|row| row.get(2..).is_some_and(|row| row.starts_with(name))).unwrap().clone()
    };
    assert!(row(&mut app, "lobby").contains('✎') && !row(&mut app, "team").contains('✎'));
    app.go("lobby");
    assert_eq!(app.editor.text(), "half a word");
    assert!(row(&mut app, "team").contains('✎') && !row(&mut app, "lobby").contains('✎'));
    type_line(&mut app, " and more");
    app.go("team");
    assert!(!row(&mut app, "lobby").contains('✎'), "it was sent");
}

#[test]
fn many_rooms_scroll_to_the_current_one_and_the_others_are_counted() {
    let mut app = in_lobby();
    for number in 0..30_u64 {
        let room = format!("room {number:02}");
        happens(&mut app, &room, engine::Event::Joined(view(&room, false)));
        says(&mut app, &room, 100 - number, "hello");
    }
    app.go("room 29");
    let rows = screen(&mut app, 80, 12);
    let pane: Vec<&str> = rows[1..10].iter().map(|row| row.split('│').next().unwrap().trim_end()).collect();
    assert!(pane.iter().any(|row| row.contains("room 29")), "{pane:?}");
    assert_eq!(pane[0], "↑ 23 more, 23 new");
    app.go("room 00");
    let rows = screen(&mut app, 80, 12);
    assert!(rows[1].contains("room 00") && rows[9].starts_with("↓ 23 more"), "{rows:?}");
    // The mouse finds the rooms where they are.
    let click = |row| {
        Input::Mouse(crossterm::event::MouseEvent {
            kind: crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left),
            column: 3,
            row,
            modifiers: KeyModifiers::NONE,
        })
    };
    app.go("room 15");
    let rows = screen(&mut app, 80, 12);
    let wanted = rows.iter().position(|row| row.contains("room 17")).unwrap();
    app.input(click(u16::try_from(wanted).unwrap()));
    assert_eq!(app.current(), Some("room 17"));
}

#[test]
fn pinned_rooms_stand_above_the_others_and_stay_there() {
    let mut app = two_rooms();
    let status = |label: &str, is_pinned| crate::runtime::RoomStatus {
        label: label.into(),
        id: proto::RoomId([7; 32]),
        relay: None,
        view: Some(view(label, false).into()),
        is_verified: false,
        over: None,
        is_muted: false,
        is_pinned,
    };
    let order = |app: &App| app.by_activity().into_iter().map(|pane| pane.label.clone()).collect::<Vec<_>>();
    app.show_rooms(&[status("zoo", true), status("lobby", true), status("team", false)]);
    says(&mut app, "team", 1, "busy");
    says(&mut app, "zoo", 1, "busier");
    assert_eq!(order(&app), ["lobby", "zoo", "team"], "by name, whatever is said there");
    let rows = screen(&mut app, 80, 12);
    assert!(rows[1].contains("▴") && rows[2].contains("▴1") && !rows[3].contains("▴"), "{rows:?}");
    alt(&mut app, '2');
    assert_eq!(app.current(), Some("zoo"));
    app.show_rooms(&[status("lobby", false)]);
    assert_eq!(order(&app), ["zoo", "team", "lobby"]);
}
