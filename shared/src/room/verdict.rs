//! What became of an entry of the log.

/// What became of an entry.
pub(super) enum Verdict {
    /// It is what it should be.
    Taken,
    /// It began an epoch.
    Applied,
    /// It began an epoch, and somebody came with it.
    Joined,
    /// It was refused; people are told why.
    Refused,
}
