//! How far a file is, and how it stands: told to faces, and stored for the next start.

use std::time::Duration;

use tokio::time::Instant;

use super::task::{STORE, Task};
use crate::{
    reason::Reason,
    runtime::{
        Event, RoomEvent, lock,
        transfer::{Transfer, TransferState},
    },
};

/// Faces are told of bytes at most this often.
const TELL: Duration = Duration::from_millis(200);

impl Task {
    /// So many bytes are there as an attempt begins. `fewer`: what is said where that is less than it was, by more than `slack`.
    pub(super) async fn found(&mut self, done: u64, slack: u64, fewer: fn() -> Reason) {
        let less = {
            let mut transfer = lock(&self.shown.transfer);
            let is_less = done.saturating_add(slack) < transfer.done;
            (transfer.done, transfer.before) = (done, done);
            is_less.then(fewer)
        };
        if let Some(why) = less {
            self.tell(TransferState::Waiting(Some(why))).await;
            return self.tell(TransferState::Running).await;
        }
        let transfer = lock(&self.shown.transfer).clone();
        self.show(transfer).await;
    }

    /// So many bytes are there.
    pub(super) async fn moved(&mut self, done: u64) {
        lock(&self.shown.transfer).done = done;
        if self.stored.elapsed() >= STORE {
            self.store().await;
        }
        let transfer = {
            let transfer = lock(&self.shown.transfer);
            if self.told.elapsed() < TELL {
                return;
            }
            transfer.clone()
        };
        self.show(transfer).await;
    }

    pub(super) async fn moved_all(&mut self) {
        let size = lock(&self.shown.transfer).size;
        self.told -= TELL;
        self.moved(size).await;
    }

    /// It stands otherwise than before.
    pub(super) async fn tell(&mut self, state: TransferState) {
        let transfer = {
            let mut transfer = lock(&self.shown.transfer);
            if transfer.state == state {
                return;
            }
            transfer.state = state;
            transfer.clone()
        };
        self.show(transfer).await;
    }

    async fn show(&mut self, transfer: Transfer) {
        if self.number < 0 {
            // Of a picture of somebody nobody is told.
            return;
        }
        self.told = Instant::now();
        let event = RoomEvent::Transfer(transfer);
        self.local.0.outlet.send(Event::Room { room: self.shown.room.clone(), event }).await;
    }

    /// Remembers whether it goes on by itself, and if not, why.
    pub(super) async fn pause(&mut self, paused: bool, stopped: Option<Reason>) {
        if (self.kept.paused, &self.kept.stopped) == (paused, &stopped) {
            return;
        }
        (self.kept.paused, self.kept.stopped) = (paused, stopped);
        self.store().await;
    }

    /// With how far it is.
    pub(super) async fn store(&mut self) {
        self.stored = Instant::now();
        if self.number < 0 {
            // Of a picture of somebody nothing is stored.
            return;
        }
        self.kept.done = lock(&self.shown.transfer).done;
        let (number, kept) = (self.number, self.kept.clone());
        // What cannot be stored is as it was at the next start.
        let _ = self.vault().run(move |store| store.set_transfer(number, &kept)).await;
    }
}
