//! Where files are on this device that were sent or fetched, so that they can be shown.

use std::{fs::Metadata, path::PathBuf, time::UNIX_EPOCH};

use proto::RoomId;
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Damage, PictureKey, Store, StoreError, seal::Sealer};

/// Places kept in one profile; the oldest go first, and what was there is only not shown any more.
const MOST: i64 = 5_000;

/// Where a file is, and what it was then: another one there is not what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLocation {
    /// From the root.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// When it was changed last, Unix time in nanoseconds; 0 where the system does not know.
    pub modified_ns: u64,
}

impl FileLocation {
    /// A file that is there now.
    pub fn of(path: PathBuf, found: &Metadata) -> Self {
        let since = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let modified_ns = since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or_default();
        Self { path, size: found.len(), modified_ns }
    }
}

impl Store {
    /// Remembers where a file is.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_place(
        &mut self,
        room: RoomId,
        picture: PictureKey,
        place: &FileLocation,
    ) -> Result<(), StoreError> {
        let plain = serde_json::to_vec(place).map(Zeroizing::new).map_err(|_| damaged())?;
        let sealed = self.sealer.seal(&label(room, picture), &plain)?;
        let transaction = self.db.transaction()?;
        let insert = "INSERT OR REPLACE INTO places (room, picture, value) VALUES (?1, ?2, ?3)";
        transaction.execute(insert, params![room.as_bytes(), picture.as_bytes(), sealed])?;
        let oldest = transaction.last_insert_rowid().saturating_sub(MOST);
        transaction.execute("DELETE FROM places WHERE number <= ?1", [oldest])?;
        Ok(transaction.commit()?)
    }

    /// Where a file is, if that is known.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or was altered.
    pub fn place(&self, room: RoomId, picture: PictureKey) -> Result<Option<FileLocation>, StoreError> {
        let select = "SELECT value FROM places WHERE room = ?1 AND picture = ?2";
        let of = params![room.as_bytes(), picture.as_bytes()];
        let sealed: Option<Vec<u8>> = self.db.query_row(select, of, |row| row.get(0)).optional()?;
        let Some(sealed) = sealed else { return Ok(None) };
        open(&self.sealer, room, picture, &sealed).map(Some)
    }
}

/// Opens the place of a file.
pub(super) fn open(
    sealer: &Sealer,
    room: RoomId,
    picture: PictureKey,
    sealed: &[u8],
) -> Result<FileLocation, StoreError> {
    let plain = sealer.open(&label(room, picture), sealed)?;
    serde_json::from_slice(&plain).map_err(|_| damaged())
}

fn label(room: RoomId, picture: PictureKey) -> Vec<u8> {
    [b"place/".as_slice(), room.as_bytes(), picture.as_bytes()].concat()
}

fn damaged() -> StoreError {
    StoreError::Damaged(Damage::Place)
}

#[cfg(test)]
mod tests {
    use shared::{crypto::random::Random, identity::Avatar};

    use super::*;
    use crate::store::{FileKey, KeySource as _};

    #[test]
    fn place_is_that_of_one_file_of_one_room_and_the_oldest_go_first() {
        let dir = tempfile::tempdir().unwrap();
        let random = Random::new(rand_core::UnwrapErr(getrandom::SysRng));
        let key = FileKey.key(dir.path(), &random).unwrap();
        let mut store = Store::open(dir.path(), &key, random).unwrap();
        let picture =
            |key: u8| PictureKey::of_avatar(&Avatar { id: [2; 16], key: [key; 32], parts: [0; 32], size: 1 });
        let (room, one, other) = (RoomId([1; 32]), picture(1), picture(2));
        let place = |size| FileLocation { path: "/home/ann/cat.jpg".into(), size, modified_ns: 5 };
        store.set_place(room, one, &place(1)).unwrap();
        store.set_place(room, one, &place(2)).unwrap();
        assert_eq!(store.place(room, one).unwrap(), Some(place(2)));
        assert_eq!(store.place(RoomId([9; 32]), one).unwrap(), None);
        // Another one of the same name at the relay has no place yet, and takes none away.
        assert_eq!(store.place(room, other).unwrap(), None);
        store.set_place(room, other, &place(7)).unwrap();
        assert_eq!(store.place(room, one).unwrap(), Some(place(2)));
        store.db.execute("DELETE FROM places WHERE picture = ?1", [other.as_bytes()]).unwrap();
        // A row that was moved is not read.
        store.db.execute("UPDATE places SET picture = ?1", [other.as_bytes()]).unwrap();
        assert!(store.place(room, other).is_err());
        store.db.execute("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'places'", [MOST + 1]).unwrap();
        store.set_place(room, one, &place(3)).unwrap();
        let count: i64 = store.db.query_row("SELECT count(*) FROM places", [], |row| row.get(0)).unwrap();
        assert_eq!((count, store.place(room, one).unwrap()), (1, Some(place(3))));
    }
}
