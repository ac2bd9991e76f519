//! Rooms that somebody left, and what is kept of them until somebody deletes it.

use proto::RoomId;

use super::{Local, RoomStatus, files::remove_parts, lock, now_ms};
use crate::{
    reason::{Reason, RoomReason},
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
    /// [`Reason`] when there is no such room, it is not over, or it cannot be deleted.
    pub(crate) async fn forget(&self, room: &str) -> Result<(), Reason> {
        let status = self.room(room)?;
        if status.over.is_none() {
            return Err(RoomReason::StillIn(status.label).into());
        }
        let forget = move |store: &mut crate::store::Store| {
            remove_parts(store, status.id);
            store.forget_room(status.id)
        };
        self.0.vault.run(forget).await?;
        self.0.files.under_way().wake(status.id);
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
