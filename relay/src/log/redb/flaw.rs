//! What can be wrong with a database.

/// A rule that a database breaks. Says which, and of no room in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A sequence number between the oldest and the newest is missing, or is not its entry's own.
    #[error("a log has a gap")]
    Gap,
    /// Bytes that are no entry, or not those that were written.
    #[error("an entry is damaged")]
    Entry,
    /// The times of a log go back.
    #[error("a log's times go back")]
    Time,
    /// A publish id leads elsewhere than to its entry.
    #[error("a publish id does not lead to its entry")]
    Id,
    /// A room's count of bytes or keys is wrong.
    #[error("a room's numbers are not those of its rows")]
    Numbers,
    /// A slot that no commit of the room's put there.
    #[error("a room's slots are not those of its commits")]
    Slot,
    /// A piece that no slot names, one that is missing, or one that is not what its name says.
    #[error("a room's pieces are not those of its slots")]
    Piece,
    /// Access that does not parse, or contradicts its rows.
    #[error("a room's access is not that of its rows")]
    Access,
    /// The last commit is not where the room says.
    #[error("a room's last commit is elsewhere")]
    Commit,
    /// Rows of a room that is not there.
    #[error("there are rows of no room")]
    Orphan,
}

/// Why a check ended early.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A rule is broken.
    #[error(transparent)]
    Flaw(#[from] Flaw),
    /// The file cannot be read, or its pages do not have the checksums they should.
    #[error("the database cannot be read: {0}")]
    Database(Box<redb::Error>),
}

impl<E: Into<redb::Error>> From<E> for CheckError {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}
