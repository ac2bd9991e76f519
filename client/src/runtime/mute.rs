//! Rooms of which nobody wants to be told, and rooms that stand above the others.

use super::{Local, lock};
use crate::reason::Reason;

impl Local {
    /// Whether somebody is told of what is said in a room while they look elsewhere; remembered.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be saved.
    pub async fn mute(&self, room: &str, is_muted: bool) -> Result<(), Reason> {
        let id = self.id(room)?;
        self.0.vault.run(move |store| store.set_muted(id, is_muted)).await?;
        let mut muted = lock(&self.0.muted);
        if is_muted {
            muted.insert(room.to_owned());
        } else {
            muted.remove(room);
        }
        Ok(())
    }

    /// Whether a room stands above the others in lists; remembered.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be saved.
    pub async fn pin(&self, room: &str, is_pinned: bool) -> Result<(), Reason> {
        let id = self.id(room)?;
        self.0.vault.run(move |store| store.set_pinned(id, is_pinned)).await?;
        let mut pinned = lock(&self.0.pinned);
        if is_pinned {
            pinned.insert(room.to_owned());
        } else {
            pinned.remove(room);
        }
        Ok(())
    }
}
