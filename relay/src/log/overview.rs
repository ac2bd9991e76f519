//! What an operator may see of rooms: numbers, and the opaque id.

use proto::RoomId;

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
    /// Dropped rooms that are still being swept.
    pub doomed: u64,
    /// Size of the database's file, in bytes.
    pub file_bytes: u64,
}
