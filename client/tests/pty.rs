//! The program on real terminals: what is pressed, what is seen, and what is left behind.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

#[cfg(not(target_os = "macos"))]
#[path = "pty/browser.rs"]
mod browser;
#[path = "pty/devices.rs"]
mod devices;
#[path = "pty/enter.rs"]
mod enter;
#[path = "pty/first_use.rs"]
mod first_use;
#[path = "pty/jobs.rs"]
mod jobs;
#[path = "pty/keys.rs"]
mod keys;
#[path = "pty/leaving.rs"]
mod leaving;
#[path = "pty/people.rs"]
mod people;
#[cfg(feature = "pictures")]
#[path = "pty/pictures.rs"]
mod pictures;
#[path = "pty/settings.rs"]
mod settings;
#[path = "pty/spelling.rs"]
mod spelling;
#[path = "pty/terminal.rs"]
#[allow(dead_code, reason = "the benchmark uses another part of it")]
mod terminal;

use enter::{enters, link};
use tempfile::TempDir;
use terminal::Terminal;

const ENTER: &str = "\r";
const ESCAPE: &str = "\u{1b}";
const CTRL_D: &str = "\u{4}";

/// A relay and a room in one program; the link that it shows at first.
fn host(dir: &TempDir, variables: &[(&str, &str)]) -> (Terminal, String) {
    let mut ann =
        Terminal::start(dir.path(), &["host", "--name", "ann", "--listen", "127.0.0.1:0"], variables);
    let link = link(&ann);
    ann.press(&[ESCAPE]);
    ann.wait_for("You are in lobby");
    (ann, link)
}

/// Somebody with an empty profile who joins by the list that the program begins with, and is seen by `host`: what is
/// said before that is not for them.
fn joins(dir: &TempDir, name: &str, host: (&Terminal, &str), variables: &[(&str, &str)]) -> Terminal {
    let mut bob = Terminal::start(dir.path(), &["--name", name], variables);
    enters(&mut bob, host.1);
    host.0.wait_for(&format!("{name} joined"));
    bob
}

/// Says so many lines, `line 1.` and on; more than a screen holds.
fn says_lines(terminal: &mut Terminal, count: usize) {
    for number in 1..=count {
        terminal.type_text(&format!("line {number}."));
        terminal.press(&[ENTER]);
    }
    // On the relay's disk: what is on its way cannot be chosen.
    let last = format!("ann: line {count}.");
    let is_there = |line: &str| line.contains(&last) && line.trim_end().ends_with('✓');
    terminal.wait("the last line", |screen| screen.lines().any(is_there));
}

/// Esc, and until the keys of a chosen message are shown: together with what follows it would be another key.
fn selects(terminal: &mut Terminal) {
    terminal.press(&[ESCAPE]);
    terminal.wait_for("r reply");
}

fn quits(terminal: &mut Terminal) {
    terminal.press(&[CTRL_D]);
    assert_eq!(terminal.finish(), 0);
}

#[test]
fn two_people_without_documentation_talk_after_a_few_keys() {
    let (at_ann, at_bob) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (mut ann, link) = host(&at_ann, &[]);
    let mut bob = joins(&at_bob, "bob", (&ann, &link), &[]);
    bob.type_text("hi ann");
    bob.press(&[ENTER]);
    ann.wait_for("hi ann");
    ann.type_text("hi bob");
    ann.press(&[ENTER]);
    bob.wait_for("hi bob");
    let typed = "hi ann".len();
    // "1", the link, Enter, and Enter for what was said.
    assert_eq!(bob.keystrokes - typed, 4);
    quits(&mut bob);
    quits(&mut ann);
}

#[test]
fn terminal_is_given_back_as_it_was() {
    let dir = TempDir::new().unwrap();
    let mut ann = Terminal::start(dir.path(), &["--name", "ann"], &[]);
    ann.wait_for("Welcome");
    assert!(ann.look(vt100::Screen::alternate_screen) && ann.look(vt100::Screen::bracketed_paste));
    quits(&mut ann);
    let (alternate, paste, mouse, hidden) = ann.look(|screen| {
        let mouse = screen.mouse_protocol_mode();
        (screen.alternate_screen(), screen.bracketed_paste(), mouse, screen.hide_cursor())
    });
    assert!(!alternate && !paste && !hidden && mouse == vt100::MouseProtocolMode::None);
    let raw = String::from_utf8_lossy(&ann.raw()).into_owned();
    assert!(raw.contains("\u{1b}[?1004h") && raw.rfind("\u{1b}[?1004l") > raw.rfind("\u{1b}[?1004h"));
}

#[test]
fn terminal_without_a_second_screen_is_wiped_before_it_is_drawn_on() {
    let dir = TempDir::new().unwrap();
    let mut ann = Terminal::start(dir.path(), &["--name", "ann"], &[]);
    ann.wait_for("Welcome");
    let raw = String::from_utf8_lossy(&ann.raw()).into_owned();
    // GNU screen and the Linux console know no second screen: what was there would show through.
    let (wiped, drawn) = (raw.find("\u{1b}[2J"), raw.find("Welcome"));
    assert!(wiped.is_some() && wiped < drawn, "{}", raw.escape_debug());
    quits(&mut ann);
}

#[test]
fn drawing_anew_asks_the_terminal_nothing_and_brings_everything_back() {
    let dir = TempDir::new().unwrap();
    let (mut ann, _link) = host(&dir, &[]);
    let mark = ann.raw().len();
    ann.press(&["\u{c}"]);
    ann.wait_raw(mark, "the room after it was wiped", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        text.find("\u{1b}[2J").is_some_and(|at| text[at..].contains("You are in lobby"))
    });
    let asked = String::from_utf8_lossy(&ann.raw()[mark..]).contains("\u{1b}[6n");
    assert!(!asked, "an answer would be read as keys");
    quits(&mut ann);
}

#[test]
fn window_may_have_any_size_while_foreign_text_is_on_it() {
    let dir = TempDir::new().unwrap();
    let (mut ann, _link) = host(&dir, &[]);
    ann.type_text("wide 日本語 👩‍👩‍👧 שלום \u{202e}evil");
    ann.press(&[ENTER]);
    ann.wait_for("ann: wide");
    for (cols, rows) in [(40, 15), (200, 50), (1, 1), (3, 2), (80, 24)] {
        ann.resize(cols, rows);
        ann.type_text("x");
    }
    // All that was typed meanwhile is there, and nobody's text turned the line around.
    let screen = ann.wait("the input", |screen| screen.contains("> xxxxx") && screen.contains("ann: wide"));
    assert!(!screen.contains('\u{202e}') && screen.contains("\\u{202e}"), "{screen}");
    ann.press(&["\u{15}"]);
    ann.wait("an empty input", |screen| !screen.contains("xxxxx"));
    quits(&mut ann);
}

#[test]
fn window_that_shrinks_for_a_moment_while_somebody_types_loses_nothing() {
    let dir = TempDir::new().unwrap();
    let (mut ann, _link) = host(&dir, &[]);
    for round in 1..=40 {
        ann.resize(9, 4);
        ann.type_text("x");
        ann.resize(80, 24);
        let typed = format!("> {}", "x".repeat(round));
        ann.wait("the whole room", |screen| screen.contains(&typed) && screen.contains("You are in lobby"));
    }
    ann.press(&["\u{15}"]);
    quits(&mut ann);
}

#[test]
fn somebody_who_looks_elsewhere_is_told_and_nobody_else() {
    let (at_ann, at_bob) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (mut ann, link) = host(&at_ann, &[]);
    // No desktop is there to be asked; tmux hands the sequence on only in this wrapping.
    let mut bob = joins(&at_bob, "bob", (&ann, &link), &[("TMUX", "/tmp/none"), ("TERM_PROGRAM", "tmux")]);
    let rings = |bytes: &[u8]| bytes.contains(&7);
    let mark = bob.raw().len();
    ann.type_text("while you look");
    ann.press(&[ENTER]);
    bob.wait_for("while you look");
    assert!(!rings(&bob.raw()[mark..]));
    bob.press(&["\u{1b}[O"]);
    // Focus is told on its own; a letter behind it shows that it was taken.
    bob.type_text("z");
    bob.wait_for("> z");
    let mark = bob.raw().len();
    ann.type_text("behind you");
    ann.press(&[ENTER]);
    let sequence = b"\x1bPtmux;\x1b\x1b]9;schat: ann in lobby\x07\x1b\\\x07";
    bob.wait_raw(mark, "a notification", |bytes| bytes.windows(sequence.len()).any(|at| at == sequence));
    assert!(!String::from_utf8_lossy(&bob.raw()[mark..]).contains("]9;schat: behind"));
    bob.press(&["\u{15}", "\u{1b}[I"]);
    quits(&mut bob);
    quits(&mut ann);
}

#[test]
fn no_colour_means_none() {
    let dir = TempDir::new().unwrap();
    let (mut ann, _link) = host(&dir, &[("NO_COLOR", "1")]);
    ann.type_text("plain");
    ann.press(&[ENTER]);
    ann.wait_for("ann: plain");
    let coloured = ann.look(|screen| {
        let cells = (0..24).flat_map(|row| (0..80).map(move |col| (row, col)));
        let cells = cells.filter_map(|(row, col)| screen.cell(row, col));
        cells
            .filter(|cell| cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default)
            .count()
    });
    assert_eq!(coloured, 0);
    quits(&mut ann);
}

#[test]
fn dumb_terminal_and_plain_get_lines_and_no_sequences() {
    for (arguments, term) in [(&[] as &[&str], "dumb"), (&["--plain"], "xterm-256color")] {
        let dir = TempDir::new().unwrap();
        let base = ["host", "--name", "ann", "--listen", "127.0.0.1:0"];
        let all: Vec<&str> = base.iter().chain(arguments).copied().collect();
        let mut ann = Terminal::start(dir.path(), &all, &[("TERM", term)]);
        let says = |text: &'static str| move |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(text);
        ann.wait_raw(0, "the room", says("You are in lobby"));
        ann.type_text("hello");
        ann.press(&[ENTER]);
        ann.wait_raw(0, "what was said", says("ann: hello"));
        ann.type_text("/quit");
        ann.press(&[ENTER]);
        assert_eq!(ann.finish(), 0);
        let raw = ann.raw();
        let text = String::from_utf8(raw).unwrap();
        // Every line is only ever appended: no cursor is moved, nothing is coloured, no carriage return without a line feed.
        let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r');
        assert!(!text.contains(is_odd), "{}", text.escape_debug());
        assert!(!text.replace("\r\n", "").contains('\r'), "{}", text.escape_debug());
    }
}
