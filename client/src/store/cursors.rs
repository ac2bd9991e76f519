//! How far programs have dealt with a room's messages: the profile's own cursor, and named ones, so that two programs
//! on one profile do not take each other's messages.

use proto::RoomId;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};

/// Named cursors of a profile: far more than programs run on one. Beyond it a new name is refused.
pub(super) const MAX_CURSORS: u32 = 64;

/// Longest name of a cursor, in bytes: a word or two.
pub const MAX_CURSOR_NAME: usize = 64;

/// How far somebody has read, in whatever face. Nobody can name a cursor so.
const READ: &str = "~read";

/// Which cursor: the profile's own, or a named one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Option<String>", into = "Option<String>")]
pub struct Cursor(Option<String>);

impl Cursor {
    /// The cursor of that name; the profile's own without one.
    ///
    /// # Errors
    /// [`StoreError`] when the name is too long or holds more than letters, digits and `.`, `_`, `-`.
    pub fn named(name: Option<&str>) -> Result<Self, StoreError> {
        let fits = |name: &str| {
            !name.is_empty()
                && name.len() <= MAX_CURSOR_NAME
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        if name.is_some_and(|name| !fits(name)) {
            return Err(StoreError::BadCursor);
        }
        Ok(Self(name.map(str::to_owned)))
    }

    /// How far somebody has read a room: one mark for all faces, kept as a cursor.
    pub fn read() -> Self {
        Self(Some(READ.to_owned()))
    }
}

impl TryFrom<Option<String>> for Cursor {
    type Error = StoreError;

    fn try_from(name: Option<String>) -> Result<Self, StoreError> {
        match name.as_deref() {
            Some(READ) => Ok(Self::read()),
            name => Self::named(name),
        }
    }
}

impl From<Cursor> for Option<String> {
    fn from(cursor: Cursor) -> Self {
        cursor.0
    }
}

impl Store {
    /// Messages of a room up to here were acknowledged at this cursor; 0 when none was.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn acked(&self, room: RoomId, cursor: &Cursor) -> Result<u64, StoreError> {
        let found: Option<i64> = match &cursor.0 {
            None => {
                let select = "SELECT acked FROM rooms WHERE room = ?1";
                self.db.query_row(select, [room.as_bytes()], |row| row.get(0)).optional()?
            }
            Some(name) => {
                let select = "SELECT acked FROM cursors WHERE name = ?1 AND room = ?2";
                self.db.query_row(select, params![name, room.as_bytes()], |row| row.get(0)).optional()?
            }
        };
        Ok(found.and_then(|acked| u64::try_from(acked).ok()).unwrap_or(0))
    }

    /// The newest that this profile has of a room, as far as it is stored; what was acknowledged may be gone from here.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn newest(&self, room: RoomId) -> Result<u64, StoreError> {
        let select = "SELECT ifnull(max(seq), 0) FROM (
                          SELECT max(seq) AS seq FROM messages WHERE room = ?1
                          UNION ALL SELECT acked FROM rooms WHERE room = ?1
                          UNION ALL SELECT acked FROM cursors WHERE room = ?1
                      )";
        Ok(self.db.query_row(select, [room.as_bytes()], |row| row.get(0))?)
    }

    /// A program has dealt with the messages up to `seq`; never goes back. What is not here yet is not to be given: it
    /// would never be delivered.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written, or there are [`MAX_CURSORS`] others.
    pub fn ack_at(&mut self, room: RoomId, cursor: &Cursor, seq: u64) -> Result<(), StoreError> {
        let Some(name) = &cursor.0 else { return self.ack(room, seq) };
        let others = "SELECT count(DISTINCT name) FROM cursors WHERE name NOT IN (?1, ?2)";
        let others: u32 = self.db.query_row(others, [name, READ], |row| row.get(0))?;
        if others >= MAX_CURSORS && name != READ {
            return Err(StoreError::TooManyCursors);
        }
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        self.db.execute(
            "INSERT INTO cursors VALUES (?1, ?2, ?3)
             ON CONFLICT (name, room) DO UPDATE SET acked = ?3 WHERE acked < ?3",
            params![name, room.as_bytes(), seq],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_that_is_none_is_refused() {
        for name in ["", "a b", "a/b", READ, "\u{1b}", &"x".repeat(MAX_CURSOR_NAME + 1)] {
            assert!(Cursor::named(Some(name)).is_err(), "{name}");
        }
        assert!(Cursor::named(Some("mail-bridge.2")).is_ok());
    }
}
