//! A room that a person left at one device is left at all of them.

use proto::RoomId;
use shared::room::{CloseReason, Command};

use super::{Local, lock};
use crate::store::{Over, Store};

impl Local {
    /// A room was left at another device, which may not have known that this one is in it.
    pub(super) fn is_left(&self, room: RoomId) {
        let local = self.clone();
        // Nobody waits for it: the room may wait itself.
        drop(tokio::spawn(async move { local.leave_too(room).await }));
    }

    /// Leaves what was left at another device; an earlier run was cut short.
    pub(super) async fn leave_left(&self) {
        for room in self.0.vault.run(|store| store.left_for_sure()).await.unwrap_or_default() {
            self.is_left(room);
        }
    }

    async fn leave_too(&self, room: RoomId) {
        let Some(label) = self.label_of(room) else { return };
        let read = move |store: &mut Store| {
            let is_left = store.rooms()?.iter().any(|one| one.id == room && one.is_left());
            Ok((store.left_for_sure()?.contains(&room), is_left))
        };
        let Ok((is_to_leave, is_left)) = self.0.vault.run(read).await else { return };
        let is_sure = is_to_leave || is_left;
        if self.was_left(&label, is_sure) {
            return;
        }
        if is_to_leave {
            // What cannot be stored is done at the next start.
            let _ = self.tell(&label, Command::Leave).await;
        }
        // It may have ended just then.
        self.was_left(&label, is_sure);
    }

    /// Where it is over here it was left. False: it is not over.
    fn was_left(&self, label: &str, is_sure: bool) -> bool {
        let over = self.entry(label, |_, entry| {
            let mut state = lock(&entry.state);
            let why = state.over.as_mut()?;
            if is_sure || is_out(why) {
                *why = Over::Left;
            }
            Some(entry.record.id)
        });
        let Some(room) = over.flatten() else { return false };
        self.0.files.under_way().wake(room);
        true
    }
}

/// Another device of this person took this one out.
fn is_out(why: &Over) -> bool {
    matches!(why, Over::Closed(CloseReason::RemovedByOwn | CloseReason::RemovedByOwnUnseen { .. }))
}
