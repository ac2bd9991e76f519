//! What the runtime, programs and threads answer to what keys asked for.

use super::{app::Hit, pictures::Painted};

/// What comes back later.
pub(super) enum Answer {
    /// What a search found.
    Found {
        /// Which one.
        number: u64,
        /// The newest first; or why there is nothing.
        found: Result<Vec<Hit>, String>,
    },
    /// Whether a word is in the dictionary.
    Spelt(String, bool),
    /// Something to show; safe for a terminal.
    Note(String),
    /// A picture.
    Painted(Painted),
}
