//! What may not be said, and why a linking ends.

/// Why a device ends a linking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum EndReason {
    /// The person at the old device said no.
    Refused,
    /// It took too long.
    Late,
    /// There is another member in the room.
    Another,
    /// The other device said what may not be said there.
    Fault,
    /// Both have an account, or none has.
    SameKind,
    /// A person gave it up.
    GivenUp,
    /// Of a later version.
    Other,
}

/// What a device may not say there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// No message of a linking room.
    #[error("not a message that devices say to each other")]
    Malformed,
    /// A message that does not belong there, or came twice.
    #[error("a message that does not belong there")]
    OutOfOrder,
    /// It is of the same kind as this one.
    #[error("both devices have an account, or none has")]
    SameKind,
    /// The nonce is not the one that it was bound to.
    #[error("the other device showed another number than the one that it was bound to")]
    WrongReveal,
}

impl LinkFault {
    /// What the other device is told.
    pub fn reason(self) -> EndReason {
        match self {
            Self::SameKind => EndReason::SameKind,
            _ => EndReason::Fault,
        }
    }
}
