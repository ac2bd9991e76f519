//! What a log is made of when it is carried away whole: for backups, which have it as bytes.

use std::collections::BTreeSet;

use bytes::Bytes;
use proto::RoomId;

use crate::policy::reason::Reason;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The first: when it was made (Unix milliseconds), and by which version.
    Head {
        /// Unix milliseconds.
        created_ms: u64,
        /// The relay's version.
        program: String,
    },
    /// A file beside the database.
    File {
        /// Its path in the data directory, with `/`.
        name: String,
        /// What is in it.
        content: Bytes,
    },
    /// A token that opens rooms.
    Token {
        /// SHA-256 of it.
        hash: [u8; 32],
        /// When it was made and when it expires, Unix milliseconds.
        times: [u64; 2],
        /// Rooms it may have at once, uses it may have, rooms, uses.
        numbers: [u32; 4],
        /// What the operator calls it.
        label: String,
    },
    /// An opener that opens no room.
    FrozenOpener {
        /// Its name in the database.
        opener: [u8; 16],
        /// Since when, Unix milliseconds.
        at_ms: u64,
        /// What the operator says.
        reason: Reason,
    },
    /// A room that the operator dropped.
    Dropped {
        /// Its id.
        id: [u8; 32],
        /// When, Unix milliseconds.
        at_ms: u64,
        /// What the operator says.
        reason: Reason,
    },
    /// A room begins.
    Room {
        /// Its id.
        id: [u8; 32],
        /// Its row in the database.
        row: [u64; 6],
    },
    /// Who may build on which of its commits. Not which log it is: a restored one is another.
    Access(Bytes),
    /// One of its slots.
    Slot {
        /// The commit that put it there.
        position: u64,
        /// Its row in the database.
        row: Bytes,
    },
    /// A piece that its slots name, once; opaque.
    Piece(Bytes),
    /// A step of the last thirty days.
    Step {
        /// Its first commit.
        first: u64,
        /// Its row in the database.
        row: Bytes,
    },
    /// A vote on a step.
    Vote {
        /// The step's first commit.
        first: u64,
        /// Whose.
        key: [u8; 32],
    },
    /// The token that opened it, by its hash.
    OpenedBy([u8; 32]),
    /// Nothing is appended to it.
    Frozen {
        /// Since when, Unix milliseconds.
        at_ms: u64,
        /// The opener for whom; empty where it is for the room itself.
        by: Bytes,
        /// What the operator says.
        reason: Reason,
    },
    /// One of its access keys.
    Key {
        /// The key.
        key: [u8; 32],
        /// Its row in the database.
        row: Bytes,
    },
    /// One of its entries.
    Entry {
        /// Its sequence number.
        seq: u64,
        /// Its row in the database.
        row: Bytes,
    },
    /// A file of a room that is there; its parts follow.
    Blob {
        /// The room.
        room: [u8; 32],
        /// The file's id in it.
        id: [u8; 16],
        /// What the index says of it.
        row: Bytes,
    },
    /// The next part of the file at hand.
    BlobPart {
        /// From 0.
        number: u32,
        /// Sealed.
        bytes: Bytes,
    },
    /// The last.
    End {
        /// Rooms.
        rooms: u64,
        /// Entries.
        entries: u64,
    },
}

/// Whoever takes the records wants no more of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop;

/// Why not all records were handed over.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Whoever took them said so.
    #[error("no more records were wanted")]
    Stopped,
    /// The database failed a moment ago.
    #[error("the database cannot be read now")]
    Unavailable,
    /// The database cannot be read.
    #[error("the database cannot be read: {0}")]
    Database(Box<redb::Error>),
}

impl From<Stop> for ExportError {
    fn from(_: Stop) -> Self {
        Self::Stopped
    }
}

impl From<redb::Error> for ExportError {
    fn from(error: redb::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

/// Rooms that can be carried away.
pub trait Rooms {
    /// Hands over all rooms but `left_out` as they are at this moment, one row at a time; blocks.
    ///
    /// # Errors
    /// [`ExportError`], also when `take` says [`Stop`].
    fn export(
        &self,
        left_out: &BTreeSet<RoomId>,
        take: &mut dyn FnMut(Record) -> Result<(), Stop>,
    ) -> Result<(), ExportError>;
}
