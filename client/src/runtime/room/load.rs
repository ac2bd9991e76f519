//! Loading a room, and what happens when it cannot be stored.

use std::sync::Arc;

use shared::room::{Engine, EngineError};
use tokio::time::Instant;

use super::{Room, guard::Guard};
use crate::{
    reason::{Reason, RoomReason, Unloaded},
    runtime::{RoomEvent, lock, now_ms},
    store::{Over, StoreError, Unreadable},
};

impl Room {
    /// Nothing of the step was stored, so none of it happened: forget it and take the stored state.
    pub(super) async fn storing_failed(&mut self, error: StoreError) -> Reason {
        let reason = Reason::from(error.clone());
        self.engine = None;
        self.stream = None;
        self.wake_at = None;
        self.not_before = Instant::now() + self.backoff.next(&self.profile.random);
        self.show(RoomEvent::Failed(reason.clone())).await;
        if !self.is_stored {
            self.end(Over::Unstored(error));
        }
        reason
    }

    pub(super) async fn load(&mut self) {
        let room = self.record.id;
        let why = match self.vault.run(move |store| store.rows(room)).await {
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
                    Unloaded::Version1
                }
                Err(error) => {
                    let why = match error {
                        EngineError::TooNew => Unreadable::TooNew,
                        EngineError::Damaged => Unreadable::Damaged,
                        other => Unreadable::Other(other.to_string()),
                    };
                    self.end(Over::Unreadable(why.clone()));
                    Unloaded::State(why)
                }
            },
            Err(error) => Unloaded::Store(error),
        };
        self.not_before = Instant::now() + self.backoff.next(&self.profile.random);
        let is_of_store = matches!(why, Unloaded::Store(_));
        self.not_loaded = Some(why.clone());
        // An error of the store names no room: without it, it would be told of the whole profile.
        let why = if is_of_store { self.not_loaded() } else { why.into() };
        self.show(RoomEvent::Failed(why)).await;
    }

    pub(super) fn not_loaded(&self) -> Reason {
        RoomReason::NotLoaded { room: self.label.to_string(), why: self.not_loaded.clone() }.into()
    }
}
