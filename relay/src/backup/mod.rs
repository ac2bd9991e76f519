//! Backups: a relay's log, access keys and identity in one file, and back.
//!
//! ```text
//! file    = "SCHATBK\n" ‖ version (2) ‖ chunk …
//! chunk   = length (4) ‖ digest (32) ‖ payload            digest = SHA-256(digest of the chunk before ‖ payload)
//! payload = record …
//! record  = kind (1) ‖ length (4) ‖ body
//! ```
//!
//! The first digest of the chain is SHA-256 of the file's first ten bytes, so the last one is a checksum of the whole
//! file. Numbers are big-endian. Records come in this order: a head; files; tokens; openers that are frozen; rooms that
//! were dropped; per room its numbers, its
//! access, its slots, their pieces, its token, why it is frozen, its keys, its steps and the votes on them, and its entries; where they are wanted, files of rooms with their parts; an end that counts them. Neither side holds more than a chunk, whatever a file says of itself.
//!
//! A backup opens nothing, but it says who talks when, and with the identity in it anybody can pass for the relay: it
//! is written for its owner alone.

mod blobs;
mod error;
mod files;
mod frame;
mod holds;
mod record;
mod restore;
mod tokens;
mod verifier;
mod write;

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

pub(crate) use self::write::write_with;
pub use self::{
    error::{BackupError, RestoreError},
    restore::{Restored, restore},
    write::{Copied, copy_from, save, write, write_but},
};
use self::{frame::ChunkReader, verifier::Verifier};
pub use crate::log::Record;

/// What is in a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// When it was made, Unix milliseconds.
    pub created_ms: u64,
    /// The version of the relay that made it.
    pub program: String,
    /// Rooms.
    pub rooms: u64,
    /// Entries.
    pub entries: u64,
    /// Access keys.
    pub keys: u64,
    /// Files of the identity.
    pub files: u64,
    /// Files of rooms.
    pub blobs: u64,
    /// Bytes of these.
    pub blob_bytes: u64,
}

/// Reads a whole backup and checks format, checksums and what must be true of logs.
///
/// # Errors
/// [`RestoreError`] with cause and remedy.
pub fn verify(path: &Path) -> Result<Summary, RestoreError> {
    let file = File::open(path).map_err(|source| RestoreError::open(path, source))?;
    verify_stream(BufReader::new(file))
}

/// The same for bytes from anywhere. This is the place to fuzz.
///
/// # Errors
/// [`RestoreError`] with cause and remedy.
pub fn verify_stream(stream: impl Read) -> Result<Summary, RestoreError> {
    let (mut reader, mut verifier) = (ChunkReader::new(stream)?, Verifier::default());
    while let Some(record) = reader.next()? {
        verifier.take(&record)?;
    }
    verifier.finish()
}
