//! What is said in a linking room, as a value that can only be right, and as bytes.

use prost::Message as _;

use crate::{
    content::{self, linking::Body},
    identity::clean_name,
    message::Private,
};

use super::fault::{EndReason, LinkFault};

/// Most parts of what is handed over: with [`MAX_PART`], a megabyte and a half.
pub const MAX_PARTS: u32 = 64;

/// Bytes of a part, at most: a content holds 32,768.
pub const MAX_PART: usize = 24 << 10;

/// Something that one device says to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkMessage {
    /// The old device: it has a nonce.
    Commitment([u8; 32]),
    /// The new device: its nonce, and what it calls itself.
    Answer {
        /// Random.
        nonce: [u8; 32],
        /// A name.
        device: String,
    },
    /// The old device: its nonce.
    Reveal([u8; 32]),
    /// The old device: a part of what is handed over.
    Part {
        /// From 0.
        index: u32,
        /// Of parts, 1 to [`MAX_PARTS`].
        count: u32,
        /// 1 to [`MAX_PART`] bytes.
        bytes: Private,
    },
    /// The new device: nothing is missing.
    Done,
    /// Either: nothing more comes.
    End(EndReason),
}

const REASONS: [EndReason; 6] = [
    EndReason::Refused,
    EndReason::Late,
    EndReason::Another,
    EndReason::Fault,
    EndReason::SameKind,
    EndReason::GivenUp,
];

impl LinkMessage {
    /// The message that these bytes are.
    ///
    /// # Errors
    /// [`LinkFault::Malformed`] for anything else.
    pub fn read(bytes: &Private) -> Result<Self, LinkFault> {
        let message = content::Linking::decode(bytes.as_bytes()).map_err(|_| LinkFault::Malformed)?;
        let fixed = |bytes: &[u8]| bytes.try_into().map_err(|_| LinkFault::Malformed);
        Ok(match message.body.ok_or(LinkFault::Malformed)? {
            Body::Commitment(bytes) => Self::Commitment(fixed(&bytes)?),
            Body::Answer(answer) => {
                let is_name = clean_name(&answer.device).is_ok_and(|clean| clean == answer.device);
                let device = is_name.then_some(answer.device).ok_or(LinkFault::Malformed)?;
                Self::Answer { nonce: fixed(&answer.nonce)?, device }
            }
            Body::Reveal(bytes) => Self::Reveal(fixed(&bytes)?),
            Body::Part(part) => {
                let is_good = (1..=MAX_PARTS).contains(&part.count)
                    && part.index < part.count
                    && (1..=MAX_PART).contains(&part.bytes.len());
                let bytes = is_good.then(|| Private::new(part.bytes.to_vec())).ok_or(LinkFault::Malformed)?;
                Self::Part { index: part.index, count: part.count, bytes }
            }
            Body::Done(_) => Self::Done,
            Body::End(end) => {
                let known = usize::try_from(end.reason).ok().and_then(|reason| reason.checked_sub(1));
                let known = known.and_then(|at| REASONS.get(at).copied());
                Self::End(known.unwrap_or(EndReason::Other))
            }
        })
    }

    /// As bytes.
    pub fn write(&self) -> Private {
        let body = match self {
            Self::Commitment(bytes) => Body::Commitment(bytes.to_vec().into()),
            Self::Answer { nonce, device } => {
                Body::Answer(content::LinkAnswer { nonce: nonce.to_vec().into(), device: device.clone() })
            }
            Self::Reveal(bytes) => Body::Reveal(bytes.to_vec().into()),
            Self::Part { index, count, bytes } => Body::Part(content::LinkPart {
                index: *index,
                count: *count,
                bytes: bytes.as_bytes().to_vec().into(),
            }),
            Self::Done => Body::Done(content::LinkDone {}),
            Self::End(reason) => {
                let at = REASONS.iter().position(|one| one == reason).map_or(0, |at| at + 1);
                Body::End(content::LinkEnd { reason: u32::try_from(at).unwrap_or_default() })
            }
        };
        Private::new(content::Linking { body: Some(body) }.encode_to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_comes_back_from_its_bytes() {
        let part =
            |index, count, length| LinkMessage::Part { index, count, bytes: Private::new(vec![7; length]) };
        let mut all = vec![
            LinkMessage::Commitment([1; 32]),
            LinkMessage::Answer { nonce: [2; 32], device: "laptop".to_owned() },
            LinkMessage::Reveal([3; 32]),
            part(0, 1, 1),
            part(MAX_PARTS - 1, MAX_PARTS, MAX_PART),
            LinkMessage::Done,
            LinkMessage::End(EndReason::Other),
        ];
        all.extend(REASONS.map(LinkMessage::End));
        for message in all {
            assert_eq!(LinkMessage::read(&message.write()), Ok(message));
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let bytes = |body| Private::new(content::Linking { body: Some(body) }.encode_to_vec());
        let part = |index, count, length| {
            Body::Part(content::LinkPart { index, count, bytes: vec![1; length].into() })
        };
        let answer = |nonce: usize, device: &str| {
            Body::Answer(content::LinkAnswer { nonce: vec![1; nonce].into(), device: device.to_owned() })
        };
        for wrong in [
            Private::new(Vec::new()),
            Private::new(vec![0xff; 40]),
            bytes(Body::Commitment(vec![1; 31].into())),
            bytes(Body::Reveal(vec![1; 33].into())),
            bytes(answer(31, "laptop")),
            bytes(answer(32, "")),
            bytes(answer(32, "a\u{1b}[2J")),
            bytes(answer(32, &"x".repeat(300))),
            bytes(part(0, 0, 1)),
            bytes(part(0, MAX_PARTS + 1, 1)),
            bytes(part(2, 2, 1)),
            bytes(part(0, 1, 0)),
            bytes(part(0, 1, MAX_PART + 1)),
        ] {
            assert_eq!(LinkMessage::read(&wrong), Err(LinkFault::Malformed), "{wrong:?}");
        }
    }
}
