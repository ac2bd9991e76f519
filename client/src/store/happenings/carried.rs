//! What happened in rooms, on its way from one device of a person to another.

use proto::RoomId;
use rusqlite::params;
use zeroize::Zeroizing;

use super::{Happening, damaged, label, stored::Stored};
use crate::store::{Store, StoreError};

/// Where a happening stands: the entry that told it, and which of those of this entry.
pub type HappeningKey = (u64, u32);

/// A happening as it is stored, without its seal, its place and its end.
///
/// # Errors
/// [`StoreError`] when it cannot be written so.
pub fn written_happening(happening: &Happening) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    serde_json::to_vec(&Stored::of(happening)).map(Zeroizing::new).map_err(|_| damaged())
}

/// The happening that was written so; none for what this version does not know.
pub fn read_happening(seq: u64, expires: Option<u64>, value: &[u8]) -> Option<Happening> {
    let stored: Stored = serde_json::from_slice(value).ok()?;
    Some(Happening { expires, ..stored.into_happening(seq)? })
}

/// A row: its key, until when it is kept in Unix milliseconds, and its value as it is stored.
pub(super) type HappeningRow = (HappeningKey, Option<u64>, Zeroizing<Vec<u8>>);

impl Store {
    /// At most `limit` happenings of a room after that one, oldest first, as they are stored.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn happenings_after(
        &self,
        room: RoomId,
        (seq, nth): HappeningKey,
        limit: u32,
    ) -> Result<Vec<HappeningRow>, StoreError> {
        let select = "SELECT seq, nth, expires, value FROM happenings
                      WHERE room = ?1 AND (seq, nth) > (?2, ?3) ORDER BY seq, nth LIMIT ?4";
        let mut select = self.db.prepare_cached(select)?;
        let after = i64::try_from(seq).unwrap_or(i64::MAX);
        let found = select.query_map(params![room.as_bytes(), after, nth, limit], |row| {
            Ok(((row.get(0)?, row.get(1)?), row.get(2)?, row.get(3)?))
        })?;
        found
            .map(|row| {
                let ((seq, nth), expires, sealed): (HappeningKey, Option<u64>, Vec<u8>) = row?;
                Ok(((seq, nth), expires, self.sealer.open(&label(room, seq, nth), &sealed)?))
            })
            .collect()
    }

    /// Takes happenings that another device of the same person saw. One that is there already stays as it is.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be written; then none of them is.
    pub fn take_happenings(
        &mut self,
        room: RoomId,
        happenings: &[(HappeningKey, Happening)],
    ) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        for ((seq, nth), happening) in happenings {
            let sealed = self.sealer.seal(&label(room, *seq, *nth), &written_happening(happening)?)?;
            let expires = happening.expires.map(|at| i64::try_from(at).unwrap_or(i64::MAX));
            transaction
                .prepare_cached(
                    "INSERT OR IGNORE INTO happenings (room, seq, nth, value, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![room.as_bytes(), seq, nth, sealed, expires])?;
        }
        super::trim(&transaction, room)?;
        Ok(transaction.commit()?)
    }
}
