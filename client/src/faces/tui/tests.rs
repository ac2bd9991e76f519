//! Screens as text, and what keys do.

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend};
use shared::{
    engine::{self, GroupView, Member, Message, Person},
    identity::Fingerprint,
};

use super::{app::Effect, *};
use crate::runtime::RoomEvent;

/// Saturday, 14 November 2026, 12:00 UTC.
const NOON: u64 = 1_794_657_600_000;

fn person(name: &str, byte: u8) -> Person {
    Person { name: name.into(), fingerprint: Fingerprint([byte; 32]) }
}

fn view(room: &str, open: bool) -> GroupView {
    let members = [("ann", 1), ("bob", 2), ("eve", 3)];
    let member = |(name, byte)| Member {
        person: person(name, byte),
        leaf: 0,
        me: byte == 1,
        status: String::new(),
        glyph: String::new(),
    };
    GroupView {
        room: room.into(),
        open,
        epoch: 7,
        authenticator: vec![1; 32],
        members: members.map(member).to_vec(),
        disappear_s: 0,
        past_lines: 0,
    }
}

fn message(seq: u64, from: Person, text: &str) -> engine::Event {
    let (at, mine) = (NOON + seq * 60_000, from.name == "ann");
    engine::Event::Message(Message {
        seq,
        id: [0; 16],
        at,
        from,
        text: text.into(),
        mine,
        reply_to: None,
        disappears: None,
    })
}

fn happens(app: &mut App, room: &str, event: engine::Event) {
    app.event(Event::Room { room: room.into(), event: RoomEvent::Engine(event) }, &Pending::default());
}

fn app() -> App {
    let mut app = App::new(Theme::plain(), TimeZone::UTC);
    app.set_me("ann".into());
    app
}

fn in_lobby() -> App {
    let mut app = app();
    happens(&mut app, "lobby", engine::Event::Joined(view("lobby", false)));
    app
}

fn screen(app: &mut App, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::draw(frame, app)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(row).collect()
}

fn press(app: &mut App, code: KeyCode, modifiers: KeyModifiers) -> Vec<Effect> {
    app.input(Input::Key(KeyEvent::new(code, modifiers)))
}

fn type_line(app: &mut App, text: &str) -> Vec<Effect> {
    text.chars().for_each(|c| drop(press(app, KeyCode::Char(c), KeyModifiers::NONE)));
    press(app, KeyCode::Enter, KeyModifiers::NONE)
}

#[test]
fn first_run_is_never_an_empty_pane() {
    let text = screen(&mut app(), 80, 24).join("\n");
    for way in ["invite link", "schat host", "schat demo", "F1"] {
        assert!(text.contains(way), "{way}:\n{text}");
    }
}

#[test]
fn room_looks_like_this() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "hello ann, how are you?"));
    happens(&mut app, "lobby", message(2, person("ann", 1), "fine\nand you?"));
    happens(&mut app, "team", engine::Event::Joined(view("team", true)));
    happens(&mut app, "team", message(9, person("eve", 3), "psst"));
    assert_eq!(
        screen(&mut app, 70, 12),
        [
            " lobby",
            "1 team 1             │- You are in lobby: 3 members, epoch 7.",
            "2 lobby              │---------- Saturday, 14 November 2026 ----------",
            "                     │12:01 bob* hello ann, how are you?",
            "                     │12:02 ann: fine",
            "                     │           and you?",
            "                     │",
            "                     │",
            "                     │",
            "                     │",
            " Not connected · epoch 7 · 3 members · 1 new elsewhere (Alt+A)",
            ">",
        ]
        .map(String::from)
        .to_vec()
        .tap_bottom()
    );
}

/// Few messages stand at the bottom: the picture above is easier to read from the top.
trait TapBottom {
    fn tap_bottom(self) -> Self;
}

impl TapBottom for Vec<String> {
    fn tap_bottom(mut self) -> Self {
        let side = "                     │";
        let messages: Vec<String> = (1..10)
            .map(|at| self[at].chars().skip(22).collect::<String>())
            .filter(|text| !text.is_empty())
            .collect();
        let free = 9 - messages.len();
        for at in 0..9 {
            let left: String = self[at + 1].chars().take(22).collect();
            let left = if left.is_empty() { side.to_owned() } else { left };
            let text = if at < free { "" } else { &messages[at - free] };
            self[at + 1] = format!("{left}{text}").trim_end().to_owned();
        }
        self
    }
}

#[test]
fn narrow_terminal_shows_the_chat_alone() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "the quick brown fox jumps over the lazy dog"));
    let rows = screen(&mut app, 40, 8);
    assert_eq!(rows[4], "12:01 bob: the quick brown fox jumps");
    assert_eq!(rows[5], "           over the lazy dog");
}

#[test]
fn any_size_can_be_drawn() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("日本語の名前がとても長い人", 2), "👨‍👩‍👧 שלום e\u{301}"));
    for overlay in [KeyCode::F(2), KeyCode::F(1)] {
        press(&mut app, overlay, KeyModifiers::NONE);
        for (width, height) in [(1, 1), (2, 2), (5, 3), (40, 15), (61, 1), (80, 24), (200, 50)] {
            screen(&mut app, width, height);
        }
    }
}

#[test]
fn hostile_text_is_shown_as_what_it_is() {
    let mut app = in_lobby();
    let wrong = "hi\u{1b}[2J\u{202e}evil\u{200b}\n12:09 bob: I agree";
    happens(&mut app, "lobby", message(1, person("e\u{1b}ve", 3), wrong));
    let text = screen(&mut app, 100, 12).join("\n");
    assert!(text.contains("e\\u{1b}ve: hi\\u{1b}[2J\\u{202e}evil\\u{200b}"), "{text}");
    let faked = text.lines().find(|line| line.contains("I agree")).unwrap();
    assert!(faked.contains("     12:09 bob: I agree"), "indented: {faked}");
}

#[test]
fn typed_line_goes_out_and_refused_one_comes_back() {
    let mut app = in_lobby();
    assert_eq!(type_line(&mut app, "hello"), [Effect::Line("hello".into())]);
    assert_eq!(app.editor.text(), "");
    app.put_back("hello".into());
    assert_eq!(app.editor.text(), "hello");
}

#[test]
fn message_elsewhere_counts_until_the_room_is_looked_at() {
    let mut app = in_lobby();
    happens(&mut app, "team", engine::Event::Joined(view("team", false)));
    happens(&mut app, "team", message(1, person("bob", 2), "ann?"));
    happens(&mut app, "team", message(2, person("bob", 2), "anyone"));
    let counts = |app: &App| {
        let team = app.panes.iter().find(|pane| pane.label == "team").unwrap();
        (team.unread, team.mentions)
    };
    assert_eq!(counts(&app), (2, 1));
    press(&mut app, KeyCode::Char('a'), KeyModifiers::ALT);
    assert_eq!((app.current(), counts(&app)), (Some("team"), (0, 0)));
}

#[test]
fn bell_rings_only_for_a_mention_behind_ones_back() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "ann!"));
    assert!(!app.take_bell());
    app.input(Input::FocusLost);
    happens(&mut app, "lobby", message(2, person("bob", 2), "hello"));
    assert!(!app.take_bell());
    happens(&mut app, "lobby", message(3, person("bob", 2), "ann!"));
    assert!(app.take_bell() && !app.take_bell());
}

#[test]
fn switcher_finds_a_room_by_a_part_of_its_name() {
    let mut app = in_lobby();
    happens(&mut app, "team", engine::Event::Joined(view("team", false)));
    press(&mut app, KeyCode::Char('k'), KeyModifiers::CONTROL);
    type_line(&mut app, "ea");
    assert_eq!(app.current(), Some("team"));
}

#[test]
fn tab_completes_commands_and_names() {
    let mut app = in_lobby();
    for (typed, completed) in
        [("/inv", "/invite "), ("bo", "bob: "), ("hi b", "hi bob "), ("/kick ev", "/kick eve")]
    {
        app.editor.set(typed.into());
        press(&mut app, KeyCode::Tab, KeyModifiers::NONE);
        assert_eq!(app.editor.text(), completed);
    }
}

#[test]
fn reading_above_is_not_disturbed_by_what_is_said() {
    let mut app = in_lobby();
    (1..=60)
        .for_each(|seq| happens(&mut app, "lobby", message(seq, person("bob", 2), &format!("line {seq}"))));
    screen(&mut app, 80, 14);
    press(&mut app, KeyCode::PageUp, KeyModifiers::NONE);
    let before = screen(&mut app, 80, 14);
    assert!(before.join("\n").contains("line 50"), "{before:?}");
    happens(&mut app, "lobby", message(61, person("bob", 2), "news"));
    let after = screen(&mut app, 80, 14);
    assert_eq!(before[1..12], after[1..12]);
}

#[test]
fn scrolling_to_the_top_asks_the_disk_until_there_is_no_more() {
    let mut app = in_lobby();
    (50..90)
        .for_each(|seq| happens(&mut app, "lobby", message(seq, person("bob", 2), &format!("line {seq}"))));
    for _ in 0..8 {
        screen(&mut app, 80, 14);
        press(&mut app, KeyCode::PageUp, KeyModifiers::NONE);
    }
    screen(&mut app, 80, 14);
    assert!(app.wants_older());
    assert_eq!(app.older_from(), Some(("lobby".into(), 50)));
    let old = |seq| match message(seq, person("eve", 3), "old") {
        engine::Event::Message(message) => message.into(),
        _ => unreachable!(),
    };
    app.add_older("lobby", (48..50).map(old).collect());
    assert_eq!(app.older_from(), Some(("lobby".into(), 48)));
    app.add_older("lobby", Vec::new());
    screen(&mut app, 80, 14);
    assert!(!app.wants_older());
}

#[test]
fn invite_link_can_be_copied_and_any_other_key_closes_it() {
    let mut app = in_lobby();
    app.overlay = Some(app::Overlay::Link("schat://h:1/#x".into()));
    assert!(screen(&mut app, 80, 24).join("\n").contains("schat://h:1/#x"));
    let copied = press(&mut app, KeyCode::Char('c'), KeyModifiers::NONE);
    assert_eq!(copied, [Effect::Copy("schat://h:1/#x".into())]);
    press(&mut app, KeyCode::Esc, KeyModifiers::NONE);
    assert_eq!(app.overlay, None);
}

#[test]
fn open_room_wears_its_label() {
    let mut app = app();
    happens(&mut app, "lobby", engine::Event::Joined(view("lobby", true)));
    assert!(screen(&mut app, 80, 10)[0].contains("OPEN"));
}
