use sha2::{Digest as _, Sha256};

use super::*;

/// All that are assigned, and reserved ones beside them.
pub(super) fn characters() -> impl Iterator<Item = char> {
    (0..0x33500).chain(0xe0000..0xe1100).filter_map(char::from_u32)
}

fn refused(name: &str) -> Option<NameError> {
    clean_name(name).err()
}

#[test]
fn names_that_could_deceive_are_refused() {
    assert_eq!(clean_name("  Zoë 🦊 "), Ok("Zoë 🦊".to_owned()));
    assert_eq!(clean_name(" \t"), Err(NameError::Empty));
    assert_eq!(clean_name(&"x".repeat(65)), Err(NameError::TooLong(65)));
    assert_eq!(clean_name(&"x".repeat(10 << 20)), Err(NameError::TooLong(10 << 20)));
    for wrong in
        ["a\u{1b}[2J", "a\nb", "a\tb", "a\u{2028}b", "a\u{202e}b", "a\u{200f}b", "a\u{61c}b", "a\u{9b}b"]
    {
        assert_eq!(refused(wrong), Some(NameError::Control), "{wrong:?}");
    }
    for c in [
        '\u{ad}',
        '\u{34f}',
        '\u{115f}',
        '\u{1160}',
        '\u{17b4}',
        '\u{180e}',
        '\u{200b}',
        '\u{2060}',
        '\u{2061}',
        '\u{2800}',
        '\u{3164}',
        '\u{fe00}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{fff9}',
        '\u{fffc}',
        '\u{16fe4}',
        '\u{1d159}',
        '\u{1d173}',
        '\u{e0001}',
        '\u{e0041}',
        '\u{e007f}',
        '\u{e0100}',
        '\u{e0fff}',
        '\u{ffff}',
        '\u{fdd0}',
    ] {
        for name in
            [format!("{c}"), format!("a{c}b"), format!("{c}{c}"), format!("bob{c}"), format!("{c}bob")]
        {
            assert_eq!(refused(&name), Some(NameError::Invisible(c)), "U+{:04X}", u32::from(c));
        }
    }
}

#[test]
fn name_without_anything_to_see_is_refused() {
    for wrong in ["", "\u{a0}", "\u{3000}\u{2003}", "\u{e000}", "\u{f8ff} \u{f0000}"] {
        assert_eq!(refused(wrong), Some(NameError::Empty), "{wrong:?}");
    }
    for wrong in ["\u{301}", "\u{301}bob", "bob \u{301}", "\u{20dd}", "\u{94d}क"] {
        assert!(matches!(refused(wrong), Some(NameError::Mark(_))), "{wrong:?}");
    }
    assert_eq!(refused("a\u{10fffe}"), Some(NameError::Invisible('\u{10fffe}')));
    assert_eq!(refused("a\u{378}"), Some(NameError::Unassigned('\u{378}')));
    // Odd, and to be seen.
    for good in [".", "-_-", "¯\\_(ツ)_/¯", "😀", "1", "ﷺ", "\u{e0b0}x"] {
        assert_eq!(clean_name(good).as_deref(), Ok(good));
    }
}

#[test]
fn what_languages_and_emoji_need_inside_a_word_stays() {
    for good in [
        "می\u{200c}خواهم",
        "نامه\u{200c}ای",
        "क\u{94d}\u{200d}ष",
        "क\u{94d}\u{200c}ष",
        "ശ\u{d4d}\u{200d}രീ",
        "නවරත\u{dca}\u{200d}න",
        "র\u{200d}\u{9cd}যাম",
        "👩\u{200d}💻",
        "👩🏽\u{200d}💻 ann",
        "👨\u{200d}👩\u{200d}👧\u{200d}👦",
        "🏳\u{fe0f}\u{200d}🌈",
        "❤\u{fe0f}\u{200d}🔥",
        "🧑🏻\u{200d}❤\u{fe0f}\u{200d}💋\u{200d}🧑🏿",
        "☂\u{fe0e}",
        "1\u{fe0f}\u{20e3}",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
        "葛\u{e0100}城",
        "ᠰ\u{180b}ᠠ",
        "ᠨ\u{180e}ᠠ",
        "🇪🇺",
        "नमस्ते",
        "ไทย",
        "עִבְרִית",
        "မြန်မာ",
        "日本太郎",
    ] {
        assert_eq!(clean_name(good).as_deref(), Ok(good), "{good:?}");
    }
}

#[test]
fn joiner_that_joins_nothing_is_refused_with_its_own_words() {
    for (wrong, joiner) in [
        ("ad\u{200d}min", '\u{200d}'),
        ("ad\u{200c}min", '\u{200c}'),
        ("\u{200d}👩", '\u{200d}'),
        ("👩\u{200d}", '\u{200d}'),
        ("👩\u{200d}\u{200d}💻", '\u{200d}'),
        ("👩\u{200d}a", '\u{200d}'),
        ("🏽\u{fe0f}\u{200d}x", '\u{200d}'),
        // Nothing would join here: the first letter has no form that goes on.
        ("دا\u{200c}ب", '\u{200c}'),
        ("ب\u{200c}", '\u{200c}'),
        ("ب\u{200c}x", '\u{200c}'),
        ("ب\u{200c}\u{200c}ب", '\u{200c}'),
        ("ب\u{200d}ب", '\u{200d}'),
        ("क\u{200d}ष", '\u{200d}'),
        ("क\u{94d}\u{200d}ि", '\u{200d}'),
        ("क\u{94d}\u{200c}", '\u{200c}'),
        ("a\u{300}\u{200c}b", '\u{200c}'),
    ] {
        assert_eq!(refused(wrong), Some(NameError::Joiner(joiner)), "{wrong:?}");
    }
    let words = NameError::Joiner('\u{200c}').to_string();
    assert!(words.contains("U+200C") && words.contains("emoji"), "{words}");
}

#[test]
fn tags_and_selectors_that_carry_text_of_their_own_are_refused() {
    for wrong in [
        "🏴\u{e0067}\u{e0062}\u{e007f}",
        "🏴\u{e0061}\u{e0062}\u{e0063}\u{e0064}\u{e0065}\u{e007f}",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}",
        "😀\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
        "葛\u{e0100}\u{e0101}",
        "😀\u{fe0f}\u{fe0f}",
        "a\u{fe0f}",
        "1\u{fe0f}2",
        "x\u{180b}",
        "ᠨ\u{180e}",
    ] {
        assert!(
            matches!(refused(wrong), Some(NameError::Invisible(_))),
            "{wrong:?}: {:?}",
            clean_name(wrong)
        );
    }
}

#[test]
fn one_name_has_one_form() {
    for (written, clean) in [
        ("cafe\u{301}", "caf\u{e9}"),
        ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
        ("my\u{a0}room", "my room"),
        ("my \u{3000}\u{2009} room", "my room"),
        ("\u{212b}", "\u{c5}"),
        ("ｌｏｂｂｙ", "ｌｏｂｂｙ"),
    ] {
        assert_eq!(clean_name(written).as_deref(), Ok(clean), "{written:?}");
    }
    // 64 bytes once composed.
    assert_eq!(clean_name(&"e\u{301}".repeat(32)), Ok("é".repeat(32)));
}

#[test]
fn sign_that_grows_as_it_is_composed_is_measured_afterwards() {
    // Three bytes, and six in NFC.
    let grows = "\u{958}".repeat(10);
    assert_eq!(grows.len(), 30);
    assert_eq!(clean_optional(&grows, 32), Err(NameError::TooLong(60)));
    assert_eq!(clean_optional(" \u{a0}", 32), Ok(String::new()));
    assert_eq!(clean_optional(&"x".repeat(33), 32), Err(NameError::TooLong(33)));
}

#[test]
fn cleaning_is_done_once() {
    for c in characters() {
        for name in [format!("{c}"), format!("a{c}b"), format!("a{c}\u{301} {c}")] {
            if let Ok(clean) = clean_name(&name) {
                assert_eq!(clean_name(&clean).as_ref(), Ok(&clean), "U+{:04X}", u32::from(c));
            }
        }
    }
}

/// Members of different builds must decide alike about a name. Red after an update of `icu_properties`, `unicode-normalization`
/// or Rust: then the change belongs into a version of the protocol, or the crate stays where it is.
#[test]
fn update_of_a_crate_that_changes_what_a_name_is_does_not_go_unnoticed() {
    let mut hash = Sha256::new();
    for c in characters() {
        let told = match clean_name(&format!("a{c}b")) {
            Ok(name) => name,
            Err(error) => format!("{error:?}"),
        };
        hash.update(told);
        hash.update([0]);
        let joins = ["ب", "क\u{94d}"].map(|before| clean_name(&format!("{before}\u{200c}{c}")).is_ok());
        hash.update(joins.map(u8::from));
        hash.update(fold(&format!("a{c}b")));
    }
    assert_eq!(
        hex::encode(hash.finalize()),
        "05b81373cfa4090a92a33087601adbf20d3e025dbf274c75825c79b660e221e6"
    );
}
