//! The file of a message is fetched: for somebody who has it when it is there, for a command while that runs, or because nobody
//! has to ask for it.

use std::path::{Path, PathBuf};

use shared::{message::timeline::Line, room::MessageId};

use super::{
    Files, Running, Wanted, fault,
    kept::{Download, Job, Kept},
};
use crate::{
    reason::{FileReason, Reason},
    runtime::{
        Event, FaceId, Local, RoomEvent, lock,
        transfer::{Transfer, TransferState},
    },
};

/// For whom a file is fetched.
enum Whose {
    /// Somebody who has it when it is there.
    Kept,
    /// A command, of that face of a daemon, that ends before: then it is not fetched any more.
    Command(Option<FaceId>),
    /// Nobody asked: it has to be a picture.
    Nobody,
}

impl Local {
    /// Fetches the file of a message. One that is being fetched already goes on.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or message, it has no file, or it cannot be stored.
    pub(crate) async fn get_file(&self, room: &str, wanted: Wanted) -> Result<Transfer, Reason> {
        self.get(room, wanted, Whose::Kept).await
    }

    /// The same for a command that somebody may end: then it ends as well, and what is there of it stays for the next one.
    ///
    /// # Errors
    /// As of [`Local::get_file`].
    pub(crate) async fn get_passing(
        &self,
        room: &str,
        wanted: Wanted,
        asker: Option<FaceId>,
    ) -> Result<Transfer, Reason> {
        self.get(room, wanted, Whose::Command(asker)).await
    }

    /// Fetches the picture of a message, which nobody asked for: nothing of it stays if it is none.
    pub(super) async fn get_picture(&self, room: &str, message: MessageId) -> Result<Transfer, Reason> {
        self.get(room, Wanted { message, output: None }, Whose::Nobody).await
    }

    async fn get(&self, room: &str, wanted: Wanted, whose: Whose) -> Result<Transfer, Reason> {
        let id = self.running_room(room)?;
        let Wanted { message, output } = wanted;
        let line = self.line(room, message).await?;
        let Some(Line { message: said, .. }) = line else {
            return Err(FileReason::NoMessage.into());
        };
        let Some(file) = said.file else {
            return Err(FileReason::NoFile.into());
        };
        let place = match output {
            Some(path) if !path.is_dir() => (path, true),
            Some(directory) => (directory.join(&file.name), false),
            None => {
                (self.0.config.downloads.clone().ok_or_else(fault::no_downloads)?.join(&file.name), false)
            }
        };
        // Whoever asks for the same at the same time finds this one.
        let _one = self.0.files.beginning.lock().await;
        let fetched = self.is_fetched(id, message, &place.0);
        if let Some(transfer) = fetched.or_else(|| self.just_fetched(id, message, &place.0)) {
            return Ok(transfer);
        }
        if place.1 && place.0.symlink_metadata().is_ok() {
            return Err(fault::name_taken(&place.0));
        }
        let (is_unasked, is_passing, asker) = match whose {
            Whose::Kept => (false, false, None),
            Whose::Command(asker) => (false, true, asker),
            Whose::Nobody => (true, false, None),
        };
        let (target, is_exact) = place;
        // What an interrupted command began goes on.
        let before = self.left_behind(&target, file.parts).await?;
        let has_begun = !before.is_empty();
        let down = Download {
            message,
            file: *file,
            target,
            is_exact,
            is_unasked,
            is_passing,
            has_begun,
            named: None,
        };
        let transfer = self.add_file(room, id, Kept::new(Job::Down(down)), asker).await?;
        for number in before {
            // Else the next start finds nothing of it, and forgets it.
            let _ = self.0.vault.run(move |store| store.end_transfer(number)).await;
        }
        Ok(transfer)
    }

    /// A face of a daemon is gone, and nobody waits any more for what was fetched for it alone.
    pub(crate) async fn end_passing(&self, asker: FaceId) {
        let passing = self.0.files.take_passing(asker);
        if passing.is_empty() {
            return;
        }
        for (_, running) in passing {
            if let Some(task) = running.task {
                task.abort();
                // It may have come to its end.
                let _ = task.await;
            }
            let place = running.path.as_deref().and_then(Path::parent);
            if let Some(place) = place.filter(|place| place.starts_with(self.output())) {
                // What cannot be removed now is at the next start.
                let _ = std::fs::remove_dir_all(place);
            }
            let mut transfer = lock(&running.shown.transfer).clone();
            if transfer.state.is_final() {
                continue;
            }
            transfer.state = TransferState::Cancelled(Some(fault::asker_gone()));
            let event = RoomEvent::Transfer(transfer);
            self.0.outlet.send(Event::Room { room: running.shown.room.clone(), event }).await;
        }
        let _one = self.0.files.beginning.lock().await;
        // What cannot be forgotten now is at the next start.
        let _ = self.tidy_left_behind().await;
    }

    /// Where files are that are on their way to a command's standard output.
    pub(super) fn output(&self) -> PathBuf {
        lock(&self.0.profile).dir().output()
    }
}

impl Files {
    /// Takes out what was fetched for this face alone.
    fn take_passing(&self, asker: FaceId) -> Vec<(i64, Running)> {
        let mut running = lock(&self.running);
        let numbers: Vec<i64> =
            running.iter().filter(|(_, one)| one.asker == Some(asker)).map(|(number, _)| *number).collect();
        numbers.into_iter().filter_map(|number| Some((number, running.remove(&number)?))).collect()
    }
}
