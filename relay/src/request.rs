//! What a client asked for, parsed once: past this module no length is checked again.
//!
//! [`frames`] is the place to fuzz: remote bytes go in, requests or an error come out.

use bytes::Bytes;
use proto::{
    FrameError, FrameReader, MAX_COMMIT_FRAME, MAX_ENVELOPE, PublicKey, PublishId, RoomId, Token,
    relay::{self, ClientFrame, client_frame::Frame, refused::Code},
};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    access::{AccessKey, Change, Grant, distinct_keys},
    limits::MAX_EPHEMERAL,
};

/// Greatest slot, in bytes: what is left of a commit frame once its envelope is taken off.
const MAX_SLOT: usize = 8 << 20;

/// One frame of a client.
#[derive(Debug)]
pub enum Request {
    /// Prove a key and start.
    Join(Join),
    /// Append one envelope.
    Publish(Publish),
    /// Fan out, never store.
    Ephemeral(Bytes),
    /// Ask for the slot.
    GetSlot,
}

/// A Join whose signature has not been verified.
#[derive(Debug)]
pub struct Join {
    /// The room.
    pub room: RoomId,
    /// The key that signs.
    pub key: PublicKey,
    /// Its signature over [`proto::join_statement`].
    pub signature: [u8; 64],
    /// Entries after this sequence number are wanted.
    pub after: u64,
    /// Set to open the room.
    pub opening: Option<Opening>,
    /// What came with it to show the right to.
    pub token: Option<Token>,
}

/// A room as it begins.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The first sealed GroupInfo.
    pub slot: Bytes,
    /// The first access keys, no key twice; the key that joins is among them, as a member.
    pub keys: Vec<AccessKey>,
}

/// An envelope to append.
#[derive(Debug)]
pub struct Publish {
    /// The client's name for it.
    pub id: PublishId,
    /// Opaque.
    pub envelope: Bytes,
    /// Set when it is a commit.
    pub commit: Option<Commit>,
    /// The share of the memory budget that its bytes hold until they are on disk.
    pub memory: Memory,
}

/// What makes a publish conditional, and what changes with it.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Where the room's last commit must be.
    pub expected: u64,
    /// The next slot.
    pub slot: Bytes,
    /// What happens to the access keys.
    pub change: Change,
}

/// A share of a memory budget, given back on drop.
#[derive(Debug, Default)]
pub struct Memory {
    _permit: Option<OwnedSemaphorePermit>,
}

impl From<OwnedSemaphorePermit> for Memory {
    fn from(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: Some(permit) }
    }
}

/// Why a frame is not a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The publish's id, if it was one; empty otherwise.
    pub id: Bytes,
    /// What the client is told.
    pub code: Code,
}

impl TryFrom<ClientFrame> for Request {
    type Error = Invalid;

    fn try_from(frame: ClientFrame) -> Result<Self, Invalid> {
        match frame.frame {
            Some(Frame::Join(join)) => join.try_into().map(Self::Join),
            Some(Frame::Publish(publish)) => publish.try_into().map(Self::Publish),
            Some(Frame::Ephemeral(signal)) if signal.envelope.len() > MAX_EPHEMERAL => {
                Err(Invalid { id: Bytes::new(), code: Code::TooLarge })
            }
            Some(Frame::Ephemeral(signal)) => Ok(Self::Ephemeral(signal.envelope)),
            Some(Frame::GetSlot(_)) => Ok(Self::GetSlot),
            None => Err(malformed()),
        }
    }
}

impl TryFrom<relay::Join> for Join {
    type Error = Invalid;

    fn try_from(join: relay::Join) -> Result<Self, Invalid> {
        let key = PublicKey::try_from(&*join.access_key).map_err(|_| malformed())?;
        let shown = join.create.as_ref().map(|create| &*create.token).filter(|token| !token.is_empty());
        let token = shown.map(Token::try_from).transpose().map_err(|_| malformed())?;
        let opening = join.create.map(|create| Opening::parse(create, key)).transpose()?;
        Ok(Self {
            room: RoomId::try_from(&*join.room_id).map_err(|_| malformed())?,
            key,
            signature: (&*join.signature).try_into().map_err(|_| malformed())?,
            after: join.after,
            opening,
            token,
        })
    }
}

impl Opening {
    fn parse(create: relay::Create, joining: PublicKey) -> Result<Self, Invalid> {
        let slot = create.slot.ok_or_else(malformed)?.sealed;
        let keys = distinct_keys(&create.keys).map_err(|_| malformed())?;
        if !keys.contains(&AccessKey { key: joining, grant: Grant::Member }) {
            return Err(malformed());
        }
        if slot.len() > MAX_SLOT {
            return Err(Invalid { id: Bytes::new(), code: Code::TooLarge });
        }
        Ok(Self { slot, keys })
    }
}

impl TryFrom<relay::Publish> for Publish {
    type Error = Invalid;

    fn try_from(publish: relay::Publish) -> Result<Self, Invalid> {
        let Ok(id) = PublishId::try_from(&*publish.id) else { return Err(malformed()) };
        let invalid = |code| Invalid { id: publish.id.clone(), code };
        let slot = publish.commit.as_ref().map_or(0, |commit| commit.slot.len());
        if publish.envelope.len() > MAX_ENVELOPE || slot > MAX_SLOT {
            return Err(invalid(Code::TooLarge));
        }
        let commit =
            publish.commit.map(Commit::try_from).transpose().map_err(|_| invalid(Code::Malformed))?;
        Ok(Self { id, envelope: publish.envelope, commit, memory: Memory::default() })
    }
}

impl TryFrom<relay::CommitPart> for Commit {
    type Error = crate::access::Malformed;

    fn try_from(part: relay::CommitPart) -> Result<Self, Self::Error> {
        let change = part.access.as_ref().map(Change::try_from).transpose()?.unwrap_or_default();
        Ok(Self { expected: part.expected_last_commit, slot: part.slot, change })
    }
}

impl Publish {
    /// Bytes that the publish brings to the disk, roughly.
    pub fn size(&self) -> usize {
        self.envelope.len() + self.commit.as_ref().map_or(0, |commit| commit.slot.len())
    }
}

/// Everything a stream of bytes asks for, up to its first broken frame.
///
/// # Errors
/// [`FrameError`] for the broken frame.
pub fn frames(bytes: &[u8]) -> Result<Vec<Result<Request, Invalid>>, FrameError> {
    let mut reader = FrameReader::new(MAX_COMMIT_FRAME);
    reader.push(bytes);
    let mut requests = Vec::new();
    while let Some(frame) = reader.next_frame::<ClientFrame>()? {
        requests.push(frame.try_into());
    }
    Ok(requests)
}

fn malformed() -> Invalid {
    Invalid { id: Bytes::new(), code: Code::Malformed }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = frames(&bytes);
        }

        #[test]
        fn no_change_to_a_good_frame_makes_the_parser_panic(at in 0usize..400, with in any::<u8>()) {
            let key = relay::AccessKey { key: vec![1; 32].into(), kind: 1, ..Default::default() };
            let access = relay::AccessChange { added: vec![key], removed: vec![vec![2; 32].into()] };
            let commit = relay::CommitPart { access: Some(access), ..Default::default() };
            let publish = relay::Publish { id: vec![3; 16].into(), commit: Some(commit), ..Default::default() };
            let mut bytes = proto::encode_frame(&ClientFrame { frame: Some(Frame::Publish(publish)) });
            let at = at % bytes.len();
            bytes[at] = with;
            let _ = frames(&bytes);
        }
    }
}
