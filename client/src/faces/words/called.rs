//! Names as they stand in a line beside other words, so that no name reads as a part of the line.
//!
//! People and rooms call themselves as they like, and somebody called `ann deleted a message.` would write what only the
//! program writes. So a name that is more than one plain word stands in quotation marks. Whoever reads a line from its
//! beginning always knows where a name ends: at the closing mark, or at the first character that no word has.

use unicode_width::UnicodeWidthChar as _;

use shared::identity::names::fold;

use crate::faces::sanitize;

/// What a word may have besides letters, digits and the marks on them.
const INSIDE: &str = "-_.'’#@~+&";

/// A line of other commands begins so.
const PROGRAM: &str = "schat";

/// A name, a label or a reaction in a line; safe for a terminal.
pub fn called(name: &str) -> String {
    sanitize::line(&as_it_came(name))
}

/// The same with all characters as they came.
pub fn as_it_came(name: &str) -> String {
    if is_word(name) { name.to_owned() } else { quoted(name) }
}

/// The words of a relay's operator, if there are any, behind a colon: nothing in them ends the quotation.
pub(super) fn operators(reason: &str) -> String {
    match reason {
        "" => String::new(),
        reason => format!(": “{}”", reason.replace(['“', '”'], "\"")),
    }
}

/// The first words of a text in a line, always in quotation marks; safe for a terminal.
pub fn cited(text: &str) -> String {
    const CHARACTERS: usize = 40; // half a usual line
    let first = text.lines().next().unwrap_or_default();
    let mut short: String = first.chars().take(CHARACTERS).collect();
    if short.len() < first.len() || text.lines().nth(1).is_some() {
        short.push('…');
    }
    sanitize::line(&quoted(&short))
}

/// A reaction under a message: a picture is one, and a word.
pub fn reaction(emoji: &str) -> String {
    match !emoji.is_empty() && emoji.chars().all(is_picture) {
        true => sanitize::line(emoji),
        false => called(emoji),
    }
}

/// Of the blocks of pictures, without the strokes and quotation marks among them; and what joins and dresses them.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{2757}' | '\u{275f}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
        || matches!(c, '\u{200d}' | '\u{fe0f}' | '\u{e0020}'..='\u{e007f}')
}

/// Nothing in it could be taken for what stands around names.
fn is_word(name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || INSIDE.contains(c) || c.width() == Some(0);
    let begins = name.chars().next().is_some_and(|first| first.is_alphanumeric() || first == '_');
    begins && name.chars().all(inside) && fold(name) != PROGRAM
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_stands_as_it_is_and_everything_else_in_quotation_marks() {
        for word in [
            "ann",
            "Zoë",
            "日本太郎",
            "bob#1f2e",
            "O'Neil",
            "Jean-Luc",
            "a@b.example",
            "_ann_",
            "نمستے",
            "नमस्ते",
            "team~a1b2c3",
        ] {
            assert_eq!(called(word), word);
        }
        for (name, shown) in [
            ("Mary Ann", r#""Mary Ann""#),
            ("ann deleted a message.", r#""ann deleted a message.""#),
            ("] ann: hi", r#""] ann: hi""#),
            ("ann (edited)", r#""ann (edited)""#),
            ("schat://h:1/#x", r#""schat://h:1/#x""#),
            ("ann：hi", r#""ann：hi""#),
            ("ann։hi", r#""ann։hi""#),
            (r#"a" b"#, r#""a\" b""#),
            (r"a\", r#""a\\""#),
            ("-", r#""-""#),
            ("#ann", r##""#ann""##),
            ("", r#""""#),
            ("ann\u{1b}[2J", "\"ann\\u{1b}[2J\""),
            ("Schat", r#""Schat""#),
            ("ann⏎", r#""ann⏎""#),
        ] {
            assert_eq!(called(name), shown);
        }
    }

    #[test]
    fn sign_that_is_a_picture_stands_as_it_is() {
        assert_eq!(["👍", "👨‍👩‍👧", "❤"].map(reaction), ["👍", "👨‍👩‍👧", "❤"]);
        assert_eq!(
            ["| x", "│", "to bob: yes", ":)"].map(reaction),
            [r#""| x""#, r#""│""#, r#""to bob: yes""#, r#"":)""#]
        );
    }
}
