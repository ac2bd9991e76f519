//! What is wrong with an entry of the log that is refused.

/// Why an entry was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Fault {
    /// It is not an envelope.
    NoEnvelope,
    /// Nobody who is in the room sealed it, or too long ago.
    NoMember,
    /// It is under our leaf, and does not carry what only this device can add.
    InOurName,
    /// It opens to nothing that belongs into an envelope.
    NothingKnown,
    /// A message that was sealed for another place.
    MessageMisplaced,
    /// A message that does not verify.
    MessageUnverified,
    /// Something that may not be said so.
    MayNotBeSaid,
    /// A commit in an envelope that somebody else sealed.
    OthersEnvelope,
    /// A commit that was signed for another place.
    CommitMisplaced,
}
