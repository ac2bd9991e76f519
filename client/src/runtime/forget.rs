//! Rooms that somebody left, and what is kept of them until somebody deletes it.

use proto::RoomId;

use super::{Local, RoomStatus, lock, now_ms};
use crate::{
    failure::{Exit, Failure},
    store::Over,
};

impl RoomStatus {
    /// Somebody left it; what was said there is still here.
    pub fn is_left(&self) -> bool {
        self.over == Some(Over::Left)
    }
}

impl Local {
    /// Deletes what is kept of a room that is over.
    ///
    /// # Errors
    /// [`Failure`] when there is no such room, it is not over, or it cannot be deleted.
    pub async fn forget(&self, room: &str) -> Result<(), Failure> {
        let status = self.room(room)?;
        if status.over.is_none() {
            return Err(still_in(&status.label));
        }
        self.0.vault.run(move |store| store.forget_room(status.id)).await?;
        lock(&self.0.rooms).remove(&status.label);
        lock(&self.0.muted).remove(&status.label);
        lock(&self.0.pinned).remove(&status.label);
        Ok(())
    }

    /// Lines of rooms that are over disappear as well, although nobody runs these rooms: at the start.
    pub(super) async fn expire_over(&self, rooms: Vec<RoomId>) {
        let now = now_ms();
        let expire = move |store: &mut crate::store::Store| {
            rooms.iter().try_for_each(|room| store.expire(*room, now).map(drop))
        };
        // What cannot be deleted now is at the next start.
        let _ = self.0.vault.run(expire).await;
    }
}

/// A private room was left, and somebody goes to the open room of its name.
pub(super) fn left_private(name: &str) -> Failure {
    Failure::new(
        Exit::Refused,
        "left_private",
        format!("{} is a private room that you left.", crate::text::sanitize::line(name)),
        "Ask for a new link. Whoever means an open room of that name, which everybody can read, forgets the private one first: /forget.",
    )
}

/// A room that one is in is left before it is forgotten: the others are told.
pub(crate) fn still_in(label: &str) -> Failure {
    Failure::new(
        Exit::Refused,
        "still_in",
        format!("You are in {} still.", crate::text::sanitize::line(label)),
        "Leave it first: /leave.",
    )
}
