//! Tells the other devices of this account what was done here, in the room that is for that; and this runtime what was done there.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use shared::room::{Command, MessageBody};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::sleep,
};

use super::{Event, Inner, Local, RoomEvent, RoomStatus, lock};
use crate::{
    reason::Reason,
    store::{Mark, Store, StoreError, written_for_newcomer, written_marks},
};

/// What is done within this time is told together: who reads along does something with each line.
const TOGETHER: Duration = Duration::from_secs(2);

/// Messages of other devices that wait to be shown. Full: their room waits.
const WAITING: usize = 64;

/// What a device said in the room of the devices, and what is stored already.
pub(super) type Heard = Vec<Mark>;

/// The way to whoever takes what is said there.
pub(super) struct Sync {
    pub(super) heard: mpsc::Sender<Heard>,
    waits: std::sync::Mutex<Option<mpsc::Receiver<Heard>>>,
    pub(super) done: Arc<Notify>,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Default for Sync {
    fn default() -> Self {
        let (heard, waits) = mpsc::channel(WAITING);
        let (waits, task) = (Some(waits).into(), None.into());
        Self { heard, waits, done: Arc::default(), task }
    }
}

impl Local {
    /// Begins; what an earlier run did not tell is told.
    pub(super) fn start_sync(&self) {
        let Some(waits) = lock(&self.0.sync.waits).take() else { return };
        let task = tokio::spawn(run(Arc::downgrade(&self.0), self.0.sync.done.clone(), waits));
        *lock(&self.0.sync.task) = Some(task);
        self.0.sync.done.notify_one();
        let local = self.clone();
        drop(tokio::spawn(async move { local.leave_left().await }));
    }

    pub(super) fn stop_sync(&self) {
        if let Some(task) = lock(&self.0.sync.task).take() {
            task.abort();
        }
    }

    /// Does something here, and tells the other devices, if there are any: both, or neither, whatever happens to this program.
    pub(super) async fn done_here(
        &self,
        mark: Option<Mark>,
        change: impl FnOnce(&mut Store) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), Reason> {
        let is_told = mark.is_some();
        self.0.vault.run(move |store| store.done_here(mark.as_ref(), change)).await?;
        if is_told {
            self.0.sync.done.notify_one();
        }
        Ok(())
    }
}

/// As long as the runtime is in use, which this does not keep up.
async fn run(inner: Weak<Inner>, done: Arc<Notify>, mut waits: mpsc::Receiver<Heard>) {
    let local = || inner.upgrade().map(Local);
    loop {
        tokio::select! {
            heard = waits.recv() => {
                let (Some(heard), Some(local)) = (heard, local()) else { return };
                take(&local, heard).await;
            }
            () = done.notified() => {
                let telling = async {
                    sleep(TOGETHER).await;
                    let Some(local) = local() else { return };
                    tell(&local).await;
                    // What could not be entered before; another device may have been away as well.
                    drop(tokio::spawn(async move { local.take_offers().await }));
                };
                tokio::pin!(telling);
                // The room that is to tell may wait for what it heard to be taken.
                loop {
                    tokio::select! {
                        () = &mut telling => break,
                        heard = waits.recv() => {
                            let (Some(heard), Some(local)) = (heard, local()) else { return };
                            take(&local, heard).await;
                        }
                    }
                }
            }
        }
    }
}

/// Says what waits. It is said again until it was seen in the log: a mark twice is as a mark once.
pub(super) async fn tell(local: &Local) {
    let Some(room) = local.own_devices().filter(|room| room.view.is_some()) else { return };
    // What is said while the relay is away waits in the room's outbox, and would be there once more for each time.
    if !local.is_up(room.id) {
        return;
    }
    let Ok(waiting) = local.0.vault.run(|store| store.unsynced()).await else { return };
    for marks in written_marks(&waiting) {
        let said = MessageBody::Device(marks);
        let token = "sync".to_owned();
        if local.tell(&room.label, Command::Say { token, body: said }).await.is_err() {
            return;
        }
    }
    tell_newcomers(local, &room).await;
}

/// Tells devices that are new how everything is, each for itself.
async fn tell_newcomers(local: &Local, room: &RoomStatus) {
    let Ok(newcomers) = local.0.vault.run(|store| store.newcomers()).await else { return };
    let drafts = local.0.config.tells_drafts;
    for device in newcomers {
        let mut members = room.view.iter().flat_map(|view| &view.members);
        let is_there = members.any(|member| member.device.id == device);
        if is_there {
            let Ok(marks) = local.0.vault.run(move |store| store.all_marks(drafts)).await else { return };
            for marks in written_for_newcomer(device, &marks) {
                let (token, body) = ("sync".to_owned(), MessageBody::Device(marks));
                if local.tell(&room.label, Command::Say { token, body }).await.is_err() {
                    return;
                }
            }
        }
        // If that is not kept it is told once more.
        let _ = local.0.vault.run(move |store| store.newcomer_is_told(device)).await;
    }
}

async fn take(local: &Local, taken: Heard) {
    let Ok((muted, pinned)) = local.0.vault.run(|store| Ok((store.muted()?, store.pinned()?))).await else {
        return;
    };
    *lock(&local.0.muted) = muted;
    *lock(&local.0.pinned) = pinned;
    for mark in taken {
        match mark {
            Mark::Read(room, seq) => {
                let Some(label) = local.label_of(room) else { continue };
                let event = RoomEvent::ReadElsewhere(seq);
                local.0.outlet.send(Event::Room { room: label.into(), event }).await;
            }
            Mark::Draft(room, typed) => {
                let Some(label) = local.label_of(room) else { continue };
                let event = RoomEvent::DraftElsewhere(typed.as_str().to_owned());
                local.0.outlet.send(Event::Room { room: label.into(), event }).await;
            }
            Mark::Left(room) => local.is_left(room),
            Mark::Entered(_) => drop(tokio::spawn({
                let local = local.clone();
                async move { local.take_offers().await }
            })),
            Mark::Muted(room, _) | Mark::Pinned(room, _) => local.tell_listed(room),
            Mark::Named(_) => drop(tokio::spawn({
                let local = local.clone();
                async move { local.take_name().await }
            })),
            // Settings hold from the next start on.
            Mark::Verified(..) | Mark::Setting { .. } => {}
        }
    }
}
