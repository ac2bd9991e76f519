//! The core has no words: what people read, and what they can do, is said by the faces, each in its own way.
//!
//! Texts in the sources of `shared` are looked at, outside tests, attributes and `expect`: none is a sentence. And none, messages of
//! errors included, names a command or an option of a program. The command line of `schat` says nothing by itself either: its sentences
//! are in `faces/words/command/`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::{fs, path::Path};

/// Words in a row that make a text a sentence.
const SENTENCE: usize = 4;

#[test]
fn core_says_nothing_to_people() {
    let mut wrong = Vec::new();
    let mut texts = 0;
    each_source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut |path, source| {
        for Text { text, is_internal, .. } in texts_of(source) {
            texts += 1;
            if names_command(&text) || (!is_internal && is_sentence(&text)) {
                wrong.push(format!("{}: {text:?}", path.display()));
            }
        }
    });
    assert!(texts > 200, "only {texts} texts were found");
    assert!(wrong.is_empty(), "words for people in the core:\n{}", wrong.join("\n"));
}

/// Sources of the command line whose texts are their own: the demonstration's report is a face itself.
const OWN: [&str; 1] = ["demo"];

/// Beginnings of what looks like a sentence and is none: commands to be typed, the head of a manual page, a heading of the help.
const NONE: [&str; 4] = ["schat verify ", "cargo install ", ".TH ", "Options of all commands"];

#[test]
fn command_line_says_nothing_by_itself() {
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/src/cli");
    let (mut wrong, mut texts) = (Vec::new(), 0);
    each_source(&client, &mut |path, source| {
        let within = path.strip_prefix(&client).unwrap();
        if OWN.iter().any(|own| within.starts_with(own)) {
            return;
        }
        for Text { text, is_internal, .. } in texts_of(source) {
            texts += 1;
            if !is_internal && is_sentence(&text) && !NONE.iter().any(|begin| text.starts_with(begin)) {
                wrong.push(format!("{}: {text:?}", path.display()));
            }
        }
    });
    assert!(texts > 100, "only {texts} texts were found");
    assert!(wrong.is_empty(), "sentences outside faces/words:\n{}", wrong.join("\n"));
    assert!(OWN.iter().all(|own| client.join(own).exists()));
}

/// What is below the faces, and says nothing by itself.
const BELOW: [&str; 14] = [
    "ask",
    "codec.rs",
    "daemon",
    "failure.rs",
    "handle",
    "log.rs",
    "picture",
    "reason",
    "runtime",
    "settings",
    "sound.rs",
    "store",
    "text",
    "transport",
];

/// Beginnings of what looks like a sentence and is none: statements for the database.
const STATEMENTS: [&str; 9] =
    ["ROLLBACK", "BEGIN;", "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "PRAGMA ", "CREATE ", "-- "];

#[test]
fn nothing_below_the_faces_speaks_to_people() {
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/src");
    let (mut wrong, mut texts) = (Vec::new(), 0);
    each_source(&client, &mut |path, source| {
        let within = path.strip_prefix(&client).unwrap();
        let is_in = |parts: &[&str]| parts.iter().any(|part| within.starts_with(part));
        if !is_in(&BELOW) {
            return;
        }
        for Text { text, is_internal, is_error } in texts_of(source) {
            texts += 1;
            let is_statement = STATEMENTS.iter().any(|begin| text.trim_start().starts_with(begin));
            if (is_error || !is_internal) && !is_statement && (is_sentence(&text) || names_command(&text)) {
                wrong.push(format!("{}: {text:?}", within.display()));
            }
        }
    });
    assert!(texts > 300, "only {texts} texts were found");
    assert!(wrong.is_empty(), "sentences outside faces/words:\n{}", wrong.join("\n"));
}

#[test]
fn sentences_and_commands_are_recognised() {
    let source = r##"
        #[error("nobody is here to ask")]
        let d = one.expect("it was there a moment ago");
        let a = "The relay is gone."; // "Not one of these texts."
        let b = format!("say {} again \" to me", 'x');
        let c = "schat/2 envelope";
    "##;
    let texts: Vec<(String, bool)> =
        texts_of(source).into_iter().map(|text| (text.text, text.is_internal)).collect();
    let all = [
        ("nobody is here to ask", true),
        ("it was there a moment ago", true),
        ("The relay is gone.", false),
        ("say {} again \" to me", false),
        ("schat/2 envelope", false),
    ];
    assert_eq!(texts, all.map(|(text, is_internal)| (text.to_owned(), is_internal)));
    for yes in ["The relay is gone.", "Wait.", "say {} again to me"] {
        assert!(is_sentence(yes), "{yes}");
    }
    for no in ["schat/2 own envelope", "meta", "MLS 1.0 exp", "peer/", "team", "{}.{}", "https://", "I"] {
        assert!(!is_sentence(no) && !names_command(no), "{no}");
    }
    for yes in ["/members shows who is in", "say /accept", "raise --rate", "(--rate)"] {
        assert!(names_command(yes), "{yes}");
    }
    for no in ["notice/", "a/b", "schat://", "/a.b.rs", "-----BEGIN", "a--b", "/"] {
        assert!(!names_command(no), "{no}");
    }
}

/// Several words in a row, or one word that begins and ends like a sentence.
fn is_sentence(text: &str) -> bool {
    let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_alphabetic() || ".,;:!?'\"{}()".contains(c));
    let words = text.split_whitespace().filter(is_word).count();
    let begins = text.starts_with(|c: char| c.is_ascii_uppercase());
    let ends = text.len() > 2 && text.ends_with(['.', '!', '?']);
    words >= SENTENCE || (begins && ends)
}

/// `/word` or `--word`, at the beginning or after a space or bracket.
fn names_command(text: &str) -> bool {
    let word =
        |rest: Option<&str>| rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
    text.split(|c: char| c.is_whitespace() || "(\"'`".contains(c)).any(|part| {
        // A path has more slashes, or a dot.
        let is_command = word(part.strip_prefix('/')) && !part[1..].contains(['/', '.']);
        is_command || word(part.strip_prefix("--"))
    })
}

struct Text {
    text: String,
    /// In an attribute, where it is the message of an error or a reason, or what an `expect` says.
    is_internal: bool,
    /// The message of an error.
    is_error: bool,
}

/// The texts of a source, outside comments and tests.
fn texts_of(source: &str) -> Vec<Text> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut found = Vec::new();
    let mut rest = source.chars().peekable();
    let (mut attribute, mut last, mut before) = (0_usize, ' ', String::new());
    let mut is_error = false;
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('/', Some('/')) => while rest.next_if(|c| *c != '\n').is_some() {},
            ('\'', Some('"' | '\\')) => {
                // A character; the quote after an escape is not its end.
                let escaped = rest.next() == Some('\\');
                rest.nth(usize::from(escaped));
            }
            ('#', Some('[')) if attribute == 0 => {
                attribute = 1;
                rest.next();
                is_error = rest.clone().take(6).eq("error(".chars());
            }
            ('[', _) if attribute > 0 => attribute += 1,
            (']', _) if attribute > 0 => attribute -= 1,
            ('"', _) => {
                let is_raw = last == 'r';
                let mut text = String::new();
                while let Some(c) = rest.next() {
                    match c {
                        '"' => break,
                        '\\' if !is_raw => match rest.next() {
                            // A line that goes on.
                            Some('\n') => while rest.next_if(|c| c.is_whitespace()).is_some() {},
                            Some(c) => text.push(c),
                            None => break,
                        },
                        c => text.push(c),
                    }
                }
                let is_internal = attribute > 0 || before.ends_with("expect(");
                found.push(Text { text, is_internal, is_error: attribute > 0 && is_error });
                before.clear();
            }
            _ => before.push(c),
        }
        last = c;
    }
    found
}

/// Every source but those of tests.
fn each_source(folder: &Path, look: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        // What tests and fuzzing need.
        if matches!(name, "tests" | "testing" | "sim" | "hostile" | "spoil" | "fuzz" | "known_answers") {
            continue;
        }
        if path.is_dir() {
            each_source(&path, look);
        } else {
            look(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
