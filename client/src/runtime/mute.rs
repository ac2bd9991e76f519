//! Rooms of which nobody wants to be told, and rooms that stand above the others.

use std::{collections::BTreeSet, sync::Mutex};

use proto::RoomId;

use super::{Event, Local, RoomEvent, lock};
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
        self.put(&self.0.muted, id, is_muted);
        self.tell_listed(id);
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
        self.put(&self.0.pinned, id, is_pinned);
        self.tell_listed(id);
        Ok(())
    }

    /// By its label, whatever somebody typed who meant it.
    fn put(&self, labels: &Mutex<BTreeSet<String>>, room: RoomId, is_in: bool) {
        let Some(label) = self.label_of(room) else { return };
        let mut labels = lock(labels);
        if is_in {
            labels.insert(label);
        } else {
            labels.remove(&label);
        }
    }

    /// Tells how a room stands in lists now. Nobody waits for that: whoever asked may be the one who reads.
    pub(super) fn tell_listed(&self, room: RoomId) {
        let Some(label) = self.label_of(room) else { return };
        let is_muted = lock(&self.0.muted).contains(&label);
        let is_pinned = lock(&self.0.pinned).contains(&label);
        let outlet = self.0.outlet.clone();
        let event = Event::Room { room: label.into(), event: RoomEvent::Listed { is_muted, is_pinned } };
        tokio::spawn(async move { outlet.send(event).await });
    }
}
