//! The clock's mark: how far time has come, in the file `clock` of the data directory.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::doubt::Doubt;

/// Its name.
const FILE: &str = "clock";
/// Its name while it is written.
const UNFINISHED: &str = "clock.new";
/// Version of its format.
pub(super) const VERSION: u32 = 1;
/// Greatest size, in bytes: a few dozen numbers.
const MAX_SIZE: u64 = 4096;

/// Where the clock stood, and what it knew. All times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub v: u32,
    /// The relay's time.
    pub now_ms: u64,
    /// Retention's time.
    pub aged_ms: u64,
    /// What the wall clock said; while it was not believed, what it would say had it not been set since.
    pub wall_ms: u64,
    /// What the monotonic clock said, and in which boot.
    pub elapsed_ms: u64,
    pub boot: String,
    /// The wall clock was not believed, and had stayed as it was for so long.
    pub held_for_ms: Option<u64>,
    /// The jumps forward that were believed of late.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
    /// The relay that wrote it ended in order. More than a clock has to know: it is the one file that is written at the end.
    #[serde(default)]
    pub ended: bool,
}

/// The mark in a directory; `None` if there is none, or none that makes sense.
pub(super) fn read(directory: &Path) -> Option<Mark> {
    let mut text = Vec::new();
    match File::open(directory.join(FILE)).and_then(|file| file.take(MAX_SIZE).read_to_end(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(%error, "the clock's mark cannot be read; the system's clock is believed");
            return None;
        }
    }
    let mark = serde_json::from_slice(&text).ok().filter(|mark: &Mark| mark.v == VERSION);
    if mark.is_none() {
        tracing::warn!("the clock's mark makes no sense; the system's clock is believed");
    }
    mark
}

/// Replaces it: after a power cut there is the old one or the new one.
pub(super) fn write(directory: &Path, mark: &Mark) -> io::Result<()> {
    let unfinished = directory.join(UNFINISHED);
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(&serde_json::to_vec(mark)?)?;
    file.sync_all()?;
    fs::rename(unfinished, directory.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_is_read_back_and_one_that_makes_no_sense_is_none() {
        let directory = tempfile::TempDir::new().unwrap();
        assert_eq!(read(directory.path()), None);
        let mark = Mark {
            v: VERSION,
            now_ms: 5,
            aged_ms: 4,
            wall_ms: 6,
            elapsed_ms: 7,
            boot: "boot".into(),
            held_for_ms: Some(8),
            doubts: vec![Doubt { by_ms: 9, agreed_ms: 10 }],
            ended: true,
        };
        write(directory.path(), &mark).unwrap();
        assert_eq!(read(directory.path()), Some(mark.clone()));
        write(directory.path(), &Mark { v: 2, ..mark }).unwrap();
        assert_eq!(read(directory.path()), None);
        for damaged in ["", "{", "\0\0\0\0", r#"{"v":1,"now_ms":-1}"#] {
            fs::write(directory.path().join(FILE), damaged).unwrap();
            assert_eq!(read(directory.path()), None, "{damaged:?}");
        }
    }
}
