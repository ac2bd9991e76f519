//! People met in rooms, and who of them was verified.

use shared::{identity::Fingerprint, identity::safety::SafetyNumber, room::Person};

use super::{Here, Runtime, There};
use crate::{
    ask,
    reason::{PersonReason, Reason},
    store::KnownPerson,
};

impl Runtime {
    /// Everybody met in rooms, by fingerprint.
    ///
    /// # Errors
    /// [`Reason`] when the daemon does not answer.
    pub async fn people(&self) -> Result<Vec<KnownPerson>, Reason> {
        self.ask(ask::People).await
    }

    /// Accounts whose place others took, ours as well, `(was, now)`.
    ///
    /// # Errors
    /// [`Reason`] when the daemon does not answer.
    pub(crate) async fn key_changes(&self) -> Result<Vec<(Fingerprint, Fingerprint)>, Reason> {
        self.ask(ask::KeyChanges).await
    }

    /// Somebody met in rooms.
    ///
    /// # Errors
    /// [`Reason`] when the daemon does not answer.
    pub async fn person(&self, who: &Fingerprint) -> Result<Option<KnownPerson>, Reason> {
        self.ask(ask::Person(*who)).await
    }

    /// Somebody at this device compared this account's safety number. Quick: faces may ask for each line they draw.
    pub fn is_verified(&self, who: &Fingerprint) -> bool {
        match &self.0 {
            Here(local) => local.is_verified(who),
            There(remote) => remote.is_verified(who),
        }
    }

    /// The number to compare with somebody; about to be shown.
    pub fn compare(&self, who: &Fingerprint) -> SafetyNumber {
        match &self.0 {
            Here(local) => local.compare(who),
            There(remote) => remote.compare(who),
        }
    }

    /// Marks an account key as verified. `person` is a member whose number was shown in this run: a name alone may have
    /// changed hands since the numbers were compared.
    ///
    /// # Errors
    /// [`Reason`] when the number was not shown, it is our own key, or it cannot be saved.
    pub async fn verify(&self, person: &Person) -> Result<(), Reason> {
        match &self.0 {
            Here(local) => local.verify(person).await,
            There(remote) if !remote.has_compared(person) => {
                Err(PersonReason::NotCompared(person.name.clone()).into())
            }
            There(_) => self.mark(person, true).await,
        }
    }

    /// Marks an account key as verified whose whole fingerprint somebody gave, or takes the mark back.
    ///
    /// # Errors
    /// [`Reason`] when it is our own key, or it cannot be saved.
    pub async fn mark(&self, person: &Person, is_verified: bool) -> Result<(), Reason> {
        self.ask(ask::Mark { person: person.clone(), is_verified }).await
    }
}
