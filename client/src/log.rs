//! What the program tells of itself: on standard error for developers (`SCHAT_LOG`), and with `--log FILE` in a file that a
//! user can send us.
//!
//! The file has only what this crate says, and this crate says counts, codes and states: never a name, a text, a room, a
//! link, an address or a key. Rooms and relays are numbers of this run. A test holds it to that.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tracing::{Level, info};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::failure::{Exit, Failure};

/// For developers: what goes to standard error. Libraries' lines may name addresses.
const VARIABLE: &str = "SCHAT_LOG";

/// Bytes that one run writes into the file at most: whoever leaves a program running for a month fills no disk by it.
const MOST: u64 = 64 << 20;

/// Begins to log. Without a file, and without the variable, nothing is written and an event costs a comparison.
///
/// # Errors
/// [`Failure`] when the file cannot be written.
pub fn start(file: Option<&Path>) -> Result<(), Failure> {
    let developers = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("off"));
    // The screen belongs to the chat.
    let developers = fmt::layer().with_writer(io::stderr).with_filter(developers);
    let users = match file {
        Some(path) => {
            let limited = Limited { file: open(path)?, left: MOST };
            let ours = Targets::new().with_target("client", Level::DEBUG);
            // A lock, because threads write; only whoever asked for a log pays for it.
            Some(fmt::layer().with_ansi(false).with_writer(Mutex::new(limited)).with_filter(ours))
        }
        None => None,
    };
    tracing_subscriber::registry().with(developers).with(users).init();
    Ok(())
}

/// The program begins: what was asked for, without what it is about.
pub fn begins(command: &'static str) {
    info!(version = env!("CARGO_PKG_VERSION"), os = std::env::consts::OS, command, "begins");
}

/// The program ends.
pub fn ends(exit: Exit) {
    info!(exit = u8::from(exit), "ends");
}

/// A number for a room or a relay, from 1, that tells them apart in this run and says nothing else.
pub(crate) fn number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Relaxed) + 1
}

/// Adds to the file; a new one is for its owner alone.
fn open(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| {
        let message = format!("The log {} cannot be written: {error}.", path.display());
        Failure::new(Exit::Local, "log", message, "Name another file with --log.")
    })
}

/// A file that takes so much and no more. What cannot be written is lost: a full disk must not end the chat.
struct Limited {
    file: File,
    left: u64,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let wanted = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let Some(left) = self.left.checked_sub(wanted) else {
            if std::mem::take(&mut self.left) > 0 {
                self.file.write_all(b"This log is full; nothing more of this run is written.\n")?;
            }
            return Ok(bytes.len());
        };
        self.left = left;
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_takes_so_much_and_says_once_that_it_is_full() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("log");
        let mut limited = Limited { file: open(&path).unwrap(), left: 10 };
        for _ in 0..5 {
            limited.write_all(b"1234\n").unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written.matches("1234").count(), 2, "{written}");
        let mut limited = Limited { file: open(&path).unwrap(), left: 7 };
        for _ in 0..5 {
            limited.write_all(b"1234\n").unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!((written.matches("1234").count(), written.matches("full").count()), (3, 1), "{written}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn directory_is_no_file_for_a_log() {
        let dir = tempfile::TempDir::new().unwrap();
        assert_eq!(open(dir.path()).unwrap_err().code, "log");
    }
}
