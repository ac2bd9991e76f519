//! Devices of this person: what this one is called, and which are to be taken out of rooms.

use proto::RoomId;
use rusqlite::params;
use shared::identity::DeviceId;

use super::{Store, StoreError};

/// What this device is called.
const NAME: &str = "device_name";

impl Store {
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
}
