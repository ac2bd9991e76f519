//! Rooms into which the relay let this device no more when it was asked last. No commit that this device could read says so, so
//! nothing is over, and it is asked again; but until it is let in, lists do not show the room as one that it is in.

use proto::RoomId;

use super::{Over, Store, StoreError};

/// As what they are kept.
const SHUT_OUT: &str = "shut_out";

impl Store {
    /// Those rooms, and what the relay said.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn shut_out(&self) -> Result<Vec<(RoomId, Over)>, StoreError> {
        let all: Vec<(String, Over)> = self.json(SHUT_OUT)?.unwrap_or_default();
        let read = |(room, why): (String, Over)| {
            let bytes = hex::decode(room).ok()?;
            Some((RoomId(bytes.try_into().ok()?), why))
        };
        Ok(all.into_iter().filter_map(read).collect())
    }

    /// The relay does not let this device into that room, or does (`None`).
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be kept.
    pub fn set_shut_out(&mut self, room: RoomId, why: Option<&Over>) -> Result<(), StoreError> {
        let written = hex::encode(room.as_bytes());
        let mut all: Vec<(String, Over)> = self.json(SHUT_OUT)?.unwrap_or_default();
        let was = all.iter().position(|(room, _)| *room == written);
        match (was, why) {
            (None, None) => return Ok(()),
            (Some(at), None) => drop(all.remove(at)),
            (was, Some(why)) => {
                if let Some(at) = was {
                    all.remove(at);
                }
                all.push((written, why.clone()));
            }
        }
        self.set_json(SHUT_OUT, &all)
    }
}
