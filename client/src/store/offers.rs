//! Rooms that a person entered or left at one device, on their way to the others.

use proto::RoomId;
use serde::{Deserialize, Serialize};
use shared::{identity::DeviceId, invite::link::InviteLink};

use super::{Damage, Mark, RoomKind, Store, StoreError};

/// Rooms that were entered here, to which other devices are to be let in.
const ENTERED: &str = "rooms_shared";

/// Ways into rooms that other devices made for this one, until it is in.
pub(super) const OFFERS: &str = "rooms_offered";

/// Rooms that were left at another device, and are not over here yet.
const LEFT: &str = "rooms_left";

/// What goes with the account.
pub(super) const OF_DEVICES: &[&str] = &[ENTERED, OFFERS, LEFT];

/// Of each of these, at most; the oldest are forgotten first.
const MOST: usize = 64;

/// A way into a room, for one device of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The room.
    pub room: RoomId,
    /// Whom it is for: its id in the room of own devices.
    pub device: DeviceId,
    /// A link that lets in one device of the account.
    pub link: InviteLink,
}

impl Offer {
    /// The invite that is used up by it.
    pub(crate) fn invite(&self) -> [u8; 16] {
        self.link.link.secret.id()
    }
}

/// A room that was entered here, until all other devices are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnteredRoom {
    /// The room.
    pub room: RoomId,
    /// For which devices a way into it was made, by their ids in the room of own devices, and by which invite they come.
    pub made: Vec<(DeviceId, [u8; 16])>,
    /// A person entered it here; else it was offered by another device.
    pub by_person: bool,
}

/// The same as it is stored.
#[derive(Serialize, Deserialize)]
struct EnteredRow {
    room: String,
    made: Vec<(String, String)>,
    by_person: bool,
}

impl EnteredRow {
    fn of(one: &EnteredRoom) -> Self {
        let made = |(device, invite): &(DeviceId, [u8; 16])| (device.to_string(), hex::encode(invite));
        Self {
            room: hex::encode(one.room.as_bytes()),
            made: one.made.iter().map(made).collect(),
            by_person: one.by_person,
        }
    }

    fn read(self) -> Option<EnteredRoom> {
        let made = |(device, invite): (String, String)| {
            let mut id = [0; 16];
            hex::decode_to_slice(invite, &mut id).ok()?;
            Some((device.parse().ok()?, id))
        };
        let room = id(&self.room)?;
        let made = self.made.into_iter().map(made).collect::<Option<_>>()?;
        Some(EnteredRoom { room, made, by_person: self.by_person })
    }
}

impl Store {
    /// The rooms that were entered here and to which other devices are to be let in.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn entered_rooms(&self) -> Result<Vec<EnteredRoom>, StoreError> {
        let rows: Vec<EnteredRow> = self.json(ENTERED)?.unwrap_or_default();
        rows.into_iter().map(|row| row.read().ok_or_else(damaged)).collect()
    }

    /// A person enters a room here, or stays in it: the other devices are let in, and that it was left before is over.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn person_enters(&mut self, room: RoomId) -> Result<(), StoreError> {
        self.take_left(room)?;
        self.set_entered_room(room, Some(EnteredRoom { room, made: Vec::new(), by_person: true }))
    }

    /// A room was entered by what another device offered: the others are let in where that one cannot. What is kept of it already says more.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn offer_was_taken(&mut self, room: RoomId) -> Result<(), StoreError> {
        match self.entered_rooms()?.iter().any(|one| one.room == room) {
            true => Ok(()),
            false => {
                self.set_entered_room(room, Some(EnteredRoom { room, made: Vec::new(), by_person: false }))
            }
        }
    }

    /// Keeps how it is now with a room that was so `before`; `None`: all are in, or can be let in by nobody. What a person did there
    /// meanwhile stays.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn entered_room_is(
        &mut self,
        before: &EnteredRoom,
        now: Option<EnteredRoom>,
    ) -> Result<(), StoreError> {
        if !self.entered_rooms()?.contains(before) {
            return Ok(());
        }
        if before.by_person && now.is_none() {
            // All are in: whoever said that it was left did so before the person went in.
            self.take_left(before.room)?;
        }
        self.set_entered_room(before.room, now)
    }

    /// The room is over here: nothing is to be done for it any more. That it was left elsewhere may be heard still, or not be
    /// heeded yet.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn entered_room_is_over(&mut self, before: &EnteredRoom) -> Result<(), StoreError> {
        match self.entered_rooms()?.contains(before) {
            true => self.set_entered_room(before.room, None),
            false => Ok(()),
        }
    }

    fn set_entered_room(&mut self, room: RoomId, now: Option<EnteredRoom>) -> Result<(), StoreError> {
        let mut all = self.entered_rooms()?;
        all.retain(|one| one.room != room);
        all.extend(now);
        let rows: Vec<EnteredRow> = newest(all).iter().map(EnteredRow::of).collect();
        self.set_json(ENTERED, &rows)
    }

    /// Ways into rooms that other devices made, until they were taken.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn offers(&self) -> Result<Vec<Offer>, StoreError> {
        Ok(self.offered()?.into_iter().map(|(offer, _)| offer).collect())
    }

    /// Another device made a way into a room. It is entered, so it is not a room that was left.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn add_offer(&mut self, offer: &Offer, by: Option<DeviceId>) -> Result<(), StoreError> {
        let mut all = self.offered()?;
        all.retain(|(one, _)| (one.room, one.device) != (offer.room, offer.device));
        all.push((offer.clone(), by));
        self.set_offers(all)?;
        self.take_left(offer.room).map(drop)
    }

    /// What devices offered that are not among these leads nowhere any more.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn drop_offers_without(&mut self, there: &[DeviceId]) -> Result<(), StoreError> {
        self.keep_offers(|_, by| by.is_none_or(|by| there.contains(&by)))
    }

    /// It was taken, or is of no use.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn drop_offer(&mut self, offer: &Offer) -> Result<(), StoreError> {
        self.keep_offers(|one, _| one != offer)
    }

    /// Each with the device that made it, by its id in the room of own devices; an earlier version did not note that.
    fn offered(&self) -> Result<Vec<(Offer, Option<DeviceId>)>, StoreError> {
        let rows: Vec<Row> = self.json(OFFERS)?.unwrap_or_default();
        rows.into_iter().map(|row| row.read().ok_or_else(damaged)).collect()
    }

    /// The room was left here: no earlier offer leads back into it.
    pub(super) fn drop_offers_into(&mut self, room: RoomId) -> Result<(), StoreError> {
        self.keep_offers(|one, _| one.room != room)
    }

    fn keep_offers(&mut self, is_kept: impl Fn(&Offer, Option<DeviceId>) -> bool) -> Result<(), StoreError> {
        let mut all = self.offered()?;
        let before = all.len();
        all.retain(|(one, by)| is_kept(one, *by));
        if all.len() == before { Ok(()) } else { self.set_offers(all) }
    }

    fn set_offers(&mut self, all: Vec<(Offer, Option<DeviceId>)>) -> Result<(), StoreError> {
        let rows: Vec<Row> = newest(all).iter().map(|(offer, by)| Row::of(offer, *by)).collect();
        self.set_json(OFFERS, &rows)
    }

    /// The person left a room here: the other devices are told, if there are any. True: they are.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn tell_left(&mut self, room: RoomId) -> Result<bool, StoreError> {
        let is_told = self.has_devices()?;
        if is_told {
            self.add_unsynced(&Mark::Left(room))?;
        }
        Ok(is_told)
    }

    /// A room was left at another device, which takes this one out of it as far as it knows that it is there. True: it is left
    /// here as well, or is to be, if this one is out or [`Store::left_for_sure`] says so. What was offered before leads there no more.
    /// Where a person went in here and not all other devices are in yet, that may have been later: this one leaves only if it is
    /// taken out.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn left_elsewhere(&mut self, room: RoomId) -> Result<bool, StoreError> {
        self.drop_offers_into(room)?;
        let found = self.rooms()?.into_iter().find(|one| one.id == room && one.kind == RoomKind::Chat);
        match found {
            Some(one) if one.is_left() => Ok(false),
            Some(one) if one.closed.is_some() => self.leave_room(room).map(|()| true),
            Some(_) => {
                let mut all = self.left()?;
                all.retain(|one| *one != room);
                all.push(room);
                self.set_left(all).map(|()| true)
            }
            None => Ok(false),
        }
    }

    /// Rooms that are to be left here, since they were left at another device.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn left_for_sure(&self) -> Result<Vec<RoomId>, StoreError> {
        let (mut left, entered) = (self.left()?, self.entered_rooms()?);
        left.retain(|room| !entered.iter().any(|one| one.room == *room && one.by_person));
        Ok(left)
    }

    /// Whether a room that is over now was left at another device. That is forgotten.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or written.
    pub fn take_left(&mut self, room: RoomId) -> Result<bool, StoreError> {
        let mut all = self.left()?;
        let before = all.len();
        all.retain(|one| *one != room);
        let was_left = all.len() < before;
        if was_left {
            self.set_left(all)?;
        }
        Ok(was_left)
    }

    /// Rooms that were left at another device and are not over here yet.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    fn left(&self) -> Result<Vec<RoomId>, StoreError> {
        let rows: Vec<String> = self.json(LEFT)?.unwrap_or_default();
        rows.iter().map(|room| id(room).ok_or_else(damaged)).collect()
    }

    fn set_left(&mut self, all: Vec<RoomId>) -> Result<(), StoreError> {
        let rows: Vec<String> = newest(all).iter().map(|room| hex::encode(room.as_bytes())).collect();
        self.set_json(LEFT, &rows)
    }
}

/// An offer as it is stored.
#[derive(Serialize, Deserialize)]
struct Row {
    room: String,
    device: String,
    link: String,
    #[serde(default)]
    by: Option<String>,
}

impl Row {
    fn of(offer: &Offer, by: Option<DeviceId>) -> Self {
        Self {
            by: by.map(|by| by.to_string()),
            room: hex::encode(offer.room.as_bytes()),
            device: offer.device.to_string(),
            link: offer.link.to_string(),
        }
    }

    fn read(&self) -> Option<(Offer, Option<DeviceId>)> {
        let (room, device) = (id(&self.room)?, self.device.parse().ok()?);
        let by = self.by.as_ref().map(|by| by.parse()).transpose().ok()?;
        Some((Offer { room, device, link: self.link.parse().ok()? }, by))
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.link);
    }
}

/// The last of them.
fn newest<T>(mut all: Vec<T>) -> Vec<T> {
    let extra = all.len().saturating_sub(MOST);
    all.drain(..extra);
    all
}

fn id(room: &str) -> Option<RoomId> {
    let mut id = [0; RoomId::LEN];
    hex::decode_to_slice(room, &mut id).ok()?;
    Some(RoomId(id))
}

fn damaged() -> StoreError {
    StoreError::Damaged(Damage::Offers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_are_forgotten_first() {
        let all: Vec<usize> = newest((0..MOST + 3).collect());
        assert_eq!((all.len(), all.first()), (MOST, Some(&3)));
    }
}
