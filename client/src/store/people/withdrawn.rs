//! Marks that other devices took back, as they were before: a stolen device says what its thief likes, so what it took back is there again
//! once it is gone.

use serde::{Deserialize, Serialize};
use shared::{
    identity::{DeviceId, Fingerprint, Person},
    room::Millis,
};

use super::{KnownPerson, MAX_PEOPLE, Meeting, met};
use crate::store::{Store, StoreError};

/// Of whom other devices took the mark back.
const WITHDRAWN: &str = "marks_withdrawn";

/// What goes with the account.
pub(in crate::store) const OF_DEVICES: &[&str] = &[WITHDRAWN];

/// A mark that other devices took back.
#[derive(Serialize, Deserialize)]
struct Withdrawn {
    who: String,
    name: String,
    at: Millis,
    /// The devices that said it; none where it was made at this one.
    said: Vec<DeviceId>,
    /// The devices that took it back.
    by: Vec<DeviceId>,
}

impl Withdrawn {
    fn is_of(&self, who: &Fingerprint) -> bool {
        self.who == who.to_string()
    }

    /// Whoever says it, if it is there again: as it was, and what was said since.
    fn said_with(&self, since: &[DeviceId]) -> Vec<DeviceId> {
        if self.said.is_empty() {
            return Vec::new();
        }
        let more = since.iter().filter(|device| !self.said.contains(device));
        self.said.iter().chain(more).copied().collect()
    }
}

impl Store {
    /// Another device takes back a mark, which was so before; none: there was none any more.
    pub(super) fn is_withdrawn(
        &mut self,
        person: &Person,
        before: Option<(Millis, &[DeviceId])>,
        by: DeviceId,
    ) -> Result<(), StoreError> {
        let mut all = self.withdrawn()?;
        let known = all.iter_mut().find(|one| one.is_of(&person.fingerprint));
        match (known, before) {
            (Some(one), before) => {
                if !one.by.contains(&by) {
                    one.by.push(by);
                }
                if let Some((at, said)) = before {
                    (one.at, one.said) = (at, one.said_with(said));
                }
            }
            (None, Some((at, said))) => {
                let (who, name) = (person.fingerprint.to_string(), person.name.clone());
                all.push(Withdrawn { who, name, at, said: said.to_vec(), by: vec![by] });
            }
            (None, None) => return Ok(()),
        }
        let extra = all.len().saturating_sub(MAX_PEOPLE);
        all.drain(..extra);
        self.set_json(WITHDRAWN, &all)
    }

    /// A device marks somebody, of whom it may have taken the mark back. Returns whoever says so then, `said` among them.
    pub(super) fn is_said_again(
        &mut self,
        who: &Fingerprint,
        said: Vec<DeviceId>,
        by: DeviceId,
    ) -> Result<Vec<DeviceId>, StoreError> {
        let mut all = self.withdrawn()?;
        let Some(at) = all.iter().position(|one| one.is_of(who) && one.by.contains(&by)) else {
            return Ok(said);
        };
        let Some(one) = all.get_mut(at) else { return Ok(said) };
        one.by.retain(|device| *device != by);
        let said = match one.by.is_empty() {
            true => all.remove(at).said_with(&said),
            false => said,
        };
        self.set_json(WITHDRAWN, &all)?;
        Ok(said)
    }

    /// Somebody at this device says how it is: what others took back before is nothing.
    pub(super) fn is_decided_here(&mut self, who: &Fingerprint) -> Result<(), StoreError> {
        let mut all = self.withdrawn()?;
        let before = all.len();
        all.retain(|one| !one.is_of(who));
        if all.len() == before { Ok(()) } else { self.set_json(WITHDRAWN, &all) }
    }

    /// What only devices took back that are not among these is there again. Returns of whom, and since when.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub(in crate::store) fn restore_marks_without(
        &mut self,
        there: &[DeviceId],
    ) -> Result<Vec<(Person, Millis)>, StoreError> {
        let (mut all, mut restored) = (self.withdrawn()?, Vec::new());
        let before: usize = all.iter().map(|one| one.by.len()).sum();
        all.iter_mut().for_each(|one| one.by.retain(|device| there.contains(device)));
        if all.iter().map(|one| one.by.len()).sum::<usize>() == before {
            return Ok(restored);
        }
        let (gone, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.by.is_empty());
        for one in gone {
            let Some(mut known) = self.person_of(&one) else { continue };
            let is_own = one.said.is_empty();
            if !is_own && !one.said.iter().any(|device| there.contains(device)) {
                continue;
            }
            let is_news = known.verified_at.is_none();
            known.verified_at.get_or_insert(one.at);
            known.verified_by = one.said_with(&known.verified_by);
            let name = known.names.last().cloned().unwrap_or_default();
            let person = Person { name, fingerprint: known.fingerprint };
            match self.put_people(vec![known]) {
                // Somebody who was forgotten meanwhile, and there is no room for them.
                Err(StoreError::TooManyMarks) => continue,
                done => done?,
            }
            restored.extend(is_news.then_some((person, one.at)));
        }
        self.set_json(WITHDRAWN, &left)?;
        Ok(restored)
    }

    /// Whose mark it is, by the account that took the place of the one that was marked.
    fn person_of(&self, one: &Withdrawn) -> Option<KnownPerson> {
        let fingerprint: Fingerprint = one.who.parse().ok()?;
        let meeting = Meeting { person: Person { name: one.name.clone(), fingerprint }, at: one.at };
        let mut known = self.people.get(&fingerprint).unwrap_or_else(|| met(None, &meeting));
        // An account has few changes; a circle of them ends here as well.
        for _ in 0..super::MAX_NAMES {
            let Some(heir) = known.replaced_by.as_ref() else { return Some(known) };
            known = self.people.get(&heir.parse().ok()?)?;
        }
        None
    }

    fn withdrawn(&self) -> Result<Vec<Withdrawn>, StoreError> {
        Ok(self.json(WITHDRAWN)?.unwrap_or_default())
    }
}
