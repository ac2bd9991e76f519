//! The files beside the database that a backup holds: who the relay is.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{BackupError, Record};

/// The relay's certificate authority, and what comes from a public one.
const IDENTITY: &str = "identity";

/// See [`crate::net::reset`].
const RESET_KEY: &str = "reset-key";

/// Greatest file, in bytes: keys and certificates are a few KiB.
const MAX_FILE: u64 = 1 << 20;

/// Directories below `identity` that are looked into.
const DEPTH: usize = 3;

/// Endings of files that mean nothing to another life: locks, and what a crash left half written.
const FLEETING: [&str; 3] = [".lock", ".tmp", ".new"];

/// Hands over every file of the identity in `data_dir`.
pub(super) fn collect(
    data_dir: &Path,
    take: &mut dyn FnMut(Record) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let reset = data_dir.join(RESET_KEY);
    if reset.try_exists()? {
        file(&reset, RESET_KEY.into(), take)?;
    }
    let identity = data_dir.join(IDENTITY);
    if identity.try_exists()? { directory(&identity, IDENTITY, DEPTH, take) } else { Ok(()) }
}

/// Whether a backup may name such a file. Nothing that could lead out of the data directory, and nothing that has
/// no business in it.
pub(super) fn is_expected(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        [only] => *only == RESET_KEY,
        [IDENTITY, rest @ ..] => rest.len() <= DEPTH && rest.iter().all(|part| is_plain(part)),
        _ => false,
    }
}

/// One part of a path: short, of harmless letters, and not `.`, `..` or anything else with a meaning.
fn is_plain(part: &str) -> bool {
    let harmless = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
    (1..=200).contains(&part.len()) && !part.starts_with('.') && part.bytes().all(harmless)
}

fn directory(
    path: &Path,
    name: &str,
    depth: usize,
    take: &mut dyn FnMut(Record) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let Some(part) = entry.file_name().to_str().filter(|part| is_plain(part)).map(str::to_owned) else {
            return Err(refused(path, "oddly named"));
        };
        if FLEETING.iter().any(|ending| part.ends_with(ending)) {
            continue;
        }
        let name = format!("{name}/{part}");
        match entry.file_type()? {
            kind if kind.is_dir() && depth > 1 => directory(&path, &name, depth - 1, take)?,
            kind if kind.is_file() => file(&path, name, take)?,
            _ => return Err(refused(path, "neither a file nor a directory of the relay's")),
        }
    }
    Ok(())
}

fn file(
    path: &Path,
    name: String,
    take: &mut dyn FnMut(Record) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    if fs::metadata(path)?.len() > MAX_FILE {
        return Err(refused(path.to_owned(), "larger than any key or certificate"));
    }
    take(Record::File { name, content: fs::read(path)?.into() })
}

fn refused(path: PathBuf, what: &'static str) -> BackupError {
    BackupError::File { path, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["reset-key", "identity/ca.pem", "identity/acme/account-a.b.json"] {
            assert!(is_expected(name), "{name}");
        }
        for name in [
            "",
            "/",
            "identity",
            "relay.redb",
            "other/file",
            "/identity/ca.pem",
            "identity/../relay.redb",
            "identity/..",
            "identity/./a",
            "identity//a",
            "identity/a/b/c/d",
            "identity/a\\..\\b",
            "identity/a\0",
            "identity/C:",
            "identity/.hidden",
            "../identity/a",
            "reset-key/a",
        ] {
            assert!(!is_expected(name), "{name}");
        }
    }
}
