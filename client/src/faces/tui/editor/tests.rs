//! The keys of readline.

use proptest::prelude::*;

use super::*;

fn typed(text: &str) -> Editor {
    let mut editor = Editor::default();
    assert!(editor.insert(text));
    editor
}

#[test]
fn keys_of_readline_do_what_fingers_expect() {
    let mut editor = typed("one two three");
    editor.delete(To::WordLeft);
    assert_eq!(editor.text(), "one two ");
    editor.go(To::Home);
    editor.delete(To::WordRight);
    assert_eq!(editor.text(), " two ");
    editor.yank();
    assert_eq!(editor.text(), "one two ");
    editor.go(To::End);
    editor.delete(To::Left);
    assert_eq!(editor.text(), "one two");
    editor.delete(To::Home);
    assert_eq!((editor.text(), editor.before()), ("", ""));
}

#[test]
fn accent_or_family_goes_as_one() {
    let mut editor = typed("e\u{301}👨‍👩‍👧");
    editor.delete(To::Left);
    assert_eq!(editor.text(), "e\u{301}");
    editor.delete(To::Left);
    assert_eq!(editor.text(), "");
}

#[test]
fn history_gives_the_draft_back() {
    let mut editor = Editor::default();
    for line in ["first", "second"] {
        editor.insert(line);
        editor.take();
    }
    editor.insert("draft");
    editor.older();
    editor.older();
    editor.older();
    assert_eq!(editor.text(), "first");
    editor.newer();
    editor.newer();
    assert_eq!(editor.text(), "draft");
}

#[test]
fn pasted_control_characters_do_not_get_in() {
    assert_eq!(typed("a\u{1b}[2Jb\r\nc\u{7}").text(), "a[2Jb\nc");
}

#[test]
fn input_over_the_limit_is_not_taken() {
    let mut editor = typed(&"x".repeat(MAX));
    assert!(!editor.insert("y"));
    assert_eq!(editor.text().len(), MAX);
}

proptest! {
    #[test]
    fn no_sequence_of_edits_breaks_the_cursor(edits in proptest::collection::vec(0usize..18, 0..60)) {
        let all = [To::Left, To::Right, To::WordLeft, To::WordRight, To::Home, To::End];
        let mut editor = typed("a é\n👨‍👩‍👧 שלום x");
        for edit in edits {
            match edit {
                0..6 => editor.go(all[edit]),
                6..12 => editor.delete(all[edit - 6]),
                12 => editor.yank(),
                13 => { editor.insert("e\u{301}"); }
                14 => editor.up(),
                15 => editor.undo(),
                16 => editor.clear(),
                _ => editor.down(),
            }
            prop_assert!(editor.text().is_char_boundary(editor.before().len()));
        }
    }
}

#[test]
fn words_deleted_one_after_the_other_come_back_together() {
    let mut editor = Editor::default();
    editor.insert("one two three");
    editor.delete(To::WordLeft);
    editor.delete(To::WordLeft);
    assert_eq!(editor.text(), "one ");
    editor.yank();
    assert_eq!(editor.text(), "one two three");
    // Something in between begins anew.
    editor.delete(To::WordLeft);
    editor.insert("x");
    editor.delete(To::WordLeft);
    editor.yank();
    assert_eq!(editor.text(), "one two x");
    editor.go(To::Home);
    editor.delete(To::WordRight);
    editor.delete(To::WordRight);
    editor.go(To::End);
    editor.yank();
    assert_eq!(editor.text(), " xone two");
}

#[test]
fn what_was_done_to_the_text_is_undone_step_by_step() {
    let mut editor = Editor::default();
    let types = |editor: &mut Editor, text: &str| {
        for letter in text.graphemes(true) {
            editor.insert(letter);
        }
    };
    types(&mut editor, "one two");
    editor.delete(To::WordLeft);
    types(&mut editor, "three");
    editor.delete(To::Left);
    editor.delete(To::Left);
    editor.insert("a whole paste");
    editor.go(To::Home);
    editor.clear();
    let mut seen = Vec::new();
    for _ in 0..9 {
        editor.undo();
        seen.push(editor.text().to_owned());
    }
    let wanted = ["one thra whole paste", "one thr", "one three", "one ", "one two", "one", "", "", ""];
    assert_eq!(seen, wanted, "a word that is typed, and letters that are deleted, are one step");
    editor.undo();
    assert_eq!(editor.before(), "");
}

#[test]
fn cursor_is_where_it_was_and_what_was_sent_does_not_come_back() {
    let mut editor = typed("soup");
    editor.go(To::Left);
    editor.insert("x");
    editor.undo();
    assert_eq!((editor.text(), editor.before()), ("soup", "sou"));
    editor.insert("y");
    editor.take();
    editor.undo();
    assert_eq!(editor.text(), "");
    // Nor what was typed in another room.
    editor.insert("here");
    editor.load("there".to_owned());
    editor.undo();
    assert_eq!(editor.text(), "there");
}

#[test]
fn what_can_be_undone_has_an_end() {
    let mut editor = Editor::default();
    let long = "x".repeat(MAX - 200);
    for _ in 0..300 {
        editor.insert(&long);
        editor.clear();
    }
    assert!(editor.undo.len() <= STEPS);
    assert!(editor.undo.iter().map(|(text, _)| text.len()).sum::<usize>() <= UNDONE);
    editor.undo();
    assert_eq!(editor.text(), long);
}
