//! What a person carries from one device to another, and into a backup: account, people, rooms and their past, files.
//!
//! ```text
//!  Store ──Gather──▶ Body ──Writer──▶ bytes … bytes ──Reader──▶ Body ──Value, Intake──▶ Store
//! ```
//!
//! Records in a stream, read and written one by one, so that memory does not grow with the past. `schema` has the messages, `frames` their
//! bytes, `value` what may be in them, `gather` and `take` the ways from a profile and into one. Nothing here seals anything:
//! whoever carries does.

mod frames;
mod gather;
pub mod schema;
mod take;
mod value;

pub use frames::{MAX_RECORD, ReadError, Reader, Writer};
pub use gather::{CHUNK, Gather, Gathered, History, Selection};
pub use take::{Counts, Intake, Left, TakeError};
pub use value::{Account, File, MAX_SETTINGS, Room, Value};

#[cfg(test)]
mod tests;
