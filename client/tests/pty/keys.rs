//! Keys as F1 lists them: moving about in what was said, and between rooms.

use super::*;

const PAGE_UP: &str = "\u{1b}[5~";
const PAGE_DOWN: &str = "\u{1b}[6~";
const CTRL_K: &str = "\u{b}";
const CTRL_R: &str = "\u{12}";
const F1: &str = "\u{1b}OP";

#[test]
fn page_keys_read_what_was_said_before_and_come_back() {
    let dir = TempDir::new().unwrap();
    let (mut ann, _link) = host(&dir, &[]);
    says_lines(&mut ann, 60);
    ann.press(&[PAGE_UP]);
    let screen =
        ann.wait("older lines", |screen| screen.contains("line 30.") && !screen.contains("line 60."));
    assert!(screen.contains("PgDn: newer"), "{screen}");
    ann.press(&[PAGE_UP, PAGE_UP]);
    ann.wait("the first line", |screen| screen.contains("line 1."));
    ann.press(&[PAGE_DOWN, PAGE_DOWN, PAGE_DOWN]);
    ann.wait("the end", |screen| screen.contains("line 60.") && !screen.contains("PgDn: newer"));
    quits(&mut ann);
}

#[test]
fn search_finds_an_old_line_and_goes_there() {
    let dir = TempDir::new().unwrap();
    let (mut ann, _link) = host(&dir, &[]);
    ann.type_text("the needle is here");
    ann.press(&[ENTER]);
    says_lines(&mut ann, 60);
    assert!(!ann.screen().contains("needle"));
    ann.press(&[CTRL_R]);
    ann.wait_for("Search this room");
    ann.type_text("needle");
    ann.wait_for("1 found");
    ann.press(&[ENTER]);
    let there = |screen: &str| screen.contains("ann: the needle is here") && !screen.contains("1 found");
    ann.wait("the line among its neighbours", |screen| there(screen) && screen.contains("line 1."));
    // It is chosen: its row is turned around, and its keys are shown.
    ann.wait_for("e edit");
    let chosen = ann.look(|screen| {
        let text = |row: &u16| screen.contents_between(*row, 0, *row, 80).contains("needle");
        let row = (0..24).find(text).unwrap();
        screen.cell(row, 30).unwrap().inverse()
    });
    assert!(chosen);
    ann.press(&[ESCAPE]);
    ann.wait("the end of choosing", |screen| !screen.contains("e edit"));
    quits(&mut ann);
}

#[test]
fn switcher_goes_to_a_room_by_its_name() {
    let dir = TempDir::new().unwrap();
    let (mut ann, _link) = host(&dir, &[]);
    ann.type_text("/create garden");
    ann.press(&[ENTER]);
    let head = |name: &'static str| {
        move |screen: &str| screen.lines().next().is_some_and(|line| line.contains(name))
    };
    ann.wait("the new room", |screen| head("garden")(screen) && screen.contains("You are in garden"));
    for (typed, room, said) in [("lob", "lobby", "in the lobby"), ("gard", "garden", "in the garden")] {
        ann.press(&[CTRL_K]);
        ann.wait_for("Go to: Enter goes");
        ann.type_text(typed);
        ann.wait_for(&format!("> {typed}"));
        ann.press(&[ENTER]);
        ann.wait("the room", head(room));
        ann.type_text(said);
        ann.press(&[ENTER]);
        ann.wait_for(&format!("ann: {said}"));
    }
    assert!(!ann.screen().contains("in the lobby"));
    quits(&mut ann);
}

#[test]
fn help_names_the_keys_and_closes() {
    let dir = TempDir::new().unwrap();
    let (mut ann, _link) = host(&dir, &[]);
    ann.press(&[F1]);
    let is_named = |line: &str| line.contains("Ctrl+K") && line.contains("go to a room by its name");
    let help = ann.wait("a key and what it does", |screen| screen.lines().any(is_named));
    assert!(help.contains("Help: type to search") && help.contains("Keys: write and send"), "{help}");
    ann.press(&[PAGE_DOWN]);
    ann.wait("further keys", |screen| {
        screen.contains("the message after") && !screen.contains("write and send")
    });
    ann.type_text("kick");
    ann.wait("what was looked for", |screen| screen.contains("/kick NAME") && !screen.contains("Ctrl+K"));
    ann.press(&[F1]);
    let room = ann.wait("the room", |screen| !screen.contains("Help:"));
    assert!(!room.contains("kick"), "what was searched is not typed: {room}");
    quits(&mut ann);
}

#[test]
fn what_is_typed_can_be_undone_also_after_it_was_dropped() {
    let dir = TempDir::new().unwrap();
    let (mut ann, _link) = host(&dir, &[]);
    ann.type_text("soup at eight");
    ann.wait_for("> soup at eight");
    ann.press(&["\u{17}", "\u{17}"]);
    ann.wait("two words less", |screen| !screen.contains("at eight"));
    // What a terminal sends for Ctrl+_ and Ctrl+/ alike.
    ann.press(&["\u{1f}"]);
    ann.wait("one of them", |screen| screen.lines().any(|line| line.trim_end() == "> soup at"));
    ann.press(&["\u{1f}"]);
    ann.wait_for("> soup at eight");
    ann.press(&["\u{3}"]);
    ann.wait("an empty input", |screen| !screen.contains("soup"));
    ann.press(&["\u{1f}"]);
    ann.wait_for("> soup at eight");
    ann.press(&[ENTER]);
    ann.wait_for("ann: soup at eight");
    ann.press(&["\u{1f}"]);
    ann.wait("nothing of what was sent", |screen| screen.lines().any(|line| line.trim_end() == ">"));
    quits(&mut ann);
}
