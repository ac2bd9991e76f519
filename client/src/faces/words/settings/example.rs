//! A config.toml to begin with: every setting with its explanation, commented out.

use super::about;
use crate::settings::{KEYS, KNOWN, SECTIONS, Settings, written};

/// Width of the comments, in columns.
const WIDTH: usize = 100;

/// What stands above everything.
const HEAD: &str = "\
# Settings of schat. What is commented out shows its default, or an instance where there is none.
# `schat config` prints what is in force and where it comes from.
";

/// What a line about keys looks like.
const ACTIONS: &str = "\
# switcher = \"ctrl+k\"
# quit = [\"ctrl+q\", \"ctrl+d\"]
";

/// The example. It says nothing by itself.
pub fn example() -> String {
    let defaults = Settings::default();
    let mut text = HEAD.to_owned();
    for section in SECTIONS {
        text.push('\n');
        comment(&mut text, about::section(section));
        text.push_str(&format!("[{section}]\n"));
        for known in KNOWN.iter().filter(|known| known.section == *section) {
            text.push('\n');
            comment(&mut text, about::setting(&known.name()));
            let value = (known.show)(&defaults).map_or(known.instance.to_owned(), |value| written(&value));
            text.push_str(&format!("# {} = {value}\n", known.key));
        }
        if *section == KEYS {
            text.push('\n');
            text.push_str(ACTIONS);
        }
    }
    text
}

/// Words as comment lines.
fn comment(text: &mut String, words: &str) {
    let mut line = "#".to_owned();
    for word in words.split_whitespace() {
        if line.chars().count() + word.chars().count() + 1 > WIDTH {
            text.push_str(&line);
            text.push('\n');
            "#".clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}
