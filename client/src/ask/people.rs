//! Who is known, and whose key was verified.

use serde::{Deserialize, Serialize};
use shared::{identity::Fingerprint, room};

use super::Request;
use crate::{
    reason::Reason,
    runtime::{FaceId, Local},
    store::KnownPerson,
};

/// Everybody met in rooms, by fingerprint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct People;

impl Request for People {
    type Answer = Vec<KnownPerson>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Vec<KnownPerson>, Reason> {
        Ok(local.people())
    }
}

/// Accounts whose place others took, ours as well, `(was, now)`: before and after it is one person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeyChanges;

impl Request for KeyChanges {
    type Answer = Vec<(Fingerprint, Fingerprint)>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Self::Answer, Reason> {
        Ok(local.people().iter().filter_map(KnownPerson::change).collect())
    }
}

/// Somebody met in rooms.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Person(pub(crate) Fingerprint);

impl Request for Person {
    type Answer = Option<KnownPerson>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Option<KnownPerson>, Reason> {
        Ok(local.person(&self.0))
    }
}

/// Marks an account key as verified whose whole fingerprint somebody gave, or takes the mark back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) person: room::Person,
    pub(crate) is_verified: bool,
}

impl Request for Mark {
    type Answer = ();

    const CHANGES: bool = true;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.mark(&self.person, self.is_verified).await
    }
}
