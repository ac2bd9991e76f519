//! Chat lines as they come, and what is done to them.

use crate::{file::Manifest, identity::Person};

/// Unix time in milliseconds, by the caller's clock.
pub type Millis = u64;

/// A chat line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Message {
    /// Sequence number in the room's log.
    pub seq: u64,
    /// 16 random bytes of the sender's.
    pub id: MessageId,
    /// When the relay appended it, Unix milliseconds.
    pub at: Millis,
    /// Who said it; authenticated.
    pub from: Person,
    /// UTF-8; may hold anything, so faces must make it harmless before a terminal sees it.
    pub text: String,
    /// We said it.
    pub mine: bool,
    /// The chat line that this answers.
    pub reply_to: Option<MessageId>,
    /// When it goes, Unix milliseconds.
    pub disappears: Option<Millis>,
    /// What comes with it; then the text may be empty.
    pub file: Option<Box<Manifest>>,
}

/// Names a chat line: 16 random bytes of the sender's.
pub type MessageId = [u8; 16];

/// Something that happens to a chat line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Act {
    /// Sequence number of the act itself.
    pub seq: u64,
    /// When the relay appended it, Unix milliseconds.
    pub at: Millis,
    /// Whose act; authenticated.
    pub from: Person,
    /// Ours.
    pub mine: bool,
    /// The chat line.
    pub target: MessageId,
    /// What.
    pub change: Alteration,
}

/// What happens to a chat line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Alteration {
    /// Its author gives it another text.
    Edit(String),
    /// Its author takes it back.
    Delete,
    /// A reaction under it.
    React {
        /// At most [`super::MAX_EMOJI`] bytes.
        emoji: String,
        /// It is taken back.
        withdrawn: bool,
    },
}
