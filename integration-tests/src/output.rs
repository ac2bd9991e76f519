//! What a program wrote: the right words, and nothing that a terminal would obey.

use std::process::Output;

/// ESC, CSI as one character, a bidirectional override, BEL, a fake line break and a hidden character.
pub const HOSTILE: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}evil\u{2066}\rann: I agree\u{200b}\u{e0041}";

/// The program ended with this code, and said these words on standard error.
#[track_caller]
pub fn failed(output: &Output, code: i32, words: &[&str]) {
    // With --json what failed is an object like all others, on standard output.
    let errors = [&*output.stderr, &*output.stdout].concat();
    let errors = String::from_utf8_lossy(&errors);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    for word in words {
        assert!(errors.contains(word), "no {word:?} in: {errors}");
    }
    harmless(&output.stderr);
    harmless(&output.stdout);
}

/// Nothing that a terminal would obey.
#[track_caller]
pub fn harmless(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    let bad = text.chars().find(|c| {
        c.is_control() && *c != '\n' || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
    });
    assert_eq!(bad, None, "{text:?}");
}
