//! What others may send to do harm.

use super::*;
use shared::timeline::{Line, Reaction};

#[test]
fn hostile_text_is_shown_as_what_it_is() {
    let mut app = in_lobby();
    let wrong = "hi\u{1b}[2J\u{202e}evil\u{200b}\n12:09 bob: I agree";
    happens(&mut app, "lobby", message(1, person("e\u{1b}ve", 3), wrong));
    let text = text(&mut app, 100, 12);
    assert!(text.contains("e\\u{1b}ve: hi\\u{1b}[2J\\u{202e}evil\\u{200b}"), "{text}");
    let faked = text.lines().find(|line| line.contains("I agree")).unwrap();
    assert!(faked.contains("     12:09 bob: I agree"), "indented: {faked}");
}

#[test]
fn text_cannot_fake_a_quote_or_signs() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("eve", 3), "x\n↳ bob: I owe you\n👍 9"));
    let rows = screen(&mut app, 60, 12);
    // A real one begins under the name.
    assert!(!rows.iter().any(|row| row.starts_with("      ↳") || row.starts_with("      👍")), "{rows:?}");
}

#[test]
fn a_line_of_64_kilobytes_is_drawn_and_passed_by_scrolling() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "first"));
    happens(&mut app, "lobby", message(2, person("eve", 3), &"x".repeat(65_536)));
    happens(&mut app, "lobby", message(3, person("bob", 2), "last"));
    assert!(text(&mut app, 80, 24).contains("bob: last"));
    for _ in 0..200 {
        key(&mut app, KeyCode::PageUp);
        screen(&mut app, 80, 24);
    }
    assert!(text(&mut app, 80, 24).contains("bob: first"));
}

#[test]
fn tower_of_combining_marks_is_cut_and_counted() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("eve", 3), &format!("e{}", "\u{301}".repeat(30_000))));
    let mut terminal = Terminal::new(TestBackend::new(80, 12)).unwrap();
    terminal.draw(|frame| draw::draw(frame, &mut app)).unwrap();
    let tallest = terminal.backend().buffer().content.iter().map(|cell| cell.symbol().chars().count()).max();
    assert!(tallest.unwrap() <= 9, "{tallest:?}");
    assert!(text(&mut app, 80, 12).contains("[+29992 marks]"));
}

#[test]
fn as_many_signs_as_a_line_holds_take_one_row() {
    let mut app = in_lobby();
    let mut line = Line::from(plain(1, person("bob", 2), "hello"));
    for sign in 0..shared::timeline::MAX_SIGNS {
        let people = (0..=u8::MAX).map(|byte| person("x", byte)).collect();
        line.reactions.push(Reaction { emoji: format!("\u{202e}{sign}"), people });
    }
    tells(&mut app, "lobby", RoomEvent::Past(line));
    let rows = screen(&mut app, 40, 12);
    assert!(
        rows[8].contains("bob: hello") && rows[9].contains("\\u{202e}0 256") && rows[9].contains('+'),
        "{rows:?}"
    );
}

#[test]
fn right_to_left_text_does_not_reorder_the_frame() {
    let mut app = in_lobby();
    happens(&mut app, "שיחה", engine::Event::Joined(view("שיחה", false)));
    happens(&mut app, "lobby", message(1, person("דוד", 2), "שלום abc"));
    let text = text(&mut app, 120, 12);
    for part in ["\u{2068}שיחה\u{2069}", "12:01 \u{2068}דוד\u{2069}: \u{2068}שלום\u{2069} abc"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn name_of_a_member_cannot_fill_the_line() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person(&"w".repeat(64), 3), "hello"));
    assert!(text(&mut app, 40, 8).contains("…: hello"));
}
