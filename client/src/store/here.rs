//! Where the devices of this person said that they are.

use proto::RoomId;
use serde::{Deserialize, Serialize};
use shared::{
    identity::DeviceId,
    room::{Day, DeviceHere},
};

use super::{Damage, Store, StoreError};

/// Where devices said that they are.
const HERE: &str = "devices_here";

/// What this device said last of where it is.
const TOLD: &str = "device_told";

/// What goes with the account.
pub(super) const OF_DEVICES: &[&str] = &[HERE, TOLD];

/// What this device said of where it is, and who could hear that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// As whom it was said: its id in the room of own devices.
    pub me: DeviceId,
    /// What was said.
    pub here: DeviceHere,
    /// Which devices were in that room then. One that came later has not heard it.
    pub heard: Vec<DeviceId>,
}

impl Store {
    /// Where devices said that they are, by their ids in the room of own devices.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn devices_here(&self) -> Result<Vec<(DeviceId, DeviceHere)>, StoreError> {
        let rows: Vec<Row> = self.json(HERE)?.unwrap_or_default();
        rows.into_iter().map(|row| row.read().ok_or_else(damaged)).collect()
    }

    /// A device said where it is.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_device_here(&mut self, device: DeviceId, here: &DeviceHere) -> Result<(), StoreError> {
        let mut all = self.devices_here()?;
        all.retain(|(other, _)| *other != device);
        all.push((device, here.clone()));
        // First: what is said here no more was still said.
        self.device_claims(device, here)?;
        self.set_devices_here(&all)
    }

    /// These devices are there, and no others: of those that are gone nothing is kept.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn keep_devices_here(&mut self, there: &[DeviceId]) -> Result<(), StoreError> {
        let mut all = self.devices_here()?;
        let before = all.len();
        all.retain(|(device, _)| there.contains(device));
        if all.len() == before { Ok(()) } else { self.set_devices_here(&all) }
    }

    fn set_devices_here(&mut self, all: &[(DeviceId, DeviceHere)]) -> Result<(), StoreError> {
        let rows: Vec<Row> = all.iter().map(|(device, here)| Row::of(*device, here)).collect();
        self.set_json(HERE, &rows)
    }

    /// What this device said last of where it is.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn device_told(&self) -> Result<Option<Told>, StoreError> {
        let row: Option<ToldRow> = self.json(TOLD)?;
        row.map(|row| row.read().ok_or_else(damaged)).transpose()
    }

    /// This device has said where it is.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_device_told(&mut self, told: &Told) -> Result<(), StoreError> {
        let heard = told.heard.iter().map(ToString::to_string).collect();
        self.set_json(TOLD, &ToldRow { row: Row::of(told.me, &told.here), heard })
    }

    /// This device says once more where it is.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be kept.
    pub fn say_device_again(&mut self) -> Result<(), StoreError> {
        let Some(mut told) = self.device_told()? else { return Ok(()) };
        // As on no day: so what it would say now is something else.
        told.here.seen = Day::default();
        self.set_device_told(&told)
    }

    pub(super) fn json<T: for<'de> Deserialize<'de>>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let found = self.meta(key)?;
        found.map(|bytes| serde_json::from_slice(&bytes).map_err(|_| damaged())).transpose()
    }

    pub(super) fn set_json(&mut self, key: &str, value: &impl Serialize) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(value).map_err(|_| damaged())?;
        self.set_meta(key, &bytes)
    }
}

/// A device as it is stored; ids as hexadecimal digits.
#[derive(Serialize, Deserialize)]
struct Row {
    device: String,
    name: String,
    since: u32,
    seen: u32,
    rooms: Vec<(String, String)>,
}

/// What was said, as it is stored.
#[derive(Serialize, Deserialize)]
struct ToldRow {
    #[serde(flatten)]
    row: Row,
    /// As an earlier version wrote it nobody has heard it: it is said once more.
    #[serde(default)]
    heard: Vec<String>,
}

impl ToldRow {
    fn read(self) -> Option<Told> {
        let heard = self.heard.iter().map(|device| device.parse().ok()).collect::<Option<_>>()?;
        let (me, here) = self.row.read()?;
        Some(Told { me, here, heard })
    }
}

impl Row {
    fn of(device: DeviceId, here: &DeviceHere) -> Self {
        let room = |(room, device): &(RoomId, DeviceId)| (hex::encode(room.as_bytes()), device.to_string());
        Self {
            device: device.to_string(),
            name: here.name.clone(),
            since: here.since.0,
            seen: here.seen.0,
            rooms: here.rooms.iter().map(room).collect(),
        }
    }

    fn read(self) -> Option<(DeviceId, DeviceHere)> {
        let room = |(room, device): (String, String)| {
            let mut id = [0; RoomId::LEN];
            hex::decode_to_slice(room, &mut id).ok()?;
            Some((RoomId(id), device.parse().ok()?))
        };
        let here = DeviceHere {
            name: self.name,
            since: Day(self.since),
            seen: Day(self.seen),
            rooms: self.rooms.into_iter().map(room).collect::<Option<_>>()?,
        };
        Some((self.device.parse().ok()?, here))
    }
}

fn damaged() -> StoreError {
    StoreError::Damaged(Damage::DevicesHere)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_said_was_heard_by_nobody() {
        let here = DeviceHere { name: "phone".to_owned(), ..DeviceHere::default() };
        let (me, other) = (DeviceId([1; 16]), DeviceId([2; 16]));
        let row = ToldRow { row: Row::of(me, &here), heard: vec![other.to_string()] };
        let bytes = serde_json::to_vec(&row).unwrap();
        let read = |bytes: &[u8]| serde_json::from_slice::<ToldRow>(bytes).unwrap().read().unwrap();
        assert_eq!(read(&bytes), Told { me, here: here.clone(), heard: vec![other] });
        let earlier = serde_json::to_vec(&Row::of(me, &here)).unwrap();
        assert_eq!(read(&earlier), Told { me, here, heard: Vec::new() });
    }
}
