//! Pictures of people: our own, and those of members that were fetched.

use proto::{BlobId, RoomId};
use rusqlite::{OptionalExtension as _, params};
use zeroize::Zeroizing;

use super::{PictureKey, Store, StoreError};

/// Pictures kept in one profile, of 64 KiB at most each; the oldest go first, and are fetched again.
const MOST: i64 = 500;

/// Our own: what it is called here, and its bytes.
const OWN: &str = "avatar";

/// Bytes of what our own is called here.
const NAME: usize = 16;

/// What our own picture is called here, another one for each, and its bytes.
pub type OwnAvatar = ([u8; NAME], Zeroizing<Vec<u8>>);

impl Store {
    /// Keeps our own picture; none: there is none any more.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_own_avatar(&mut self, own: Option<&OwnAvatar>) -> Result<(), StoreError> {
        let bytes = own.map(|(name, bytes)| Zeroizing::new([&name[..], bytes].concat()));
        self.set_meta(OWN, bytes.as_deref().map(Vec::as_slice).unwrap_or_default())
    }

    /// Our own picture.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or was altered.
    pub fn own_avatar(&self) -> Result<Option<OwnAvatar>, StoreError> {
        let kept = self.meta(OWN)?.unwrap_or_default();
        let own = kept.split_first_chunk::<NAME>().filter(|(_, bytes)| !bytes.is_empty());
        Ok(own.map(|(name, bytes)| (*name, Zeroizing::new(bytes.to_vec()))))
    }

    /// A picture of ours is about to be brought to a relay, and no room knows of it.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn begin_avatar(&mut self, room: RoomId, blob: BlobId) -> Result<(), StoreError> {
        let insert = "INSERT OR IGNORE INTO avatars_begun VALUES (?1, ?2)";
        self.db.execute(insert, params![room.as_bytes(), blob.as_bytes()])?;
        Ok(())
    }

    /// The room is told of it now: whoever takes its place drops it.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn show_avatar(&mut self, room: RoomId, blob: BlobId) -> Result<(), StoreError> {
        let delete = "DELETE FROM avatars_begun WHERE room = ?1 AND blob = ?2";
        self.db.execute(delete, params![room.as_bytes(), blob.as_bytes()])?;
        Ok(())
    }

    /// What was begun, and no room was told of, is to be dropped. At a start, before another one is begun.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then all is as it was.
    pub fn drop_begun_avatars(&mut self) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        let insert = "INSERT OR IGNORE INTO blob_drops (room, blob) SELECT room, blob FROM avatars_begun";
        transaction.execute(insert, [])?;
        transaction.execute("DELETE FROM avatars_begun", [])?;
        Ok(transaction.commit()?)
    }

    /// Our own picture of this name is in the room.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_brought(&mut self, room: RoomId, name: [u8; NAME]) -> Result<(), StoreError> {
        let insert = "INSERT OR REPLACE INTO avatars_brought (room, name) VALUES (?1, ?2)";
        self.db.execute(insert, params![room.as_bytes(), name])?;
        Ok(())
    }

    /// Whether our own picture of this name is in the room.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn is_brought(&self, room: RoomId, name: [u8; NAME]) -> Result<bool, StoreError> {
        let select = "SELECT 1 FROM avatars_brought WHERE room = ?1 AND name = ?2";
        let found = self.db.query_row(select, params![room.as_bytes(), name], |_| Ok(()));
        Ok(found.optional()?.is_some())
    }

    /// Keeps the picture of a member.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_avatar(&mut self, room: RoomId, picture: PictureKey, bytes: &[u8]) -> Result<(), StoreError> {
        let sealed = self.sealer.seal(&label(room, picture), bytes)?;
        let transaction = self.db.transaction()?;
        let insert = "INSERT OR REPLACE INTO avatars (room, picture, value) VALUES (?1, ?2, ?3)";
        transaction.execute(insert, params![room.as_bytes(), picture.as_bytes(), sealed])?;
        let oldest = transaction.last_insert_rowid().saturating_sub(MOST);
        transaction.execute("DELETE FROM avatars WHERE number <= ?1", [oldest])?;
        Ok(transaction.commit()?)
    }

    /// The picture of a member, if it is here.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or was altered.
    pub fn avatar(&self, room: RoomId, picture: PictureKey) -> Result<Option<Vec<u8>>, StoreError> {
        let select = "SELECT value FROM avatars WHERE room = ?1 AND picture = ?2";
        let of = params![room.as_bytes(), picture.as_bytes()];
        let sealed: Option<Vec<u8>> = self.db.query_row(select, of, |row| row.get(0)).optional()?;
        sealed.map(|sealed| Ok(self.sealer.open(&label(room, picture), &sealed)?.to_vec())).transpose()
    }
}

fn label(room: RoomId, picture: PictureKey) -> Vec<u8> {
    [b"avatar/".as_slice(), room.as_bytes(), picture.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use shared::{crypto::random::Random, identity::Avatar};

    use super::*;
    use crate::store::{FileKey, KeySource as _};

    #[test]
    fn pictures_come_back_and_ours_goes_when_there_is_none_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let random = Random::new(rand_core::UnwrapErr(getrandom::SysRng));
        let key = FileKey.key(dir.path(), &random).unwrap();
        let mut store = Store::open(dir.path(), &key, random).unwrap();
        assert_eq!(store.own_avatar().unwrap(), None);
        let own = ([7; NAME], Zeroizing::new(b"jpeg".to_vec()));
        store.set_own_avatar(Some(&own)).unwrap();
        assert_eq!(store.own_avatar().unwrap(), Some(own));
        store.set_own_avatar(None).unwrap();
        assert_eq!(store.own_avatar().unwrap(), None);
        let picture =
            |key: u8| PictureKey::of_avatar(&Avatar { id: [2; 16], key: [key; 32], parts: [0; 32], size: 1 });
        let (room, one, other) = (RoomId([1; 32]), picture(1), picture(2));
        store.set_brought(room, [7; NAME]).unwrap();
        store.set_avatar(room, one, b"jpeg").unwrap();
        assert_eq!(store.avatar(room, one).unwrap().as_deref(), Some(&b"jpeg"[..]));
        assert_eq!(store.avatar(RoomId([3; 32]), one).unwrap(), None);
        // Whoever says the same name at the relay and another key speaks of another one.
        assert_eq!(store.avatar(room, other).unwrap(), None);
        store.db.execute("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'avatars'", [MOST + 1]).unwrap();
        store.set_avatar(room, other, b"other").unwrap();
        assert_eq!(store.avatar(room, one).unwrap(), None);
        // Many of others do not make us bring ours once more.
        assert!(store.is_brought(room, [7; NAME]).unwrap() && !store.is_brought(room, [8; NAME]).unwrap());
    }

    #[test]
    fn picture_of_which_no_room_was_told_is_dropped_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let random = Random::new(rand_core::UnwrapErr(getrandom::SysRng));
        let key = FileKey.key(dir.path(), &random).unwrap();
        let mut store = Store::open(dir.path(), &key, random).unwrap();
        let (room, told, untold) = (RoomId([1; 32]), BlobId([2; 16]), BlobId([3; 16]));
        for blob in [told, untold] {
            store.begin_avatar(room, blob).unwrap();
        }
        store.show_avatar(room, told).unwrap();
        assert_eq!(store.blobs_to_drop(room).unwrap(), [], "it is on its way");
        for _ in 0..2 {
            store.drop_begun_avatars().unwrap();
            assert_eq!(store.blobs_to_drop(room).unwrap(), [untold]);
        }
        store.has_dropped(room, untold).unwrap();
        // Where nobody may drop anything any more nothing is left of it.
        store.begin_avatar(room, untold).unwrap();
        store.leave_room(room).unwrap();
        store.drop_begun_avatars().unwrap();
        assert_eq!(store.blobs_to_drop(room).unwrap(), []);
    }

    #[test]
    fn pictures_go_with_the_room_that_was_left_or_is_joined_anew() {
        let dir = tempfile::tempdir().unwrap();
        let random = Random::new(rand_core::UnwrapErr(getrandom::SysRng));
        let key = FileKey.key(dir.path(), &random).unwrap();
        let mut store = Store::open(dir.path(), &key, random).unwrap();
        let room = RoomId([1; 32]);
        let avatar = Avatar { id: [2; 16], key: [3; 32], parts: [0; 32], size: 1 };
        for go in [Store::leave_room, Store::reset_room, Store::forget_room] {
            for room in [room, RoomId([9; 32])] {
                store.set_avatar(room, PictureKey::of_avatar(&avatar), b"jpeg").unwrap();
                store.set_brought(room, [7; NAME]).unwrap();
            }
            go(&mut store, room).unwrap();
            let is_here = |room| {
                let picture = store.avatar(room, PictureKey::of_avatar(&avatar)).unwrap();
                (picture.is_some(), store.is_brought(room, [7; NAME]).unwrap())
            };
            assert_eq!((is_here(room), is_here(RoomId([9; 32]))), ((false, false), (true, true)));
        }
    }
}
