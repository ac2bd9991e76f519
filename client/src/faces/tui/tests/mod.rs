//! Screens as text, and what keys do.

mod hostile;
mod keys;
mod opening;
mod people;
#[cfg(feature = "pictures")]
mod pictures;
mod rooms;
mod screens;
mod search;
mod select;
mod typing;
mod unread;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::{Terminal, backend::TestBackend};
use shared::{
    identity::Fingerprint,
    room::{self as engine, GroupView, Member, Message, Person},
};

use super::{app::Effect, *};
use crate::{runtime::RoomEvent, settings::ThemeName};

/// Saturday, 14 November 2026, 12:00 UTC.
const NOON: u64 = 1_794_657_600_000;

fn person(name: &str, byte: u8) -> Person {
    Person { name: name.into(), fingerprint: Fingerprint([byte; 32]) }
}

fn view(room: &str, open: bool) -> GroupView {
    let member = |(name, byte)| Member {
        person: person(name, byte),
        leaf: 0,
        me: byte == 1,
        heard: true,
        status: String::new(),
        glyph: String::new(),
        avatar: None,
        is_moderator: false,
        device: shared::room::Device { id: shared::identity::DeviceId([1; 16]), name: "laptop".to_owned() },
        since: 0,
        invite: None,
        replaces: None,
    };
    GroupView {
        room: room.into(),
        open,
        epoch: 7,
        authenticator: vec![1; 32],
        members: [("ann", 1), ("bob", 2), ("eve", 3)].map(member).to_vec(),
        topic: String::new(),
        disappear_s: 0,
        past_lines: 0,
        invites: Vec::new(),
        moderators_invite: false,
        seats: 5,
        own_devices: false,
    }
}

/// The message with this number; it is called by it.
fn plain(seq: u64, from: Person, text: &str) -> Message {
    let (at, mine) = (NOON + seq * 60_000, from.name == "ann");
    Message {
        seq,
        id: id(seq),
        at,
        from,
        text: text.into(),
        mine,
        reply_to: None,
        disappears: None,
        file: None,
    }
}

fn id(seq: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&seq.to_be_bytes());
    id
}

fn message(seq: u64, from: Person, text: &str) -> engine::Event {
    engine::Event::Message(plain(seq, from, text))
}

fn happens(app: &mut App, room: &str, event: engine::Event) {
    tells(app, room, RoomEvent::Engine(event));
}

fn tells(app: &mut App, room: &str, event: RoomEvent) {
    app.event(Event::Room { room: room.into(), event }, &Pending::default());
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.screen.theme = ThemeName::Plain;
    settings
}

fn app_with(settings: Settings) -> App {
    let keys = Keymap::new(&settings.keys.actions, settings.keys.vim).unwrap();
    let mut app = App::new(settings, keys, TimeZone::UTC);
    app.set_me(("ann".into(), Fingerprint([1; 32])));
    app.set_now(NOON);
    app
}

fn app() -> App {
    app_with(settings())
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
    let mut rows = Vec::new();
    for y in 0..height {
        let (mut row, mut skip) = (String::new(), 0);
        for x in 0..width {
            let symbol = buffer[(x, y)].symbol();
            // The cell behind a wide one is covered by it.
            if skip == 0 {
                row.push_str(symbol);
                skip = unicode_width::UnicodeWidthStr::width(symbol).max(1);
            }
            skip -= 1;
        }
        rows.push(row.trim_end().to_owned());
    }
    rows
}

/// All rows as one text.
fn text(app: &mut App, width: u16, height: u16) -> String {
    screen(app, width, height).join("\n")
}

fn press(app: &mut App, code: KeyCode, modifiers: KeyModifiers) -> Vec<Effect> {
    app.input(Input::Key(KeyEvent::new(code, modifiers)))
}

fn key(app: &mut App, code: KeyCode) -> Vec<Effect> {
    press(app, code, KeyModifiers::NONE)
}

fn types(app: &mut App, text: &str) -> Vec<Effect> {
    text.chars().flat_map(|c| key(app, KeyCode::Char(c))).collect()
}

/// What a line leads to, apart from what says that somebody types and what keeps drafts.
fn type_line(app: &mut App, text: &str) -> Vec<Effect> {
    types(app, text);
    let effects = key(app, KeyCode::Enter);
    let is_aside = |effect: &Effect| {
        matches!(effect, Effect::Draft { .. } | Effect::Typing { .. } | Effect::Read { .. })
    };
    effects.into_iter().filter(|effect| !is_aside(effect)).collect()
}
