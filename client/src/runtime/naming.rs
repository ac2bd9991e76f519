//! What the person is called: one name, in all rooms and at all devices.

use shared::room::Command;

use super::{Local, lock};
use crate::{
    reason::{PersonReason, Reason},
    store::Mark,
};

impl Local {
    /// Changes the display name, here, in all rooms and at the person's other devices.
    ///
    /// # Errors
    /// [`Reason`] when the name cannot be shown or not be saved.
    pub(crate) async fn rename(&self, name: &str) -> Result<(), Reason> {
        let name = shared::identity::clean_speaker(name).map_err(PersonReason::BadName)?;
        let is_new = lock(&self.0.profile).engine.name != name;
        let (mark, saved) = (is_new.then(|| Mark::Named(name.clone())), name);
        self.done_here(mark, move |store| store.set_name(&saved)).await?;
        self.tell_name().await
    }

    /// Another device of the person said what they are called, and that is stored.
    pub(super) async fn take_name(&self) {
        // A room that cannot be told now says it with its next start.
        let _ = self.tell_name().await;
    }

    /// Tells all rooms what the person is called by now.
    async fn tell_name(&self) -> Result<(), Reason> {
        let _one = self.0.naming.lock().await;
        let [name, ..] = self.0.vault.run(|store| store.described()).await?;
        let Some(name) = name else { return Ok(()) };
        lock(&self.0.profile).engine.name.clone_from(&name);
        for status in self.rooms().into_iter().filter(|status| status.view.is_some()) {
            self.tell_where_open(&status.label, Command::Rename(name.clone())).await?;
        }
        Ok(())
    }
}
