//! The people met in rooms: which account key goes by which names, and whose key was verified.
//!
//! One sealed value for each; the row's own name is a tag under the profile's key, so that a locked profile does not
//! tell whom its owner knows. A copy in memory answers faces without waiting for the disk.

mod marks;
mod withdrawn;

pub(super) use withdrawn::OF_DEVICES;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use proto::RoomId;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use shared::{
    identity::{DeviceId, Fingerprint},
    room::{Millis, Person},
};

use super::{Damage, Store, StoreError, seal::Sealer};
use crate::text::names::Looks;

/// People kept. Full: whoever was met last and is not verified makes way, so that a flood of strangers pushes out
/// nobody who was here before.
pub const MAX_PEOPLE: usize = 4_096;

/// Names kept for each, the latest. A stranger who takes one name after the other claims no more than these.
pub const MAX_NAMES: usize = 8;

/// Somebody whose account key was seen in a room. No field is left out where it has nothing: a daemon's faces count them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPerson {
    /// The account key's fingerprint.
    #[serde(with = "digits")]
    pub fingerprint: Fingerprint,
    /// The names it was seen with, the latest last.
    pub names: Vec<String>,
    /// Unix milliseconds.
    pub first_seen: Millis,
    /// When somebody at this device said that the safety number is right, in Unix milliseconds.
    pub verified_at: Option<Millis>,
    /// When the account took the place of another one, by the word of that one's recovery key, in Unix milliseconds. A mark
    /// that the other one had came along.
    #[serde(default)]
    pub replaced_at: Option<Millis>,
    /// The account that took the place of this one, as 64 hexadecimal digits. It has no mark any more.
    #[serde(default)]
    pub replaced_by: Option<String>,
    /// The devices that said that the number is right, by their ids in the room of own devices. None: somebody said so at this one, or
    /// it was handed over when this one was linked.
    #[serde(default)]
    pub verified_by: Vec<DeviceId>,
}

impl KnownPerson {
    /// Another account took the place of this one.
    pub fn is_replaced_by(&self, who: &Fingerprint) -> bool {
        self.replaced_by.as_ref().is_some_and(|by| *by == who.to_string())
    }

    /// This account and the one that took its place.
    pub fn change(&self) -> Option<(Fingerprint, Fingerprint)> {
        Some((self.fingerprint, self.replaced_by.as_ref()?.parse().ok()?))
    }
}

/// An account took the place of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The account that was.
    pub old: Fingerprint,
    /// Who it is now.
    pub person: Person,
    /// Unix milliseconds.
    pub at: Millis,
}

/// Somebody is in a room under this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// Who.
    pub person: Person,
    /// Unix milliseconds.
    pub at: Millis,
}

/// Everybody who is known. Clones share it; only the store writes it.
#[derive(Clone, Default)]
pub struct People(Arc<Mutex<KnownPeople>>);

#[derive(Default)]
struct KnownPeople {
    people: BTreeMap<Fingerprint, KnownPerson>,
    /// By what a name looks like.
    names: BTreeMap<String, BTreeSet<Fingerprint>>,
    /// How many devices they have in rooms of this run.
    devices: BTreeMap<[u8; RoomId::LEN], BTreeMap<Fingerprint, usize>>,
}

impl People {
    /// One of them.
    pub fn get(&self, who: &Fingerprint) -> Option<KnownPerson> {
        self.lock().people.get(who).cloned()
    }

    /// Whether another account took the place of this one, as far as is known.
    pub fn is_replaced(&self, who: &Fingerprint) -> bool {
        self.lock().people.get(who).is_some_and(|known| known.replaced_by.is_some())
    }

    /// All of them, by fingerprint.
    pub fn all(&self) -> Vec<KnownPerson> {
        self.lock().people.values().cloned().collect()
    }

    /// Somebody at this device compared the safety number.
    pub fn is_verified(&self, who: &Fingerprint) -> bool {
        self.lock().people.get(who).is_some_and(|person| person.verified_at.is_some())
    }

    /// There is somebody among these, and all of them were verified.
    pub fn are_verified(&self, others: impl IntoIterator<Item = Fingerprint>) -> bool {
        let mut others = others.into_iter().peekable();
        others.peek().is_some() && others.all(|who| self.is_verified(&who))
    }

    /// All accounts that were verified, by fingerprint.
    pub fn verified(&self) -> Vec<Fingerprint> {
        let known = self.lock();
        let verified = known.people.values().filter(|person| person.verified_at.is_some());
        verified.map(|person| person.fingerprint).collect()
    }

    /// Whoever goes, or went, by a name that looks like this one.
    pub fn called(&self, name: &str) -> Vec<KnownPerson> {
        let known = self.lock();
        let looks = Looks::of(name);
        let found: BTreeSet<_> =
            looks.keys().iter().filter_map(|key| known.names.get(key)).flatten().collect();
        found.into_iter().filter_map(|who| known.people.get(who).cloned()).collect()
    }

    /// So many devices of each are in a room; of none once it is over.
    pub fn devices_are(&self, room: RoomId, counts: BTreeMap<Fingerprint, usize>) {
        let mut known = self.lock();
        match counts.is_empty() {
            true => drop(known.devices.remove(&room.0)),
            false => drop(known.devices.insert(room.0, counts)),
        }
    }

    /// How many devices of somebody are in another room than this one, at most.
    pub fn most_devices_elsewhere(&self, room: RoomId, who: &Fingerprint) -> usize {
        let known = self.lock();
        let others = known.devices.iter().filter(|(other, _)| **other != room.0);
        others.filter_map(|(_, counts)| counts.get(who)).copied().max().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, KnownPeople> {
        // A panic elsewhere leaves whole entries.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, person: KnownPerson) {
        let mut known = self.lock();
        known.forget(&person.fingerprint);
        for key in keys(&person) {
            known.names.entry(key).or_default().insert(person.fingerprint);
        }
        known.people.insert(person.fingerprint, person);
    }
}

/// All that somebody's names can be taken for.
fn keys(person: &KnownPerson) -> BTreeSet<String> {
    person.names.iter().flat_map(|name| Looks::of(name).keys().to_vec()).collect()
}

impl KnownPeople {
    fn forget(&mut self, who: &Fingerprint) {
        let Some(old) = self.people.remove(who) else { return };
        for key in keys(&old) {
            if let Some(same) = self.names.get_mut(&key) {
                same.remove(who);
                if same.is_empty() {
                    self.names.remove(&key);
                }
            }
        }
    }

    /// Who makes way for somebody new.
    fn last_met(&self) -> Option<Fingerprint> {
        let strangers = self.people.values().filter(|person| person.verified_at.is_none());
        strangers.max_by_key(|person| person.first_seen).map(|person| person.fingerprint)
    }
}

impl Store {
    /// Everybody who is known.
    pub fn people(&self) -> People {
        self.people.clone()
    }

    /// The account of this profile was that one. It is kept with the people, so that what it said is known as one's own at devices
    /// that are linked later as well.
    pub(super) fn was_account(&mut self, was: &Fingerprint, now: &Fingerprint) -> Result<(), StoreError> {
        let [name, ..] = self.described()?;
        let person = Person { name: name.unwrap_or_else(super::profile::usual_name), fingerprint: *was };
        // Whoever was known first makes way for nobody.
        let known = met(self.people.get(was), &Meeting { person, at: 0 });
        let known = KnownPerson {
            verified_at: None,
            verified_by: Vec::new(),
            replaced_by: Some(now.to_string()),
            ..known
        };
        let written = write(&self.db, &self.sealer, &self.people, vec![known])?;
        written.show(&self.people);
        Ok(())
    }

    /// Reads them all into memory, and nothing else is there then.
    pub(super) fn load_people(&self) -> Result<(), StoreError> {
        let mut select = self.db.prepare("SELECT person, value FROM people")?;
        let found = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut all = Vec::new();
        for row in found {
            let (tag, sealed): ([u8; 16], Vec<u8>) = row?;
            let plain = self.sealer.open(&label(&tag), &sealed)?;
            all.push(serde_json::from_slice(&plain).map_err(|_| damaged())?);
        }
        *self.people.lock() = KnownPeople::default();
        all.into_iter().for_each(|person: KnownPerson| self.people.put(person));
        Ok(())
    }
}

/// What was written within a transaction, to be shown once that is committed.
#[derive(Default)]
pub(super) struct Written {
    put: Vec<KnownPerson>,
    gone: Vec<Fingerprint>,
}

impl Written {
    /// The transaction is committed.
    pub(super) fn show(self, people: &People) {
        self.gone.iter().for_each(|who| people.lock().forget(who));
        self.put.into_iter().for_each(|person| people.put(person));
    }
}

/// Remembers who was met, within a transaction.
pub(super) fn meet(
    db: &Connection,
    sealer: &Sealer,
    people: &People,
    meetings: &[Meeting],
    replacements: &[Replacement],
) -> Result<Written, StoreError> {
    let mut changed: BTreeMap<Fingerprint, KnownPerson> = BTreeMap::new();
    for Replacement { old, person, at } in replacements {
        let known = |who: &Fingerprint| changed.get(who).cloned().or_else(|| people.get(who));
        let Some(mut before) = known(old).filter(|before| before.replaced_by.is_none()) else { continue };
        let mut after = met(known(&person.fingerprint), &Meeting { person: person.clone(), at: *at });
        let said_by = std::mem::take(&mut before.verified_by);
        if let (None, Some(at)) = (after.verified_at, before.verified_at) {
            (after.verified_at, after.verified_by) = (Some(at), said_by);
        }
        before.verified_at = None;
        after.replaced_at = Some(*at);
        before.replaced_by = Some(person.fingerprint.to_string());
        changed.insert(*old, before);
        changed.insert(person.fingerprint, after);
    }
    for meeting in meetings {
        let who = meeting.person.fingerprint;
        let before = changed.get(&who).cloned().or_else(|| people.get(&who));
        let after = met(before.clone(), meeting);
        if before.as_ref() != Some(&after) {
            changed.insert(who, after);
        }
    }
    write(db, sealer, people, changed.into_values().collect())
}

fn met(before: Option<KnownPerson>, Meeting { person, at }: &Meeting) -> KnownPerson {
    let mut known = before.unwrap_or_else(|| KnownPerson {
        fingerprint: person.fingerprint,
        names: Vec::new(),
        first_seen: *at,
        verified_at: None,
        replaced_at: None,
        replaced_by: None,
        verified_by: Vec::new(),
    });
    if known.names.last() != Some(&person.name) {
        known.names.retain(|name| *name != person.name);
        known.names.push(person.name.clone());
        let extra = known.names.len().saturating_sub(MAX_NAMES);
        known.names.drain(..extra);
    }
    known
}

pub(super) fn write(
    db: &Connection,
    sealer: &Sealer,
    people: &People,
    mut put: Vec<KnownPerson>,
) -> Result<Written, StoreError> {
    let mut gone = Vec::new();
    {
        let known = people.lock();
        let mut room = MAX_PEOPLE.saturating_sub(known.people.len());
        put.retain(|person| {
            if known.people.contains_key(&person.fingerprint) {
                return true;
            }
            if room > 0 {
                room -= 1;
                return true;
            }
            // One makes way in each transaction; of the rest of a flood nothing is kept.
            match known.last_met().filter(|_| gone.is_empty()) {
                Some(last) => {
                    gone.push(last);
                    true
                }
                None => false,
            }
        });
    }
    put.retain(|person| !gone.contains(&person.fingerprint));
    for who in &gone {
        db.execute("DELETE FROM people WHERE person = ?1", [sealer.tag(&who.0)])?;
    }
    for person in &put {
        let plain = serde_json::to_vec(person).map(zeroize::Zeroizing::new).map_err(|_| damaged())?;
        let tag = sealer.tag(&person.fingerprint.0);
        let sealed = sealer.seal(&label(&tag), &plain)?;
        db.execute("INSERT OR REPLACE INTO people VALUES (?1, ?2)", params![tag, sealed])?;
    }
    Ok(Written { put, gone })
}

fn label(tag: &[u8; 16]) -> Vec<u8> {
    [b"person/".as_slice(), tag].concat()
}

fn damaged() -> StoreError {
    StoreError::Damaged(Damage::Person)
}

/// A fingerprint as text, for the stored form.
mod digits {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use shared::identity::Fingerprint;

    pub(super) fn serialize<S: Serializer>(who: &Fingerprint, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&who.to_string())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Fingerprint, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
