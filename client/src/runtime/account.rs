//! Another key for the account, by the word of its recovery key: stored before any room hears of it. Each room then takes it
//! when its turn comes, after a restart as well.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use shared::identity::{
    Identity,
    phrase::Phrase,
    recovery::{ENTROPY_LEN, RecoveryKey},
};
use tokio::sync::oneshot;
use zeroize::{Zeroize as _, Zeroizing};

use super::{Event, Local, RoomEvent, lock, room::Ask};
use crate::{reason::Reason, store::StoredNotice};

/// What the twelve words of a phrase say. Secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entropy(pub [u8; ENTROPY_LEN]);

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}

impl Drop for Entropy {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Entropy {
    fn recovery_key(&self) -> RecoveryKey {
        RecoveryKey::from_seed(&Phrase::from_bytes(&self.0).recovery_seed())
    }
}

/// How far a room is with the present key of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRoom {
    /// The room's label.
    pub room: String,
    /// Nobody is shown it: in it the devices keep in step.
    pub is_hidden: bool,
    /// It has taken the key.
    pub is_done: bool,
}

/// What became of the wish for another key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replaced {
    /// It can have it; nothing has changed.
    Ready,
    /// The account has it. The rooms, and which have taken it already.
    Done(Vec<KeyRoom>),
    /// The phrase is not the one of this account's recovery key; nothing has changed.
    WrongPhrase,
    /// These rooms have not taken the key that came before; nothing has changed. They would know only of the last change.
    Unfinished(Vec<KeyRoom>),
}

impl Local {
    /// Gives the account another key, and another recovery key, which comes from `fresh`; without that it is only looked whether
    /// it can have one. `phrase` is what the present recovery key comes from. Backups are sealed by the fresh phrase from then on.
    ///
    /// # Errors
    /// [`Reason`] when it cannot be stored; then nothing has changed.
    pub(crate) async fn replace_key(
        &self,
        phrase: &Entropy,
        fresh: Option<&Entropy>,
    ) -> Result<Replaced, Reason> {
        let (old, random) = {
            let profile = lock(&self.0.profile);
            (profile.engine.identity.clone(), profile.engine.random.clone())
        };
        let recovery = phrase.recovery_key();
        if recovery.next() != old.next() {
            return Ok(Replaced::WrongPhrase);
        }
        let mut behind = self.key_rooms().await;
        behind.retain(|room| !room.is_done);
        if old.change().is_some() && !behind.is_empty() {
            return Ok(Replaced::Unfinished(behind));
        }
        let Some(fresh) = fresh else { return Ok(Replaced::Ready) };
        let secret = Zeroizing::new(random.bytes());
        let new = Identity::new(&secret, fresh.recovery_key().next());
        let changed = recovery.sign_change(&old, &new).and_then(|change| new.with_change(change));
        let Some(account) = changed.filter(|_| phrase != fresh) else { return Ok(Replaced::WrongPhrase) };
        let (account, was) = (Arc::new(account), old.fingerprint());
        let (stored, seals) = (account.clone(), Phrase::from_bytes(&fresh.0).backup_key());
        let done = self.0.vault.run(move |store| store.replace_account(&was, &stored, &seals)).await?;
        // Somebody else was faster, by the same phrase.
        let Some(told) = done else { return Ok(Replaced::WrongPhrase) };
        lock(&self.0.profile).engine.identity = account.clone();
        for StoredNotice { ordinal, room, notice } in told {
            let event = RoomEvent::Notice { ordinal, notice, again: false };
            self.0.outlet.send(Event::Room { room: room.into(), event }).await;
        }
        for status in self.all_rooms().into_iter().filter(|status| status.over.is_none()) {
            let Ok(asks) = self.asks(&status.label) else { continue };
            let (reply, taken) = oneshot::channel();
            if asks.send(Ask::Account(account.clone(), reply)).await.is_ok() {
                // A room that ends now has nothing to take.
                let _ = taken.await;
            }
        }
        Ok(Replaced::Done(self.key_rooms().await))
    }

    /// The rooms that this device is in, and which have taken the present key of the account.
    pub(crate) async fn key_rooms(&self) -> Vec<KeyRoom> {
        let me = self.me().1;
        let mut rooms = Vec::new();
        for status in self.all_rooms().into_iter().filter(|status| status.over.is_none()) {
            self.settled(&status.label).await;
            let view = self.view(&status.label);
            let has_taken = |view: &shared::room::GroupView| {
                view.members.iter().any(|member| member.me && member.person.fingerprint == me)
            };
            rooms.push(KeyRoom {
                is_hidden: view.as_ref().is_some_and(|view| view.own_devices),
                is_done: view.is_some_and(|view| has_taken(&view)),
                room: status.label,
            });
        }
        rooms
    }
}
