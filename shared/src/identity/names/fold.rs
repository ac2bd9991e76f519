//! When two texts are one: for finding and comparing, never for showing.

use unicode_normalization::UnicodeNormalization as _;

use super::is_hidden;

/// The text without what is only a way of writing it: composed or not, full width, ligatures (NFKC, UAX #15), capitals, `ß`
/// and final `ς` (as full case folding does), hidden characters, and the kind and number of spaces. So `Straße` is `strasse`,
/// and `Ｃａｆé` is `café`; `cafe` is another word.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return spaced(
            text.chars().filter(|c| !c.is_control() || c.is_whitespace()).map(|c| c.to_ascii_lowercase()),
        );
    }
    // Folding may bring forth what can be composed, and the other way round; the second time nothing is left to do.
    let once: String = step(&text.nfkc().collect::<String>()).nfkc().collect();
    let twice = step(&once).nfkc().collect::<String>();
    spaced(twice.chars())
}

fn step(text: &str) -> String {
    let lower = text.chars().filter(|c| !is_hidden(*c) || c.is_whitespace()).flat_map(char::to_lowercase);
    // By way of capitals, because `ß` and `ς` show only there what they are.
    lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

fn spaced(chars: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    for c in chars {
        match c.is_whitespace() {
            true if out.is_empty() || out.ends_with(' ') => {}
            true => out.push(' '),
            false => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_ways_of_writing_a_word_are_the_same_word() {
        for (one, other) in [
            ("caf\u{e9}", "cafe\u{301}"),
            ("Straße", "STRASSE"),
            ("ẞ", "ss"),
            ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
            ("my\u{a0}room", " My  Room"),
            ("ｌｏｂｂｙ", "Lobby"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("ﬁsh", "FISH"),
            ("so\u{ad}ft", "soft"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("İ", "i\u{307}"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("café"), fold("cafe"));
        assert_eq!(fold("a\tb\nc"), "a b c");
    }

    #[test]
    fn folding_is_done_once_and_heeds_no_case_of_any_letter() {
        for c in super::super::tests::characters() {
            let text = format!("a{c}b");
            let folded = fold(&text);
            assert_eq!(fold(&folded), folded, "U+{:04X}", u32::from(c));
            let (lower, upper) = (c.to_lowercase(), c.to_uppercase());
            assert_eq!(fold(&format!("a{lower}b")), folded, "U+{:04X}", u32::from(c));
            assert_eq!(fold(&format!("a{upper}b")), folded, "U+{:04X}", u32::from(c));
        }
    }
}
