//! Rooms of which nobody wants to be told, and rooms that stand above the others.

use std::collections::BTreeSet;

use super::{Local, lock};
use crate::{reason::Reason, store::Mark};

impl Local {
    /// Whether somebody is told of what is said in a room while they look elsewhere; remembered.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be saved.
    pub(crate) async fn mute(&self, room: &str, is_muted: bool) -> Result<(), Reason> {
        let id = self.id(room)?;
        let mark = Mark::Muted(id, is_muted);
        self.done_here(Some(mark), move |store| store.set_muted(id, is_muted)).await?;
        put(&mut lock(&self.0.muted), room, is_muted);
        Ok(())
    }

    /// Whether a room stands above the others in lists; remembered.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be saved.
    pub(crate) async fn pin(&self, room: &str, is_pinned: bool) -> Result<(), Reason> {
        let id = self.id(room)?;
        let mark = Mark::Pinned(id, is_pinned);
        self.done_here(Some(mark), move |store| store.set_pinned(id, is_pinned)).await?;
        put(&mut lock(&self.0.pinned), room, is_pinned);
        Ok(())
    }
}

fn put(labels: &mut BTreeSet<String>, room: &str, is_in: bool) {
    if is_in {
        labels.insert(room.to_owned());
    } else {
        labels.remove(room);
    }
}
