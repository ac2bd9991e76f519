//! What a file may be called on the disk of whoever gets it. Names come from others: they are made harmless when they
//! are read, whatever the sender's program let through.

use unicode_normalization::UnicodeNormalization as _;

use crate::identity::names::{is_hidden, is_needed};

/// Longest name, in bytes: file systems take 255, and `.part` or a number may be added.
pub const MAX_NAME: usize = 200;

/// Most that is looked at of a name, in bytes: the last part of a path is at its end.
const LOOKED_AT: usize = 16 << 10;

/// Longest ending that is kept when a name is cut, in bytes.
const MAX_ENDING: usize = 16;

/// Names that Windows keeps for devices, whatever ending they have.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Names that a desktop obeys when it shows the directory that they are in.
const OBEYED: [&str; 6] =
    ["desktop.ini", "thumbs.db", "ehthumbs.db", "autorun.inf", "folder.htt", "desktop.htt"];

/// Endings of files that a desktop follows somewhere, or that make it ask another machine, and does not say so: some of them it
/// does not even show.
const FOLLOWED: [&str; 18] = [
    "lnk",
    "url",
    "desktop",
    "scf",
    "pif",
    "website",
    "webloc",
    "inetloc",
    "fileloc",
    "library-ms",
    "search-ms",
    "searchconnector-ms",
    "settingcontent-ms",
    "theme",
    "themepack",
    "rdp",
    "directory",
    "kdelnk",
];

/// Endings of what lies beside a file until that is whole: one that came under such a name could be taken for that.
const UNFINISHED: [&str; 2] = ["part", "tail"];

/// What stands for a name of which nothing is left.
const NAMELESS: &str = "file";

/// The name as a file may have it here and elsewhere: without folders, controls, marks that turn or hide text, signs that
/// some system keeps for itself, dots or spaces at its ends, more than one space together (they push the ending out of sight),
/// the name of a device, one that a desktop obeys, or the ending of what is not whole yet. Never empty, at most [`MAX_NAME`] bytes.
pub fn clean_name(name: &str) -> String {
    let start = name.len().saturating_sub(LOOKED_AT);
    let start = (start..=name.len()).find(|at| name.is_char_boundary(*at)).unwrap_or_default();
    let name = name.get(start..).unwrap_or_default();
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let chars: Vec<char> = last.nfc().collect();
    let shown = chars.iter().copied().enumerate().filter_map(|(at, c)| match c {
        c if is_hidden(c) && !is_needed(&chars, at) => None,
        c if c.is_whitespace() => Some(' '),
        '<' | '>' | ':' | '"' | '|' | '?' | '*' | '/' | '\\' => Some('_'),
        c => Some(c),
    });
    let name: String = shown.nfc().collect();
    let mut is_space = false;
    let name: String =
        name.chars().filter(|c| !std::mem::replace(&mut is_space, *c == ' ') || *c != ' ').collect();
    let name = cut(trimmed(&name));
    let name = match trimmed(&name) {
        "" => return NAMELESS.to_owned(),
        name if is_device(name) || OBEYED.contains(&&*name.to_lowercase()) => format!("_{name}"),
        name => name.to_owned(),
    };
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.trim_end().to_lowercase());
    match ending.as_deref() {
        Some(ending) if FOLLOWED.contains(&ending) || UNFINISHED.contains(&ending) => format!("{name}_"),
        _ => name,
    }
}

/// Dots in front hide a file, at the end Windows forgets them.
fn trimmed(name: &str) -> &str {
    name.trim_start_matches(['.', ' ', '~', '-']).trim_end_matches(['.', ' '])
}

/// Shorter, with the same ending.
fn cut(name: &str) -> String {
    // An underscore may come in front, and another one behind.
    const MOST: usize = MAX_NAME - 2;
    if name.len() <= MOST {
        return name.to_owned();
    }
    let ending = name.rfind('.').and_then(|dot| name.get(dot..)).filter(|ending| ending.len() <= MAX_ENDING);
    let ending = ending.unwrap_or_default();
    let most = MOST.saturating_sub(ending.len());
    let end = (0..=most).rev().find(|at| name.is_char_boundary(*at)).unwrap_or_default();
    format!("{}{ending}", name.get(..end).unwrap_or_default())
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let numbered = |port: &str| {
        stem.strip_prefix(port).is_some_and(|rest| {
            let mut rest = rest.chars();
            let is_number = rest.next().is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'));
            is_number && rest.next().is_none()
        })
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_names_are_made_harmless() {
        let long = format!("{}.jpeg", "ä".repeat(5_000));
        let table = [
            ("cat.jpg", "cat.jpg"),
            ("../../.bashrc", "bashrc"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("/etc/passwd", "passwd"),
            ("C:\\x", "x"),
            ("C:evil", "C_evil"),
            ("..", "file"),
            (".", "file"),
            ("", "file"),
            ("/", "file"),
            ("  ...  ", "file"),
            ("a\0b\u{1b}[31m.txt", "ab[31m.txt"),
            ("invoice\u{202e}gpj.exe", "invoicegpj.exe"),
            ("a\u{200b}b\u{2066}c\u{feff}", "abc"),
            ("two\nlines\tand\u{2028}more", "twolinesandmore"),
            ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("Com1.tar.gz", "_Com1.tar.gz"),
            ("lpt³", "_lpt³"),
            ("nul .txt", "_nul .txt"),
            ("console.log", "console.log"),
            ("com10", "com10"),
            ("what?*<>|\".txt", "what______.txt"),
            ("trailing. . ", "trailing"),
            ("-rf", "rf"),
            ("desktop.ini", "_desktop.ini"),
            ("Desktop.INI ", "_Desktop.INI"),
            ("x/Thumbs.db", "_Thumbs.db"),
            ("AUTORUN.INF", "_AUTORUN.INF"),
            ("desktop.initial", "desktop.initial"),
            ("cat.jpg.lnk", "cat.jpg.lnk_"),
            ("bank.URL", "bank.URL_"),
            ("app.desktop.", "app.desktop_"),
            ("a.\u{202e}lnk", "a.lnk_"),
            ("share.scf\0", "share.scf_"),
            ("con.lnk", "_con.lnk_"),
            (".lnk", "lnk"),
            ("mid.bin.542bb1ae8a783fb4.part", "mid.bin.542bb1ae8a783fb4.part_"),
            ("mid.bin.542bb1ae8a783fb4.TAIL. ", "mid.bin.542bb1ae8a783fb4.TAIL_"),
            ("part", "part"),
            ("an lnk", "an lnk"),
            ("holiday.jpg                                   .exe", "holiday.jpg .exe"),
            ("~user", "user"),
            ("cafe\u{301}.txt", "café.txt"),
            ("👩\u{200d}💻.png", "👩\u{200d}💻.png"),
        ];
        for (name, expected) in table {
            assert_eq!(clean_name(name), expected, "{name:?}");
        }
        let cut = clean_name(&long);
        assert!(cut.len() <= MAX_NAME && cut.ends_with("ä.jpeg"), "{cut}");
        assert!(clean_name(&format!("{}/x", "a".repeat(100_000))) == "x");
    }

    proptest! {
        #[test]
        fn clean_names_are_clean(name in "\\PC{0,40}|[./\\\\\u{202e}\u{0}-\u{1f} a-cA-C.]{0,40}") {
            let clean = clean_name(&name);
            prop_assert!(!clean.is_empty() && clean.len() <= MAX_NAME);
            prop_assert!(!clean.contains(['/', '\\', '\0']) && !clean.starts_with('.'));
            prop_assert!(!clean.chars().any(char::is_control));
            prop_assert!(!clean.contains("  "));
            prop_assert_eq!(clean_name(&clean), clean.clone());
        }
    }
}
