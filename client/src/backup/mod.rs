//! Backups: what a person carries ([`portable`](crate::portable)), sealed under the key of a phrase, in one file or in a directory to
//! which only what is new is added.
//!
//! ```text
//!  file                 directory
//!  header, records      schat-backup   header, records; of a room's past and of files' bytes only which piece has them
//!                       pieces/…       header, one chunk of the past or the bytes of one file
//! ```
//!
//! What is there is replaced in one step, once the new one was read back whole: a backup is the last good one or the new one,
//! whenever the program ends. `docs/devices.md` has the reasoning.

mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod output;
mod pieces;
mod reading;
mod restore;
mod sealed;
mod verify;
mod write;

pub use error::BackupError;
pub(crate) use output::sync_directory;
pub use pieces::is_there;
pub use restore::{Lost, Restored, RestoredRoom, Standing, restore};
pub use shared::crypto::aead::backup::BackupKey;
pub use write::{Done, Source, Wanted, write};
