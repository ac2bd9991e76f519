//! What a client asked for, parsed once: past this module no length is checked again.
//!
//! [`frames`] is the place to fuzz: remote bytes go in, requests or an error come out.

use bytes::Bytes;
use proto::{
    FrameError, FrameReader, MAX_COMMIT_FRAME, MAX_ENVELOPE, MAX_SLOT, PieceName, PublicKey, PublishId,
    RoomId, Token,
    access::{
        self, AccessKey, Ack, Ballot, Change, CommitName, CommitParts, Grant, Malformed, distinct_keys,
    },
    blob::{self, DropRequest, GetRequest, OpenRequest},
    piece_name,
    relay::{self, ClientFrame, client_frame::Frame, refused::Code},
    split_pieces,
};

use crate::{
    log::{Commit, Memory, NewSlot, Opening, Publish},
    policy::limits::{MAX_EPHEMERAL, MAX_FIRST_SLOT, MAX_RESYNC},
};

/// One frame of a client.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // most are the large one
pub enum Request {
    /// Prove a key and start.
    Join(Join),
    /// Append one envelope.
    Publish(Publish),
    /// Fan out, never store.
    Ephemeral(Bytes),
    /// Ask for the newest slot, or the last confirmed one.
    GetSlot {
        /// The last confirmed one.
        confirmed: bool,
    },
    /// Send a file, or go on with it.
    BlobOpen(OpenRequest),
    /// Fetch a file's parts.
    BlobGet(GetRequest),
    /// Delete a file.
    BlobDrop(DropRequest),
    /// One part of a file. Which it may be, its stream knows.
    BlobPart(relay::BlobPart),
}

/// A Join whose signature has not been verified.
#[derive(Debug)]
pub struct Join {
    /// The room; `None` for an invite whose holder knows no more than the link.
    pub room: Option<RoomId>,
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
    /// The state of access is wanted with the answer.
    pub wants_access: bool,
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
            Some(Frame::GetSlot(get)) => Ok(Self::GetSlot { confirmed: get.confirmed }),
            Some(Frame::BlobOpen(open)) => open.try_into().map(Self::BlobOpen).map_err(no_blob),
            Some(Frame::BlobGet(get)) => get.try_into().map(Self::BlobGet).map_err(no_blob),
            Some(Frame::BlobDrop(drop)) => drop.try_into().map(Self::BlobDrop).map_err(no_blob),
            Some(Frame::BlobPart(part)) => Ok(Self::BlobPart(part)),
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
        let opening = join.create.map(|create| opening(create, key)).transpose()?;
        let room = match &*join.room_id {
            [] if opening.is_none() => None,
            id => Some(RoomId::try_from(id).map_err(|_| malformed())?),
        };
        Ok(Self {
            room,
            key,
            signature: (&*join.signature).try_into().map_err(|_| malformed())?,
            after: join.after,
            opening,
            token,
            wants_access: join.wants_access,
        })
    }
}

fn opening(create: relay::Create, joining: PublicKey) -> Result<Opening, Invalid> {
    let slot = create.slot.ok_or_else(malformed)?;
    let mut keys = distinct_keys(&create.keys).map_err(|_| malformed())?;
    let founder = AccessKey { key: joining, grant: Grant::Member };
    let place = keys.iter().position(|key| *key == founder).ok_or_else(malformed)?;
    keys.swap(0, place);
    if slot.sealed.len().saturating_add(slot.pieces.len()) > MAX_FIRST_SLOT {
        return Err(Invalid { id: Bytes::new(), code: Code::TooLarge });
    }
    let pieces = named(&slot.pieces).map_err(|_| malformed())?;
    let names = pieces.iter().flat_map(|(name, _)| name).copied().collect();
    let slot = NewSlot::new(slot.sealed, names, pieces).map_err(|_| malformed())?;
    let authority = PublicKey::try_from(&*create.authority).map_err(|_| malformed())?;
    Ok(Opening { slot, keys, authority, address: None })
}

impl TryFrom<relay::Publish> for Publish {
    type Error = Invalid;

    fn try_from(publish: relay::Publish) -> Result<Self, Invalid> {
        let Ok(id) = PublishId::try_from(&*publish.id) else { return Err(malformed()) };
        let invalid = |code| Invalid { id: publish.id.clone(), code };
        let slot =
            publish.commit.as_ref().map_or(0, |commit| commit.slot.len().saturating_add(commit.pieces.len()));
        if publish.envelope.len() > MAX_ENVELOPE || slot > MAX_SLOT || publish.resync.len() > MAX_RESYNC {
            return Err(invalid(Code::TooLarge));
        }
        let has_more = publish.commit.is_some() || publish.ack.is_some() || !publish.envelope.is_empty();
        let is_alone = match (&publish.ballot, publish.resync.is_empty()) {
            (None, true) => true,
            (Some(_), true) | (None, false) => !has_more,
            (Some(_), false) => false,
        };
        if !is_alone {
            return Err(invalid(Code::Malformed));
        }
        let part = publish.commit.map(|part| commit_of(part, &publish.envelope));
        let commit = part.transpose().map_err(|_| invalid(Code::Malformed))?;
        let signed = |signature: &[u8]| signature.try_into().map_err(|_| invalid(Code::Malformed));
        let ack = publish.ack.map(|ack| {
            let (signature, key_signature) = (signed(&ack.signature)?, signed(&ack.key_signature)?);
            Ok(Ack { seq: ack.seq, signature, key_signature })
        });
        let ballot = publish.ballot.map(|ballot| {
            let step = (&*ballot.step).try_into().map_err(|_| invalid(Code::Malformed))?;
            Ok(Ballot { seq: ballot.seq, step: CommitName(step), signature: signed(&ballot.signature)? })
        });
        let (ack, ballot) = (ack.transpose()?, ballot.transpose()?);
        let (envelope, resync) = (publish.envelope, publish.resync);
        Ok(Self { id, envelope, commit, ack, ballot, resync, memory: Memory::default(), payer: None })
    }
}

/// Hashes what is signed here, where many streams do it at once, and not where the log is written.
fn commit_of(part: relay::CommitPart, envelope: &[u8]) -> Result<Commit, Malformed> {
    let change = part.access.as_ref().map(Change::try_from).transpose()?.unwrap_or_default();
    let pieces = named(&part.pieces)?;
    let slot = NewSlot::new(part.slot, part.piece_names, pieces)?;
    let parts = CommitParts::of(envelope, slot.hash(), &change);
    let part_of_commit = access::Commit {
        expected: part.expected_last_commit,
        instead_of: part.instead_of,
        change,
        authority: PublicKey::try_from(&*part.authority).map_err(|_| Malformed)?,
        signature: (&*part.signature).try_into().map_err(|_| Malformed)?,
        parts,
    };
    Ok(Commit { slot, part: part_of_commit })
}

/// Pieces by their names, which are computed here, where many streams do it at once.
fn named(list: &Bytes) -> Result<Vec<(PieceName, Bytes)>, Malformed> {
    let pieces = split_pieces(list).map_err(|_| Malformed)?;
    Ok(pieces.into_iter().map(|piece| (piece_name(&piece), piece)).collect())
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

fn no_blob(_: blob::Malformed) -> Invalid {
    malformed()
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
            let (authority, signature) = (vec![4; 32].into(), Bytes::from(vec![5; 64]));
            let ack =
                Some(relay::Ack { seq: 6, signature: signature.clone(), key_signature: signature.clone() });
            let commit =
                relay::CommitPart { access: Some(access), authority, signature, ..Default::default() };
            let id = vec![3; 16].into();
            let publish = relay::Publish { id, commit: Some(commit), ack, ..Default::default() };
            let mut bytes = proto::encode_frame(&ClientFrame { frame: Some(Frame::Publish(publish)) });
            let at = at % bytes.len();
            bytes[at] = with;
            let _ = frames(&bytes);
        }
    }
}
