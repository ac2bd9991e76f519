//! The first start: what others are to call whoever sits there.

use std::io::{self, BufRead, IsTerminal as _, Write as _};

use shared::identity::clean_speaker;

use super::Globals;
use crate::{
    faces::words::command::profile as words,
    failure::{Exit, Failure},
    store::{ProfileDir, usual_name},
};

/// Asks for a name where a person begins at a terminal. None: nobody is to be asked.
///
/// # Errors
/// [`Failure`] when the terminal cannot be read; and one that says nothing when whoever sits there leaves instead of answering.
pub(super) fn ask(globals: &Globals, dir: &ProfileDir) -> Result<Option<String>, Failure> {
    let is_person = io::stdin().is_terminal() && io::stderr().is_terminal() && !globals.json;
    if globals.name.is_some() || dir.is_made() || !is_person {
        return Ok(None);
    }
    choose(&mut io::stdin().lock(), &usual_name(), |said| {
        // What cannot be shown is no reason to ask nothing.
        let _ = write!(io::stderr(), "{said}");
    })
    .map_err(|error| words::name_unreadable(&error))?
    .map(Some)
    .ok_or_else(|| Failure::new(Exit::Ok, "left", "", ""))
}

/// The first name that can be one; `usual` for an empty line, none for the end (Ctrl-D).
fn choose(input: &mut impl BufRead, usual: &str, mut say: impl FnMut(&str)) -> io::Result<Option<String>> {
    say(words::ABOUT_NAMES);
    loop {
        say(&format!("Your name [{usual}]: "));
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            // The next prompt begins a line.
            say("\n");
            return Ok(None);
        }
        let typed = line.trim();
        if typed.is_empty() {
            return Ok(Some(usual.to_owned()));
        }
        if typed.contains("://") {
            say(words::FIRST_THE_NAME);
            continue;
        }
        match clean_speaker(typed) {
            Ok(name) => return Ok(Some(name)),
            Err(error) => say(&words::no_name(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_asked_for_until_there_is_one() {
        for (typed, chosen) in [
            ("\n", Some("root")),
            ("", None),
            ("  zoë \n", Some("zoë")),
            ("ann", Some("ann")),
            ("schat://h:1/#x\nann\n", Some("ann")),
            ("schat://h:1/#x\n", None),
            ("\u{1b}[2J\nann\n", Some("ann")),
            ("bob: hi\n* bob\nann\n", Some("ann")),
        ] {
            let mut said = String::new();
            let name = choose(&mut typed.as_bytes(), "root", |text| said.push_str(text)).unwrap();
            assert_eq!(name.as_deref(), chosen, "{typed:?}");
            assert!(
                said.contains("people in your rooms see") && said.contains("Your name [root]: "),
                "{said}"
            );
        }
    }
}
