//! Devices of this person: what this one is called, which are to be taken out of rooms, and which invites of theirs are to end.

use proto::RoomId;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use shared::identity::DeviceId;

use super::{RoomKind, Store, StoreError};

/// What this device is called.
const NAME: &str = "device_name";

/// How many devices of this person there are, as far as that was told.
pub(super) const COUNTED: &str = "devices_counted";

/// How many devices of this person there are, as far as that was told or done here.
#[derive(Default, Serialize, Deserialize)]
struct Counted {
    /// So many are known.
    known: usize,
    /// The invites by which this device lets one more in.
    #[serde(default)]
    awaited: Vec<[u8; 16]>,
    /// The room and entry that told of the last one.
    #[serde(default)]
    told: Option<([u8; 32], u64)>,
    /// That was in a room of people, and just now: whoever comes to the devices next is the same.
    #[serde(default)]
    is_ahead: bool,
}

/// Invites by which a device is awaited, at most: those of some linkings. The oldest are forgotten first.
const MOST_AWAITED: usize = 256;

/// A device of this person that came into a room.
#[derive(Clone, Copy, Debug)]
pub struct Came {
    /// By which entry of the log.
    pub seq: u64,
    /// By which invite, where that is known.
    pub invite: Option<[u8; 16]>,
    /// So many of this person's are in the room now.
    pub count: usize,
    /// In that room the devices keep in step: there each of them has one place, and nobody else any.
    pub is_among: bool,
}

impl Store {
    /// There are other devices of this person to be told, or may be.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn has_devices(&self) -> Result<bool, StoreError> {
        Ok(self.rooms()?.iter().any(|one| one.kind == RoomKind::OwnDevices && one.closed.is_none()))
    }

    /// What somebody called this device, if they did.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn device_name(&self) -> Result<Option<String>, StoreError> {
        let name = self.meta(NAME)?;
        Ok(name.and_then(|name| String::from_utf8(name.to_vec()).ok()))
    }

    /// This device is called so from now on.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_device_name(&mut self, name: &str) -> Result<(), StoreError> {
        self.set_meta(NAME, name.as_bytes())
    }

    /// A device of this person came into a room. True: it is another one than were known, and this device did not let it in. Among the
    /// devices each that comes is another one, however many there were before.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be kept.
    pub fn own_device_came(&mut self, room: RoomId, came: Came) -> Result<bool, StoreError> {
        let mut counted: Counted = self.json(COUNTED)?.unwrap_or_default();
        let told = Some((room.0, came.seq));
        // It is read once more where the program ended before it was told.
        if counted.told == told {
            return Ok(true);
        }
        // One is this.
        if !came.is_among && came.count <= counted.known.max(1) {
            return Ok(false);
        }
        counted.known = came.count;
        let is_ahead = came.is_among && std::mem::take(&mut counted.is_ahead);
        let is_awaited = came.invite.is_some_and(|invite| counted.awaited.contains(&invite));
        let is_news = !is_awaited && !is_ahead;
        if is_news {
            (counted.told, counted.is_ahead) = (told, !came.is_among);
        }
        self.set_json(COUNTED, &counted)?;
        Ok(is_news)
    }

    /// In a room that this device enters there are so many of this person's: they were there before. `is_among`: it is that of the
    /// devices. Where this device knows that, no other room says how many there are: a stolen device may have made it.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be kept.
    pub fn own_devices_are(&mut self, count: usize, is_among: bool) -> Result<(), StoreError> {
        let mut counted: Counted = self.json(COUNTED)?.unwrap_or_default();
        if count > counted.known && (is_among || !self.has_devices()?) {
            counted.known = count;
            self.set_json(COUNTED, &counted)?;
        }
        Ok(())
    }

    /// There are no more than these: what went is not known any more.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be kept.
    pub fn own_devices_at_most(&mut self, most: usize) -> Result<(), StoreError> {
        let mut counted: Counted = self.json(COUNTED)?.unwrap_or_default();
        if most < counted.known {
            (counted.known, counted.told, counted.is_ahead) = (most, None, false);
            self.set_json(COUNTED, &counted)?;
        }
        Ok(())
    }

    /// This device lets one more in, by these invites and no others.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be kept.
    pub fn await_own_device(&mut self, invites: &[[u8; 16]]) -> Result<(), StoreError> {
        let mut counted: Counted = self.json(COUNTED)?.unwrap_or_default();
        counted.awaited.retain(|known| !invites.contains(known));
        counted.awaited.extend_from_slice(invites);
        let extra = counted.awaited.len().saturating_sub(MOST_AWAITED);
        counted.awaited.drain(..extra);
        self.set_json(COUNTED, &counted)
    }

    /// That came to nothing: whoever comes was let in by somebody else.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be kept.
    pub fn await_no_device(&mut self) -> Result<(), StoreError> {
        let counted: Counted = self.json(COUNTED)?.unwrap_or_default();
        self.set_json(COUNTED, &Counted { awaited: Vec::new(), ..counted })
    }

    /// These devices are to be taken out of these rooms, whatever happens to this program.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then nothing has changed.
    pub fn want_devices_removed(&mut self, those: &[(RoomId, DeviceId)]) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        for (room, device) in those {
            transaction.execute(
                "INSERT OR IGNORE INTO device_removals VALUES (?1, ?2)",
                params![room.as_bytes(), device.0],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// The devices that are to be taken out of a room.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn device_removals(&self, room: RoomId) -> Result<Vec<DeviceId>, StoreError> {
        let mut select = self.db.prepare_cached("SELECT device FROM device_removals WHERE room = ?1")?;
        let found = select.query_map([room.as_bytes()], |row| row.get(0).map(DeviceId))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// A device is out of a room.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn device_is_removed(&mut self, room: RoomId, device: DeviceId) -> Result<(), StoreError> {
        self.db.execute(
            "DELETE FROM device_removals WHERE room = ?1 AND device = ?2",
            params![room.as_bytes(), device.0],
        )?;
        Ok(())
    }

    /// The invites that are to end in a room.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn invite_endings(&self, room: RoomId) -> Result<Vec<[u8; 16]>, StoreError> {
        let mut select = self.db.prepare_cached("SELECT invite FROM invite_endings WHERE room = ?1")?;
        let found = select.query_map([room.as_bytes()], |row| row.get(0))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Invites were made for devices of this person, and are with none yet: they end, unless [`Store::keep_invites`] keeps them.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn hold_invites(&mut self, room: RoomId, invites: &[[u8; 16]]) -> Result<(), StoreError> {
        let those: Vec<_> = invites.iter().map(|id| (room, *id)).collect();
        end_invites(&self.db, &those)
    }

    /// These invites are on their way to devices.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn keep_invites(&mut self, those: &[(RoomId, [u8; 16])]) -> Result<(), StoreError> {
        self.add_device_ways(those)?;
        keep_invites(&self.db, those)
    }

    /// These invites are to end, whatever happens to this program.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then nothing has changed.
    pub fn want_invites_ended(&mut self, those: &[(RoomId, [u8; 16])]) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        end_invites(&transaction, those)?;
        Ok(transaction.commit()?)
    }

    /// An invite is over.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn invite_is_ended(&mut self, room: RoomId, invite: [u8; 16]) -> Result<(), StoreError> {
        self.db.execute(
            "DELETE FROM invite_endings WHERE room = ?1 AND invite = ?2",
            params![room.as_bytes(), invite],
        )?;
        Ok(())
    }
}

/// These invites are to end, whatever happens to this program.
pub(super) fn end_invites(db: &Connection, those: &[(RoomId, [u8; 16])]) -> Result<(), StoreError> {
    for (room, invite) in those {
        let put = "INSERT OR IGNORE INTO invite_endings VALUES (?1, ?2)";
        db.execute(put, params![room.as_bytes(), invite])?;
    }
    Ok(())
}

/// The same within a transaction.
pub(super) fn keep_invites(db: &Connection, those: &[(RoomId, [u8; 16])]) -> Result<(), StoreError> {
    for (room, invite) in those {
        let delete = "DELETE FROM invite_endings WHERE room = ?1 AND invite = ?2";
        db.execute(delete, params![room.as_bytes(), invite])?;
    }
    Ok(())
}
