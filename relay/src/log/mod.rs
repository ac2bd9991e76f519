//! Where rooms are kept: an ordered log, the commit slot and the access keys of each.
//!
//! A backend decides what must be atomic: compare-and-swap of commits, idempotency and permission are
//! checked where the entry is written. It reads no clock; the time is an argument.

pub mod capacity;
pub(crate) mod caught;
mod feed;
mod overview;
mod publish;
mod record;
pub mod redb;
pub(crate) mod tail;
mod tokens;

use std::{future::Future, pin::Pin};

use bytes::Bytes;
use proto::{
    PublicKey, RoomId,
    relay::{self, Deliver},
};
use tokio::sync::oneshot;

pub use self::{
    feed::{Feed, Feeds},
    overview::{Overview, RoomSummary},
    publish::{Commit, Memory, NewSlot, Opening, Publish},
    record::{ExportError, Record, Rooms, Stop},
    tail::{Frames, Loss, Next, Permit, Signal, Tail},
    tokens::{Revoked, TokenChange, TokenError},
};
use crate::{
    access::{Refusal, Standing},
    policy::{
        refusal::Limit,
        token::{NoRight, Right, TokenRecord},
    },
};

/// A boxed future, so that backends can be chosen at run time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps rooms.
pub trait Backend: Send + Sync + 'static {
    /// Opens a room at a time (Unix milliseconds). The right is checked and counted in the transaction that
    /// makes the room.
    fn create(
        &self,
        room: RoomId,
        opening: Opening,
        right: Right,
        now_ms: u64,
    ) -> Answer<'_, Result<(), CreateError>>;

    /// Queues an envelope that is no commit. The order of queueing is the order of appending.
    fn append(&self, author: Author, publish: Publish) -> Answer<'_, Ticket>;

    /// Queues a commit: appended only if the room's last commit is where it expects it; the slot and
    /// the access keys change in the same transaction.
    fn append_commit(&self, author: Author, publish: Publish) -> Answer<'_, Ticket>;

    /// The entry that a publish id already became, if its author still has access.
    fn published(
        &self,
        author: Author,
        publish: &Publish,
    ) -> Answer<'_, Result<Option<Appended>, Unavailable>>;

    /// Entries after a cursor, up to about [`READ_BYTES`](crate::policy::limits::READ_BYTES), with the state of
    /// the room in the same snapshot. If the first one is large, it comes alone, and only if it has at
    /// most `room_for` bytes: memory for it has to be found first.
    fn read(
        &self,
        reader: Author,
        after: u64,
        room_for: usize,
    ) -> Answer<'_, Result<Measured<Batch>, Unavailable>>;

    /// What a key finds when it joins, `None` if the room has no such key: no room and no such key look alike.
    fn view(&self, reader: Author) -> Answer<'_, Result<Option<View>, Unavailable>>;

    /// The room that has this invite, for those who know no more than a link.
    fn room_of(&self, invite: PublicKey) -> Answer<'_, Result<Option<RoomId>, Unavailable>>;

    /// Who may do what in a room as of its newest entry ([`Memory::to_snapshot`](proto::access::Memory::to_snapshot));
    /// empty for no room, and where it is too long.
    fn access(&self, room: RoomId) -> Answer<'_, Result<Bytes, Unavailable>>;

    /// The newest slot, or the last confirmed one, if there is such a room; with `room_for` as in [`Backend::read`].
    fn slot(
        &self,
        room: RoomId,
        confirmed: bool,
        room_for: usize,
    ) -> Answer<'_, Result<Option<Measured<Slot>>, Unavailable>>;

    /// Up to `count` rooms after one, in the order of their ids, `None` for the first ones: for the operator.
    fn rooms(&self, after: Option<RoomId>, count: usize)
    -> Answer<'_, Result<Vec<RoomSummary>, Unavailable>>;

    /// What all rooms take together: for the operator.
    fn overview(&self) -> Answer<'_, Result<Overview, Unavailable>>;

    /// Drops a room, for ever: says whether there was one. Once the answer is there nobody reads or writes it
    /// any more, whatever crashes, and its followers have been woken; its rows go in small steps, for which
    /// this waits as well. If the wait is given up, a later round of trimming finishes.
    fn drop_room(&self, room: RoomId) -> Answer<'_, Result<bool, Unavailable>>;

    /// All tokens, the oldest first; as many as [`MAX_TOKENS`](crate::policy::limits::MAX_TOKENS).
    fn tokens(&self) -> Answer<'_, Result<Vec<TokenRecord>, Unavailable>>;

    /// Adds a token, or revokes one and says which rooms it opened. Those stay.
    fn change_tokens(&self, change: TokenChange) -> Answer<'_, Result<Option<Revoked>, TokenError>>;

    /// Waits for entries: follow before reading, and no entry is missed.
    fn follow(&self, room: RoomId) -> Feed;

    /// Takes nothing more, finishes what was queued and lets go of the disk.
    fn close(&self) -> Answer<'_, ()>;
}

/// Who publishes or reads, and when by the relay's clock.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    /// The room.
    pub room: RoomId,
    /// The access key.
    pub key: PublicKey,
    /// Unix milliseconds.
    pub now_ms: u64,
}

/// The answer to a queued publish, once it is on disk.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<Appended, AppendError>>);

/// Where a publish stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its sequence number.
    pub seq: u64,
    /// Unix milliseconds; never less than the entry before.
    pub at_ms: u64,
    /// It had been appended before: this was the same publish again.
    pub repeated: bool,
}

/// Why nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// No such room, or not with this key.
    #[error("not allowed")]
    NotAllowed,
    /// Another commit won the position.
    #[error("the last commit is at {last_commit}")]
    Conflict {
        /// Where the last commit is.
        last_commit: u64,
        /// Where the last confirmed one is.
        confirmed: u64,
    },
    /// The id was used for other bytes, a signature is false, or a key would change its kind.
    #[error("breaks the protocol")]
    Malformed,
    /// More access keys than a room may have.
    #[error("too many access keys")]
    TooLarge,
    /// The slot with all its pieces would be over [`proto::MAX_SLOT`].
    #[error("too large a slot")]
    SlotTooLarge,
    /// The slot names pieces that neither came with it nor are here.
    #[error("pieces are missing")]
    MissingPieces,
    /// The disk is full or failing, or the logs have their share of it.
    #[error("no space")]
    NoSpace(Lack),
    /// What is in the log under this id is damaged.
    #[error("damaged")]
    Damaged,
    /// The backend is closing.
    #[error("closing")]
    Closed,
}

/// Which space is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The file system is below its reserve, or has just refused a write.
    Free,
    /// The logs take all that they may.
    Share,
    /// Whoever opened the room takes all that one may while so little is left for others.
    Opener,
}

impl From<Lack> for Limit {
    fn from(lack: Lack) -> Self {
        match lack {
            Lack::Free => Self::FreeSpace,
            Lack::Share => Self::Disk,
            Lack::Opener => Self::OpenerShare,
        }
    }
}

/// Why no room was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// There is such a room already.
    #[error("the room exists")]
    Exists,
    /// A room of this id was dropped a moment ago and is still being swept.
    #[error("the room is being dropped")]
    BeingDropped,
    /// A token is needed, and what was shown opens no room.
    #[error(transparent)]
    NoRight(#[from] NoRight),
    /// More access keys than a room may have.
    #[error("too many access keys")]
    TooLarge,
    /// The disk is full or failing, or the logs have their share of it.
    #[error("no space")]
    NoSpace(Lack),
    /// The backend is closing.
    #[error("closing")]
    Closed,
}

/// The disk cannot be read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log cannot be read now")]
pub struct Unavailable;

/// What was asked for, or how large it is.
#[derive(Debug)]
pub enum Measured<T> {
    /// Here it is.
    Ready(T),
    /// More than there was room for, in bytes.
    Large(usize),
}

/// A part of a log.
#[derive(Debug)]
pub struct Batch {
    /// In order, without gaps.
    pub entries: Vec<Deliver>,
    /// Greatest sequence number of the log.
    pub head: u64,
    /// Least sequence number still kept, `head + 1` when nothing is.
    pub oldest: u64,
    /// What the reader may do at the time of reading.
    pub standing: Option<Standing>,
    /// The next entry is damaged on the disk, so that nothing after it can be had.
    pub damaged: bool,
}

/// A room as a key sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Which log of the room it is.
    pub generation: [u8; 16],
    /// Greatest sequence number of the log, 0 when it is empty.
    pub head: u64,
    /// Least sequence number still kept, `head + 1` when nothing is.
    pub oldest: u64,
    /// Where the last commit is that can be built on, 0 when there was none.
    pub last_commit: u64,
    /// Where the last confirmed one is.
    pub confirmed: u64,
    /// What the key may do; `None` for an invite that is expired or used up, and for a member removed long ago.
    pub standing: Option<Standing>,
    /// An invite's card.
    pub card: Bytes,
}

/// The sealed GroupInfo of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The commit that put it there.
    pub last_commit: u64,
    /// Opaque.
    pub sealed: Bytes,
    /// All pieces of the tree, one after the other as they are sent.
    pub pieces: Bytes,
}

impl Ticket {
    /// The answer. Safe to drop half-way and to wait for again.
    ///
    /// # Errors
    /// [`AppendError`] when nothing was appended.
    pub async fn wait(&mut self) -> Result<Appended, AppendError> {
        (&mut self.0).await.unwrap_or(Err(AppendError::Closed))
    }
}

impl View {
    /// Whether the key is a member's in good standing.
    pub fn is_member(&self) -> bool {
        matches!(self.standing, Some(Standing::Member { .. }))
    }
}

impl From<Refusal> for AppendError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotAllowed => Self::NotAllowed,
            Refusal::Conflict { last_commit, confirmed } => Self::Conflict { last_commit, confirmed },
            Refusal::Malformed => Self::Malformed,
            Refusal::TooLarge => Self::TooLarge,
        }
    }
}

/// The entry that a publish becomes. Whose it is says the relay only where it must: envelopes have an author of
/// their own inside.
fn entry(key: &PublicKey, publish: &Publish, seq: u64, at_ms: u64) -> Deliver {
    let signed = |signature: &[u8; 64]| Bytes::copy_from_slice(signature);
    let has_key = publish.commit.is_some()
        || publish.ack.is_some()
        || publish.ballot.is_some()
        || !publish.resync.is_empty();
    let mut entry = Deliver {
        seq,
        at_ms,
        envelope: publish.envelope.clone(),
        key: if has_key { Bytes::copy_from_slice(&key.0) } else { Bytes::new() },
        ack: publish.ack.as_ref().map(|ack| relay::Ack {
            seq: ack.seq,
            signature: signed(&ack.signature),
            key_signature: signed(&ack.key_signature),
        }),
        ballot: publish.ballot.as_ref().map(|ballot| relay::Ballot {
            seq: ballot.seq,
            step: Bytes::copy_from_slice(&ballot.step.0),
            signature: signed(&ballot.signature),
        }),
        resync: publish.resync.clone(),
        ..Deliver::default()
    };
    if let Some(Commit { part, .. }) = &publish.commit {
        entry.is_commit = true;
        entry.access = Some((&part.change).into());
        entry.base = part.expected;
        entry.authority = Bytes::copy_from_slice(&part.authority.0);
        entry.signature = signed(&part.signature);
        entry.slot_hash = Bytes::copy_from_slice(part.parts.slot());
    }
    entry
}
