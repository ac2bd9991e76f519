//! Which names look alike.

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton as confusable;

/// What a name looks like, case and spaces apart: two names with the same skeleton can be taken for each other
/// (UTS #39, 4, over NFKC in lower case). For comparing only, never for showing.
pub fn skeleton(name: &str) -> String {
    let folded: String = name.nfkc().flat_map(char::to_lowercase).filter(|c| !c.is_whitespace()).collect();
    // A confusable's prototype may be a capital: `0` looks like `O`.
    confusable(&folded).flat_map(char::to_lowercase).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_in_other_clothes_is_the_same_name() {
        for (one, other) in [
            ("bob", "Bob"),
            ("bob", "b o b"),
            ("bob", "b0b"),
            ("bob", "ｂｏｂ"),     // full width
            ("paul", "раul"),      // Cyrillic er and a
            ("zoë", "zoe\u{308}"), // one character, or two
            ("alice", "аlice"),    // Cyrillic a
            ("STRASSE", "strasse"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
    }

    #[test]
    fn other_names_stay_apart() {
        for (one, other) in [("bob", "bop"), ("ann", "anna"), ("zoe", "zoë"), ("日本", "日木"), ("a", "b")]
        {
            assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
        }
    }
}
