//! Unfinished files that a task has: two messages may offer one and the same file, and two tasks never write into it at once.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::sync::Notify;

use crate::runtime::lock;

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
