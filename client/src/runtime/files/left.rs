//! Downloads that nobody runs: a command was interrupted, and what is there of its file stays for the next one. And what goes with
//! a room.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
};

use proto::RoomId;

use super::{
    Running,
    kept::{Download, Job, Kept},
    tail::PartsHash,
    target::Target,
};
use crate::{
    runtime::{Local, ending::EndsWithRoom, lock},
    store::{Store, StoreError},
};

/// Interrupted ones that are kept; of older ones nothing is.
const MOST: usize = 100;

/// What is under way.
pub(super) struct UnderWay(pub(super) Arc<Mutex<BTreeMap<i64, Running>>>);

impl EndsWithRoom for UnderWay {
    fn remove_parts(&self, store: &Store, room: RoomId) {
        remove_parts(store, room);
    }

    fn wake(&self, room: RoomId) {
        for running in lock(&self.0).values().filter(|running| running.room == room) {
            running.shown.steer.send_modify(|_| {});
        }
    }
}

/// What is there of a room's unfinished files goes. Before the store forgets which these are.
pub(crate) fn remove_parts(store: &Store, room: RoomId) {
    // What cannot be read is not known to be of that room.
    let kept: Vec<(RoomId, i64, Kept)> = store.transfers().unwrap_or_default();
    for (of, _, kept) in kept {
        if let Job::Down(down) = kept.job
            && of == room
        {
            down.remove_parts();
        }
    }
}

impl Local {
    /// Interrupted ones that began this unfinished file. While nothing else is begun.
    pub(super) async fn left_behind(&self, target: &Path, parts: PartsHash) -> Result<Vec<i64>, StoreError> {
        let path = Target::path(target, &parts);
        let is_it =
            move |down: &Download| down.has_begun && Target::path(&down.target, &down.file.parts) == path;
        let running = self.running_numbers();
        let left = self.0.vault.run(move |store| passing(store, &running)).await?;
        Ok(left.into_iter().filter(|(_, down)| is_it(down)).map(|(number, _)| number).collect())
    }

    /// Forgets interrupted ones of which nothing is there, and the oldest where there are too many. While nothing else is begun.
    pub(super) async fn tidy_left_behind(&self) -> Result<(), StoreError> {
        let (running, output) = (self.running_numbers(), self.output());
        let tidy = move |store: &mut Store| {
            let mut kept = 0;
            for (number, down) in passing(store, &running)?.into_iter().rev() {
                let is_there = !down.target.starts_with(&output)
                    && down.has_begun
                    && Target::path(&down.target, &down.file.parts).symlink_metadata().is_ok();
                if is_there && kept < MOST {
                    kept += 1;
                    continue;
                }
                down.remove_parts();
                store.end_transfer(number)?;
            }
            Ok(())
        };
        self.0.vault.run(tidy).await
    }

    fn running_numbers(&self) -> BTreeSet<i64> {
        lock(&self.0.files.running).keys().copied().collect()
    }
}

/// What commands fetch for themselves and nobody runs, oldest first.
fn passing(store: &Store, running: &BTreeSet<i64>) -> Result<Vec<(i64, Download)>, StoreError> {
    let all: Vec<(RoomId, i64, Kept)> = store.transfers()?;
    let left = all.into_iter().filter(|(_, number, kept)| kept.is_passing() && !running.contains(number));
    let down = |(_, number, kept): (RoomId, i64, Kept)| match kept.job {
        Job::Down(down) => Some((number, down)),
        Job::Up(_) => None,
    };
    Ok(left.filter_map(down).collect())
}
