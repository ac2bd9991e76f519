//! Chat lines whose time is over go from the disk and from the screen.

use shared::room::Millis;

use super::Room;
use crate::runtime::{RoomEvent, now_ms};

/// When they cannot be deleted now, it is tried again after so many milliseconds.
const AGAIN_MS: u64 = 60_000;

impl Room {
    /// A line was stored that goes at that time.
    pub(super) fn will_expire(&mut self, at: Option<Millis>) {
        self.expires_at = self.expires_at.into_iter().chain(at).min();
    }

    pub(super) async fn expire(&mut self) {
        let (room, now) = (self.record.id, now_ms());
        let done = self.vault.run(move |store| {
            let gone = store.expire(room, now)?;
            Ok((gone, store.next_expiry(room)?))
        });
        match done.await {
            Ok((gone, next)) => {
                self.expires_at = next;
                if !gone.is_empty() {
                    self.drops.notify_one();
                    self.show(RoomEvent::Gone(gone)).await;
                }
            }
            Err(error) => {
                self.expires_at = Some(now.saturating_add(AGAIN_MS));
                self.show(RoomEvent::Failed(error.into())).await;
            }
        }
    }
}
