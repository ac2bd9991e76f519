//! Unfinished files that a task has: two messages may offer one and the same file, and two tasks never write into it at once.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::sync::Notify;

use super::{
    fault::{Fault, local, name_taken},
    kept::{Download, Job},
    target::Target,
    task::Task,
};
use crate::{
    reason::FileFault,
    runtime::{lock, transfer::TransferState},
};

/// All that are had.
#[derive(Clone, Default)]
pub(super) struct Holds(Arc<Taken>);

#[derive(Default)]
struct Taken {
    paths: Mutex<BTreeSet<PathBuf>>,
    freed: Notify,
}

/// One that is had, until this goes.
pub(super) struct Held {
    holds: Holds,
    path: PathBuf,
}

impl Holds {
    /// None: another one has it.
    pub(super) fn try_take(&self, path: &Path) -> Option<Arc<Held>> {
        let is_free = lock(&self.0.paths).insert(path.to_owned());
        is_free.then(|| Arc::new(Held { holds: self.clone(), path: path.to_owned() }))
    }

    /// Waits until nobody else has it.
    pub(super) async fn take(&self, path: &Path) -> Arc<Held> {
        loop {
            // Before the look, so that what is freed right behind that is heard.
            let freed = self.0.freed.notified();
            if let Some(held) = self.try_take(path) {
                return held;
            }
            freed.await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.holds.0.paths).remove(&self.path);
        self.holds.0.freed.notify_waiters();
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_there(held: &mut (impl Future<Output = Arc<Held>> + Unpin)) -> bool {
        tokio::select! {
            biased;
            _ = held => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn what_one_has_the_next_waits_for() {
        let (holds, path) = (Holds::default(), Path::new("/cat.jpg.part"));
        let first = holds.try_take(path).unwrap();
        assert!(holds.try_take(path).is_none());
        assert!(holds.try_take(Path::new("/other.part")).is_some(), "another file is free");
        let mut second = Box::pin(holds.take(path));
        assert!(!is_there(&mut second).await);
        let writer = first.clone();
        drop(first);
        assert!(!is_there(&mut second).await, "somebody still writes");
        drop(writer);
        second.await;
    }
}
