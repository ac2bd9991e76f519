//! Files of members: opaque bytes in parts, beside the log and without it.
//!
//! ```text
//! session ─▶ Blobs ─┬─▶ files: blobs/xx/<number>, parts at their places, fdatasync
//!                   └─▶ keeper: one thread, index.redb ◀─ expiry, rooms that are no more
//! ```
//!
//! Rooms wait for none of it: it has threads, memory and a database of its own. It reads no clock; the time is an argument.

mod check;
mod day;
mod draft;
mod error;
mod files;
mod index;
mod intake;
mod jobs;
mod keeper;
mod lent;
mod marks;
mod row;
mod seen;
mod spent;
mod steps;
mod tables;
mod transfers;
mod usage;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::JoinHandle,
};

use bytes::Bytes;
use proto::{BlobId, RoomId};
use tokio::sync::{Semaphore, mpsc, oneshot};

pub use self::{
    check::FileSurvey,
    error::{BlobsError, IndexError},
    row::{OpenerBytes, Row, payer},
    usage::FileTotals,
};
pub(crate) use self::{
    check::{Carried, Shelf},
    draft::Draft,
    error::BlobError,
    files::FOLDER,
    intake::Intake,
    jobs::{Unwanted, Wanted},
    transfers::{Pen, Transfer, Transfers},
};
use self::{
    draft::Writing,
    files::Files,
    index::Index,
    jobs::{Added, Job},
    keeper::{Keeper, Policy},
    seen::Seen,
    spent::Spent,
};
use crate::policy::{
    files::{FILE_THREADS, INDEX_QUEUE},
    limits::Limits,
    refusal::Limit,
};

/// All blobs of a relay.
#[derive(Debug)]
pub(crate) struct Blobs {
    data_dir: PathBuf,
    files: Files,
    index: Arc<Index>,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    keeper: Mutex<Option<JoinHandle<()>>>,
    policy: Arc<Mutex<Policy>>,
    seen: Arc<Seen>,
    spent: Spent,
    /// What is on its way.
    pub transfers: Transfers,
    threads: Arc<Semaphore>,
}

/// A blob that can be fetched.
#[derive(Debug)]
pub(crate) struct Whole {
    file: Arc<File>,
    /// As it is on disk.
    pub row: Row,
}

impl Blobs {
    /// Opens or makes what is in `data_dir`, deletes what a crash left behind, and starts the thread. Blocks.
    ///
    /// # Errors
    /// [`BlobsError`] when it cannot be used.
    pub(crate) fn open(data_dir: &Path, limits: &Limits) -> Result<Self, BlobsError> {
        let broken = |source| BlobsError::Io { path: data_dir.join(FOLDER), source };
        let files = Files::open(data_dir).map_err(broken)?;
        let index = Index::open(files.folder())?;
        Self::open_on(data_dir, files, index, limits)
    }

    fn open_on(data_dir: &Path, files: Files, index: Index, limits: &Limits) -> Result<Self, BlobsError> {
        let broken = |source| BlobsError::Io { path: data_dir.join(FOLDER), source };
        let index = Arc::new(index);
        let (usage, numbers) = keeper::load(&index)?;
        index.skip_to(numbers.iter().max().map_or(0, |last| last + 1));
        let orphans = files.remove_orphans(|number| numbers.contains(&number)).map_err(broken)?;
        if orphans > 0 {
            tracing::info!(orphans, "files that were begun and never counted are deleted");
        }
        let (seen, spent) = (Seen::of(&usage), Spent::default());
        let (jobs, waiting) = mpsc::channel(INDEX_QUEUE);
        let (policy, seen) = (Arc::new(Mutex::new(Policy::from(limits))), Arc::new(seen));
        let transfers = Transfers::default();
        let keeper = Keeper {
            files: files.clone(),
            index: index.clone(),
            usage,
            transfers: transfers.clone(),
            policy: policy.clone(),
            seen: seen.clone(),
            spent: spent.clone(),
            is_stale: false,
            forgotten: 0,
            jobs: waiting,
        };
        let thread = std::thread::Builder::new().name("relay-files".into()).spawn(|| keeper.run());
        let keeper = Mutex::new(Some(thread.map_err(BlobsError::Thread)?));
        let (jobs, threads) = (Mutex::new(Some(jobs)), Arc::new(Semaphore::new(FILE_THREADS)));
        let data_dir = data_dir.to_owned();
        Ok(Self { data_dir, files, index, jobs, keeper, policy, seen, spent, transfers, threads })
    }

    /// Begins a blob, or says what there is of it. Whoever may not send it learns so here, before anybody's pen is asked for.
    pub(crate) async fn claim(&self, wanted: Wanted) -> Result<Row, BlobError> {
        self.ask(|answer| Job::Open(Box::new(wanted), answer)).await?
    }

    /// Goes on with a blob as its one sender. What a crash left of it is there again.
    pub(crate) async fn open_blob(&self, wanted: Wanted, pen: &Pen) -> Result<Draft, BlobError> {
        let (room, blob, now_ms, _held) = (wanted.room, wanted.blob, wanted.now_ms, pen.held());
        let row = self.claim(wanted).await?;
        let (files, asked) = (self.files.clone(), row.clone());
        let opened = self.run(move || {
            let file = files.open_or_make(asked.number, asked.parts.count() > 0)?;
            let found = marks::found(&file, &asked)?;
            Ok((file, found))
        });
        let (file, found) = match opened.await {
            Ok(opened) => opened,
            Err(error) => {
                self.forget_unmade(room, blob, &row).await;
                return Err(error);
            }
        };
        let (payer, spent) = ((row.opener, row.sender), self.spent.clone());
        let (unkept, has_failed) = (AtomicU64::new(0), AtomicBool::new(false));
        let file = Arc::new(Writing { file, payer, opened_ms: now_ms, spent, unkept, has_failed, _held });
        let mut draft = Draft { room, blob, file, row };
        if !found.is_empty() {
            // Whoever sends it is not told of them before.
            tracing::debug!(parts = found.len(), "parts that a crash left are there and need not come again");
            draft.row = self.keep(&draft, found, now_ms).await?;
        }
        Ok(draft)
    }

    /// A row whose file the disk did not take promises what is not there, and counts against whoever wanted it.
    async fn forget_unmade(&self, room: RoomId, blob: BlobId, row: &Row) {
        if row.parts.count() > 0 || self.files.may_have(row.number) {
            return;
        }
        let unwanted = Unwanted { room, blob, by: row.sender, shown: None };
        // What cannot be forgotten now goes by its time.
        let _ = self.discard(unwanted).await;
    }

    /// Deletes the file of a blob that was dropped while it was made.
    pub(crate) async fn discard_file(&self, number: u64) -> Result<(), BlobError> {
        let files = self.files.clone();
        self.run(move || files.discard(number)).await
    }

    /// Writes a part to its place; it is not durable yet. Gives its sum. A part that is on disk has to be the same.
    pub(crate) async fn write(&self, draft: &Draft, number: u32, bytes: Bytes) -> Result<u32, BlobError> {
        let (file, layout) = (draft.file.clone(), draft.row.layout);
        self.run(move || file.write(layout, number, &bytes)).await
    }

    /// Whether a part that was written before has these bytes.
    pub(crate) async fn is_same(&self, draft: &Draft, number: u32, bytes: Bytes) -> Result<bool, BlobError> {
        let (file, offset) = (draft.file.clone(), draft.row.layout.offset(number));
        self.run(move || Ok(*file.file.read_at(bytes.len(), offset)? == *bytes)).await
    }

    /// Makes parts that were written durable, each with its sum; then the index has them.
    pub(crate) async fn keep(
        &self,
        draft: &Draft,
        parts: Vec<(u32, u32)>,
        now_ms: u64,
    ) -> Result<Row, BlobError> {
        let file = draft.file.clone();
        self.run(move || file.sync()).await?;
        let Draft { room, blob, row, .. } = draft;
        let length = |(number, _): &(u32, u32)| row.layout.length(*number).unwrap_or(0) as u64;
        let bytes = parts.iter().map(length).sum();
        let added = Added { room: *room, blob: *blob, number: row.number, parts, now_ms };
        let kept = self.ask(|answer| Job::Add(added, answer)).await??;
        draft.file.kept(bytes);
        if kept.parts.is_whole() && marks::has(kept.layout) {
            let (file, layout) = (draft.file.clone(), kept.layout);
            self.run(move || {
                marks::cut_off(&file.file, layout);
                Ok(())
            })
            .await?;
        }
        Ok(kept)
    }

    /// A blob that can be fetched.
    pub(crate) async fn find(&self, room: RoomId, blob: BlobId, now_ms: u64) -> Result<Whole, BlobError> {
        let (index, files) = (self.index.clone(), self.files.clone());
        let found = self.run(move || {
            let row = index.read(|transaction| tables::get(transaction, &room, &blob));
            let row = row.map_err(io::Error::other)?;
            let row = row.filter(|row| row.parts.is_whole() && row.expires_ms > now_ms);
            row.map(|row| Ok((Arc::new(files.read(row.number)?), row))).transpose()
        });
        let (file, row) = found.await.map_err(lost)?.ok_or(BlobError::NoBlob)?;
        Ok(Whole { file, row })
    }

    /// One part of it.
    pub(crate) async fn read(&self, whole: &Whole, number: u32) -> Result<Bytes, BlobError> {
        let Row { layout, sums, .. } = &whole.row;
        let (length, offset) = (layout.length(number).unwrap_or(0), layout.offset(number));
        let (file, sum) = (whole.file.clone(), sums.get(number as usize).copied());
        let read = self.run(move || {
            let bytes = files::read_at(&file, length, offset)?;
            Ok((Some(crc32fast::hash(&bytes)) == sum).then_some(bytes))
        });
        match read.await.map_err(lost)? {
            Some(bytes) => Ok(bytes.into()),
            None => {
                tracing::error!("a file of a room is damaged on the disk; `relay check` names it");
                Err(BlobError::Damaged)
            }
        }
    }

    /// Deletes a blob.
    pub(crate) async fn discard(&self, unwanted: Unwanted) -> Result<(), BlobError> {
        self.ask(|answer| Job::Drop(unwanted, answer)).await?
    }

    /// Deletes what is over its time; costs nothing while nothing is.
    pub(crate) async fn purge(&self, now_ms: u64) {
        while self.seen.next_ms.load(Relaxed) <= now_ms {
            if !self.ask(|answer| Job::Purge(now_ms, false, answer)).await.unwrap_or(false) {
                break;
            }
        }
    }

    /// Deletes what is over its bounds as well: those of before may have been others.
    pub(crate) async fn trim(&self, now_ms: u64) {
        while self.ask(|answer| Job::Purge(now_ms, true, answer)).await.unwrap_or(false) {}
    }

    /// Deletes the blobs of rooms that are no more.
    pub(crate) async fn drop_rooms(&self, rooms: Vec<RoomId>) {
        while self.ask(|answer| Job::DropRooms(rooms.clone(), answer)).await.unwrap_or(false) {}
    }

    /// What is kept, for whoever reads all of it.
    pub(crate) fn shelf(&self) -> Shelf {
        Shelf::new(self.data_dir.clone(), self.files.clone(), self.index.clone())
    }

    /// Rooms that have blobs.
    pub(crate) fn rooms(&self) -> Vec<RoomId> {
        self.seen.rooms()
    }

    /// How many files a room has, and what they count.
    pub(crate) fn of_room(&self, room: &RoomId) -> (u64, u64) {
        self.seen.of_room(room)
    }

    /// All of it in numbers.
    pub(crate) fn totals(&self) -> FileTotals {
        self.seen.totals()
    }

    /// Other limits from now on.
    pub(crate) fn reload(&self, limits: &Limits) {
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = limits.into();
    }

    /// Takes nothing more, finishes what was queued and lets go of the index.
    pub(crate) async fn close(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = tokio::task::spawn_blocking(move || keeper.is_none_or(|keeper| keeper.join().is_ok()));
        if !ended.await.unwrap_or(false) {
            tracing::error!("the thread of the files failed");
        }
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, BlobError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (answer, answered) = oneshot::channel();
        let jobs = jobs.ok_or(BlobError::Unavailable)?;
        jobs.send(job(answer)).await.map_err(|_| BlobError::Unavailable)?;
        answered.await.map_err(|_| BlobError::Unavailable)
    }

    /// Runs what blocks on one of a few threads.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        let permit = self.threads.clone().acquire_owned().await.map_err(|_| BlobError::Unavailable)?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(|_| BlobError::Unavailable)?.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                BlobError::over(Limit::FilesReserve)
            }
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => BlobError::Damaged,
            _ => {
                tracing::error!(%error, "a file of a room cannot be written or read");
                BlobError::Unavailable
            }
        })
    }
}

/// A file that is shorter than its row, or not there: it was dropped a moment ago.
fn lost(error: BlobError) -> BlobError {
    if error == BlobError::Damaged { BlobError::NoBlob } else { error }
}

impl From<&Limits> for Policy {
    fn from(limits: &Limits) -> Self {
        Self {
            files: limits.files,
            reserve: limits.free_space_reserve,
            opener_percent: limits.opener_percent,
        }
    }
}

#[cfg(test)]
mod tests;
