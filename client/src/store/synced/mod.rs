//! What the devices of one account tell each other: what was read, muted, pinned and verified.
//!
//! The room's log is the order, and it is the same for all: of two marks about the same thing the later one counts, and what was read
//! never goes back. What was done here and is not in the log yet will be the later one, so until then it stays as it is here.

use proto::{Message as _, RoomId};
use rusqlite::{Connection, params};
use shared::{
    content::{Entered, SyncMark, Synced, sync_mark::Of},
    identity::{DeviceId, Fingerprint, Person, clean_name},
    room::{Millis, Private},
};

use super::{Cursor, Damage, Offer, RoomKind, Store, StoreError};

/// What was done here and is not in the log yet.
pub(super) const UNSYNCED: &str = "unsynced";

/// Marks in one message, at most: each is less than 600 bytes, and a message holds 32 KiB.
pub const MAX_MARKS: usize = 50;

/// Marks that wait, at most: three for each room, and some hundred people. The oldest are forgotten first.
const MAX_WAITING: usize = 1_024;

/// Something that was done at a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A room was read up to there.
    Read(RoomId, u64),
    /// Nobody wants to be told of a room, or again.
    Muted(RoomId, bool),
    /// A room stands above the others, or not any more.
    Pinned(RoomId, bool),
    /// Somebody's safety number was compared, or that is not so any more.
    Verified(Person, Option<Millis>),
    /// A room was left.
    Left(RoomId),
    /// A room was entered, and this lets in one other device.
    Entered(Offer),
}

impl Mark {
    /// The same thing is meant.
    fn is_about(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Read(one, _), Self::Read(other, _))
            | (Self::Muted(one, _), Self::Muted(other, _))
            | (Self::Pinned(one, _), Self::Pinned(other, _))
            | (Self::Left(one), Self::Left(other)) => one == other,
            (Self::Entered(one), Self::Entered(other)) => {
                (one.room, one.device) == (other.room, other.device)
            }
            (Self::Verified(one, _), Self::Verified(other, _)) => one.fingerprint == other.fingerprint,
            _ => false,
        }
    }

    fn write(&self) -> SyncMark {
        let id = |room: &RoomId| room.as_bytes().to_vec().into();
        let (of, value, name) = match self {
            Self::Read(room, seq) => (Of::Read(id(room)), *seq, String::new()),
            Self::Muted(room, is) => (Of::Muted(id(room)), u64::from(*is), String::new()),
            Self::Pinned(room, is) => (Of::Pinned(id(room)), u64::from(*is), String::new()),
            Self::Verified(person, at) => {
                (Of::Verified(person.fingerprint.0.to_vec().into()), at.unwrap_or(0), person.name.clone())
            }
            Self::Left(room) => (Of::Left(id(room)), 0, String::new()),
            Self::Entered(offer) => {
                let entered = Entered {
                    room: id(&offer.room),
                    device: offer.device.0.to_vec().into(),
                    link: offer.link.to_string(),
                };
                (Of::Entered(entered), 0, String::new())
            }
        };
        SyncMark { of: Some(of), value, name }
    }

    /// None: a later version's, or no mark.
    fn read(mark: SyncMark) -> Option<Self> {
        let SyncMark { of, value, name } = mark;
        let room = |bytes: &[u8]| Some(RoomId(bytes.try_into().ok()?));
        let is = || (value < 2).then_some(value == 1);
        Some(match of? {
            Of::Read(bytes) => Self::Read(room(&bytes)?, value),
            Of::Left(bytes) => Self::Left(room(&bytes)?),
            Of::Entered(entered) => Self::Entered(Offer {
                room: room(&entered.room)?,
                device: DeviceId((&*entered.device).try_into().ok()?),
                link: entered.link.parse().ok()?,
            }),
            Of::Muted(bytes) => Self::Muted(room(&bytes)?, is()?),
            Of::Pinned(bytes) => Self::Pinned(room(&bytes)?, is()?),
            Of::Verified(bytes) => {
                let fingerprint = Fingerprint((&*bytes).try_into().ok()?);
                let name = clean_name(&name).ok().filter(|clean| *clean == name)?;
                Self::Verified(Person { name, fingerprint }, (value > 0).then_some(value))
            }
        })
    }
}

/// These marks as a message to the other devices.
pub fn written(marks: &[Mark]) -> Private {
    Private::new(Synced { marks: marks.iter().map(Mark::write).collect() }.encode_to_vec())
}

/// The marks of a message; what is none, or one too many, is passed over.
pub(super) fn read(body: &[u8]) -> Vec<Mark> {
    let Ok(synced) = Synced::decode(body) else { return Vec::new() };
    synced.marks.into_iter().take(MAX_MARKS).filter_map(Mark::read).collect()
}

impl Store {
    /// What was done here and is not in the log yet, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn unsynced(&self) -> Result<Vec<Mark>, StoreError> {
        let Some(bytes) = self.meta(UNSYNCED)? else { return Ok(Vec::new()) };
        let synced = Synced::decode(&**bytes).map_err(|_| StoreError::Damaged(Damage::Synced))?;
        Ok(synced.marks.into_iter().filter_map(Mark::read).collect())
    }

    /// Something was done here that the other devices are to be told.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn add_unsynced(&mut self, mark: &Mark) -> Result<(), StoreError> {
        let mut waiting = self.unsynced()?;
        // What was read never goes back.
        let is_further = |other: &Mark| matches!((other, mark), (Mark::Read(a, far), Mark::Read(b, near)) if a == b && far > near);
        if waiting.iter().any(is_further) {
            return Ok(());
        }
        waiting.retain(|other| !other.is_about(mark));
        if waiting.len() >= MAX_WAITING {
            waiting.remove(0);
        }
        waiting.push(mark.clone());
        self.set_unsynced(&waiting)
    }

    fn set_unsynced(&mut self, waiting: &[Mark]) -> Result<(), StoreError> {
        self.set_meta(UNSYNCED, written(waiting).as_bytes())
    }

    /// A message of the devices is in the log; `mine`: this device said it. Returns what has changed here. Of a room that is not for
    /// that nothing is taken.
    ///
    /// # Errors
    /// [`StoreError`]; some of it may have been taken, and all of it can be taken again.
    pub fn take_synced(
        &mut self,
        room: RoomId,
        body: &Private,
        mine: bool,
        now: Millis,
    ) -> Result<Vec<Mark>, StoreError> {
        let is_for_that = |one: &super::RoomRecord| one.id == room && one.kind == RoomKind::OwnDevices;
        if !self.rooms()?.iter().any(is_for_that) {
            return Ok(Vec::new());
        }
        let (marks, mut waiting) = (read(body.as_bytes()), self.unsynced()?);
        let before = waiting.len();
        let mut taken = Vec::new();
        for mark in marks {
            let waits = waiting.iter().position(|other| other.is_about(&mark));
            match (waits, mine) {
                // What was done since is on its way.
                (Some(at), true) if waiting.get(at) == Some(&mark) => drop(waiting.remove(at)),
                (Some(_), true) => continue,
                (Some(_), false) if !matches!(mark, Mark::Read(..)) => continue,
                _ => {}
            }
            // What this device left or entered itself is nothing to it.
            let is_of_others = !mine || !matches!(mark, Mark::Left(_) | Mark::Entered(_));
            if is_of_others && self.apply(&mark, now)? {
                taken.push(mark);
            }
        }
        if waiting.len() != before {
            self.set_unsynced(&waiting)?;
        }
        Ok(taken)
    }

    /// True: something has changed. What is about a room or a person that is not here changes nothing.
    fn apply(&mut self, mark: &Mark, now: Millis) -> Result<bool, StoreError> {
        match mark {
            Mark::Read(room, seq) => {
                let is_here = is_here(&self.db, *room)?;
                let before = self.acked(*room, &Cursor::read())?;
                // Not beyond what may ever be there: a mark of a log that became another one would hide all that comes.
                let seq = (*seq).min(i64::MAX.unsigned_abs());
                let is_new = seq > before && is_here;
                if is_new {
                    self.ack_at(*room, &Cursor::read(), seq)?;
                }
                Ok(is_new)
            }
            Mark::Muted(room, is) => {
                let sql = "UPDATE rooms SET muted = ?2 WHERE room = ?1 AND muted <> ?2";
                Ok(self.db.execute(sql, params![room.as_bytes(), is])? > 0)
            }
            Mark::Pinned(room, is) => {
                let sql = "UPDATE rooms SET pinned = ?2 WHERE room = ?1 AND pinned <> ?2";
                Ok(self.db.execute(sql, params![room.as_bytes(), is])? > 0)
            }
            Mark::Left(room) => self.left_elsewhere(*room),
            Mark::Entered(offer) => self.add_offer(offer).map(|()| true),
            Mark::Verified(person, at) => {
                let known = self.people().get(&person.fingerprint);
                let is_new = known.as_ref().map_or(at.is_some(), |known| known.verified_at != *at);
                if is_new {
                    let name = known.and_then(|known| known.names.last().cloned());
                    let person =
                        Person { name: name.unwrap_or_else(|| person.name.clone()), ..person.clone() };
                    self.set_verified(&person, *at, now)?;
                }
                Ok(is_new)
            }
        }
    }
}

fn is_here(db: &Connection, room: RoomId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM rooms WHERE room = ?1";
    let count: i64 = db.query_row(sql, [room.as_bytes()], |row| row.get(0))?;
    Ok(count > 0)
}

#[cfg(test)]
mod tests;
