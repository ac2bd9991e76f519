//! Where a message of a member belongs: signed by its sender, as its MLS `authenticated_data`.
//!
//! An MLS signature covers group, epoch, content and `authenticated_data` (RFC 9420, 6.1), and not the message key
//! under which a PrivateMessage was sealed. So a member can take what another one signed out of its message and seal it
//! again, in any envelope and under any later key of that member's ratchet (Kobeissi et al., *Formally verifying the
//! secret tree*, IACR ePrint 2025/554), and use up numbers and keys of somebody else's. The place says which they were:
//!
//! ```text
//! authenticated_data = kind(1) ‖ session(8) ‖ sequence(8) ‖ generation(4)
//! ```

use super::GroupError;
use crate::crypto::aead::Session;

/// Bytes of a place.
const LENGTH: usize = 1 + 8 + 8 + 4;

/// `ProtocolVersion` and `WireFormat` of an MLSMessage that is a PrivateMessage (RFC 9420, 6).
const PRIVATE_MESSAGE: [u8; 4] = [0, 1, 0, 2];

/// `ContentType` of application data (RFC 9420, 6).
const APPLICATION: u8 = 1;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In the log.
    Content = 1,
    /// Never in the log.
    Signal = 2,
}

/// Where a message belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessagePlace {
    /// In the log or not.
    pub kind: Kind,
    /// The session of its envelope.
    pub session: Session,
    /// The sequence number of its envelope.
    pub sequence: u64,
    /// Which key of its sender's ratchet it is sealed under (RFC 9420, 9.1).
    pub generation: u32,
}

impl MessagePlace {
    /// The one encoding.
    pub fn encode(&self) -> [u8; LENGTH] {
        let mut out = [0; LENGTH];
        let fields = [self.kind as u8].into_iter().chain(self.session.0).chain(self.sequence.to_be_bytes());
        for (to, from) in out.iter_mut().zip(fields.chain(self.generation.to_be_bytes())) {
            *to = from;
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let kind = match kind {
            1 => Kind::Content,
            2 => Kind::Signal,
            _ => return None,
        };
        let (session, rest) = rest.split_first_chunk()?;
        let (sequence, generation) = rest.split_first_chunk()?;
        let generation = u32::from_be_bytes(generation.try_into().ok()?);
        Some(Self { kind, session: Session(*session), sequence: u64::from_be_bytes(*sequence), generation })
    }
}

/// What an MLS message says of itself before anything is decrypted; unauthenticated until [`super::Group::open`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The epoch that it was sealed in.
    pub epoch: u64,
    /// Where it belongs.
    pub place: MessagePlace,
}

impl Claim {
    /// Reads the start of an MLSMessage (RFC 9420, 6 and 6.3): version, wire format, group id, epoch, content type,
    /// `authenticated_data`. What is no application data of this protocol is refused here, and costs no cryptography.
    ///
    /// # Errors
    /// [`GroupError::Unexpected`].
    pub fn of(message: &[u8]) -> Result<Self, GroupError> {
        Self::read(message).ok_or(GroupError::Unexpected)
    }

    fn read(message: &[u8]) -> Option<Self> {
        let rest = message.strip_prefix(&PRIVATE_MESSAGE)?;
        let (_, rest) = vector(rest)?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (place, _) = vector(rest.strip_prefix(&[APPLICATION])?)?;
        Some(Self { epoch: u64::from_be_bytes(*epoch), place: MessagePlace::decode(place)? })
    }
}

/// A variable-size vector (RFC 9420, 2.1.2) of less than 64 bytes, which both here are, and what follows it.
fn vector(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*length)).filter(|_| *length < 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: MessagePlace =
        MessagePlace { kind: Kind::Signal, session: Session([3; 8]), sequence: 1 << 40, generation: 7 };

    #[test]
    fn place_comes_back_and_no_other_bytes_are_one() {
        let bytes = PLACE.encode();
        assert_eq!(MessagePlace::decode(&bytes), Some(PLACE));
        for length in 0..bytes.len() {
            assert_eq!(MessagePlace::decode(&bytes[..length]), None);
        }
        assert_eq!(MessagePlace::decode(&[&bytes[..], &[0]].concat()), None);
        for kind in [0, 3, 255] {
            assert_eq!(MessagePlace::decode(&[&[kind], &bytes[1..]].concat()), None);
        }
    }

    #[test]
    fn message_of_another_kind_claims_nothing() {
        let good =
            [&[0, 1, 0, 2, 2, 9, 9][..], &5u64.to_be_bytes(), &[1, 21], &PLACE.encode(), b"rest"].concat();
        assert_eq!(Claim::of(&good).unwrap(), Claim { epoch: 5, place: PLACE });
        for (what, at, byte) in
            [("version", 1, 2), ("PublicMessage", 3, 1), ("commit", 15, 3), ("proposal", 15, 2)]
        {
            let mut bad = good.clone();
            bad[at] = byte;
            assert!(Claim::of(&bad).is_err(), "{what}");
        }
        for length in 0..good.len() - 4 {
            assert!(Claim::of(&good[..length]).is_err());
        }
    }
}
