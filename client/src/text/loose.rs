//! Text as it is searched: how a word was written does not keep it from being found.

use shared::identity::names::fold;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// The text without case, width, forms and hidden characters (see [`fold`]), and without accents: who looks for `cafe` means
/// `café`, on whatever keyboard. For searching only: two names are not one because their letters have the same base.
///
/// A letter stays another one where its alphabet says so and its users type it: `й`, the Japanese `が`, vowels and tones of
/// Indic scripts and Thai.
pub fn loose(text: &str) -> String {
    let folded = fold(text);
    if folded.is_ascii() {
        return folded;
    }
    let mut out = String::with_capacity(folded.len());
    let mut base = ' ';
    for c in folded.nfd() {
        if !is_combining_mark(c) {
            base = c;
            push_base(&mut out, c);
        } else if !is_accent(c) || (base, c) == ('и', '\u{306}') {
            out.push(c);
        }
    }
    // An accent that stood alone leaves a space too many. A syllable of Hangul is one letter again, not a beginning of others.
    let words: Vec<&str> = out.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").nfc().collect()
}

/// Accents of Latin, Greek and Cyrillic; points of Hebrew; vowels of Arabic.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6ed}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}')
}

/// Letters that Unicode does not take apart, although they look like another one with a stroke.
fn push_base(out: &mut String, c: char) {
    match c {
        'ı' => out.push('i'),
        'ø' => out.push('o'),
        'ł' => out.push('l'),
        'đ' => out.push('d'),
        'ħ' => out.push('h'),
        'ŧ' => out.push('t'),
        'æ' => out.push_str("ae"),
        'œ' => out.push_str("oe"),
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accents_and_forms_do_not_matter() {
        for (one, other) in [
            ("cafe", "caf\u{e9}"),
            ("CAFÉ", "cafe\u{301}"),
            ("strasse", "Straße"),
            ("istanbul", "İSTANBUL"),
            ("ISPARTA", "ısparta"),
            ("ｆｕｌｌ", "Full"),
            ("smorrebrod", "Smørrebrød"),
            ("oeuvre", "Œuvre"),
            ("Łódź", "lodz"),
            ("Αθήνα", "αθηνα"),
            ("ещё", "еще"),
            ("שָׁלוֹם", "שלום"),
            ("مُحَمَّد", "محمد"),
            ("tiếng Việt", "tieng viet"),
        ] {
            assert_eq!(loose(one), loose(other));
        }
    }

    #[test]
    fn letters_of_their_own_stay() {
        for (one, other) in
            [("мой", "мои"), ("が", "か"), ("किताब", "कताब"), ("ไม้", "ไม"), ("각", "가"), ("a", "b")]
        {
            assert_ne!(loose(one), loose(other), "{one} {other}");
        }
        assert!(!loose("각").contains(&loose("가")) && !loose("が").contains(&loose("か")));
    }

    proptest! {
        #[test]
        fn what_is_loose_stays_so(text in "\\PC{0,40}") {
            let once = loose(&text);
            prop_assert_eq!(loose(&once), once);
        }
    }
}
