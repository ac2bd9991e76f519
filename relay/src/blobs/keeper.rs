//! The one thread that changes the index: what has queued up while the disk was busy goes into one transaction.
//!
//! ```text
//! parts ─▶ file ─▶ fdatasync ─▶ Add ─▶ transaction ─▶ acknowledged
//! Drop, expiry, a room's end ─▶ transaction ─▶ the file's space is given back
//! ```
//!
//! So the index never says that a part is there which is not durable, and a file without a row is nobody's: it is deleted
//! at the next start, or when the index is read again.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
};

use redb::Durability;
use tokio::sync::mpsc;

use super::{
    error::{BlobError, IndexError},
    files::{self, Files},
    index::Index,
    jobs::Job,
    seen::Seen,
    spent::Spent,
    steps::Steps,
    tables,
    transfers::Transfers,
    usage::{Disk, Usage},
};
use crate::policy::{
    files::{FileLimits, INDEX_JOBS, RESERVES},
    refusal::Limit,
};

/// What of the limits it needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub files: FileLimits,
    pub reserve: u64,
    pub opener_percent: u64,
}

/// The thread's state.
pub(super) struct Keeper {
    pub files: Files,
    pub index: Arc<Index>,
    pub usage: Usage,
    pub transfers: Transfers,
    pub policy: Arc<Mutex<Policy>>,
    pub seen: Arc<Seen>,
    pub spent: Spent,
    /// What is counted may not be what the index has.
    pub is_stale: bool,
    /// Blobs with files of lower numbers may have lost their rows by a failure: nobody dropped them.
    pub forgotten: u64,
    pub jobs: mpsc::Receiver<Job>,
}

impl Keeper {
    /// Works until nobody can queue any more and the queue is empty.
    pub(super) fn run(mut self) {
        while let Some(first) = self.jobs.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < INDEX_JOBS
                && let Ok(job) = self.jobs.try_recv()
            {
                batch.push(job);
            }
            self.write(batch);
        }
        self.index.close();
    }

    fn write(&mut self, batch: Vec<Job>) {
        if self.is_stale && self.recount().is_err() {
            return batch.into_iter().for_each(|job| job.fail(BlobError::Unavailable));
        }
        let policy = *self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        let free = fs4::available_space(self.files.folder()).ok();
        let free = free.map(|free| free.saturating_sub(RESERVES * policy.reserve));
        let disk = Disk { free, opener_percent: policy.opener_percent };
        let (usage, forgotten, spent) = (&mut self.usage, self.forgotten, self.spent.take());
        let written = self.index.write(|tables| {
            let mut steps = Steps::new(tables, usage, &policy.files, disk, forgotten);
            steps.spent(&spent)?;
            let mut settled = Vec::with_capacity(batch.len());
            for job in &batch {
                settled.push(steps.settle(job)?);
            }
            let done = steps.done();
            let durability = match (done.changed, done.durable) {
                (_, true) => Some(Durability::Immediate),
                (true, false) => Some(Durability::None),
                (false, false) => None,
            };
            Ok(((settled, done, tables.next_expiry()?), durability))
        });
        match written {
            Ok((settled, done, next_ms)) => {
                self.seen.show(&self.usage, done.touched);
                self.seen.next_ms.store(next_ms, Relaxed);
                for (room, blob, number) in &done.gone {
                    self.transfers.gone(room, blob, *number);
                    if let Err(error) = self.files.discard(*number) {
                        files::stays(&error);
                    }
                }
                for (job, settled) in batch.into_iter().zip(settled) {
                    job.answer(settled);
                }
            }
            Err(error) => {
                let why = match error.is_full() {
                    true => BlobError::over(Limit::FilesReserve),
                    false => BlobError::Unavailable,
                };
                // None of it is on disk, or nobody knows.
                self.spent.put_back(spent);
                self.is_stale = true;
                // Where it cannot be read now, it is before anything else is counted.
                let _ = self.recount();
                batch.into_iter().for_each(|job| job.fail(why));
            }
        }
    }

    /// Counts again what the index has, and deletes the files of what it has not.
    fn recount(&mut self) -> Result<(), IndexError> {
        let (usage, numbers) = load(&self.index)?;
        let next_ms = self.index.write(|tables| Ok((tables.next_expiry()?, None)))?;
        let before = std::mem::replace(&mut self.usage, usage);
        self.seen.show(&self.usage, before.rooms().into_iter().chain(self.usage.rooms()));
        self.seen.next_ms.store(next_ms, Relaxed);
        self.forgotten = self.index.next_number();
        if let Err(error) = self.files.remove_orphans(|number| numbers.contains(&number)) {
            files::stays(&error);
        }
        self.is_stale = false;
        Ok(())
    }
}

/// What all blobs take, as the index has it, and the numbers of their files.
pub(super) fn load(index: &Index) -> Result<(Usage, HashSet<u64>), IndexError> {
    index.read(|transaction| {
        let (mut usage, mut numbers) = (Usage::default(), HashSet::new());
        for (opener, day) in tables::days(transaction)? {
            usage.set_day(opener, day);
        }
        tables::each(transaction, |(room, _, row)| {
            usage.add(&room, &row);
            usage.remember(&row);
            numbers.insert(row.number);
        })?;
        Ok((usage, numbers))
    })
}
