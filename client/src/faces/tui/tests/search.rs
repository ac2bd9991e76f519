//! Searching, scrolling and pages from the disk.

use super::{
    super::app::{Hit, Overlay, Wanted},
    *,
};
use crate::store::Item;

fn hit(room: &str, seq: u64, text: &str) -> Hit {
    Hit { room: room.into(), seq, at: NOON + seq, name: "bob".into(), text: text.into() }
}

fn page(seqs: std::ops::Range<u64>) -> Vec<Item> {
    seqs.map(|seq| plain(seq, person("bob", 2), &format!("line {seq}")).into()).map(Item::Line).collect()
}

#[test]
fn search_asks_with_each_letter_and_forgets_answers_that_come_late() {
    let mut app = in_lobby();
    press(&mut app, KeyCode::Char('r'), KeyModifiers::CONTROL);
    let asked = types(&mut app, "hi");
    let [Effect::Find { number: first, .. }, Effect::Find { number: second, room, text: wanted }] =
        &asked[..]
    else {
        panic!("{asked:?}");
    };
    assert_eq!((room.as_deref(), wanted.as_str()), (Some("lobby"), "hi"));
    app.take_hits(*second, Ok(vec![hit("lobby", 7, "hi there")]));
    app.take_hits(*first, Ok(vec![hit("lobby", 8, "late")]));
    let text = text(&mut app, 80, 24);
    assert!(text.contains("bob: hi there") && !text.contains("late"), "{text}");
    let everywhere = key(&mut app, KeyCode::Tab);
    assert!(matches!(&everywhere[..], [Effect::Find { room: None, .. }]), "{everywhere:?}");
}

#[test]
fn found_message_is_gone_to_and_fetched_if_it_is_not_here() {
    let mut app = in_lobby();
    (900..=950).for_each(|seq| happens(&mut app, "lobby", message(seq, person("bob", 2), "new")));
    app.search("old");
    let Effect::Find { number, .. } = app.take_effects()[0].clone() else { panic!() };
    app.take_hits(number, Ok(vec![hit("lobby", 500, "old"), hit("lobby", 400, "older")]));
    let effects = key(&mut app, KeyCode::Enter);
    let around = |seq| Wanted::Around { room: "lobby".into(), seq };
    assert_eq!(effects, [Effect::Fetch(around(500))]);
    app.take_page(&around(500), page(400..600));
    assert_eq!(app.chosen().and_then(|entry| entry.seq), Some(500));
    assert!(text(&mut app, 80, 24).contains("line 500"));
    // What is said meanwhile does not get in between.
    happens(&mut app, "lobby", message(951, person("bob", 2), "newest"));
    assert!(!app.shown().unwrap().entries().any(|entry| entry.seq == Some(951)));
    // Back to the end.
    let effects = key(&mut app, KeyCode::End);
    assert_eq!(effects, [Effect::Fetch(Wanted::Latest { room: "lobby".into() })]);
}

#[test]
fn reading_on_from_an_old_place_fetches_what_follows() {
    let mut app = in_lobby();
    app.take_page(&Wanted::Around { room: "lobby".into(), seq: 500 }, page(400..600));
    app.selected = None;
    screen(&mut app, 80, 24);
    let wanted = Wanted::Newer { room: "lobby".into(), after: 599 };
    assert_eq!(app.wants(), Some(wanted.clone()));
    app.take_page(&wanted, page(600..650));
    app.take_page(&wanted, Vec::new());
    screen(&mut app, 80, 24);
    assert_eq!(app.wants(), None);
    happens(&mut app, "lobby", message(650, person("bob", 2), "now"));
    assert!(text(&mut app, 80, 24).contains("bob: now"));
}

#[test]
fn scrolling_to_the_top_asks_the_disk_until_there_is_no_more() {
    let mut app = in_lobby();
    (50..90)
        .for_each(|seq| happens(&mut app, "lobby", message(seq, person("bob", 2), &format!("line {seq}"))));
    for _ in 0..8 {
        screen(&mut app, 80, 14);
        key(&mut app, KeyCode::PageUp);
    }
    screen(&mut app, 80, 14);
    let before = |before| Wanted::Older { room: "lobby".into(), before };
    assert_eq!(app.wants(), Some(before(50)));
    app.take_page(&before(50), page(48..50));
    screen(&mut app, 80, 14);
    key(&mut app, KeyCode::PageUp);
    assert!(text(&mut app, 80, 14).contains("line 48"));
    assert_eq!(app.wants(), Some(before(48)));
    app.take_page(&before(48), Vec::new());
    screen(&mut app, 80, 14);
    assert_eq!(app.wants(), None);
}

#[test]
fn room_that_does_not_fill_the_screen_asks_for_more() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(50, person("bob", 2), "hi"));
    screen(&mut app, 80, 24);
    assert_eq!(app.wants(), Some(Wanted::Older { room: "lobby".into(), before: 50 }));
}

#[test]
fn message_that_came_with_a_page_is_not_there_twice() {
    let mut app = in_lobby();
    app.take_page(&Wanted::Latest { room: "lobby".into() }, page(1..10));
    happens(&mut app, "lobby", message(9, person("bob", 2), "line 9"));
    assert_eq!(app.shown().unwrap().entries().count(), 9);
}

#[test]
fn what_comes_while_somebody_reads_above_moves_nothing() {
    let mut app = in_lobby();
    for seq in 1..=60 {
        happens(&mut app, "lobby", message(seq, person("bob", 2), &format!("number {seq}.")));
    }
    screen(&mut app, 80, 24);
    app.scroll(true, 20);
    let before = screen(&mut app, 80, 24);
    // Several lines, a line for another day, and a notice.
    happens(&mut app, "lobby", message(61, person("bob", 2), "one\ntwo\nthree"));
    happens(&mut app, "lobby", message(2_000, person("bob", 2), &"long ".repeat(40)));
    app.note("A note.".to_owned());
    assert_eq!(screen(&mut app, 80, 24)[..20], before[..20]);
    // What was looked at is not counted twice, and one that goes before it is drawn not at all.
    happens(&mut app, "lobby", message(2_001, person("bob", 2), "gone"));
    tells(&mut app, "lobby", RoomEvent::Gone(vec![2_001]));
    assert_eq!(screen(&mut app, 80, 24)[..20], before[..20]);
}

/// The keys of the input work wherever something is typed.
#[test]
fn fields_are_edited_with_the_keys_of_the_input() {
    use KeyCode::{Char, Home, Left};
    let control = |app: &mut App, c| press(app, Char(c), KeyModifiers::CONTROL);
    type Open = fn(&mut App);
    let opened: [(&str, Open); 4] = [
        ("search", |app| app.search("")),
        ("switcher", |app| drop(press(app, Char('k'), KeyModifiers::CONTROL))),
        ("help", |app| drop(key(app, KeyCode::F(1)))),
        ("sign", |app| {
            key(app, KeyCode::Esc);
            key(app, Char('+'));
        }),
    ];
    for (name, open) in opened {
        let mut app = in_lobby();
        happens(&mut app, "lobby", message(1, person("bob", 2), "hi"));
        open(&mut app);
        let field = |app: &App| match app.overlay.clone().unwrap() {
            Overlay::Search(search) => search.text.text().to_owned(),
            Overlay::Switcher(text, _) => text.text().to_owned(),
            Overlay::Help(help) => help.text.text().to_owned(),
            Overlay::Reactions(reactions) => reactions.text.text().to_owned(),
            other => panic!("{other:?}"),
        };
        types(&mut app, "one two three");
        control(&mut app, 'w');
        assert_eq!(field(&app), "one two ", "{name}");
        control(&mut app, 'u');
        assert_eq!(field(&app), "", "{name}");
        control(&mut app, 'y');
        assert_eq!(field(&app), "one two three", "{name}: what was deleted in one go");
        key(&mut app, Home);
        types(&mut app, "x");
        press(&mut app, Char('f'), KeyModifiers::ALT);
        key(&mut app, Left);
        key(&mut app, KeyCode::Backspace);
        assert_eq!(field(&app), "xoe two three", "{name}");
        control(&mut app, '_');
        assert_eq!(field(&app), "xone two three", "{name}");
        // The cursor is where the next letter comes.
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| draw::draw(frame, &mut app)).unwrap();
        let at = terminal.get_cursor_position().unwrap();
        let row: String =
            (0..80).map(|x| terminal.backend().buffer()[(x, at.y)].symbol().to_owned()).collect();
        assert!(row.contains("> xone two three"), "{name}: {row}");
        let before: String = row.chars().take(at.x.into()).collect();
        assert!(before.ends_with("> xon"), "{name}: {before:?}");
    }
}

#[test]
fn search_asks_again_only_where_its_words_change() {
    let mut app = in_lobby();
    app.search("");
    let asks = |effects: Vec<Effect>| effects.iter().filter(|one| matches!(one, Effect::Find { .. })).count();
    assert_eq!(asks(types(&mut app, "soup")), 4);
    assert_eq!(asks(key(&mut app, KeyCode::Left)), 0);
    assert_eq!(asks(press(&mut app, KeyCode::Char('w'), KeyModifiers::CONTROL)), 1);
    let pasted = app.input(Input::Paste("two\nlines".to_owned()));
    assert!(matches!(&pasted[..], [Effect::Find { text, .. }] if text == "two linesp"), "{pasted:?}");
}
