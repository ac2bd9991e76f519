//! What others may send to do harm.

use super::*;
use shared::message::timeline::{Line, Reaction};

use super::super::app::{Row, ShownLine, Wanted};
use crate::{faces::work, store::Item};

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
    for emoji in 0..shared::message::timeline::MAX_REACTIONS {
        let people = (0..=u8::MAX).map(|byte| person("x", byte)).collect();
        line.reactions.push(Reaction { emoji: format!("\u{202e}{emoji}"), people });
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

/// What drawing this message costs, in steps, and that of the half of it.
fn cost(text: &str) -> (usize, usize) {
    let cost = |text: &str| {
        let mut app = in_lobby();
        happens(&mut app, "lobby", message(1, person("eve", 3), text));
        screen(&mut app, 80, 24);
        work::of(|| drop(screen(&mut app, 80, 24)))
    };
    let half: String = text.chars().take(text.chars().count() / 2).collect();
    (cost(&half), cost(text))
}

#[test]
fn picture_of_hostile_lines_costs_what_they_are_long() {
    let longest = engine::MAX_TEXT;
    for part in [
        "*a* ",
        "_*a*_ `b` ",
        "https://a@b.example ",
        "> **a** ",
        "@bob ",
        "@bob\n",
        "ann ",
        "*a*\n",
        ")",
        "(",
    ] {
        let text = format!("http://x/{}", part.repeat(longest / part.len()));
        let (half, whole) = cost(&text);
        assert!(whole <= 3 * half + 1_000 && whole <= 8 * text.len(), "{part}: {half}, then {whole}");
    }
}

#[test]
fn nothing_of_a_hostile_line_falls_off_the_screen() {
    // Letters that join, clusters that are wider than a line, wide ones, marks: what is measured is what is drawn.
    for part in
        ["لا", "ᄀ", "\u{600}", "ក\u{17d2}", "👨\u{200d}", "👍🏽", "日", "q\u{301}", "ﾞ", "\u{9b}J", "*لا* "]
    {
        let mut app = in_lobby();
        let text = format!("{}owed", part.repeat(300));
        happens(&mut app, "lobby", message(1, person("eve", 3), &text));
        let mut terminal = Terminal::new(TestBackend::new(50, 200)).unwrap();
        terminal.draw(|frame| draw::draw(frame, &mut app)).unwrap();
        let cells = terminal.backend().buffer().content.iter();
        let shown: String = cells.map(ratatui::buffer::Cell::symbol).collect();
        // Over the ends of lines.
        let is_kept = |c: &char| !c.is_whitespace() && !matches!(c, '\u{2068}' | '\u{2069}');
        let shown: String = shown.chars().filter(is_kept).collect();
        let first = part.chars().find(|c| !c.is_control() && *c != '*').unwrap();
        // One of each cluster that was too long is shown as an escape.
        let escaped = shown.matches(&format!("\\u{{{:x}}}", u32::from(first))).count();
        assert_eq!(shown.matches(first).count() + escaped, 300, "{part}: {shown}");
        assert!(shown.contains("owed"), "{part}: {shown}");
        assert!(!shown.chars().any(char::is_control));
        let longest =
            terminal.backend().buffer().content.iter().map(|cell| cell.symbol().chars().count()).max();
        assert!(longest <= Some(26), "{part}: {longest:?}");
    }
}

#[test]
fn letters_of_one_style_are_not_covered_by_the_next() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("eve", 3), "لالالا *b* end"));
    let shown = text(&mut app, 80, 8).replace(['\u{2068}', '\u{2069}'], "");
    assert!(shown.contains("لالالا *b* end"), "{shown}");
}

#[test]
fn text_of_thousands_of_lines_is_passed_by_scrolling() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "first"));
    happens(&mut app, "lobby", message(2, person("eve", 3), &"\n".repeat(5_000)));
    happens(&mut app, "lobby", message(3, person("bob", 2), "last"));
    assert!(text(&mut app, 80, 24).contains("bob: last"));
    app.scroll(true, 5_000);
    assert!(text(&mut app, 80, 24).contains("bob: first"));
}

#[test]
fn flood_of_the_longest_lines_does_not_stay_in_memory() {
    let mut app = in_lobby();
    let mut entry = ShownLine::new("lobby", plain(1, person("eve", 3), "x").into(), None, "ann");
    entry.text = "x".repeat(1 << 20);
    for seq in 1..=200 {
        entry.seq = Some(seq);
        app.shown_pane().push(Row::Message(Box::new(entry.clone())));
    }
    let pane = app.shown_pane();
    let bytes: usize = pane.entries().map(|entry| entry.text.len()).sum();
    assert!(bytes <= 64 << 20 && pane.newest() == Some(200) && !pane.is_whole, "{bytes}");
}

#[test]
fn whoever_reads_far_above_is_not_led_on_when_the_newest_go() {
    let mut app = in_lobby();
    for seq in 10_000..15_000 {
        tells(&mut app, "lobby", RoomEvent::Past(plain(seq, person("bob", 2), "x").into()));
    }
    app.scroll(true, 100_000);
    let before = text(&mut app, 80, 24);
    let older = (9_800..10_000).map(|seq| Item::Line(plain(seq, person("bob", 2), "y").into())).collect();
    app.take_page(&Wanted::Older { room: "lobby".to_owned(), before: 10_000 }, older);
    let after = text(&mut app, 80, 24);
    assert!(!app.at_top && after.matches(": x").count() >= 15, "{before}\n{after}");
}

#[test]
fn hostile_names_status_lines_and_signs_stay_in_their_pane() {
    let mut app = in_lobby();
    let mut group = view("lobby", false);
    group.members[1].person.name = "b\u{1b}]8;;http://x\u{7}ob\u{202e}".to_owned();
    group.members[1].status = "\u{9b}2J\u{2067}".repeat(9);
    group.members[1].glyph = "\u{1b}[31m👨\u{200d}".repeat(3);
    happens(&mut app, "lobby", engine::Event::Epoch(group));
    let rows = screen(&mut app, 120, 12);
    let all = rows.join("\n");
    assert!(all.contains("\\u{9b}2J") && all.contains("\\u{1b}"), "{all}");
    assert!(
        !all.chars().any(|c| c != '\n' && c.is_control()) && !all.contains(['\u{202e}', '\u{2067}']),
        "{all}"
    );
    assert!(rows.iter().all(|row| row.chars().count() <= 120));
}

#[test]
fn own_line_that_arrives_while_somebody_reads_above_moves_nothing() {
    let mut app = in_lobby();
    for seq in 1..=60 {
        happens(&mut app, "lobby", message(seq, person("bob", 2), &format!("number {seq}.")));
    }
    let queued = engine::Event::Queued {
        token: String::new(),
        id: id(61),
        text: "mine".to_owned(),
        reply_to: None,
        file: None,
    };
    happens(&mut app, "lobby", queued);
    screen(&mut app, 80, 24);
    app.scroll(true, 20);
    let before = screen(&mut app, 80, 24);
    happens(&mut app, "lobby", message(61, person("ann", 1), "mine"));
    assert_eq!(screen(&mut app, 80, 24)[..20], before[..20]);
}
