//! Loading a room, and what happens when it cannot be stored.

use std::sync::Arc;

use shared::room::{Engine, EngineError};
use tokio::time::Instant;

use super::{Room, guard::Guard};
use crate::{
    failure::{Exit, Failure},
    reason::{Reason, RoomReason},
    runtime::{RoomEvent, lock, now_ms},
    store::{Over, StoreError, Unreadable},
};

impl Room {
    /// Nothing of the step was stored, so none of it happened: forget it and take the stored state.
    pub(super) async fn storing_failed(&mut self, error: StoreError) -> Failure {
        let failure = Failure::from(&error);
        self.engine = None;
        self.stream = None;
        self.wake_at = None;
        self.not_before = Instant::now() + self.backoff.next(&self.profile.random);
        self.show(RoomEvent::Failed(failure.clone())).await;
        if !self.is_stored {
            self.end(Over::Unstored(error));
        }
        failure
    }

    pub(super) async fn load(&mut self) {
        let room = self.record.id;
        let failure: Failure = match self.vault.run(move |store| store.rows(room)).await {
            Ok(rows) => match Engine::load(&self.profile, rows, now_ms()) {
                Ok(engine) => {
                    let view = engine.view().map(Arc::new);
                    self.guard = Guard::of(view.as_deref());
                    {
                        let mut state = lock(&self.state);
                        (state.view, state.newest) =
                            (view, state.newest.max(engine.told_as(engine.cursor())));
                    }
                    self.engine = Some(engine);
                    return;
                }
                // The store has closed it, unless the disk could not be written.
                Err(EngineError::Version1) => {
                    self.end(Over::Archive { open: false });
                    Reason::from(RoomReason::Version1).into()
                }
                Err(error) => {
                    let why = match error {
                        EngineError::TooNew => Unreadable::TooNew,
                        EngineError::Damaged => Unreadable::Damaged,
                        other => Unreadable::Other(other.to_string()),
                    };
                    self.end(Over::Unreadable(why.clone()));
                    Reason::from(RoomReason::Unreadable(why)).into()
                }
            },
            Err(error) => error.into(),
        };
        self.not_before = Instant::now() + self.backoff.next(&self.profile.random);
        self.not_loaded = Some(failure.clone());
        self.show(RoomEvent::Failed(failure)).await;
    }

    pub(super) fn not_loaded(&self) -> Failure {
        let message = format!("The room {} cannot be read from this device at the moment", self.label);
        match &self.not_loaded {
            Some(why) => {
                let message = format!("{message}: {}", why.message);
                Failure::new(Exit::Local, "storage", message, why.remedy.clone())
            }
            None => {
                let remedy = "Free some space on the disk, then say it again.";
                Failure::new(Exit::Local, "storage", format!("{message}."), remedy)
            }
        }
    }
}
