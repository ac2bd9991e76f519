//! What the name of a person may not be besides: a line of the chat begins with it, and must not read as another's.

use unicode_normalization::UnicodeNormalization as _;

use super::{NameError, clean_name, marks};

/// A name of a person: as [`clean_name`] has it, and it does not read as a line of the chat. `ann: hi` would pass for
/// ann, and `* ann` for something that she does.
///
/// # Errors
/// [`NameError`] says what is wrong.
pub fn clean_speaker(name: &str) -> Result<String, NameError> {
    let name = clean_name(name)?;
    let mut chars = name.chars().peekable();
    if let Some(first) = chars.peek().copied().filter(|first| !starts_keycap(&name) && begins_a_line(*first))
    {
        return Err(NameError::Begins(first));
    }
    while let Some(c) = chars.next() {
        if !ends_a_name(c) {
            continue;
        }
        // A mark on it hides little of it.
        while chars.next_if(|next| marks::is_mark(*next) && *next != KEYCAP).is_some() {}
        if is_wide(c) || chars.peek().is_none_or(|next| *next == ' ') {
            return Err(NameError::Says(c));
        }
    }
    Ok(name)
}

/// What makes a key of the character before it.
const KEYCAP: char = '\u{20e3}';

/// `#️⃣` and `*️⃣` are pictures.
fn starts_keycap(name: &str) -> bool {
    name.chars().nth(1) == Some('\u{fe0f}')
}

/// What a face puts before an action, a quote, a note, another room's line or the next line of a message; what begins a
/// command, a heading or a mention; and what looks like one of these.
fn begins_a_line(c: char) -> bool {
    let plain = plain(c);
    let is_dash = matches!(plain, '-' | '‐'..='―' | '⁃' | '−');
    is_dash || is_star(plain) || matches!(plain, '>' | '↳' | '!' | '[' | '|' | '│' | '∣' | '/' | '#' | '@')
}

/// What a face puts between a name and what is said.
fn ends_a_name(c: char) -> bool {
    let plain = plain(c);
    is_star(plain) || is_colon(plain)
}

fn is_star(c: char) -> bool {
    matches!(c, '*' | '∗' | '⁎' | '٭')
}

/// Letters and vowel signs that look like a colon are none.
fn is_colon(c: char) -> bool {
    matches!(c, ':' | '։' | '׃' | '܃' | '܄' | '᛬' | '᠃' | '᠉' | '⁚' | '˸' | '꞉' | '∶')
}

/// It looks like that character and the space behind it.
fn is_wide(c: char) -> bool {
    c != plain(c)
}

/// Without the width and the form that East Asian scripts give it.
fn plain(c: char) -> char {
    let mut plain = std::iter::once(c).nfkc();
    match (plain.next(), plain.next()) {
        (Some(plain), None) => plain,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> Option<NameError> {
        clean_speaker(name).err()
    }

    #[test]
    fn name_does_not_read_as_what_somebody_says() {
        for wrong in [
            "ann: hi",
            "ann:",
            "ann :",
            " ann: ",
            ":",
            "ann:\u{a0}hi",
            "J:P: hi",
            "ann:\u{301} hi",
            "ann :\u{20dd}",
        ] {
            assert_eq!(refused(wrong), Some(NameError::Says(':')), "{wrong:?}");
        }
        // To whom it is said is marked with a star.
        for wrong in ["ann* hi", "ann*"] {
            assert_eq!(refused(wrong), Some(NameError::Says('*')), "{wrong:?}");
        }
        for c in ['։', '׃', '∶', '꞉', '˸', '⁚', '∗', '⁎'] {
            assert_eq!(refused(&format!("ann{c} hi")), Some(NameError::Says(c)), "{c:?}");
            assert!(clean_speaker(&format!("ann{c}hi")).is_ok(), "{c:?}");
        }
    }

    #[test]
    fn wide_colon_needs_no_space_to_read_as_one() {
        for c in ['：', '﹕', '︓', '＊', '﹡'] {
            for wrong in [format!("ann{c}hi"), format!("ann{c}")] {
                assert_eq!(refused(&wrong), Some(NameError::Says(c)), "{wrong:?}");
            }
        }
    }

    #[test]
    fn name_does_not_begin_as_another_line() {
        for c in "*-!>|[/#@↳＊－！＞｜［／＃＠﹡﹣﹫∗⁎٭‐–—−│∣".chars() {
            for wrong in [format!("{c} ann"), format!("{c}ann"), format!(" {c}")] {
                assert_eq!(refused(&wrong), Some(NameError::Begins(c)), "{wrong:?}");
            }
            let inside = format!("ann{c}b");
            assert!(is_wide(c) && ends_a_name(c) || clean_speaker(&inside).is_ok(), "{inside:?}");
        }
        assert_eq!(refused("\u{2011}ann"), Some(NameError::Begins('\u{2011}')));
    }

    #[test]
    fn names_that_people_have_stay() {
        for good in [
            "O'Neil",
            "J:P",
            "Zoë 🦊",
            "日本太郎",
            "ann#2",
            "a@b.example",
            "M*A*S*H",
            "Jean-Luc",
            "_ann_",
            "(ann)",
            "¯\\_(ツ)_/¯",
            "*\u{fe0f}\u{20e3} ann",
            "ann *\u{fe0f}\u{20e3} b",
            "#\u{fe0f}\u{20e3}",
            "नमः",
            "नमः ann",
            "ꓮꓽ ꓐ",
            "עִבְרִית",
        ] {
            assert_eq!(clean_speaker(good).as_deref(), Ok(good), "{good:?}");
        }
    }

    #[test]
    fn what_is_no_name_at_all_is_no_name_of_a_person() {
        assert_eq!(refused(""), Some(NameError::Empty));
        assert_eq!(refused("* ann\n"), Some(NameError::Begins('*')));
        assert_eq!(refused("* a\nb"), Some(NameError::Control));
    }

    #[test]
    fn refusal_says_why_and_what_to_do() {
        let said = NameError::Says(':').to_string();
        assert!(said.contains("not have : before a space") && said.contains("leave the : out"), "{said}");
        let begins = NameError::Begins('*').to_string();
        assert!(begins.contains("not begin with *") && begins.contains("leave the * out"), "{begins}");
    }
}
