//! The twelve words: shown, asked for, read and written.

use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::Path,
};

use shared::identity::phrase::{Phrase, PhraseError, WORDS};
use zeroize::Zeroizing;

use super::passphrase;
use crate::{
    backup::sync_directory,
    cli::random::random,
    faces::words::{command::phrase as words, failure},
    failure::Failure,
};

pub(super) use words::Why;

/// What is read of a file with a phrase, in bytes.
const MAX_READ: u64 = 1024;

/// Words that are asked for.
const ASKED: usize = 3;

/// How often a person may mistype them.
pub(super) const TRIES: usize = 5;

/// Shows a phrase once, and asks for some of its words.
pub(super) fn show(phrase: &Phrase, why: Why) -> Result<(), Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(words::nobody_to_show(why));
    }
    let shown = phrase.words();
    eprint!("{}", Zeroizing::new(words::phrase(&shown, why)).as_str());
    let mut places: Vec<usize> = Vec::new();
    while places.len() < ASKED.min(WORDS) {
        let place = usize::try_from(random().below(WORDS as u64)).unwrap_or(0);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.sort_unstable();
    for _ in 0..TRIES {
        eprint!("{}", words::asked(&places.iter().map(|place| place + 1).collect::<Vec<_>>()));
        let _ = io::stderr().flush();
        let typed = read_line(&mut io::stdin().lock()).map_err(|error| words::unreadable(&error))?;
        let Some(typed) = typed else { return Err(words::not_confirmed(why)) };
        let typed: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
        let wanted: Vec<&str> = places.iter().filter_map(|place| shown.get(*place).copied()).collect();
        if typed == wanted || typed == shown {
            return Ok(());
        }
        eprintln!("{}", words::NOT_THOSE);
    }
    Err(words::not_confirmed(why))
}

/// A line; none at the end.
fn read_line(from: &mut impl io::BufRead) -> io::Result<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(String::with_capacity(2 * MAX_READ as usize));
    let read = from.take(MAX_READ).read_line(&mut line)?;
    Ok((read > 0).then_some(line))
}

/// What stands in a file.
pub(super) fn of_file(path: &Path) -> Result<Phrase, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(2 * MAX_READ as usize));
    let read = fs::File::open(path).and_then(|file| file.take(MAX_READ).read_to_string(&mut text));
    read.map_err(|error| words::no_phrase_file(path, &error))?;
    Phrase::parse(text.trim_start_matches('\u{feff}')).map_err(words::no_phrase)
}

/// For its owner alone, and never in the place of something else.
pub(super) fn write(path: &Path, phrase: &Phrase) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    fill(&options.open(path)?, path, phrase)
}

fn fill(mut file: &fs::File, path: &Path, phrase: &Phrase) -> io::Result<()> {
    let text = Zeroizing::new(format!("{}\n", phrase.words().join(" ")));
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    // Its name as well, before the account is of these words.
    written.and_then(|()| sync_directory(path)).inspect_err(|_| {
        // What a full disk left of it would be in the way of the next try.
        let _ = fs::remove_file(path);
    })
}

/// Asks for it, or reads it from standard input.
pub(super) fn ask() -> Result<Phrase, Failure> {
    let is_asked = io::stdin().is_terminal();
    let read = || {
        if is_asked {
            eprint!("{}", words::QUESTION);
            let _ = io::stderr().flush();
        }
        let line = read_line(&mut io::stdin().lock()).map_err(|error| words::unreadable(&error))?;
        // At its end nobody types any more.
        line.ok_or_else(|| words::no_phrase(PhraseError::Count(0)))
    };
    parsed(is_asked, read)
}

/// What is read as a phrase. A person who mistyped it is told so and asked again: what is typed behind the end of this program
/// goes to a shell, which keeps it.
fn parsed(
    is_asked: bool,
    mut read: impl FnMut() -> Result<Zeroizing<String>, Failure>,
) -> Result<Phrase, Failure> {
    let mut left = if is_asked { TRIES } else { 1 };
    loop {
        left -= 1;
        match Phrase::parse(&read()?) {
            Ok(phrase) => return Ok(phrase),
            Err(error) if left == 0 => return Err(words::no_phrase(error)),
            Err(error) => eprintln!("{}", failure(&words::no_phrase(error))),
        }
    }
}

/// Asks for it at the terminal, without showing what is typed.
pub(super) fn ask_unseen() -> Result<Phrase, Failure> {
    parsed(true, || passphrase::ask_or(words::UNSEEN, words::nothing_typed, words::no_terminal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_that_could_not_be_written_is_not_left_in_the_way() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("words");
        let phrase = Phrase::from_bytes(&[7; 16]);
        fs::write(&path, "").unwrap();
        // It was made, and takes nothing: as on a full disk.
        assert!(fill(&fs::File::open(&path).unwrap(), &path, &phrase).is_err());
        assert!(!path.exists());
        write(&path, &phrase).unwrap();
        assert_eq!(of_file(&path).unwrap().words(), phrase.words());
        assert!(write(&path, &phrase).is_err() && path.exists(), "what stands there is not replaced");
    }

    #[test]
    fn person_who_mistyped_the_phrase_is_asked_again_and_a_file_is_not() {
        let right = Phrase::from_bytes(&[7; 16]).words().join(" ");
        for (is_asked, wrong, is_read) in [(true, TRIES - 1, true), (true, TRIES, false), (false, 1, false)] {
            let mut asked = 0;
            let read = || {
                asked += 1;
                Ok(Zeroizing::new(if asked > wrong { right.clone() } else { "abandon abandn".to_owned() }))
            };
            assert_eq!(parsed(is_asked, read).is_ok(), is_read, "{wrong} times");
            assert_eq!(asked, if is_read { wrong + 1 } else { wrong });
        }
    }
}
