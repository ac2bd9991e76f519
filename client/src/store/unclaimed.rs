//! Devices of the account of which none of this person says that it is this one: since when that is so, and which were told.

use proto::RoomId;
use serde::{Deserialize, Serialize};
use shared::{identity::DeviceId, room::Millis};

use super::{Store, StoreError};

/// Those of which was told.
const RUNG: &str = "devices_rung";

/// Since when nobody claims which.
const UNCLAIMED: &str = "devices_unclaimed";

/// Of each of these, at most; the oldest are forgotten first.
const MOST: usize = 256;

/// What goes with the account.
pub(super) const OF_DEVICES: &[&str] = &[RUNG, UNCLAIMED];

/// A device in a room.
type Leaf = (RoomId, DeviceId);

/// A leaf, and the first time that it was looked at, by this device's clock.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Since {
    leaf: (String, String),
    at: Millis,
}

impl Store {
    /// Those of these leaves of which was told already.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn have_rung(&self, those: &[Leaf]) -> Result<Vec<Leaf>, StoreError> {
        let all: Vec<(String, String)> = self.json(RUNG)?.unwrap_or_default();
        Ok(those.iter().filter(|one| all.contains(&written(one))).copied().collect())
    }

    /// It is told.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be kept.
    pub fn set_rung(&mut self, room: RoomId, device: DeviceId) -> Result<(), StoreError> {
        let mut all: Vec<(String, String)> = self.json(RUNG)?.unwrap_or_default();
        all.push(written(&(room, device)));
        let extra = all.len().saturating_sub(MOST);
        all.drain(..extra);
        self.set_json(RUNG, &all)
    }

    /// These leaves nobody claims now; since when, whatever happened to this program meanwhile. Others begin anew with the next time,
    /// but for those of `unread` rooms, of which nothing is known now.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be kept.
    pub fn unclaimed_since(
        &mut self,
        found: &[Leaf],
        unread: &[RoomId],
        now: Millis,
    ) -> Result<Vec<(Leaf, Millis)>, StoreError> {
        let mut all: Vec<Since> = self.json(UNCLAIMED)?.unwrap_or_default();
        let before = all.len();
        let leaves: Vec<_> = found.iter().map(written).collect();
        let unread: Vec<_> = unread.iter().map(|room| hex::encode(room.as_bytes())).collect();
        all.retain(|one| leaves.contains(&one.leaf) || unread.contains(&one.leaf.0));
        let mut has_changed = all.len() != before;
        for leaf in leaves {
            if !all.iter().any(|one| one.leaf == leaf) {
                all.push(Since { leaf, at: now });
                has_changed = true;
            }
        }
        if has_changed {
            let extra = all.len().saturating_sub(MOST);
            all.drain(..extra);
            self.set_json(UNCLAIMED, &all)?;
        }
        let since = |one: &Leaf| {
            let leaf = written(one);
            Some((*one, all.iter().find(|other| other.leaf == leaf)?.at))
        };
        Ok(found.iter().filter_map(since).collect())
    }
}

/// As it is stored: ids as hexadecimal digits.
fn written((room, device): &Leaf) -> (String, String) {
    (hex::encode(room.as_bytes()), device.to_string())
}
