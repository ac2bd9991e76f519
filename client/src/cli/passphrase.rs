//! Where a passphrase comes from: a file, a program, the keyring, or the person at the terminal. Never the command line and never the
//! environment: others can see those.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use zeroize::Zeroizing;

use super::{Globals, hidden, keyring::KeyringEntry};
use crate::{
    faces::words::{command::profile as words, failure},
    failure::{Exit, Failure},
    settings::Program,
    store::{Passphrase, PassphraseError, ProfileKey, Wrap},
};

/// What is read of a file or a program, in bytes: the longest passphrase, the end of its line, and one byte that tells a
/// longer one.
const MAX_READ: usize = 1_024 + 3;

/// What a passphrase opened, and which one it was.
pub(super) struct Opened {
    pub(super) key: ProfileKey,
    pub(super) passphrase: Passphrase,
}

/// Opens a profile's key with its passphrase, as it is now.
pub(super) fn opened(globals: &Globals, profile: &Path, wrap: &Wrap) -> Result<Opened, Failure> {
    let open = |passphrase: Passphrase| Ok(Opened { key: wrap.open(&passphrase)?, passphrase });
    let text = match (Source::of(globals), KeyringEntry::of(profile)) {
        (Source::File(path), _) => file(path)?,
        (Source::Program(program), _) => printed(program)?,
        (Source::Person, None) => ask(words::QUESTION)?,
        (Source::Person, Some(entry)) => match entry.passphrase().and_then(open) {
            Ok(opened) => return Ok(opened),
            Err(error) if error.exit == Exit::Interrupted => return Err(error),
            // The entry may be gone, or of another passphrase where somebody put an older copy of the profile back.
            Err(error) => {
                eprintln!("schat: {}", words::not_by_keyring(&failure(&error)));
                ask(words::QUESTION)?
            }
        },
    };
    open(Passphrase::given(&text)?)
}

/// A new passphrase: from `file`; else, for the first one, from where it will come from later; else from the person, who
/// types it twice.
pub(super) fn chosen(globals: &Globals, file: Option<&Path>, is_first: bool) -> Result<Passphrase, Failure> {
    let text = match (file, Source::of(globals)) {
        (Some(path), _) => self::file(path)?,
        (None, Source::File(path)) if is_first => self::file(path)?,
        (None, Source::Program(program)) if is_first => printed(program)?,
        _ => {
            let text = ask("New passphrase: ")?;
            let passphrase = Passphrase::chosen(&text)?;
            return match Passphrase::given(&ask("The same again: ")?) {
                Ok(again) if again.is(&passphrase) => Ok(passphrase),
                Ok(_)
                | Err(PassphraseError::Empty | PassphraseError::TooLong | PassphraseError::TooShort) => {
                    Err(words::not_the_same())
                }
            };
        }
    };
    Ok(Passphrase::chosen(&text)?)
}

/// Says so where a start would not ask the keyring.
pub(super) fn warn_of_other_source(globals: &Globals) {
    let asked = match Source::of(globals) {
        Source::File(_) => "--passphrase-file (or SCHAT_PASSPHRASE_FILE)",
        Source::Program(_) => "passphrase_command in config.toml",
        Source::Person => return,
    };
    eprintln!("{}", words::other_source(asked));
}

enum Source<'a> {
    File(&'a PathBuf),
    Program(&'a Program),
    Person,
}

impl<'a> Source<'a> {
    fn of(globals: &'a Globals) -> Self {
        match (&globals.passphrase_file, &globals.settings.lock.passphrase_command) {
            (Some(path), _) => Self::File(path),
            (None, Some(program)) => Self::Program(program),
            (None, None) => Self::Person,
        }
    }
}

fn file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let read = fs::File::open(path).and_then(|file| {
        warn_of_others(path, &file.metadata()?);
        first_line(file)
    });
    read.map_err(|error| {
        let exit = if error.kind() == io::ErrorKind::NotFound { Exit::NotFound } else { Exit::Local };
        words::no_passphrase_file(exit, path, &error)
    })
}

#[cfg(unix)]
fn warn_of_others(path: &Path, file: &fs::Metadata) {
    let others = std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o077;
    if file.is_file() && others != 0 {
        eprintln!("schat: {}", words::file_of_others(path));
    }
}

#[cfg(not(unix))]
fn warn_of_others(_: &Path, _: &fs::Metadata) {}

/// What it says on standard error, and its own questions at the terminal, are for the person.
fn printed(program: &Program) -> Result<Zeroizing<String>, Failure> {
    let bad = |what: String| words::program_failed(&program.name, what);
    let mut child = Command::new(&program.name)
        .args(&program.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| bad(words::cannot_be_started(&error)))?;
    let line = child.stdout.take().map(|mut from| {
        let line = first_line(&mut from);
        // A program that prints more is not cut off.
        io::copy(&mut from, &mut io::sink()).and(line)
    });
    let status = child.wait().map_err(|error| bad(format!("is lost: {error}")))?;
    match line {
        _ if !status.success() => Err(bad(format!("ended with {status}"))),
        Some(Ok(line)) => Ok(line),
        Some(Err(error)) => Err(bad(words::printed_nonsense(&error))),
        None => Err(bad("prints nothing".to_owned())),
    }
}

/// The first line, without its end.
fn first_line(mut from: impl Read) -> io::Result<Zeroizing<String>> {
    // Enough that nothing is copied while it grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_READ));
    let mut byte = Zeroizing::new([0]);
    // One by one: a pipe may stay open behind the line, and nothing is to stay in a buffer.
    while bytes.len() < MAX_READ && from.read(byte.as_mut_slice())? > 0 && byte.as_slice() != b"\n" {
        bytes.extend_from_slice(byte.as_slice());
    }
    let line = bytes.strip_suffix(b"\r").unwrap_or(&bytes);
    let text = str::from_utf8(line).map_err(|_| io::Error::other(words::NO_TEXT))?;
    // The mark of its encoding, with which some editors begin a file, is none of it.
    Ok(Zeroizing::new(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()))
}

/// At the terminal, whatever standard input is, and without echo.
fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    ask_or(prompt, words::nothing_typed, words::no_terminal)
}

/// The same for something else that nobody is to see: what is said where nothing is typed, and where there is no terminal.
pub(super) fn ask_or(
    prompt: &str,
    nothing_typed: fn() -> Failure,
    no_terminal: fn(&io::Error) -> Failure,
) -> Result<Zeroizing<String>, Failure> {
    hidden::ask(prompt).map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => words::stopped(),
        io::ErrorKind::UnexpectedEof => nothing_typed(),
        io::ErrorKind::InvalidData => words::not_text(),
        _ => no_terminal(&error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_what_follows_are_no_part_of_it() {
        let line = |bytes: &[u8]| first_line(bytes).map(|line| line.to_string()).ok();
        assert_eq!(line(b"correct horse\r\nuser: ann\n").as_deref(), Some("correct horse"));
        assert_eq!(line(b" spaces stay ").as_deref(), Some(" spaces stay "));
        assert_eq!(line("\u{feff}correct horse\n".as_bytes()).as_deref(), Some("correct horse"));
        assert_eq!(line(b"").as_deref(), Some(""));
        assert_eq!(line(b"\xff\n"), None);
        let long = line(&[b'x'; 9_999]).unwrap();
        assert_eq!(Passphrase::given(&long).err(), Some(PassphraseError::TooLong), "it is not cut");
    }
}
