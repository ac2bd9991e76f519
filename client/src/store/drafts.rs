//! What was typed and not sent, one per room, sealed.

use proto::RoomId;
use rusqlite::{OptionalExtension, params};
use zeroize::Zeroizing;

use super::{Damage, Store, StoreError};

impl Store {
    /// What was typed in a room.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or was altered.
    pub fn draft(&self, room: RoomId) -> Result<Option<Zeroizing<String>>, StoreError> {
        let select = "SELECT value FROM drafts WHERE room = ?1";
        let sealed: Option<Vec<u8>> =
            self.db.query_row(select, [room.as_bytes()], |row| row.get(0)).optional()?;
        let Some(sealed) = sealed else { return Ok(None) };
        let plain = self.sealer.open(&label(room), &sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| StoreError::Damaged(Damage::Draft))?;
        Ok(Some(Zeroizing::new(text.to_owned())))
    }

    /// Keeps what was typed; nothing deletes it.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_draft(&mut self, room: RoomId, text: &str) -> Result<(), StoreError> {
        if text.is_empty() {
            self.db.execute("DELETE FROM drafts WHERE room = ?1", [room.as_bytes()])?;
            return Ok(());
        }
        let sealed = self.sealer.seal(&label(room), text.as_bytes())?;
        self.db.execute("INSERT OR REPLACE INTO drafts VALUES (?1, ?2)", params![room.as_bytes(), sealed])?;
        Ok(())
    }
}

fn label(room: RoomId) -> Vec<u8> {
    [b"draft/".as_slice(), room.as_bytes()].concat()
}
