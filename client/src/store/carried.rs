//! What a profile is made of besides rooms and their past, for whoever carries it to another device.

use proto::RoomId;
use rusqlite::params;
use shared::identity::Identity;
use zeroize::Zeroizing;

use super::{FileLocation, KnownPerson, KnownRelay, PictureKey, Store, StoreError, people, places, rooms};
use crate::transport::RelayAddress;

/// What seals backups, once there is one.
pub(super) const BACKUP_KEY: &str = "backup-key";

/// When a chat was begun with this profile for the first time, Unix milliseconds.
const SINCE: &str = "since";

/// Somebody was reminded that there is no backup.
const REMINDED: &str = "reminded";

/// A day, in milliseconds: whoever only tries the program is not bothered.
const DAY_MS: u64 = 24 * 3600 * 1000;

/// Texts of the profile itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnTexts {
    /// The display name; may be empty.
    pub name: String,
    /// What the person says of themselves.
    pub status: String,
    /// The sign beside the name.
    pub glyph: String,
    /// The relay for rooms that are named without one; may be empty.
    pub relay: String,
}

impl Store {
    /// The account; none in a profile that is not made yet.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or was altered.
    pub fn account(&self) -> Result<Option<Identity>, StoreError> {
        self.meta(super::profile::IDENTITY)?.map(|bytes| super::profile::identity(&bytes)).transpose()
    }

    /// What seals backups; none while there is no backup.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or was altered.
    pub fn backup_key(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.meta(BACKUP_KEY)?.filter(|key| !key.is_empty()))
    }

    /// Keeps what seals backups.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_backup_key(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.set_meta(BACKUP_KEY, key)
    }

    /// Whether whoever uses this profile is to be reminded, now and never again, that there is no backup: after its first day.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or written.
    pub fn remind_of_backup(&mut self, now: u64) -> Result<bool, StoreError> {
        if self.backup_key()?.is_some() || self.meta(REMINDED)?.is_some() {
            return Ok(false);
        }
        let since = self.meta(SINCE)?.and_then(|since| since.as_slice().try_into().ok());
        match since.map(u64::from_be_bytes) {
            None => self.set_meta(SINCE, &now.to_be_bytes()).map(|()| false),
            // A clock that was set back reminds as well.
            Some(since) if now.abs_diff(since) < DAY_MS => Ok(false),
            Some(_) => self.set_meta(REMINDED, &[1]).map(|()| true),
        }
    }

    /// The texts of the profile itself.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn own_texts(&self) -> Result<OwnTexts, StoreError> {
        use super::profile::{GLYPH, NAME, RELAY, STATUS};
        let text = |key: &str| -> Result<String, StoreError> {
            Ok(self.meta(key)?.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()).unwrap_or_default())
        };
        Ok(OwnTexts { name: text(NAME)?, status: text(STATUS)?, glyph: text(GLYPH)?, relay: text(RELAY)? })
    }

    /// All relays that are known, with why they are trusted.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn known_relays(&self) -> Result<Vec<(RelayAddress, KnownRelay)>, StoreError> {
        let mut select = self.db.prepare("SELECT host, port FROM relays ORDER BY host, port")?;
        let found = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u16>(1)?)))?;
        let mut relays = Vec::new();
        for row in found {
            let (host, port) = row?;
            // One whose name is of no use is none.
            let Ok(address) = RelayAddress::new(&host, port) else { continue };
            relays.extend(self.known_relay(&address)?.map(|known| (address, known)));
        }
        Ok(relays)
    }

    /// Another device of the person knows a relay. What this device knows of it already stays.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn take_relay(&mut self, relay: &RelayAddress, known: KnownRelay) -> Result<(), StoreError> {
        match self.known_relay(relay)? {
            Some(_) => Ok(()),
            None => rooms::put_known(self, relay, known),
        }
    }

    /// How far programs have dealt with a room, by the names of their cursors, and how far it was read by its own.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn cursors(&self, room: RoomId) -> Result<Vec<(String, u64)>, StoreError> {
        let mut select =
            self.db.prepare_cached("SELECT name, acked FROM cursors WHERE room = ?1 ORDER BY name")?;
        let found = select.query_map([room.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// At most `limit` places of a room's files after that number, with their own.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn places_after(
        &self,
        room: RoomId,
        number: i64,
        limit: u32,
    ) -> Result<Vec<(i64, PictureKey, FileLocation)>, StoreError> {
        let select = "SELECT number, picture, value FROM places WHERE room = ?1 AND number > ?2
                      ORDER BY number LIMIT ?3";
        let mut select = self.db.prepare_cached(select)?;
        let found = select.query_map(params![room.as_bytes(), number, limit], |row| {
            Ok((row.get(0)?, row.get(1).map(PictureKey::from_bytes)?, row.get(2)?))
        })?;
        found
            .map(|row| {
                let (number, picture, sealed): (i64, PictureKey, Vec<u8>) = row?;
                Ok((number, picture, places::open(&self.sealer, room, picture, &sealed)?))
            })
            .collect()
    }

    /// Another device of the person knows somebody. Names are added to those that are here, and a mark is never taken back but
    /// from an account that another one replaced.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn take_person(&mut self, person: &KnownPerson) -> Result<(), StoreError> {
        let here = self.people.get(&person.fingerprint);
        let before = here.clone().unwrap_or_else(|| KnownPerson {
            verified_at: None,
            verified_by: Vec::new(),
            ..person.clone()
        });
        let is_over = before.replaced_by.is_some() || person.replaced_by.is_some();
        let verified_by =
            if before.verified_at.is_some() { &before.verified_by } else { &person.verified_by };
        let known = KnownPerson {
            verified_at: before.verified_at.or(person.verified_at).filter(|_| !is_over),
            verified_by: verified_by.iter().copied().filter(|_| !is_over).collect(),
            replaced_at: before.replaced_at.or(person.replaced_at),
            replaced_by: before.replaced_by.clone().or_else(|| person.replaced_by.clone()),
            ..before
        };
        if here.as_ref() == Some(&known) || known.names.is_empty() {
            return Ok(());
        }
        let transaction = self.db.savepoint()?;
        let written = people::write(&transaction, &self.sealer, &self.people, vec![known])?;
        transaction.commit()?;
        written.show(&self.people);
        Ok(())
    }
}
