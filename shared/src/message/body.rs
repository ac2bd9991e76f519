//! What can be said, as a value and as content, and its limits.

use super::{Alteration, DeviceHere, MessageId, Private};
use crate::{
    content,
    content::content::Body,
    file::{Manifest, ManifestError},
};

/// Longest chat line, in bytes of UTF-8: fits the 64 KiB bucket with room to spare.
pub const MAX_TEXT: usize = 32 << 10;

/// Longest reaction under a chat line, in bytes: the longest emoji sequences in use have 28 (a family, a flag).
pub const MAX_EMOJI: usize = 32;

/// What a member says, before it is sealed and after it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MessageBody {
    /// A chat line.
    Text {
        /// UTF-8, at most [`MAX_TEXT`] bytes.
        text: String,
        /// The chat line that this answers.
        reply_to: Option<MessageId>,
        /// What comes with it; then the text may be empty.
        file: Option<Box<Manifest>>,
    },
    /// Another text for a chat line of ours, or its end, or a reaction under anybody's.
    Act {
        /// The chat line.
        target: MessageId,
        /// What happens to it.
        change: Alteration,
    },
    /// How far we have read.
    Seen(u64),
    /// To our other devices, in a room of theirs: 1 to [`MAX_TEXT`] bytes.
    Device(Private),
    /// Where this device is, for our others, in the room that is for that. Never leaves the process.
    #[cfg_attr(feature = "serde", serde(skip))]
    Here(Box<DeviceHere>),
}

/// Why something may not be said; the same limits hold for what comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum BodyError {
    /// No text.
    #[error("nothing to send")]
    Empty,
    /// More than fits.
    #[error("{0} bytes, of {MAX_TEXT} that fit")]
    TooLong(usize),
    /// Not a reaction.
    #[error("not one sign of at most {MAX_EMOJI} bytes")]
    Emoji,
    /// An id of another length.
    #[error("not the id of a message")]
    Id,
    /// What comes with it is no file.
    #[error("{0}")]
    File(ManifestError),
}

impl BodyError {
    /// Stable, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong(_) => "too_long",
            Self::Emoji => "bad_reaction",
            Self::Id => "bad_id",
            Self::File(_) => "bad_file",
        }
    }
}

impl MessageBody {
    /// Holds it against the limits.
    ///
    /// # Errors
    /// [`BodyError`] says what is wrong.
    pub fn check(&self) -> Result<(), BodyError> {
        match self {
            Self::Text { text, file: Some(file), .. } => match text.len() {
                length if length > MAX_TEXT => Err(BodyError::TooLong(length)),
                _ => file.check().map_err(BodyError::File),
            },
            Self::Text { text, .. } | Self::Act { change: Alteration::Edit(text), .. } => match text.len() {
                0 => Err(BodyError::Empty),
                length if length > MAX_TEXT => Err(BodyError::TooLong(length)),
                _ => Ok(()),
            },
            Self::Act { change: Alteration::React { emoji, .. }, .. } => {
                let odd = |c: char| c.is_control() || c.is_whitespace();
                let good = (1..=MAX_EMOJI).contains(&emoji.len()) && !emoji.contains(odd);
                good.then_some(()).ok_or(BodyError::Emoji)
            }
            Self::Act { change: Alteration::Delete, .. } | Self::Seen(_) | Self::Here(_) => Ok(()),
            Self::Device(bytes) => match bytes.as_bytes().len() {
                0 => Err(BodyError::Empty),
                length if length > MAX_TEXT => Err(BodyError::TooLong(length)),
                _ => Ok(()),
            },
        }
    }

    pub(crate) fn into_body(self) -> Body {
        let id = |id: MessageId| id.to_vec().into();
        match self {
            Self::Text { text, reply_to, file } => Body::Text(content::Text {
                body: text,
                reply_to: reply_to.map(id).unwrap_or_default(),
                disappear_s: 0,
                file: file.map(|file| file.write()),
            }),
            Self::Act { target, change } => match change {
                Alteration::Edit(text) => Body::Edit(content::Edit { target: id(target), body: text }),
                Alteration::Delete => Body::Delete(content::Delete { target: id(target) }),
                Alteration::React { emoji, withdrawn } => {
                    Body::Reaction(content::Reaction { target: id(target), emoji, withdrawn })
                }
            },
            Self::Seen(seq) => Body::Seen(content::Seen { seq }),
            Self::Here(here) => Body::DeviceHere((*here).into()),
            Self::Device(bytes) => Body::Device(content::Device { body: bytes.as_bytes().to_vec().into() }),
        }
    }

    fn line(text: content::Text) -> Result<Self, BodyError> {
        let reply_to = match text.reply_to.len() {
            0 => None,
            _ => Some((&*text.reply_to).try_into().map_err(|_| BodyError::Id)?),
        };
        let file = text.file.as_ref().map(Manifest::read).transpose().map_err(BodyError::File)?;
        Ok(Self::Text { text: text.body, reply_to, file: file.map(Box::new) })
    }

    /// A chat line without anything else.
    pub fn text(text: String) -> Self {
        Self::Text { text, reply_to: None, file: None }
    }

    /// None for a body that is not something said.
    pub(crate) fn of(body: Body) -> Option<Result<Self, BodyError>> {
        let act = |target: &[u8], change| match target.try_into() {
            Ok(target) => Ok(Self::Act { target, change }),
            Err(_) => Err(BodyError::Id),
        };
        let said = match body {
            Body::Text(text) => Self::line(text),
            Body::Edit(edit) => act(&edit.target, Alteration::Edit(edit.body)),
            Body::Delete(delete) => act(&delete.target, Alteration::Delete),
            Body::Reaction(reaction) => act(
                &reaction.target,
                Alteration::React { emoji: reaction.emoji, withdrawn: reaction.withdrawn },
            ),
            Body::Seen(seen) => Ok(Self::Seen(seen.seq)),
            Body::Device(device) => Ok(Self::Device(Private::new(device.body.to_vec()))),
            Body::Leave(_) | Body::Alarm(_) | Body::Typing(_) | Body::Past(_) | Body::DeviceHere(_) => {
                return None;
            }
        };
        Some(said.and_then(|said| said.check().map(|()| said)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn react(emoji: &str) -> MessageBody {
        MessageBody::Act {
            target: [1; 16],
            change: Alteration::React { emoji: emoji.to_owned(), withdrawn: false },
        }
    }

    #[test]
    fn what_is_said_comes_back_from_its_body() {
        let edit = Alteration::Edit("new".to_owned());
        for said in [
            MessageBody::Text { text: "hi".to_owned(), reply_to: Some([7; 16]), file: None },
            MessageBody::text("hi".to_owned()),
            MessageBody::Act { target: [1; 16], change: edit },
            MessageBody::Act { target: [1; 16], change: Alteration::Delete },
            react("👨‍👩‍👧‍👦"),
            MessageBody::Seen(7),
            MessageBody::Device(Private::new(vec![7])),
        ] {
            assert_eq!(MessageBody::of(said.clone().into_body()), Some(Ok(said)));
        }
    }

    #[test]
    fn file_comes_with_a_text_or_without_and_not_with_one_that_is_too_long() {
        let file = Manifest {
            id: [1; 16],
            key: crate::file::FileKey::from_bytes([2; 32]),
            size: 5,
            name: "cat.jpg".to_owned(),
            media_type: String::new(),
            parts: [3; 32],
            preview: Vec::new(),
            duration_ms: 0,
        };
        let said = |length: usize, size| MessageBody::Text {
            text: "x".repeat(length),
            reply_to: None,
            file: Some(Box::new(Manifest { size, ..file.clone() })),
        };
        for length in [0, MAX_TEXT] {
            let good = said(length, 5);
            assert_eq!(MessageBody::of(good.clone().into_body()), Some(Ok(good)));
        }
        let too_long = Err(BodyError::TooLong(MAX_TEXT + 1));
        assert_eq!(MessageBody::of(said(MAX_TEXT + 1, 5).into_body()), Some(too_long));
        let too_large = BodyError::File(ManifestError::Size);
        assert_eq!(MessageBody::of(said(0, u64::MAX).into_body()), Some(Err(too_large)));
    }

    #[test]
    fn signs_that_are_none_are_refused() {
        for wrong in ["", " ", "a b", "a\u{1b}", "\n", &"x".repeat(MAX_EMOJI + 1)] {
            assert_eq!(react(wrong).check(), Err(BodyError::Emoji), "{wrong:?}");
        }
    }

    #[test]
    fn texts_that_are_empty_or_too_long_are_refused() {
        let text = |length| MessageBody::text("x".repeat(length));
        assert_eq!(text(0).check(), Err(BodyError::Empty));
        assert_eq!(text(MAX_TEXT).check(), Ok(()));
        assert_eq!(text(MAX_TEXT + 1).check(), Err(BodyError::TooLong(MAX_TEXT + 1)));
        let edit = MessageBody::Act { target: [1; 16], change: Alteration::Edit("x".repeat(MAX_TEXT + 1)) };
        assert_eq!(edit.check(), Err(BodyError::TooLong(MAX_TEXT + 1)));
        let device = |length| MessageBody::Device(Private::new(vec![1; length]));
        assert_eq!(device(0).check(), Err(BodyError::Empty));
        assert_eq!(device(MAX_TEXT).check(), Ok(()));
        assert_eq!(device(MAX_TEXT + 1).check(), Err(BodyError::TooLong(MAX_TEXT + 1)));
    }

    #[test]
    fn ids_of_another_length_are_refused() {
        let delete = Body::Delete(content::Delete { target: vec![1; 15].into() });
        assert_eq!(MessageBody::of(delete), Some(Err(BodyError::Id)));
        let reply =
            content::Text { body: "x".to_owned(), reply_to: vec![1; 17].into(), disappear_s: 0, file: None };
        assert_eq!(MessageBody::of(Body::Text(reply)), Some(Err(BodyError::Id)));
    }
}
