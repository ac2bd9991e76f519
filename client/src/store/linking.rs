//! What is kept while two devices are being linked, and while a new one enters its rooms.
//!
//! The linking room is in no list: it has its rows, and one value of the profile that says what it is for. A profile that is
//! to become a device of an account has no account of its own until all of it is here.

use proto::RoomId;
use rusqlite::params;
use shared::room::Change;

use super::{OpenProfile, Store, StoreError, meta_label, profile, row_label};
use crate::failure::{Exit, Failure};

/// The linking under way.
const LINKING: &str = "linking";

/// The past of those rooms, until they are entered.
const PAST: &str = "handed-past";

/// Rooms of the account that are to be entered yet.
const HANDED: &str = "handed";

impl Store {
    /// The linking under way, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn linking(&self) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, StoreError> {
        self.meta(LINKING)
    }

    /// Keeps how a linking stands, with the rows of its room: both or nothing. `is_first`: what an earlier one left goes.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is kept of it.
    pub fn commit_linking(
        &mut self,
        room: RoomId,
        (changes, record): (&[Change], &[u8]),
        is_first: bool,
    ) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        if is_first {
            transaction.execute("DELETE FROM rows WHERE room = ?1", [room.as_bytes()])?;
        }
        for Change { key, value } in changes {
            match value {
                Some(value) => {
                    let sealed = self.sealer.seal(&row_label(room, key), value)?;
                    let put = "INSERT OR REPLACE INTO rows VALUES (?1, ?2, ?3)";
                    transaction.execute(put, params![room.as_bytes(), key, sealed])?
                }
                None => transaction.execute(
                    "DELETE FROM rows WHERE room = ?1 AND key = ?2",
                    params![room.as_bytes(), key],
                )?,
            };
        }
        let sealed = self.sealer.seal(&meta_label(LINKING), record)?;
        transaction.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", params![LINKING, sealed])?;
        Ok(transaction.commit()?)
    }

    /// Nothing is kept of a linking any more.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn end_linking(&mut self, room: RoomId) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        transaction.execute("DELETE FROM rows WHERE room = ?1", [room.as_bytes()])?;
        transaction.execute("DELETE FROM meta WHERE key = ?1", [LINKING])?;
        Ok(transaction.commit()?)
    }

    /// This profile is one of the account's from now on, and the linking is over: all of it or nothing. `rooms` are to be
    /// entered. False where the profile has rooms of its own: then nothing has changed.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing has changed.
    pub fn become_device(&mut self, room: RoomId, account: &[u8], rooms: &[u8]) -> Result<bool, StoreError> {
        if !self.rooms()?.is_empty() {
            return Ok(false);
        }
        let transaction = self.db.transaction()?;
        transaction.execute("DELETE FROM rows WHERE room = ?1", [room.as_bytes()])?;
        transaction.execute("DELETE FROM meta WHERE key = ?1", [LINKING])?;
        for (key, value) in [(profile::IDENTITY, account), (HANDED, rooms)] {
            let sealed = self.sealer.seal(&meta_label(key), value)?;
            transaction.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", params![key, sealed])?;
        }
        transaction.commit()?;
        Ok(true)
    }

    /// The rooms that are to be entered yet: perhaps none, but only a device that was linked has this.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn handed(&self) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, StoreError> {
        self.meta(HANDED)
    }

    /// The past of the rooms that are to be entered yet.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn handed_past(&self) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, StoreError> {
        self.meta(PAST)
    }

    /// Keeps it, or nothing of it any more.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_handed_past(&mut self, past: Option<&[u8]>) -> Result<(), StoreError> {
        match past {
            Some(past) => self.set_meta(PAST, past),
            None => {
                self.db.execute("DELETE FROM meta WHERE key = ?1", [PAST])?;
                Ok(())
            }
        }
    }

    /// Keeps which rooms are to be entered yet.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_handed(&mut self, rooms: &[u8]) -> Result<(), StoreError> {
        self.set_meta(HANDED, rooms)
    }
}

impl OpenProfile {
    /// There is a linking under way in a profile that has no account yet.
    pub(super) fn is_being_linked(store: &Store) -> Result<(), Failure> {
        match store.linking()? {
            None => Ok(()),
            Some(_) => Err(Failure::new(
                Exit::Refused,
                "linking",
                "This device is being linked to an account, and has none of its own.",
                "Run `schat link` to go on, or `schat link --cancel` to give it up.",
            )),
        }
    }
}
