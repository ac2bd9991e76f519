//! Where rooms are kept: an ordered log, the commit slot and the access keys of each.
//!
//! Who keeps them decides what must be atomic: compare-and-swap of commits, idempotency and permission are
//! checked where the entry is written. It reads no clock; the time is an argument.

mod answer;
pub mod capacity;
pub(crate) mod caught;
mod feed;
mod operator;
mod publish;
mod record;
pub mod redb;
pub(crate) mod tail;
mod tokens;

use std::{future::Future, path::Path, pin::Pin, sync::Arc};

use bytes::Bytes;
use proto::{PublicKey, RoomId};

use self::redb::{OpenError, Opener, Redb};
pub use self::{
    answer::{
        AppendError, Appended, Author, Barring, Batch, CreateError, Measured, Slot, SpaceError, Ticket,
        Unavailable, View,
    },
    feed::{Feed, Feeds},
    operator::{Freeze, HeldOpener, Hold, OpenerError, OpenerRooms, Operator, Overview, RoomSummary},
    publish::{Commit, Memory, NewSlot, Opening, Publish},
    record::{ExportError, Record, Rooms, Stop},
    tail::{Frames, Loss, Next, ReadPermit, Signal, Tail},
    tokens::{Revoked, TokenChange, TokenError, Tokens},
};
use crate::policy::{limits::Limits, reason::Reason, token::Right};

/// A boxed future, so that who keeps the rooms can be chosen at run time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Rooms, for those who are in them.
pub trait Log: Send + Sync + 'static {
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

    /// What the operator said of a room that was dropped, if that is remembered.
    fn dropped(&self, room: RoomId) -> Answer<'_, Result<Option<Reason>, Unavailable>>;

    /// The room that has this invite, for those who know no more than a link.
    fn room_of(&self, invite: PublicKey) -> Answer<'_, Result<Option<RoomId>, Unavailable>>;

    /// Who may do what in a room as of its newest entry ([`Memory::to_snapshot`](proto::access::Memory::to_snapshot));
    /// empty for no room, and where it is too long.
    fn access(&self, room: RoomId) -> Answer<'_, Result<Bytes, Unavailable>>;

    /// The newest slot, or the last confirmed one, if there is such a room; with `room_for` as in [`Log::read`].
    fn slot(
        &self,
        room: RoomId,
        confirmed: bool,
        room_for: usize,
    ) -> Answer<'_, Result<Option<Measured<Slot>>, Unavailable>>;

    /// Who opened a room, if that is known.
    fn opener(&self, room: RoomId) -> Answer<'_, Result<Option<Opener>, Unavailable>>;

    /// A key that is not the founder's was shown in a room ([`View::founder`]): it is not a lone one any more.
    fn note_company(&self, room: RoomId);

    /// Waits for entries: follow before reading, and no entry is missed.
    fn follow(&self, room: RoomId) -> Feed;
}

/// All that one database is asked for.
pub trait Backend: Log + Tokens + Operator {}

impl<T: Log + Tokens + Operator> Backend for T {}

/// Opens or makes the database in `directory`, repairs it if the last relay was killed, and starts its writer. Blocks.
///
/// # Errors
/// [`OpenError`] when the file cannot be used.
pub fn open(directory: &Path, limits: &Limits) -> Result<Arc<dyn Backend>, OpenError> {
    Ok(Arc::new(Redb::open(directory, limits)?))
}
