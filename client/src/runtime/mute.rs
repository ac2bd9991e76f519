//! Rooms of which nobody wants to be told.

use super::{Local, lock};
use crate::failure::Failure;

impl Local {
    /// Whether somebody is told of what is said in a room while they look elsewhere; remembered.
    ///
    /// # Errors
    /// [`Failure`] when there is no such room or it cannot be saved.
    pub async fn mute(&self, room: &str, is_muted: bool) -> Result<(), Failure> {
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
}
