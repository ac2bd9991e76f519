//! Pictures under their lines.

use ratatui::{buffer::Buffer, style::Color};
use shared::file::{FileKey, Manifest};

use super::{
    super::{
        app::ShownLine,
        pictures::{How, Job, Painter, Shows, Wish},
    },
    *,
};
use crate::store::FileLocation;

const RED: Color = Color::Rgb(255, 0, 0);
const BLOCKS: Shows = Shows { how: How::Blocks { is_true: true }, cell: (8, 16), in_tmux: false };

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(width, height, image::Rgb([255, 0, 0]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn with_picture(seq: u64, preview: Vec<u8>) -> engine::Event {
    let file = Manifest {
        id: [u8::try_from(seq).unwrap(); 16],
        key: FileKey::from_bytes([2; 32]),
        size: 1_200_000,
        name: "cat.png".to_owned(),
        media_type: "image/png".to_owned(),
        parts: [4; 32],
        preview,
        duration_ms: 0,
    };
    let message = Message { file: Some(Box::new(file)), ..plain(seq, person("bob", 2), "look") };
    engine::Event::Message(message)
}

fn in_lobby_with_pictures() -> App {
    let mut app = in_lobby();
    app.gallery.set(Some(BLOCKS));
    app
}

/// Draws, has painted what is wanted, and draws again.
fn shown(app: &mut App, place: Option<&FileLocation>, (width, height): (u16, u16)) -> Buffer {
    let (told, painted) = std::sync::mpsc::channel();
    let painter = Painter::start(move |picture| told.send(picture).is_ok());
    screen(app, width, height);
    let wishes = app.gallery.take_wishes();
    for wish in wishes.clone() {
        let Wish { key, id, preview, shows, most, .. } = wish;
        assert!(painter.ask(Job { key, id, place: place.cloned(), preview, shows, most, is_avatar: false }));
    }
    for _ in wishes {
        app.take_painted(painted.recv().unwrap());
    }
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::draw(frame, app)).unwrap();
    terminal.backend().buffer().clone()
}

/// Cells in which there is something red, row by row.
fn red(buffer: &Buffer) -> Vec<usize> {
    let is_red = |cell: &&ratatui::buffer::Cell| cell.fg == RED || cell.bg == RED;
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    rows.map(|row| row.iter().filter(is_red).count()).collect()
}

fn place(dir: &tempfile::TempDir, bytes: &[u8]) -> FileLocation {
    let path = dir.path().join("cat.png");
    std::fs::write(&path, bytes).unwrap();
    FileLocation::of(path.clone(), &std::fs::metadata(path).unwrap())
}

#[test]
fn picture_stands_below_its_line_as_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir, &png(160, 64));
    let mut app = in_lobby_with_pictures();
    happens(&mut app, "lobby", with_picture(1, Vec::new()));
    happens(&mut app, "lobby", message(2, person("bob", 2), "nice?"));
    let buffer = shown(&mut app, Some(&place), (90, 16));
    // 160 by 64 pixels are 20 by 4 cells, above the next line, the status and the input.
    assert_eq!(red(&buffer), [0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 20, 20, 20, 0, 0, 0]);
    let text = text(&mut app, 90, 16);
    assert!(text.contains("(file “cat.png”, 1.2 MB) look") || text.contains("cat.png"), "{text}");
}

#[test]
fn preview_is_shown_until_the_picture_is_here() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir, &png(800, 400));
    let mut app = in_lobby_with_pictures();
    happens(&mut app, "lobby", with_picture(1, png(64, 32)));
    let part = red(&shown(&mut app, None, (90, 30)));
    assert_eq!((part.iter().max(), part.iter().filter(|cells| **cells > 0).count()), (Some(&40), 10));
    screen(&mut app, 90, 30);
    assert!(app.gallery.take_wishes().is_empty(), "nothing is looked for again by itself");
    app.gallery.look_again();
    assert_eq!(red(&shown(&mut app, Some(&place), (90, 30))), part);
}

#[test]
fn picture_of_one_message_is_not_shown_under_another_that_calls_its_file_the_same() {
    let mut app = in_lobby_with_pictures();
    happens(&mut app, "lobby", with_picture(1, png(64, 32)));
    let rows = |app: &mut App| red(&shown(app, None, (90, 40))).iter().filter(|cells| **cells > 0).count();
    assert_eq!(rows(&mut app), 10);
    let changes: [fn(&mut Manifest); 3] = [
        |file| file.key = FileKey::from_bytes([9; 32]),
        |file| file.parts = [9; 32],
        |file| file.preview = Vec::new(),
    ];
    for (seq, change) in (2..).zip(changes) {
        let engine::Event::Message(mut said) = with_picture(1, Vec::new()) else { panic!("a message") };
        change(said.file.as_mut().unwrap());
        let file = said.file.take();
        let message = Message { file, ..plain(seq, person("eve", 3), "mine") };
        happens(&mut app, "lobby", engine::Event::Message(message));
        assert_eq!(rows(&mut app), 10);
    }
    // Nor in another room.
    let [one, other] = ["lobby", "other"].map(|room| {
        let engine::Event::Message(said) = with_picture(1, Vec::new()) else { panic!("a message") };
        ShownLine::new(room, said.into(), None, "ann").picture.unwrap().key
    });
    assert_ne!(one, other);
}

#[test]
fn what_lies_under_a_list_or_was_deleted_or_scrolled_away_is_not_shown() {
    let mut app = in_lobby_with_pictures();
    happens(&mut app, "lobby", with_picture(1, png(64, 32)));
    (2..60).for_each(|seq| happens(&mut app, "lobby", message(seq, person("bob", 2), "more")));
    assert!(red(&shown(&mut app, None, (90, 24))).iter().all(|cells| *cells == 0));
    assert!(app.gallery.take_wishes().is_empty());
    // Up to it, line by line: it comes in from above, and none of it is anywhere else.
    let mut most = 0;
    for _ in 0..70 {
        app.scroll(true, 1);
        let rows = red(&shown(&mut app, None, (90, 24)));
        let high = rows.iter().filter(|cells| **cells > 0).count();
        assert!(rows.iter().all(|cells| [0, 40].contains(cells)) && high <= 10);
        most = most.max(high);
    }
    assert_eq!(most, 10);
    let engine::Event::Message(taken_back) = with_picture(1, png(64, 32)) else { panic!("a message") };
    let line = shared::message::timeline::Line { deleted: true, ..taken_back.into() };
    app.shown_pane().scroll = 60;
    let act = engine::Act {
        seq: 61,
        at: NOON,
        from: person("bob", 2),
        mine: false,
        target: id(1),
        change: shared::room::Alteration::Delete,
    };
    tells(&mut app, "lobby", RoomEvent::Changed { act, line });
    assert!(red(&shown(&mut app, None, (90, 24))).iter().all(|cells| *cells == 0));
}

#[test]
fn nothing_is_left_behind_when_the_window_changes() {
    let mut app = in_lobby_with_pictures();
    happens(&mut app, "lobby", with_picture(1, png(64, 64)));
    for size in [(90, 30), (40, 12), (20, 8), (120, 50), (90, 30)] {
        let buffer = shown(&mut app, None, size);
        let rows = red(&buffer);
        assert!(rows.iter().any(|cells| *cells > 0), "{size:?}");
        let text: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(text.matches("cat.png").count(), 1, "{size:?}: {text}");
    }
}

#[test]
fn hostile_previews_leave_the_line_as_it_is() {
    let mut plain = in_lobby();
    happens(&mut plain, "lobby", with_picture(1, Vec::new()));
    let expected = screen(&mut plain, 90, 20);
    for preview in [b"\x1b[2J\x1b]0;evil\x07".to_vec(), png(129, 1), vec![0x89; 4_096], b"GIF89a".to_vec()] {
        let mut app = in_lobby_with_pictures();
        happens(&mut app, "lobby", with_picture(1, preview));
        shown(&mut app, None, (90, 20));
        assert_eq!(screen(&mut app, 90, 20), expected);
    }
}

#[test]
fn picture_that_is_too_large_is_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir, &png(12_001, 1));
    let mut app = in_lobby_with_pictures();
    happens(&mut app, "lobby", with_picture(1, Vec::new()));
    shown(&mut app, Some(&place), (90, 20));
    assert!(text(&mut app, 90, 20).contains("(too large to be shown)"));
}

#[test]
fn graphics_are_not_drawn_where_something_else_is_drawn_over_them() {
    let mut app = in_lobby();
    app.gallery.set(Some(Shows { how: How::Iterm2, cell: (10, 20), in_tmux: false }));
    happens(&mut app, "lobby", with_picture(1, png(64, 32)));
    let sequences =
        |buffer: &Buffer| buffer.content.iter().filter(|cell| cell.symbol().contains("\x1b]1337;")).count();
    assert_eq!(sequences(&shown(&mut app, None, (90, 30))), 10);
    app.alert("ALARM".to_owned());
    assert_eq!(sequences(&shown(&mut app, None, (90, 30))), 0);
    key(&mut app, KeyCode::Esc);
    assert_eq!(sequences(&shown(&mut app, None, (90, 30))), 10);
}

#[test]
fn picture_of_a_member_stands_beside_name_and_sign_and_takes_neither_away() {
    let mut app = in_lobby_with_pictures();
    let mut with_avatar = view("lobby", false);
    let bob = &mut with_avatar.members[1];
    (bob.glyph, bob.status) = ("🦊".to_owned(), "on the train".to_owned());
    bob.avatar = Some(shared::identity::Avatar { id: [7; 16], key: [8; 32], parts: [9; 32], size: 500 });
    happens(&mut app, "lobby", engine::Event::Epoch(with_avatar));
    // It is not here yet.
    let before = text(&mut app, 120, 20);
    assert!(before.contains("🦊 bob") && before.contains("on the train"), "{before}");
    let wishes = app.gallery.take_wishes();
    assert_eq!((wishes.len(), wishes[0].is_avatar, wishes[0].most), (1, true, (4, 2)));
    for (picture, is_shown) in [(png(128, 128), true), (png(513, 513), false), (b"\x1b[2J".to_vec(), false)] {
        let (told, painted) = std::sync::mpsc::channel();
        let painter = Painter::start(move |picture| told.send(picture).is_ok());
        let Wish { key, id, shows, most, .. } = wishes[0].clone();
        assert!(painter.ask(Job { key, id, place: None, preview: picture, shows, most, is_avatar: true }));
        app.take_painted(painted.recv().unwrap());
        let mut terminal = Terminal::new(TestBackend::new(120, 20)).unwrap();
        terminal.draw(|frame| draw::draw(frame, &mut app)).unwrap();
        let red: usize = red(terminal.backend().buffer()).iter().sum();
        assert_eq!(red, if is_shown { 8 } else { 0 });
        let text = text(&mut app, 120, 20);
        assert!(text.contains("🦊 bob") && text.contains("on the train"), "{text}");
    }
}
