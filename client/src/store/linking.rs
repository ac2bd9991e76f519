//! What is kept while two devices are being linked, and while a new one enters its rooms.
//!
//! The linking room is in no list: it has its rows, and one value of the profile that says what it is for. A profile that is
//! to become a device of an account has no account of its own until all of it is here.

use proto::RoomId;
use rusqlite::{Connection, params};
use shared::{
    identity::{Fingerprint, Identity},
    room::{Change, CloseReason},
};

use super::{
    OpenProfile, Over, RoomKind, RoomRecord, Store, StoreError, carried, claimed, devices, here, meta_label,
    offers, people, profile, put_rows, rooms,
    synced::{self, catch_up},
    unclaimed, ways,
};

/// The linking under way.
const LINKING: &str = "linking";

/// It is to make this profile one of another account's.
const IS_NEW: &str = "linking-new";

/// The past of those rooms, until they are entered.
const PAST: &str = "handed-past";

/// Rooms of the account that are to be entered yet.
const HANDED: &str = "handed";

/// This device was taken out of the room of the account's devices.
const TAKEN_OUT: &str = "taken-out";

/// The account of a profile, and what goes with it.
pub struct AccountHere<'a> {
    /// The account.
    pub identity: &'a Identity,
    /// What seals backups, once there is one.
    pub backup_key: Option<&'a [u8; 32]>,
}

/// An invite's id, with the room that it is for.
type InviteOf = (RoomId, [u8; 16]);

impl Store {
    /// The linking under way, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn linking(&self) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, StoreError> {
        self.meta(LINKING)
    }

    /// Keeps how a linking stands, with the rows of its room, the invites that are handed over and those that are to end: all or nothing. `is_first`: what an
    /// earlier one left goes.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is kept of it.
    pub fn commit_linking(
        &mut self,
        room: RoomId,
        (changes, record): (&[Change], &[u8]),
        (is_first, is_new): (bool, bool),
        (kept, endings): (&[InviteOf], &[InviteOf]),
    ) -> Result<(), StoreError> {
        // Known before they are with anybody.
        self.add_device_ways(kept)?;
        let transaction = self.db.transaction()?;
        devices::keep_invites(&transaction, kept)?;
        devices::end_invites(&transaction, endings)?;
        if is_first {
            transaction.execute("DELETE FROM rows WHERE room = ?1", [room.as_bytes()])?;
        }
        put_rows(&transaction, &self.sealer, room, changes)?;
        let sealed = self.sealer.seal(&meta_label(LINKING), record)?;
        transaction.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", params![LINKING, sealed])?;
        if is_first {
            transaction.execute("DELETE FROM meta WHERE key = ?1", [IS_NEW])?;
        }
        if is_first && is_new {
            let sealed = self.sealer.seal(&meta_label(IS_NEW), &[1])?;
            transaction.execute("INSERT INTO meta VALUES (?1, ?2)", params![IS_NEW, sealed])?;
        }
        Ok(transaction.commit()?)
    }

    /// Nothing is kept of a linking any more; these invites of it are to end.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn end_linking(&mut self, room: RoomId, endings: &[(RoomId, [u8; 16])]) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        devices::end_invites(&transaction, endings)?;
        // The past belongs to rooms that are not to be entered any more.
        if !is_handed(&transaction)? {
            transaction.execute("DELETE FROM meta WHERE key = ?1", [PAST])?;
        }
        transaction.execute("DELETE FROM rows WHERE room = ?1", [room.as_bytes()])?;
        transaction.execute("DELETE FROM meta WHERE key IN (?1, ?2)", [LINKING, IS_NEW])?;
        Ok(transaction.commit()?)
    }

    /// The same, of a linking of which not even the room is known.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn forget_linking(&mut self) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM meta WHERE key IN (?1, ?2)", [LINKING, IS_NEW])?;
        Ok(())
    }

    /// The linking under way is to make this profile one of another account's.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn is_becoming(&self) -> Result<bool, StoreError> {
        Ok(self.meta(IS_NEW)?.is_some())
    }

    /// Nothing says that somebody used this profile: nobody was met with it, and no room was ever kept.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn is_unused(&self) -> Result<bool, StoreError> {
        let is_empty = self.rooms()?.is_empty() && self.people.all().is_empty();
        Ok(is_empty && !self.was_used()? && self.handed()?.is_none() && self.backup_key()?.is_none())
    }

    /// This device was taken out of the room of its account's devices, as far as it knows.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn is_taken_out(&self) -> Result<bool, StoreError> {
        Ok(self.meta(TAKEN_OUT)?.is_some())
    }

    /// A device of that account was taken out, and it was this one. Where the profile has another account by now nothing is to be said
    /// of that: whoever did it may have been a thief, and the owner has replaced the key.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn was_taken_out(&mut self, of: &Fingerprint) -> Result<(), StoreError> {
        match self.account()?.is_some_and(|account| account.fingerprint() == *of) {
            true => self.set_meta(TAKEN_OUT, &[1]),
            false => Ok(()),
        }
    }

    /// This device is in the room of its account's devices, or nobody can say any more that it is not.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn is_in_again(&mut self) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM meta WHERE key = ?1", [TAKEN_OUT])?;
        Ok(())
    }

    /// The account of this profile is in no room here: all are over, or it was taken out of them, by what the relay says at least. It may
    /// become another one's, if a person says so. A room that somebody left by themselves is forgotten first.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn may_become(&self) -> Result<bool, StoreError> {
        let (rooms, shut_out) = (self.rooms()?, self.shut_out()?);
        let is_shut = |room: &RoomRecord| shut_out.iter().any(|(id, _)| *id == room.id);
        let is_over =
            |room: &RoomRecord| room.closed.as_ref().is_some_and(|why| *why != Over::Left) || is_shut(room);
        let chats = || rooms.iter().filter(|room| room.kind == RoomKind::Chat);
        // That of the devices among themselves may not have been asked yet.
        let is_out_of_all = chats().any(is_shut) && chats().all(is_over);
        Ok(self.is_taken_out()? || is_out_of_all || rooms.iter().all(is_over))
    }

    /// This profile is about to become one of that account's. Where its own is neither that nor the one that came before it, whoever handed
    /// that one over may have been a stranger: nothing of it is kept but the rooms' past. Where the key was replaced, what devices of before
    /// said of people is nothing.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn forget_other_account(&mut self, next: &Identity) -> Result<(), StoreError> {
        // A profile without an account has nothing of another one.
        let Some(own) = self.account()? else { return Ok(()) };
        let own = own.fingerprint();
        match next.change() {
            _ if own == next.fingerprint() => Ok(()),
            Some(change) if change.old() == own => self.drop_marks_without(&[]).map(drop),
            _ => {
                self.db.execute_batch("DELETE FROM people; DELETE FROM relays; DELETE FROM tokens;")?;
                self.load_people()
            }
        }
    }

    /// This profile is one of the account's from now on, and the linking is over: all of it or nothing. Rooms that it was `handed` are
    /// to be entered; of those of before the history stays. False where the profile is in rooms of its own: then nothing has changed.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing has changed.
    pub fn become_device(
        &mut self,
        room: RoomId,
        account: &AccountHere<'_>,
        handed: &[u8],
    ) -> Result<bool, StoreError> {
        if !self.may_become()? {
            return Ok(false);
        }
        let before = self.rooms()?;
        let transaction = self.db.savepoint()?;
        for one in before {
            match one.kind {
                // Nobody is shown it, so nobody could forget it.
                RoomKind::OwnDevices => rooms::forget(&transaction, one.id)?,
                RoomKind::Chat if one.closed.is_none() => {
                    rooms::close(&transaction, one.id, &Over::Closed(CloseReason::RemovedByOwn))?;
                }
                RoomKind::Chat => {}
            }
        }
        transaction.execute("DELETE FROM rows WHERE room = ?1", [room.as_bytes()])?;
        transaction.execute("DELETE FROM meta WHERE key IN (?1, ?2)", [LINKING, IS_NEW])?;
        // What the devices of before said, offered and were to be told is nothing for others.
        let of_devices = [TAKEN_OUT, devices::COUNTED].into_iter().chain(
            [
                synced::OF_DEVICES,
                catch_up::OF_DEVICES,
                offers::OF_DEVICES,
                ways::OF_DEVICES,
                here::OF_DEVICES,
                claimed::OF_DEVICES,
                people::OF_DEVICES,
                unclaimed::OF_DEVICES,
            ]
            .into_iter()
            .flatten()
            .copied(),
        );
        for key in of_devices {
            transaction.execute("DELETE FROM meta WHERE key = ?1", [key])?;
        }
        let identity = account.identity.to_bytes();
        // What an account of before had does not outlive it. The phrase of the recovery key stays where it was drawn, whoever
        // hands it over.
        for (key, value) in [
            (profile::IDENTITY, Some(identity.as_slice())),
            (profile::PHRASE, None),
            (carried::BACKUP_KEY, account.backup_key.map(<[u8; 32]>::as_slice)),
            (HANDED, Some(handed)),
            // It waits to be told what was done since it was handed all of it.
            (catch_up::HEARD, Some([].as_slice())),
        ] {
            transaction.execute("DELETE FROM meta WHERE key = ?1", [key])?;
            let Some(value) = value else { continue };
            let sealed = self.sealer.seal(&meta_label(key), value)?;
            transaction.execute("INSERT INTO meta VALUES (?1, ?2)", params![key, sealed])?;
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

/// There are rooms to be entered.
fn is_handed(db: &Connection) -> Result<bool, StoreError> {
    Ok(db.query_row("SELECT count(*) FROM meta WHERE key = ?1", [HANDED], |row| row.get::<_, u32>(0))? > 0)
}

impl OpenProfile {
    /// There is a linking under way that gives the profile an account: until then nobody uses the one that it may have.
    pub(super) fn is_being_linked(store: &Store) -> Result<(), StoreError> {
        match store.is_becoming()? {
            false => Ok(()),
            true => Err(StoreError::BeingLinked),
        }
    }
}
