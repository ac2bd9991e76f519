//! A jump forward of the wall clock that was believed: the timeline doubts it for a while, the mark remembers it.

use serde::{Deserialize, Serialize};

/// A jump that was believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Doubt {
    /// How far it went, or what was not taken back of it.
    pub by_ms: u64,
    /// How long the wall clock has agreed since.
    pub agreed_ms: u64,
}
