//! Which names look alike.

use shared::identity::names::{clean_name, fold};
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton;

/// What a name looks like. For comparing only, never for showing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looks {
    /// It is written so, case and width apart.
    folded: String,
    /// In what it may be taken for: at most four, each as short as the name.
    keys: Vec<String>,
}

impl Looks {
    /// What `name` looks like.
    pub fn of(name: &str) -> Self {
        let folded = compact(&fold(name));
        let written = compact(&name.nfkc().collect::<String>());
        let mut keys = vec![
            // Whatever the case: `b0b` and `BOB`. A confusable's prototype may be a capital: `0` looks like `O`.
            format!("lower {}", lower(&confusable(&folded))),
            // A capital within a word is taken for what it looks like: `AIice` and `alice`.
            format!("lower {}", lower(&confusable(&lower_where_usual(&written)))),
            // As it is written (UTS #39, 4): `Ian` and `lan`.
            format!("written {}", confusable(&written)),
            // In capitals, as somebody else may have written it: `alice` and `ALlCE`.
            format!("written {}", confusable(&written.to_uppercase())),
        ];
        keys.sort();
        keys.dedup();
        Self { folded, keys }
    }

    /// The names can be taken for each other.
    pub fn like(&self, other: &Self) -> bool {
        self.keys.iter().any(|key| other.keys.contains(key))
    }

    /// The names are one, case and width apart: two people may well both have it. One that is only
    /// [like](Self::like) it is a disguise.
    pub fn same(&self, other: &Self) -> bool {
        self.folded == other.folded
    }

    /// Names with a key in common look alike.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }
}

/// Names that systems give, and that say nothing of who has them.
const DEFAULTS: [&str; 16] = [
    "admin",
    "administrator",
    "arch",
    "debian",
    "ec2-user",
    "fedora",
    "guest",
    "me",
    "nobody",
    "opc",
    "pi",
    "root",
    "test",
    "ubuntu",
    "user",
    "vagrant",
];

/// Whether the name is one that a system gives: that two have it means nothing.
pub fn is_default(name: &str) -> bool {
    DEFAULTS.contains(&fold(name).as_str())
}

/// The label that somebody means who typed this: labels are names of rooms, in the one form that names have. What is no
/// name stays, and is no room's label.
pub fn label(typed: &str) -> String {
    clean_name(typed).unwrap_or_else(|_| typed.to_owned())
}

/// Marks that people and programs put around a name: what begins, and what ends.
const QUOTES: [(char, char); 12] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('\u{201c}', '\u{201d}'),
    ('\u{201e}', '\u{201c}'),
    ('\u{201e}', '\u{201d}'),
    ('\u{201d}', '\u{201d}'),
    ('\u{2018}', '\u{2019}'),
    ('\u{201a}', '\u{2018}'),
    ('\u{ab}', '\u{bb}'),
    ('\u{bb}', '\u{ab}'),
    ('\u{2039}', '\u{203a}'),
];

/// A room's name as somebody meant it who typed it as it is shown, in quotation marks, with `\"` and `\\` for those inside.
/// Without such marks all around it, or with nothing in them, it is as it was typed.
pub fn unquoted(typed: &str) -> String {
    let trimmed = typed.trim();
    let within = |(begins, ends): &(char, char)| {
        let inside = trimmed.strip_prefix(*begins)?.strip_suffix(*ends)?;
        match ends {
            '"' => without_escapes(inside),
            ends => (!inside.contains([*begins, *ends])).then(|| inside.to_owned()),
        }
    };
    let inside = QUOTES.iter().find_map(within).map(|inside| inside.trim().to_owned());
    inside.filter(|inside| !inside.is_empty()).unwrap_or_else(|| typed.to_owned())
}

/// None where a mark ends the quotation before its end.
fn without_escapes(inside: &str) -> Option<String> {
    let (mut out, mut characters) = (String::with_capacity(inside.len()), inside.chars());
    while let Some(c) = characters.next() {
        match c {
            '"' => return None,
            '\\' => out.push(characters.next().filter(|next| matches!(next, '"' | '\\'))?),
            c => out.push(c),
        }
    }
    Some(out)
}

/// Which of these rooms is meant by a name that somebody typed: the one of that label, or else the only one whose label
/// is the same in whatever case and form.
pub fn meant<'a>(labels: impl Iterator<Item = &'a str> + Clone, typed: &str) -> Option<&'a str> {
    let wanted = label(typed);
    let whole = labels.clone().find(|label| *label == wanted);
    let folded = fold(&wanted);
    let mut same = labels.filter(|label| fold(label) == folded);
    whole.or_else(|| same.next().filter(|_| same.next().is_none()))
}

/// Without spaces, which are easily overlooked.
fn compact(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).collect()
}

fn confusable(name: &str) -> String {
    skeleton(name).collect()
}

fn lower(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).nfkc().collect()
}

/// In lower case, but for capitals after a letter in a word that is not all capitals.
fn lower_where_usual(name: &str) -> String {
    if !name.chars().any(char::is_lowercase) {
        return name.to_lowercase();
    }
    let mut inside = false;
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match inside {
            true => out.push(c),
            false => out.extend(c.to_lowercase()),
        }
        inside = c.is_alphabetic();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(one: &str, other: &str) -> bool {
        let (one, other) = (Looks::of(one), Looks::of(other));
        assert_eq!(one.like(&other), other.like(&one));
        one.like(&other)
    }

    #[test]
    fn name_in_other_clothes_is_the_same_name() {
        for (one, other) in [
            ("bob", "Bob"),
            ("bob", "b o b"),
            ("bob", "ｂｏｂ"),     // full width
            ("zoë", "zoe\u{308}"), // one character, or two
            ("STRASSE", "Straße"),
            ("ann", "a\u{200b}nn"),
        ] {
            assert!(alike(one, other), "{one} {other}");
            assert!(Looks::of(one).same(&Looks::of(other)), "{one} {other}");
        }
    }

    #[test]
    fn name_that_passes_for_another_is_like_it_and_not_the_same() {
        for (one, other) in [
            ("bob", "b0b"),
            ("BOB", "b0b"),
            ("paul", "раul"),   // Cyrillic er and a
            ("alice", "аlice"), // Cyrillic a
            ("Alice", "AIice"), // a capital i
            ("alice", "AIice"),
            ("Alice", "aIice"),
            ("ALICE", "ALlCE"),
            ("alice", "ALlCE"),
            ("Bill", "BiII"),
            ("lan", "Ian"),
            ("morning", "mornin\u{261}"),
            ("modern", "modem"),
        ] {
            assert!(alike(one, other), "{one} {other}");
            assert!(!Looks::of(one).same(&Looks::of(other)), "{one} {other}");
        }
    }

    #[test]
    fn other_names_stay_apart() {
        for (one, other) in [
            ("bob", "bop"),
            ("ann", "anna"),
            ("zoe", "zoë"),
            ("日本", "日木"),
            ("a", "b"),
            ("Ian", "Lan"),
            ("ill", "lil"),
            ("Ida", "Lda"),
            ("McIntyre", "MacIntyre"),
        ] {
            assert!(!alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn label_is_one_however_it_was_typed() {
        assert_eq!(label(" cafe\u{301}"), "caf\u{e9}");
        assert_eq!(label("my\u{a0}room"), "my room");
        assert_eq!(label("team (version 1)"), "team (version 1)");
        assert_eq!(label("\u{1b}"), "\u{1b}");
    }

    #[test]
    fn name_is_meant_without_the_quotation_marks_around_it() {
        for (typed, meant) in [
            (r#""my room""#, "my room"),
            (r#" "my room" "#, "my room"),
            (r#""a\" b""#, r#"a" b"#),
            (r#""a\\""#, r"a\"),
            ("'my room'", "my room"),
            ("`my room`", "my room"),
            ("“my room”", "my room"),
            ("„my room“", "my room"),
            ("‘my room’", "my room"),
            ("‚my room‘", "my room"),
            ("« my room »", "my room"),
            ("»my room«", "my room"),
            ("‹my room›", "my room"),
        ] {
            assert_eq!(unquoted(typed), meant, "{typed}");
        }
        for typed in [
            "my room",
            r#""a" b"#,
            r#""a" and "b""#,
            "'a' and 'b'",
            "\"\"",
            "\"",
            "''",
            r#""a\""#,
            "O'Neil",
            "“a\"",
        ] {
            assert_eq!(unquoted(typed), typed);
        }
    }

    #[test]
    fn room_is_meant_in_any_case_unless_there_are_two() {
        let labels = ["caf\u{e9}", "Team", "team", "Straße", "my room"];
        for (typed, wanted) in [
            ("CAFE\u{301}", Some("caf\u{e9}")),
            ("Team", Some("Team")),
            ("team", Some("team")),
            ("TEAM", None),
            ("strasse", Some("Straße")),
            ("My\u{a0}Room", Some("my room")),
            ("cafe", None),
            ("", None),
        ] {
            assert_eq!(meant(labels.into_iter(), typed), wanted, "{typed}");
        }
    }

    #[test]
    fn names_of_systems_are_known_in_any_case() {
        assert!(is_default("Guest") && is_default("root") && !is_default("bob"));
    }
}
