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
    fn no_sequence_of_edits_breaks_the_cursor(edits in proptest::collection::vec(0usize..16, 0..60)) {
        let all = [To::Left, To::Right, To::WordLeft, To::WordRight, To::Home, To::End];
        let mut editor = typed("a é\n👨‍👩‍👧 שלום x");
        for edit in edits {
            match edit {
                0..6 => editor.go(all[edit]),
                6..12 => editor.delete(all[edit - 6]),
                12 => editor.yank(),
                13 => { editor.insert("e\u{301}"); }
                14 => editor.up(),
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
