//! What the tests share: the real programs as processes, a network between them that listens and fails, and a
//! search for what must not be found. The tests are in `tests/`; each file is one promise.
//!
//! Everything here waits for conditions. [`PATIENCE`] is only ever spent by a test that fails.

// A harness is test code: what it cannot have fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod backup;
pub mod devices;
pub mod files;
pub mod group;
pub mod linking;
pub mod namespace;
pub mod network;
pub mod output;
pub mod programs;
pub mod relay;
pub mod schat;
pub mod search;

use std::{fs, path::Path, time::Duration};

/// Far longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A number that a longer run raises by an environment variable.
pub fn count(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Characters that nobody can guess or meet by chance: 128 bits of the system's randomness.
pub fn unguessable() -> String {
    use std::io::Read;
    let mut bytes = [0; 16];
    match std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)) {
        Ok(()) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        // Not Unix: the hasher's keys come from the system as well.
        Err(_) => {
            use std::hash::{BuildHasher, RandomState};
            (0..2).map(|i| format!("{:016x}", RandomState::new().hash_one(i))).collect()
        }
    }
}

/// Copies a directory, however deep.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else if entry.path().is_file() {
            // The operator's socket belongs to one process.
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
