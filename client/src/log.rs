//! What the program tells of itself: on standard error for developers (`SCHAT_LOG`), and with `--log FILE` in a file that a
//! user can send us.
//!
//! The file has only what this crate says, and this crate says counts, codes and states: never a name, a text, a room, a
//! link, an address or a key. Rooms and relays are numbers of this run. A test holds it to that.
//!
//! A path that was mistyped must cost nothing: only what is empty or begins as a log of ours is added to.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read as _, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tracing::{Level, info};
use tracing_subscriber::{
    Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::failure::Exit;

/// For developers: what goes to standard error, as `debug`, or as `client=debug,quinn=info`. Libraries' lines may name addresses.
const VARIABLE: &str = "SCHAT_LOG";

/// The first line of a file.
const HEAD: &[u8] = b"# schat log\n";

/// The last line of a run that wrote as much as it may.
const FULL: &[u8] = b"# full\n";

/// Why something of this run is not in the file.
static LOST: OnceLock<String> = OnceLock::new();

/// Bytes that one run writes into the file at most: whoever leaves a program running for a month fills no disk by it.
const MOST: u64 = 64 << 20;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It cannot be written.
    #[error("{1}")]
    Io(PathBuf, io::Error),
    /// Nothing can be added there.
    #[error("no file")]
    NoFile(PathBuf),
    /// There is something else in it.
    #[error("no log")]
    NoLog(PathBuf),
}

/// Begins to log. Without a file, and without the variable, nothing is written and an event costs a comparison.
///
/// # Errors
/// [`LogError`] when the file cannot be written, or is somebody else's.
pub fn start(file: Option<&Path>) -> Result<(), LogError> {
    let developers = std::env::var(VARIABLE).ok().and_then(|wanted| wanted.parse::<Targets>().ok());
    let developers = developers.unwrap_or_default();
    // The screen belongs to the chat.
    let developers = fmt::layer().with_writer(io::stderr).with_filter(developers);
    let users = match file {
        Some(path) => {
            let limited = Limited::new(open(path)?, MOST);
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

/// The program ends. Whoever wants to send the file is to be told what kept something out of it, if anything did.
pub fn ends(exit: Exit) -> Option<&'static str> {
    info!(exit = u8::from(exit), "ends");
    LOST.get().map(String::as_str)
}

/// A number for a room or a relay, from 1, that tells them apart in this run and says nothing else.
pub(crate) fn number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Relaxed) + 1
}

/// A file to add to, and whether it is still empty.
struct Opened {
    file: File,
    is_empty: bool,
}

/// Opens what may be added to; a new file is for its owner alone. What it is, is looked at before it is opened: a pipe without a
/// reader would wait for one.
fn open(path: &Path) -> Result<Opened, LogError> {
    let cannot = |error: io::Error| LogError::Io(path.to_owned(), error);
    let is_file = match path.metadata() {
        Ok(found) if found.is_file() => true,
        Ok(found) if is_character_device(&found) => false,
        Ok(_) => return Err(LogError::NoFile(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(cannot(error)),
    };
    let mut options = OpenOptions::new();
    options.append(true).create(is_file).read(is_file);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(cannot)?;
    if !is_file {
        return Ok(Opened { file, is_empty: true });
    }
    let mut begins = Vec::new();
    (&file).take(u64::try_from(HEAD.len()).unwrap_or(u64::MAX)).read_to_end(&mut begins).map_err(cannot)?;
    match begins.as_slice() {
        [] => Ok(Opened { file, is_empty: true }),
        HEAD => Ok(Opened { file, is_empty: false }),
        _ => Err(LogError::NoLog(path.to_owned())),
    }
}

#[cfg(unix)]
fn is_character_device(found: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_char_device(&found.file_type())
}

#[cfg(not(unix))]
fn is_character_device(_: &Metadata) -> bool {
    false
}

/// A file that takes so much and no more. What cannot be written is lost, and that is said at the end: a full disk must not end
/// the chat.
struct Limited {
    file: File,
    left: u64,
    /// The first line is still to be written.
    is_empty: bool,
    lost: &'static OnceLock<String>,
}

impl Limited {
    fn new(Opened { file, is_empty }: Opened, left: u64) -> Self {
        Self { file, left, is_empty, lost: &LOST }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_empty {
            self.file.write_all(HEAD)?;
            self.is_empty = false;
        }
        self.file.write_all(bytes)
    }
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let wanted = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let written = match self.left.checked_sub(wanted) {
            Some(left) => {
                self.left = left;
                self.put(bytes)
            }
            None if std::mem::take(&mut self.left) > 0 => self.put(FULL),
            None => Ok(()),
        };
        if let Err(error) = &written {
            self.lost.get_or_init(|| error.to_string());
        }
        written.map(|()| bytes.len())
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
        let mut limited = Limited::new(open(&path).unwrap(), 10);
        for _ in 0..5 {
            limited.write_all(b"1234\n").unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written.matches("1234").count(), 2, "{written}");
        let mut limited = Limited::new(open(&path).unwrap(), 7);
        for _ in 0..5 {
            limited.write_all(b"1234\n").unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!((written.matches("1234").count(), written.matches("full").count()), (3, 1), "{written}");
        assert!(written.starts_with("# schat log\n") && written.matches("# schat").count() == 1, "{written}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_no_log_is_refused_and_left_as_it_is() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("key");
        for kept in ["x", "# schat lo", "# schat logs\n", "\n# schat log\n"] {
            std::fs::write(&path, kept).unwrap();
            let refused = open(&path).map(drop);
            assert!(matches!(refused, Err(LogError::NoLog(_))), "{kept:?}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), kept);
        }
        for ours in ["", "# schat log\n", "# schat log\nmore\n"] {
            std::fs::write(&path, ours).unwrap();
            assert!(open(&path).is_ok(), "{ours:?}");
        }
        assert!(matches!(open(dir.path()).map(drop), Err(LogError::NoFile(_))));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_could_not_be_written_is_remembered() {
        static HERE: OnceLock<String> = OnceLock::new();
        let full = open(Path::new("/dev/full")).unwrap();
        let mut limited = Limited { lost: &HERE, ..Limited::new(full, 10) };
        assert!(HERE.get().is_none() && limited.write_all(b"1234\n").is_err());
        assert!(HERE.get().is_some());
    }
}
