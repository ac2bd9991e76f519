//! An unfinished file is begun, held while a task is at it, and removed where nobody wants it.

use super::{
    fault::{Fault, local, name_taken},
    kept::{Download, Job},
    target::Target,
    task::Task,
};
use crate::{reason::FileFault, runtime::transfer::TransferState};

impl Task {
    /// One after the other: two tasks that write into one file each spoil what the other has.
    pub(super) async fn hold(&mut self) -> Result<(), Fault> {
        let Job::Down(down) = &self.kept.job else { return Ok(()) };
        if self.held.is_some() {
            return Ok(());
        }
        let holds = self.local.0.files.holds();
        let path = Target::path(&down.target, &down.file.parts);
        self.held = match holds.try_take(&path) {
            Some(held) => Some(held),
            None => {
                self.tell(TransferState::Waiting(None)).await;
                tokio::select! {
                    held = holds.take(&path) => Some(held),
                    () = self.steer.changed() => return Err(Fault::Steered),
                }
            }
        };
        Ok(())
    }

    /// What is there of what is fetched goes, unless another task has it.
    pub(super) async fn remove_parts(&mut self) {
        let Job::Down(down) = self.kept.job.clone() else { return };
        if self.held.is_none() {
            self.held = self.local.0.files.holds().try_take(&Target::path(&down.target, &down.file.parts));
        }
        if self.held.is_some() {
            let _ = tokio::task::spawn_blocking(move || down.remove_parts()).await;
        }
    }

    /// Makes the files that its parts come into, and writes down that they are its own before there is anything in them.
    pub(super) async fn begin(&mut self, down: &Download) -> Result<(), Fault> {
        let (place, parts) = (down.target.clone(), down.file.parts);
        let begun = tokio::task::spawn_blocking(move || Target::begin(&place, &parts)).await;
        begun.map_err(|_| Fault::Lost)?.map_err(|(path, error)| match FileFault::from(&error) {
            FileFault::Taken => Fault::last(name_taken(&path)),
            _ => local(&path, &error),
        })?;
        if let Job::Down(down) = &mut self.kept.job {
            down.has_begun = true;
        }
        self.store().await;
        Ok(())
    }
}
