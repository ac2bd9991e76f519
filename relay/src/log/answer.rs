//! Who asks, and what is answered.

use bytes::Bytes;
use proto::{PublicKey, RoomId, relay::Deliver};
use tokio::sync::oneshot;

use crate::{
    access::{Refusal, Standing},
    policy::{
        reason::{Notice, Reason},
        refusal::Limit,
        token::NoRight,
    },
};

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
pub struct Ticket(pub(super) oneshot::Receiver<Result<Appended, AppendError>>);

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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// No such room, or not with this key.
    #[error("not allowed")]
    NotAllowed,
    /// The operator froze the room.
    #[error("the room is frozen")]
    Frozen(Reason),
    /// The operator dropped the room.
    #[error("the room was dropped")]
    Dropped(Reason),
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
    NoSpace(#[source] SpaceError),
    /// What is in the log under this id is damaged.
    #[error("damaged")]
    Damaged,
    /// The backend is closing.
    #[error("closing")]
    Closed,
}

/// Which space is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpaceError {
    /// The file system is below its reserve, or has just refused a write.
    #[error("the disk is full")]
    Free,
    /// The logs take all that they may.
    #[error("the logs have their share of the disk")]
    Share,
    /// Whoever opened the room takes all that one may while so little is left for others.
    #[error("who opened the room has their share of the disk")]
    Opener,
}

impl From<SpaceError> for Limit {
    fn from(missing: SpaceError) -> Self {
        match missing {
            SpaceError::Free => Self::FreeSpace,
            SpaceError::Share => Self::Disk,
            SpaceError::Opener => Self::OpenerShare,
        }
    }
}

/// Why no room was opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// There is such a room already.
    #[error("the room exists")]
    Exists,
    /// A room of this id was dropped a moment ago and is still being purged.
    #[error("the room is being dropped")]
    BeingDropped,
    /// The operator dropped a room of this id, which is remembered.
    #[error("the room was dropped")]
    Dropped(Reason),
    /// The operator froze whoever opens it.
    #[error("the opener is frozen")]
    Frozen(Reason),
    /// A token is needed, and what was shown opens no room.
    #[error(transparent)]
    NoRight(#[from] NoRight),
    /// More access keys than a room may have.
    #[error("too many access keys")]
    TooLarge,
    /// The disk is full or failing, or the logs have their share of it.
    #[error("no space")]
    NoSpace(#[source] SpaceError),
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
    /// Since when the room is frozen, Unix milliseconds; 0 while it is not.
    pub frozen_ms: u64,
    /// There is no such room: the operator dropped it, and said this.
    pub dropped: Option<Reason>,
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
    /// Set while the room is frozen.
    pub frozen: Option<Notice>,
    /// An invite's card.
    pub card: Bytes,
    /// Whoever opened the room, while no other member was seen there.
    pub founder: Option<PublicKey>,
    /// For a key that lost its access: the commit that took it, while the log has that.
    pub barring: Option<Barring>,
}

/// The commit that took a key's access away, as far as a key that reads no entries is told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Barring {
    /// Who published it.
    pub key: Bytes,
    /// The keys that it removed.
    pub removed: Vec<Bytes>,
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
    /// Since when the room is frozen, Unix milliseconds; 0 while it is not.
    pub fn frozen_ms(&self) -> u64 {
        self.frozen.as_ref().map_or(0, |notice| notice.at_ms)
    }

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
