//! What an operator may see of rooms (numbers, and the opaque id) and do with them.

use proto::RoomId;

use crate::{
    log::{
        Answer, Rooms, Unavailable,
        redb::{Busiest, Health, Opener, OpenerName, Stats, Survey},
    },
    policy::{limits::Limits, reason::Notice},
};

/// Rooms, for whoever runs the relay.
pub trait Operator: Rooms + Send + Sync + 'static {
    /// Up to `count` rooms after one, in the order of their ids, `None` for the first ones.
    fn rooms(&self, after: Option<RoomId>, count: usize)
    -> Answer<'_, Result<Vec<RoomSummary>, Unavailable>>;

    /// What all rooms take together.
    fn overview(&self) -> Answer<'_, Result<Overview, Unavailable>>;

    /// Drops a room for ever, freezes or thaws it: says whether there was one to do it to. Once the answer is there it is
    /// so, whatever crashes, and its followers have been woken. Rows of a dropped one go in small steps, for which
    /// this waits as well; if the wait is given up, a later round of trimming finishes.
    fn hold_room(&self, room: RoomId, hold: Hold) -> Answer<'_, Result<bool, Unavailable>>;

    /// The one opener whom a name means.
    fn find_opener(&self, name: OpenerName) -> Answer<'_, Result<OpenerRooms, OpenerError>>;

    /// The same to all rooms of an opener. One that is frozen opens none either; one whose rooms are dropped may.
    /// Interrupted, it is done to some: the command says the same again.
    fn hold_opener(&self, name: OpenerName, hold: Hold) -> Answer<'_, Result<HeldOpener, OpenerError>>;

    /// Rooms that were dropped and are remembered, the newest first.
    fn dropped_rooms(&self) -> Answer<'_, Result<Vec<(RoomId, Notice)>, Unavailable>>;

    /// How many rooms were dropped since the start: whoever keeps something of rooms elsewhere looks when it rises.
    fn ended(&self) -> u64;

    /// Those of these rooms that are no more, or never were.
    fn missing(&self, rooms: Vec<RoomId>) -> Answer<'_, Result<Vec<RoomId>, Unavailable>>;

    /// Whether there is a room. Blocks.
    fn has_rooms(&self) -> bool;

    /// The time of the newest entry in any room, or of a newer room without one; 0 for none. Blocks.
    ///
    /// # Errors
    /// [`Unavailable`] when the database cannot be read.
    fn newest_ms(&self) -> Result<u64, Unavailable>;

    /// The pin of the identity that the rooms were opened under; `None` where that was not noted. Blocks.
    ///
    /// # Errors
    /// [`Unavailable`] when the database cannot be read.
    fn owner(&self) -> Result<Option<[u8; 32]>, Unavailable>;

    /// From now on they are under this one.
    fn set_owner(&self, pin: [u8; 32]) -> Answer<'_, Result<(), Unavailable>>;

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

/// What an operator does to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It goes for ever, and nobody opens it again while the relay remembers that.
    Drop(Notice),
    /// It is read, and nothing is appended to it.
    Freeze(Notice),
    /// It goes on from this time, Unix milliseconds; one that was dropped may be opened again.
    Thaw(u64),
}

/// Why a room is frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Since when, and what the operator says.
    pub notice: Notice,
    /// Set where it is not for the room itself, but for who opened it.
    pub by: Option<Opener>,
}

/// Somebody who opened rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenerRooms {
    /// Who.
    pub opener: Opener,
    /// Those that there are.
    pub rooms: Vec<RoomId>,
    /// Set while it opens none.
    pub frozen: Option<Notice>,
}

/// What was done to somebody who opened rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldOpener {
    /// To whom.
    pub opener: Opener,
    /// It may open rooms, or may not, otherwise than before.
    pub changed: bool,
    /// To how many rooms it was done.
    pub rooms: u64,
}

/// Why nothing was done to an opener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenerError {
    /// None of the name.
    #[error("nobody of that name opened a room here; `relay top` shows who did")]
    Unknown,
    /// More than one.
    #[error("several openers begin so; give more digits of the id (`relay top --json` shows all of it)")]
    Ambiguous,
    /// As many are frozen as may be.
    #[error("there are too many frozen openers; thaw those that are not needed any more")]
    TooMany,
    /// The disk is full or failing, or the relay is stopping.
    #[error("the database cannot be written now; free some space, then try again")]
    Unavailable,
}

/// One room in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSummary {
    /// Its id, which says nothing.
    pub id: RoomId,
    /// Entries that are kept.
    pub entries: u64,
    /// Bytes of these entries.
    pub bytes: u64,
    /// Bytes of its slots and their pieces.
    pub slot_bytes: u64,
    /// Bytes of its access keys, with the cards of invites.
    pub key_bytes: u64,
    /// Access keys: members and live invites.
    pub keys: u64,
    /// Greatest sequence number of the log, 0 when it is empty.
    pub head: u64,
    /// Where the last commit is, 0 when there was none.
    pub last_commit: u64,
    /// When it was last written to or opened, Unix milliseconds; 0 for a room that an early version opened and
    /// nobody has written to since.
    pub last_at_ms: u64,
    /// Set while it is frozen.
    pub frozen: Option<Freeze>,
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
    /// Bytes of access keys, with the cards of invites.
    pub key_bytes: u64,
    /// Access keys.
    pub keys: u64,
    /// When any of them was last written to, Unix milliseconds.
    pub last_at_ms: u64,
    /// Dropped rooms that are still being purged.
    pub tombstones: u64,
    /// Frozen rooms.
    pub frozen: u64,
    /// Frozen openers.
    pub frozen_openers: u64,
    /// Rooms that an operator dropped and that are remembered.
    pub dropped: u64,
    /// Size of the database's file, in bytes.
    pub file_bytes: u64,
}
