//! Who is known, and whose key was verified.

use shared::{
    identity::Fingerprint,
    identity::safety::{SafetyNumber, safety_number},
    room::{GroupView, Person},
};

use super::{Local, lock, now_ms};
use crate::{
    reason::{PersonReason, Reason},
    store::{KnownPerson, Mark},
};

impl Local {
    /// Everybody met in rooms, by fingerprint.
    pub(crate) fn people(&self) -> Vec<KnownPerson> {
        self.0.people.all()
    }

    /// Somebody met in rooms.
    pub(crate) fn person(&self, who: &Fingerprint) -> Option<KnownPerson> {
        self.0.people.get(who)
    }

    /// Somebody at this device compared this account's safety number. Quick: faces may ask for each line they draw.
    pub(crate) fn is_verified(&self, who: &Fingerprint) -> bool {
        self.0.people.is_verified(who)
    }

    /// Everybody whose key was verified, by fingerprint.
    pub(crate) fn verified(&self) -> Vec<Fingerprint> {
        self.0.people.verified()
    }

    /// The number to compare with somebody; about to be shown.
    pub(crate) fn compare(&self, who: &Fingerprint) -> SafetyNumber {
        lock(&self.0.compared).insert(*who);
        safety_number(&self.me().1, who)
    }

    /// Marks an account key as verified. `person` is a member whose number was shown in this run: a name alone may have
    /// changed hands since the numbers were compared.
    ///
    /// # Errors
    /// [`Reason`] when the number was not shown, it is our own key, or it cannot be saved.
    pub(crate) async fn verify(&self, person: &Person) -> Result<(), Reason> {
        if !lock(&self.0.compared).contains(&person.fingerprint) {
            return Err(PersonReason::NotCompared(person.name.clone()).into());
        }
        self.mark(person, true).await
    }

    /// Marks an account key as verified whose whole fingerprint somebody gave, or takes the mark back.
    ///
    /// # Errors
    /// [`Reason`] when it is our own key, or it cannot be saved.
    pub(crate) async fn mark(&self, person: &Person, is_verified: bool) -> Result<(), Reason> {
        if person.fingerprint == self.me().1 {
            return Err(PersonReason::Ourselves.into());
        }
        let (person, now) = (person.clone(), now_ms());
        let at = is_verified.then_some(now);
        let marked = Mark::Verified(person.clone(), at);
        self.done_here(Some(marked), move |store| store.set_verified(&person, at, now)).await
    }

    pub(super) fn is_room_verified(&self, view: &GroupView) -> bool {
        let me = self.me().1;
        let members = view.members.iter().map(|member| member.person.fingerprint);
        self.0.people.are_verified(members.filter(|who| *who != me))
    }
}
