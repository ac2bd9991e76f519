//! Files: how their bytes become sealed parts, and what is said of them in a room.
//!
//! ```text
//!  file ──▶ size (filled up to a bucket) ──▶ parts of 1 MiB, sealed ──▶ relay
//!                                             │ hashes
//!                                             ▼
//!                                            list, sealed ───────────▶ relay, behind the last part
//!                                             │ hash
//!                                             ▼
//!                                            manifest ───────────────▶ the room, as a message
//! ```
//!
//! Everybody in the room knows the file's key, so that a part opens proves nothing of who sealed it. What proves it is
//! the manifest, which its sender signed as a message: it names the hash of the list, and the list each part's.

mod list;
mod manifest;
mod name;
mod size;

pub use list::{ListError, PartList};
pub use manifest::{BlobId, MAX_PREVIEW, Manifest, ManifestError};
pub use name::{MAX_NAME, clean_name};
pub use size::{MAX_PARTS, Shape};

pub use crate::crypto::aead::stream::{
    FileCipher, FileKey, HASH, OpenPartError, PART, PartHash, PartPosition, SEALED_PART, SealPartError,
    SealedPart,
};
