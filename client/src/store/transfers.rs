//! Files under way, so that they go on after a restart; and files at a relay that are to be dropped.

use proto::{BlobId, RoomId};
use rusqlite::{Connection, params};
use serde::{Serialize, de::DeserializeOwned};
use shared::{
    file::{HASH, PartHash},
    message::timeline::Line,
};
use zeroize::Zeroizing;

use super::{Damage, Store, StoreError};

/// Files under way in one profile. Beyond it a new one is refused.
pub const MAX_TRANSFERS: u32 = 1_000;

impl Store {
    /// Keeps a new transfer. Returns its number, which is never used again.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written, or there are [`MAX_TRANSFERS`].
    pub fn add_transfer<T: Serialize>(&mut self, room: RoomId, transfer: &T) -> Result<i64, StoreError> {
        let count: u32 = self.db.query_row("SELECT count(*) FROM transfers", [], |row| row.get(0))?;
        if count >= MAX_TRANSFERS {
            return Err(StoreError::TooManyTransfers);
        }
        let transaction = self.db.transaction()?;
        transaction.execute("INSERT INTO transfers (room, value) VALUES (?1, x'')", [room.as_bytes()])?;
        let number = transaction.last_insert_rowid();
        let sealed = self.sealer.seal(&label(number), &written(transfer)?)?;
        transaction.execute("UPDATE transfers SET value = ?2 WHERE number = ?1", params![number, sealed])?;
        transaction.commit()?;
        Ok(number)
    }

    /// Changes what is kept of a transfer. One that is gone stays so.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_transfer<T: Serialize>(&mut self, number: i64, transfer: &T) -> Result<(), StoreError> {
        let sealed = self.sealer.seal(&label(number), &written(transfer)?)?;
        self.db.execute("UPDATE transfers SET value = ?2 WHERE number = ?1", params![number, sealed])?;
        Ok(())
    }

    /// All transfers, oldest first, with their rooms and numbers.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn transfers<T: DeserializeOwned>(&self) -> Result<Vec<(RoomId, i64, T)>, StoreError> {
        let mut select =
            self.db.prepare_cached("SELECT room, number, value FROM transfers ORDER BY number")?;
        let found = select.query_map([], |row| Ok((row.get(0).map(RoomId)?, row.get(1)?, row.get(2)?)))?;
        found
            .map(|row| {
                let (room, number, sealed): (RoomId, i64, Vec<u8>) = row?;
                let plain = self.sealer.open(&label(number), &sealed)?;
                let transfer = serde_json::from_slice(&plain).map_err(|_| damaged())?;
                Ok((room, number, transfer))
            })
            .collect()
    }

    /// Nothing is kept of a transfer any more.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn end_transfer(&mut self, number: i64) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        end(&transaction, number)?;
        Ok(transaction.commit()?)
    }

    /// The hashes of parts that may be at the relay already.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn part_hashes(&self, number: i64) -> Result<Vec<(u32, PartHash)>, StoreError> {
        let select = "SELECT part, hash FROM transfer_parts WHERE transfer = ?1 ORDER BY part";
        let mut select = self.db.prepare_cached(select)?;
        let found = select.query_map([number], |row| Ok((row.get(0)?, row.get::<_, [u8; HASH]>(1)?)))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Keeps the hashes of parts, before these are sent. One that is kept stays as it is.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be written; then none of them is.
    pub fn add_part_hashes(&mut self, number: i64, hashes: &[(u32, PartHash)]) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO transfer_parts VALUES (?1, ?2, ?3)")?;
            for (part, hash) in hashes {
                insert.execute(params![number, part, hash])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Whether a transfer is still to be done.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn has_transfer(&self, number: i64) -> Result<bool, StoreError> {
        let mut select = self.db.prepare_cached("SELECT 1 FROM transfers WHERE number = ?1")?;
        Ok(select.exists([number])?)
    }

    /// A file begins anew, under another key: what was sealed under the old one is forgotten, and dropped at the relay.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then all is as it was.
    pub fn restart_transfer<T: Serialize>(
        &mut self,
        (room, number): (RoomId, i64),
        before: BlobId,
        transfer: &T,
    ) -> Result<(), StoreError> {
        let sealed = self.sealer.seal(&label(number), &written(transfer)?)?;
        let transaction = self.db.transaction()?;
        transaction.execute("DELETE FROM transfer_parts WHERE transfer = ?1", [number])?;
        transaction.execute("UPDATE transfers SET value = ?2 WHERE number = ?1", params![number, sealed])?;
        drop_later(&transaction, room, before)?;
        Ok(transaction.commit()?)
    }

    /// A transfer to a relay is given up: what is there of it is dropped.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then all is as it was.
    pub fn give_up_transfer(&mut self, room: RoomId, number: i64, blob: BlobId) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        end(&transaction, number)?;
        drop_later(&transaction, room, blob)?;
        Ok(transaction.commit()?)
    }

    /// A file at a relay is of no use any more.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn drop_blob(&mut self, room: RoomId, blob: BlobId) -> Result<(), StoreError> {
        drop_later(&self.db, room, blob)
    }

    /// Files of a room that are to be dropped at its relay.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn blobs_to_drop(&self, room: RoomId) -> Result<Vec<BlobId>, StoreError> {
        let mut select = self.db.prepare_cached("SELECT blob FROM blob_drops WHERE room = ?1 LIMIT 100")?;
        let found = select.query_map([room.as_bytes()], |row| row.get(0).map(BlobId))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// A file is not at the relay any more, or it cannot be dropped by us.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn has_dropped(&mut self, room: RoomId, blob: BlobId) -> Result<(), StoreError> {
        let delete = "DELETE FROM blob_drops WHERE room = ?1 AND blob = ?2";
        self.db.execute(delete, params![room.as_bytes(), blob.as_bytes()])?;
        Ok(())
    }
}

/// Forgets a transfer, within a transaction.
pub(super) fn end(db: &Connection, number: i64) -> Result<(), StoreError> {
    db.execute("DELETE FROM transfer_parts WHERE transfer = ?1", [number])?;
    db.execute("DELETE FROM transfers WHERE number = ?1", [number])?;
    Ok(())
}

/// A line goes: if a file of ours came with it, it is dropped at the relay. Within a transaction.
pub(super) fn line_goes(db: &Connection, room: RoomId, line: &Line) -> Result<(), StoreError> {
    match &line.message.file {
        Some(file) if line.message.mine => drop_later(db, room, BlobId(file.id)),
        _ => Ok(()),
    }
}

fn drop_later(db: &Connection, room: RoomId, blob: BlobId) -> Result<(), StoreError> {
    let insert = "INSERT OR IGNORE INTO blob_drops VALUES (?1, ?2)";
    db.prepare_cached(insert)?.execute(params![room.as_bytes(), blob.as_bytes()])?;
    Ok(())
}

fn written<T: Serialize>(transfer: &T) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    serde_json::to_vec(transfer).map(Zeroizing::new).map_err(|_| damaged())
}

fn label(number: i64) -> Vec<u8> {
    [b"transfer/".as_slice(), &number.to_be_bytes()].concat()
}

fn damaged() -> StoreError {
    StoreError::Damaged(Damage::Transfer)
}
