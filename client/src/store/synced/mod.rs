//! What the devices of one account tell each other: what was read, muted, pinned and verified, typed and set.
//!
//! The room's log is the order, and it is the same for all: of two marks about the same thing the later one counts, and what was read
//! never goes back. What was done here and is not in the log yet will be the later one, so until then it stays as it is here.

mod ahead;
pub(super) mod catch_up;

use std::fmt;

use proto::{Message as _, RoomId};
use rusqlite::{Connection, params};
use shared::{
    content::{Entered, SyncMark, Synced, sync_mark::Of},
    identity::{DeviceId, Fingerprint, Person, clean_name, clean_speaker},
    room::{Millis, Private},
};
use zeroize::Zeroizing;

use super::{Damage, MAX_SETTING, MAX_SETTING_NAME, Offer, RoomKind, Store, StoreError};

/// What was done here and is not in the log yet.
const UNSYNCED: &str = "unsynced";

/// Marks in one message, at most.
const MAX_MARKS: usize = 50;

/// Bytes of marks in one message, at most: a message holds 32 KiB.
const MAX_BYTES: usize = 28 << 10;

/// Longest draft that other devices are told, in bytes. A longer one stays where it was typed.
const MAX_TOLD_DRAFT: usize = 8 << 10;

/// What was done elsewhere about rooms that are not here yet.
const LATER: &str = "synced_later";

/// What goes with the account.
pub(super) const OF_DEVICES: &[&str] = &[UNSYNCED, LATER, ahead::AHEAD];

/// Marks that wait, at most: three for each room, and some hundred people. The oldest are forgotten first.
const MAX_WAITING: usize = 1_024;

/// Who said something in the room of the devices.
#[derive(Clone, Copy)]
struct By {
    device: DeviceId,
    /// This one.
    mine: bool,
}

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
    /// This was typed in a room and not sent; nothing any more where it is empty.
    Draft(RoomId, Typed),
    /// The person is called so.
    Named(String),
    /// A setting that follows the person has this value, as TOML writes it; none: as by default.
    Setting {
        /// Its name, as in `privacy.seen`.
        name: String,
        /// Its value.
        value: Option<String>,
    },
}

/// What somebody typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed(Zeroizing<String>);

impl Typed {
    /// None: too long to be told.
    pub fn new(text: &str) -> Option<Self> {
        (text.len() <= MAX_TOLD_DRAFT).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// As it stands.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed")
    }
}

impl Mark {
    /// The room that it is about, where it is one that is read, muted or pinned.
    fn room(&self) -> Option<RoomId> {
        match self {
            Self::Read(room, _) | Self::Muted(room, _) | Self::Pinned(room, _) | Self::Draft(room, _) => {
                Some(*room)
            }
            Self::Left(_) | Self::Entered(_) | Self::Verified(..) | Self::Named(_) | Self::Setting { .. } => {
                None
            }
        }
    }

    /// Once that room is left it is nothing any more. What was read never goes back.
    fn ends_with(&self, room: RoomId) -> bool {
        !matches!(self, Self::Read(..)) && self.room() == Some(room)
    }

    /// The same thing is meant.
    fn is_about(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Read(one, _), Self::Read(other, _))
            | (Self::Muted(one, _), Self::Muted(other, _))
            | (Self::Pinned(one, _), Self::Pinned(other, _))
            | (Self::Draft(one, _), Self::Draft(other, _))
            | (Self::Left(one), Self::Left(other)) => one == other,
            (Self::Setting { name: one, .. }, Self::Setting { name: other, .. }) => one == other,
            (Self::Named(_), Self::Named(_)) => true,
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
            Self::Draft(room, typed) => (Of::Draft(id(room)), 0, typed.as_str().to_owned()),
            Self::Named(name) => (Of::Named(name.clone()), 0, String::new()),
            Self::Setting { name, value } => {
                let is_set = u64::from(value.is_some());
                (Of::Setting(name.clone()), is_set, value.clone().unwrap_or_default())
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
            Of::Draft(bytes) => Self::Draft(room(&bytes)?, Typed::new(&name)?),
            Of::Named(name) => Self::Named(clean_speaker(&name).ok().filter(|clean| *clean == name)?),
            Of::Setting(setting) => {
                let fits = setting.len() <= MAX_SETTING_NAME && name.len() <= MAX_SETTING;
                let value = is()?.then_some(name);
                fits.then_some(Self::Setting { name: setting, value })?
            }
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

/// These marks as messages to the other devices, in order.
pub fn written(marks: &[Mark]) -> Vec<Private> {
    packed(marks).into_iter().map(message).collect()
}

/// As many of them together as fit a message.
fn packed(marks: &[Mark]) -> Vec<Vec<SyncMark>> {
    let (mut messages, mut bytes) = (vec![Vec::new()], 0);
    for mark in marks.iter().map(Mark::write) {
        let (length, count) = (mark.encoded_len() + 8, messages.last().map_or(0, Vec::len));
        if count >= MAX_MARKS || (count > 0 && bytes + length > MAX_BYTES) {
            messages.push(Vec::new());
            bytes = 0;
        }
        bytes += length;
        messages.last_mut().into_iter().for_each(|message| message.push(mark.clone()));
    }
    messages.retain(|marks| !marks.is_empty());
    messages
}

fn message(marks: Vec<SyncMark>) -> Private {
    Private::new(Synced { marks, catch_up: None }.encode_to_vec())
}

/// The marks of a message; what is none, or one too many, is passed over.
pub(super) fn read(body: &[u8]) -> Vec<Mark> {
    Synced::decode(body).map(|synced| marks_of(synced.marks)).unwrap_or_default()
}

fn marks_of(marks: Vec<SyncMark>) -> Vec<Mark> {
    marks.into_iter().take(MAX_MARKS).filter_map(Mark::read).collect()
}

impl Store {
    /// What was done here and is not in the log yet, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn unsynced(&self) -> Result<Vec<Mark>, StoreError> {
        self.marks(UNSYNCED)
    }

    fn marks(&self, key: &str) -> Result<Vec<Mark>, StoreError> {
        let Some(bytes) = self.meta(key)? else { return Ok(Vec::new()) };
        let synced = Synced::decode(&**bytes).map_err(|_| StoreError::Damaged(Damage::Synced))?;
        Ok(synced.marks.into_iter().filter_map(Mark::read).collect())
    }

    /// Something was done here that the other devices are to be told.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn add_unsynced(&mut self, mark: &Mark) -> Result<(), StoreError> {
        let mut waiting = self.unsynced()?;
        if let Mark::Left(room) = mark {
            // What was done in it goes with it.
            waiting.retain(|other| !other.ends_with(*room));
        }
        match add(&mut waiting, mark) {
            true => self.set_unsynced(&waiting),
            false => Ok(()),
        }
    }

    fn set_unsynced(&mut self, waiting: &[Mark]) -> Result<(), StoreError> {
        self.set_marks(UNSYNCED, waiting)
    }

    fn set_marks(&mut self, key: &str, marks: &[Mark]) -> Result<(), StoreError> {
        self.set_meta(key, message(marks.iter().map(Mark::write).collect()).as_bytes())
    }

    /// Something is done here, and the other devices are to be told of it, if there are any: both, or neither.
    ///
    /// # Errors
    /// [`StoreError`]; then it is not done.
    pub fn done_here(
        &mut self,
        mark: Option<&Mark>,
        change: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mark = if self.has_devices()? { mark } else { None };
        self.all_or_nothing(|store| {
            change(store)?;
            mark.map_or(Ok(()), |mark| store.add_unsynced(mark))
        })
    }

    /// A message of the devices is in the log; which one said it, and whether it is this one. Returns what has changed here. Of a room that is not for
    /// that nothing is taken.
    ///
    /// # Errors
    /// [`StoreError`]; some of it may have been taken, and all of it can be taken again.
    pub fn take_synced(
        &mut self,
        room: RoomId,
        body: &Private,
        (by, mine): (DeviceId, bool),
        now: Millis,
    ) -> Result<Vec<Mark>, StoreError> {
        // What a device says that is to go counts no more.
        if !self.is_of_devices(room)? || self.device_removals(room)?.contains(&by) {
            return Ok(Vec::new());
        }
        let (marks, mut waiting) = (read(body.as_bytes()), self.unsynced()?);
        self.hear(&marks)?;
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
            if let Mark::Left(room) = &mark {
                taken.extend(self.marks_end(*room, &waiting)?);
            }
            // What this device left or entered itself is nothing to it.
            let is_of_others = !mine || !matches!(mark, Mark::Left(_) | Mark::Entered(_));
            if is_of_others {
                taken.extend(self.apply(mark, Some(By { device: by, mine }), now)?);
            }
        }
        if waiting.len() != before {
            self.set_unsynced(&waiting)?;
        }
        Ok(taken)
    }

    fn is_of_devices(&self, room: RoomId) -> Result<bool, StoreError> {
        let is_for_that = |one: &super::RoomRecord| one.id == room && one.kind == RoomKind::OwnDevices;
        Ok(self.rooms()?.iter().any(is_for_that))
    }

    /// A room was entered: what was done at other devices before holds here as well. Returns what has changed.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing has changed.
    pub fn take_later(&mut self, room: RoomId, now: Millis) -> Result<Vec<Mark>, StoreError> {
        let later = self.marks(LATER)?;
        let (those, rest): (Vec<Mark>, Vec<Mark>) =
            later.into_iter().partition(|mark| mark.room() == Some(room));
        self.all_or_nothing(|store| {
            if !those.is_empty() {
                store.set_marks(LATER, &rest)?;
            }
            let mut taken = Vec::new();
            for mark in those {
                taken.extend(store.apply(mark, None, now)?);
            }
            taken.extend(store.read_on(room)?);
            Ok(taken)
        })
    }

    /// A room was left, there or here: it begins without marks where a person has gone into it anew since, but for what was done there
    /// and is not in the log yet, and for how far it was read. Returns what has changed.
    fn marks_end(&mut self, room: RoomId, waiting: &[Mark]) -> Result<Vec<Mark>, StoreError> {
        let later: Vec<Mark> = self.marks(LATER)?;
        let rest: Vec<Mark> = later.iter().filter(|mark| !mark.ends_with(room)).cloned().collect();
        if rest.len() != later.len() {
            self.set_marks(LATER, &rest)?;
        }
        let mut changed = Vec::new();
        for mark in [Mark::Muted(room, false), Mark::Pinned(room, false)] {
            let is_done = waiting.iter().any(|other| other.is_about(&mark));
            if !is_done && is_open(&self.db, room)? {
                changed.extend(self.apply(mark, None, 0)?);
            }
        }
        Ok(changed)
    }

    /// Keeps what is about a room that is not here, until it is.
    fn keep_for_later(&mut self, mark: &Mark) -> Result<(), StoreError> {
        let mut later = self.marks(LATER)?;
        let before = later.clone();
        match mark.room() {
            // It is kept by what is here of the log.
            Some(_) if matches!(mark, Mark::Read(..)) => {}
            Some(room) if is_open(&self.db, room)? => later.retain(|other| !other.is_about(mark)),
            Some(_) => drop(add(&mut later, mark)),
            None => {}
        }
        if later == before { Ok(()) } else { self.set_marks(LATER, &later) }
    }

    /// What has changed by it, if anything. What is about a room that is not here changes something once it is.
    fn apply(&mut self, mark: Mark, by: Option<By>, now: Millis) -> Result<Option<Mark>, StoreError> {
        self.keep_for_later(&mark)?;
        let is_new = match &mark {
            Mark::Read(room, seq) => return self.read_elsewhere(*room, *seq, by.map(|by| by.device)),
            Mark::Muted(room, is) => {
                let sql = "UPDATE rooms SET muted = ?2 WHERE room = ?1 AND muted <> ?2";
                self.db.execute(sql, params![room.as_bytes(), is])? > 0
            }
            Mark::Pinned(room, is) => {
                let sql = "UPDATE rooms SET pinned = ?2 WHERE room = ?1 AND pinned <> ?2";
                self.db.execute(sql, params![room.as_bytes(), is])? > 0
            }
            Mark::Left(room) => self.left_elsewhere(*room)?,
            Mark::Entered(offer) => {
                self.add_device_ways(&[(offer.room, offer.link.link.secret.id())])?;
                self.add_offer(offer, by.map(|by| by.device))?;
                true
            }
            Mark::Draft(room, typed) => {
                let before = self.draft(*room)?;
                let is_new = before.as_deref().map_or("", String::as_str) != typed.as_str();
                let is_new = is_new && is_here(&self.db, *room)?;
                if is_new {
                    self.set_draft(*room, typed.as_str())?;
                }
                is_new
            }
            Mark::Named(name) => {
                let [before, ..] = self.described()?;
                let is_new = before.as_ref() != Some(name);
                if is_new {
                    self.set_name(name)?;
                }
                is_new
            }
            Mark::Setting { name, value } => {
                let by = by.filter(|by| !by.mine).map(|by| by.device);
                self.agree_on_setting(name, value.as_deref(), by)?
            }
            Mark::Verified(person, at) => match by {
                Some(by) if !by.mine => self.verified_elsewhere(person, *at, (now, by.device))?,
                // It was done here when it was said, and may be otherwise since.
                _ => self.verified_here(person, *at, now)?,
            },
        };
        Ok(is_new.then_some(mark))
    }
}

/// Adds it in place of what it replaces. False: more is known already.
fn add(to: &mut Vec<Mark>, mark: &Mark) -> bool {
    // What was read never goes back.
    let is_further = |other: &Mark| matches!((other, mark), (Mark::Read(a, far), Mark::Read(b, near)) if a == b && far > near);
    if to.iter().any(is_further) {
        return false;
    }
    to.retain(|other| !other.is_about(mark));
    if to.len() >= MAX_WAITING {
        to.remove(0);
    }
    to.push(mark.clone());
    true
}

/// It is here, and not over.
fn is_open(db: &Connection, room: RoomId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM rooms WHERE room = ?1 AND closed IS NULL";
    let count: i64 = db.query_row(sql, [room.as_bytes()], |row| row.get(0))?;
    Ok(count > 0)
}

fn is_here(db: &Connection, room: RoomId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM rooms WHERE room = ?1";
    let count: i64 = db.query_row(sql, [room.as_bytes()], |row| row.get(0))?;
    Ok(count > 0)
}

#[cfg(test)]
mod tests;
