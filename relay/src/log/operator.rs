//! What an operator may see of rooms (numbers, and the opaque id) and do with them.

use proto::RoomId;

use crate::{
    log::{
        Answer, Rooms, Unavailable,
        redb::{Busiest, Health, Stats, Survey},
    },
    policy::limits::Limits,
};

/// Rooms, for whoever runs the relay.
pub trait Operator: Rooms + Send + Sync + 'static {
    /// Up to `count` rooms after one, in the order of their ids, `None` for the first ones.
    fn rooms(&self, after: Option<RoomId>, count: usize)
    -> Answer<'_, Result<Vec<RoomSummary>, Unavailable>>;

    /// What all rooms take together.
    fn overview(&self) -> Answer<'_, Result<Overview, Unavailable>>;

    /// Drops a room, for ever: says whether there was one. Once the answer is there nobody reads or writes it
    /// any more, whatever crashes, and its followers have been woken; its rows go in small steps, for which
    /// this waits as well. If the wait is given up, a later round of trimming finishes.
    fn drop_room(&self, room: RoomId) -> Answer<'_, Result<bool, Unavailable>>;

    /// Whether there is a room. Blocks.
    fn has_rooms(&self) -> bool;

    /// The time of the newest entry in any room, or of a newer room without one; 0 for none. Blocks.
    ///
    /// # Errors
    /// [`Unavailable`] when the database cannot be read.
    fn newest_ms(&self) -> Result<u64, Unavailable>;

    /// Looks at every row: checksums, and what must be true of logs. Blocks. Rooms go on meanwhile.
    ///
    /// # Errors
    /// [`Unavailable`] when the list of rooms cannot be read.
    fn survey(&self) -> Result<Survey, Unavailable>;

    /// How the writer does.
    fn stats(&self) -> &Stats;

    /// Has the writer answer, after what is queued before: it is alive and the database is open.
    fn probe(&self) -> Answer<'_, Result<Health, Unavailable>>;

    /// Where most is going on.
    fn busiest(&self, count: usize) -> Answer<'_, Result<Busiest, Unavailable>>;

    /// Whether the disk had no space for the last write, and seems to have none yet.
    fn is_full(&self) -> Answer<'_, bool>;

    /// Trims entries that are over age, in every room, purges dropped rooms, and answers when it is done. What went is
    /// one line in the log.
    fn trim(&self, now_ms: u64) -> Answer<'_, ()>;

    /// Other limits from the next transaction on.
    fn reload(&self, limits: &Limits);

    /// Returns when the writer has died, which only a bug or a damaged file can cause: nothing will be
    /// appended any more.
    fn failed(&self) -> Answer<'_, ()>;

    /// Takes nothing more, finishes what was queued and lets go of the disk.
    fn close(&self) -> Answer<'_, ()>;
}

/// One room in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomSummary {
    /// Its id, which says nothing.
    pub id: RoomId,
    /// Entries that are kept.
    pub entries: u64,
    /// Bytes of these entries.
    pub bytes: u64,
    /// Bytes of its slots and their pieces.
    pub slot_bytes: u64,
    /// Access keys: members and live invites.
    pub keys: u64,
    /// Greatest sequence number of the log, 0 when it is empty.
    pub head: u64,
    /// Where the last commit is, 0 when there was none.
    pub last_commit: u64,
    /// When it was last written to or opened, Unix milliseconds; 0 for a room that an early version opened and
    /// nobody has written to since.
    pub last_at_ms: u64,
}

/// All rooms in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Rooms.
    pub rooms: u64,
    /// Entries that are kept.
    pub entries: u64,
    /// Bytes of these entries.
    pub bytes: u64,
    /// Bytes of slots and their pieces.
    pub slot_bytes: u64,
    /// Access keys.
    pub keys: u64,
    /// When any of them was last written to, Unix milliseconds.
    pub last_at_ms: u64,
    /// Dropped rooms that are still being purged.
    pub tombstones: u64,
    /// Size of the database's file, in bytes.
    pub file_bytes: u64,
}
