//! A device that is new is told, by another one and for it alone, how everything is that was done before it came: what it was handed is
//! from before it was told, and the log's marks of meanwhile it cannot read.
//!
//! Whoever tells knows all that the log had when the new device said that it is here. So of what the new device has heard a mark about
//! since it is in the log, that mark is as late or later, and only of everything else it takes what it is told.

use proto::{Message as _, RoomId};
use serde::{Deserialize, Serialize};
use shared::{
    content::{CatchUp, Synced},
    identity::{DeviceId, Person},
    room::{DeviceHere, Millis, Private},
};

use super::{By, LATER, MAX_WAITING, Mark, Typed, add, packed};
use crate::store::{Cursor, Damage, RoomKind, Store, StoreError};

/// What this device has heard since it is one of the account's, until another one has told it the rest.
pub(in crate::store) const HEARD: &str = "synced_heard";

/// Devices that are new, until this one has told them.
const NEWCOMERS: &str = "devices_new";

/// Who has told this device the rest.
const TOLD_BY: &str = "synced_told_by";

/// What goes with the account.
pub(in crate::store) const OF_DEVICES: &[&str] = &[HEARD, NEWCOMERS, TOLD_BY];

/// Devices that have told this one how everything is: one alone, which may be stolen, does not end what the others have to say.
#[derive(Default, Serialize, Deserialize)]
struct ToldBy {
    all: Vec<DeviceId>,
    /// Those that were there when the first one had.
    awaited: Vec<DeviceId>,
}

/// Devices that wait to be told, at most: more than are in the room. The oldest are forgotten first.
const MAX_NEWCOMERS: usize = 64;

/// As it is stored: ids as hexadecimal digits.
#[derive(Default, Serialize, Deserialize)]
struct Newcomers(Vec<String>);

/// Everything that is told to a device that is new, as messages for it alone.
pub fn written_for(device: DeviceId, marks: &[Mark]) -> Vec<Private> {
    let mut messages = packed(marks);
    let last = messages.pop().unwrap_or_default();
    let message = |(marks, is_last)| {
        let device = device.0.to_vec().into();
        let catch_up = Some(CatchUp { device, marks, is_last });
        Private::new(Synced { marks: Vec::new(), catch_up }.encode_to_vec())
    };
    messages.into_iter().map(|marks| (marks, false)).chain([(last, true)]).map(message).collect()
}

impl Store {
    /// A device says where it is. One that never did so before is to be told what was done before it came.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then it can be said again.
    pub fn device_is_here(&mut self, device: DeviceId, here: &DeviceHere) -> Result<(), StoreError> {
        let is_new = self.devices_here()?.iter().all(|(other, _)| *other != device);
        // Whoever waits to be told itself has nothing to tell.
        let waits = self.heard()?.is_some() && self.told_by()?.all.is_empty();
        if is_new && !waits {
            let mut all = self.newcomers()?;
            all.retain(|other| *other != device);
            all.push(device);
            self.set_newcomers(&all)?;
        }
        self.set_device_here(device, here)
    }

    /// Devices that are new and are to be told what was done before they came.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn newcomers(&self) -> Result<Vec<DeviceId>, StoreError> {
        let Newcomers(rows) = self.json(NEWCOMERS)?.unwrap_or_default();
        let damaged = || StoreError::Damaged(Damage::DevicesHere);
        rows.iter().map(|device| device.parse().map_err(|_| damaged())).collect()
    }

    /// This one was told, or is gone.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn newcomer_is_told(&mut self, device: DeviceId) -> Result<(), StoreError> {
        let mut all = self.newcomers()?;
        all.retain(|other| *other != device);
        self.set_newcomers(&all)
    }

    fn set_newcomers(&mut self, all: &[DeviceId]) -> Result<(), StoreError> {
        let newest = all.iter().skip(all.len().saturating_sub(MAX_NEWCOMERS));
        self.set_json(NEWCOMERS, &Newcomers(newest.map(ToString::to_string).collect()))
    }

    /// How everything is that devices tell each other; `drafts`: with what was typed and not sent.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn all_marks(&self, drafts: bool) -> Result<Vec<Mark>, StoreError> {
        let (muted, pinned) = (self.muted()?, self.pinned()?);
        let mut marks = Vec::new();
        let is_open = |one: &crate::store::RoomRecord| one.kind == RoomKind::Chat && one.closed.is_none();
        for room in self.rooms()?.into_iter().filter(is_open) {
            marks.push(Mark::Read(room.id, self.acked(room.id, &Cursor::read())?));
            marks.push(Mark::Muted(room.id, muted.contains(&room.label)));
            marks.push(Mark::Pinned(room.id, pinned.contains(&room.label)));
            if drafts {
                let typed = self.draft(room.id)?;
                let typed = Typed::new(typed.as_deref().map_or("", String::as_str));
                marks.extend(typed.map(|typed| Mark::Draft(room.id, typed)));
            }
        }
        let [name, ..] = self.described()?;
        marks.extend(name.map(Mark::Named));
        let agreed = self.followed();
        marks.extend(
            agreed
                .agreed()
                .iter()
                .map(|(name, value)| Mark::Setting { name: name.clone(), value: value.clone() }),
        );
        let mut people = self.people().all();
        // Of more than there is room for those are left out that nobody verified.
        people.sort_by_key(|person| person.verified_at.is_none());
        marks.extend(people.into_iter().filter_map(|known| {
            let person = Person { name: known.names.last()?.clone(), fingerprint: known.fingerprint };
            Some(Mark::Verified(person, known.verified_at))
        }));
        marks.truncate(MAX_WAITING);
        Ok(marks)
    }

    /// Another device tells this one, which is `me`, how everything is. Returns what has changed here; what is for another one changes
    /// nothing.
    ///
    /// # Errors
    /// [`StoreError`]; some of it may have been taken, and all of it can be taken again.
    pub fn take_catch_up(
        &mut self,
        room: RoomId,
        body: &Private,
        (by, me): (DeviceId, DeviceId),
        now: Millis,
    ) -> Result<Vec<Mark>, StoreError> {
        let told = Synced::decode(body.as_bytes()).ok().and_then(|synced| synced.catch_up);
        let Some(told) = told.filter(|told| *told.device == me.0) else { return Ok(Vec::new()) };
        let Some(heard) = self.heard()? else { return Ok(Vec::new()) };
        let mut told_by = self.told_by()?;
        if told_by.all.contains(&by) {
            return Ok(Vec::new());
        }
        // What a device says that is to go counts no more.
        if !self.is_of_devices(room)? || self.device_removals(room)?.contains(&by) {
            return Ok(Vec::new());
        }
        let (waiting, mut taken) = (self.unsynced()?, Vec::new());
        for mark in super::marks_of(told.marks) {
            let is_known = heard.iter().chain(&waiting).any(|other| other.is_about(&mark));
            // What is done once is told to those that it is for, and what was read never goes back.
            let is_taken = match &mark {
                Mark::Left(_) | Mark::Entered(_) => false,
                Mark::Read(..) => true,
                _ => !is_known,
            };
            if is_taken {
                taken.extend(self.apply(mark, Some(By { device: by, mine: false }), now)?);
            }
        }
        if told.is_last {
            told_by.all.push(by);
            self.set_json(TOLD_BY, &told_by)?;
        }
        Ok(taken)
    }

    /// This device waits for nothing more once all of the `others` have told it the rest that were there when the first one did, or are
    /// gone. Nor does it once it has heard more than it can remember.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be kept.
    pub fn end_catch_up(&mut self, others: &[DeviceId]) -> Result<(), StoreError> {
        let (Some(heard), mut told_by) = (self.heard()?, self.told_by()?) else { return Ok(()) };
        if told_by.all.is_empty() {
            return Ok(());
        }
        if told_by.awaited.is_empty() {
            told_by.awaited = others.to_vec();
            self.set_json(TOLD_BY, &told_by)?;
        }
        let is_open = |device: &DeviceId| others.contains(device) && !told_by.all.contains(device);
        if heard.len() < MAX_WAITING && told_by.awaited.iter().any(is_open) {
            return Ok(());
        }
        self.db.execute("DELETE FROM meta WHERE key IN (?1, ?2)", [HEARD, TOLD_BY])?;
        Ok(())
    }

    fn told_by(&self) -> Result<ToldBy, StoreError> {
        Ok(self.json(TOLD_BY)?.unwrap_or_default())
    }

    /// None: this device waits for nothing.
    fn heard(&self) -> Result<Option<Vec<Mark>>, StoreError> {
        match self.meta(HEARD)? {
            Some(_) => self.marks(HEARD).map(Some),
            None => Ok(None),
        }
    }

    /// These are in the log.
    pub(super) fn hear(&mut self, marks: &[Mark]) -> Result<(), StoreError> {
        let Some(mut heard) = self.heard()? else { return Ok(()) };
        for mark in marks {
            let those = match mark {
                // A room that was left is neither muted nor pinned any more.
                Mark::Left(room) => vec![Mark::Muted(*room, false), Mark::Pinned(*room, false)],
                Mark::Draft(room, _) => {
                    Typed::new("").map(|none| Mark::Draft(*room, none)).into_iter().collect()
                }
                Mark::Read(..) | Mark::Entered(_) => continue,
                other => vec![other.clone()],
            };
            for mark in &those {
                add(&mut heard, mark);
            }
        }
        self.set_marks(HEARD, &heard)
    }

    /// How rooms that are to be entered are, as they were handed over: what is heard of them until then is later.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn take_handed_marks(&mut self, marks: &[Mark]) -> Result<(), StoreError> {
        let mut later = self.marks(LATER)?;
        for mark in marks {
            add(&mut later, mark);
        }
        self.set_marks(LATER, &later)
    }
}

#[cfg(test)]
mod tests;
