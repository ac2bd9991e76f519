//! Whose safety number was compared, and which device says so: what another device said goes with that device, since a stolen one says
//! what its thief likes.

use shared::{
    identity::{DeviceId, Person},
    room::Millis,
};

use super::{KnownPerson, Meeting, met, write};
use crate::store::{Store, StoreError};

impl Store {
    /// Somebody at this device compared the safety number of an account, or takes the mark back.
    ///
    /// # Errors
    /// [`StoreError::KeyReplaced`] when another account took the place of this one: that one is to be compared. Else when it cannot be
    /// written; then nothing changed.
    pub fn set_verified(
        &mut self,
        person: &Person,
        at: Option<Millis>,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.all_or_nothing(|store| {
            store.mark(person, (at, Vec::new()), now)?;
            store.is_decided_here(&person.fingerprint)
        })
    }

    /// The same, where it may be so already. True: something has changed. What is said of an account whose key was replaced changes nothing.
    pub(in crate::store) fn verified_here(
        &mut self,
        person: &Person,
        at: Option<Millis>,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let known = self.people.get(&person.fingerprint);
        let is_same = known
            .as_ref()
            .map_or(at.is_none(), |known| known.verified_at == at && known.verified_by.is_empty());
        if is_same || (at.is_some() && known.as_ref().is_some_and(|known| known.replaced_by.is_some())) {
            return Ok(false);
        }
        self.set_verified(&named(person, known), at, now)?;
        Ok(true)
    }

    /// Another device of ours says so. True: something has changed. Of an account whose key was replaced nothing is taken: it may be
    /// said late, and the key may be a thief's.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then nothing changed.
    pub(in crate::store) fn verified_elsewhere(
        &mut self,
        person: &Person,
        at: Option<Millis>,
        (now, by): (Millis, DeviceId),
    ) -> Result<bool, StoreError> {
        let known = self.people.get(&person.fingerprint);
        if at.is_some() && known.as_ref().is_some_and(|known| known.replaced_by.is_some()) {
            return Ok(false);
        }
        let (before, said) = known
            .as_ref()
            .map_or_else(Default::default, |known| (known.verified_at, known.verified_by.clone()));
        let is_own = before.is_some() && said.is_empty();
        let person = named(person, known.clone());
        self.all_or_nothing(|store| {
            let said = match at {
                Some(_) if is_own => said,
                Some(_) => {
                    let more = if said.contains(&by) { Vec::new() } else { vec![by] };
                    store.is_said_again(&person.fingerprint, [said, more].concat(), by)?
                }
                None => {
                    store.is_withdrawn(&person, before.map(|at| (at, said.as_slice())), by)?;
                    Vec::new()
                }
            };
            let is_same = known.as_ref().is_some_and(|known| known.verified_by == said);
            if before == at && (is_same || at.is_none()) {
                return Ok(false);
            }
            store.mark(&person, (at, said), now)?;
            Ok(before != at)
        })
    }

    /// Drops what only devices said that are not among these. Returns of whom.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then nothing changed.
    pub(in crate::store) fn drop_marks_without(
        &mut self,
        there: &[DeviceId],
    ) -> Result<Vec<Person>, StoreError> {
        let mut changed = Vec::new();
        let mut dropped = Vec::new();
        for mut known in self.people.all() {
            if known.verified_by.iter().all(|device| there.contains(device)) {
                continue;
            }
            if is_of_gone(&known, there) {
                dropped.push(shown(&known));
                known.verified_at = None;
            }
            known.verified_by.retain(|device| there.contains(device));
            changed.push(known);
        }
        self.put_people(changed)?;
        Ok(dropped)
    }

    fn mark(
        &mut self,
        person: &Person,
        (at, said): (Option<Millis>, Vec<DeviceId>),
        now: Millis,
    ) -> Result<(), StoreError> {
        let before = self.people.get(&person.fingerprint);
        if let (Some(_), Some(heir)) = (at, before.as_ref().and_then(|known| known.replaced_by.clone())) {
            return Err(StoreError::KeyReplaced(heir));
        }
        let mut known = met(before, &Meeting { person: person.clone(), at: now });
        (known.verified_at, known.verified_by) = (at, said);
        self.put_people(vec![known])
    }

    pub(super) fn put_people(&mut self, people: Vec<KnownPerson>) -> Result<(), StoreError> {
        let is_any = !people.is_empty();
        let transaction = self.db.savepoint()?;
        let done = write(&transaction, &self.sealer, &self.people, people)?;
        if is_any && done.put.is_empty() {
            return Err(StoreError::TooManyMarks);
        }
        transaction.commit()?;
        done.show(&self.people);
        Ok(())
    }
}

/// It is verified, and only devices that are gone said so.
fn is_of_gone(known: &KnownPerson, there: &[DeviceId]) -> bool {
    let said = &known.verified_by;
    known.verified_at.is_some() && !said.is_empty() && !said.iter().any(|device| there.contains(device))
}

/// By the name that is known here, where somebody is known.
fn named(person: &Person, known: Option<KnownPerson>) -> Person {
    let name = known.and_then(|known| known.names.last().cloned());
    Person { name: name.unwrap_or_else(|| person.name.clone()), ..person.clone() }
}

fn shown(known: &KnownPerson) -> Person {
    Person { name: known.names.last().cloned().unwrap_or_default(), fingerprint: known.fingerprint }
}
