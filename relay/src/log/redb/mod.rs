//! The embedded backend: one file, one writer thread, many readers.
//!
//! ```text
//! streams ──▶ queue ──▶ writer: one transaction per batch, fsync, then all answers of the batch
//!    ▲                                    │
//!    └──── read snapshots ◀── follow ◀────┘
//! ```
//!
//! Only after the fsync is a publish acknowledged *and delivered*. To deliver earlier would show
//! members an entry that a power cut takes back, and its sequence number would then be given to
//! another: they would see a fork where there was only a crash.

mod access;
mod apply;
mod backend;
mod check;
mod copy;
mod database;
mod doom;
mod flaw;
mod formats;
mod fullness;
mod lone;
mod opener;
mod openers;
mod overview;
mod pace;
mod pieces;
mod queue;
mod reader;
mod resting;
mod round;
mod row;
mod shares;
mod space;
mod stats;
mod tables;
mod tokens;
mod trim;
mod writer;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use proto::RoomId;
use tokio::sync::oneshot;

pub use self::{
    check::{Checked, Survey},
    database::OpenError,
    flaw::{CheckError, Flaw},
    opener::Opener,
    shares::{Activity, Busiest},
    stats::{Health, LogBound, Stats},
};
pub(crate) use self::{
    copy::{ImportError, Importer},
    database::{FILE as DATABASE, STAGING, is_lost, sync_directory},
    pieces::SlotRow,
    resting::Resting,
    tables::parse_entry,
};
use self::{
    database::Store,
    lone::{Lone, Visits},
    queue::Queue,
    round::Gone,
    writer::{Job, Writer},
};
use super::{Answer, Author, Backend, Feeds, Ticket, Unavailable};
use crate::{
    log::{ExportError, Publish, Record, Rooms, Stop, caught::caught},
    policy::limits::Limits,
};

/// A relay's rooms in one redb file.
#[derive(Debug)]
pub struct Redb {
    store: Arc<Store>,
    feeds: Feeds,
    jobs: Arc<Queue<Job>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    policy: Arc<Mutex<Policy>>,
    visits: Visits,
    stats: Stats,
}

/// The writer ends when nobody can ask for anything any more.
impl Drop for Redb {
    fn drop(&mut self) {
        self.jobs.close();
    }
}

/// What the writer has to know of [`Limits`].
#[derive(Clone, Copy, Debug)]
struct Policy {
    retention: crate::policy::limits::Retention,
    keys_per_room: u64,
    free_space_reserve: u64,
    max_disk: Option<u64>,
    opener_percent: u64,
    /// Bytes of all tails together.
    tail: usize,
    drop_idle: Option<Duration>,
    drop_lone: Option<Duration>,
    /// The writer has not seen it yet: what it remembers of the disk was judged by the one before.
    is_new: bool,
}

impl From<&Limits> for Policy {
    fn from(limits: &Limits) -> Self {
        Self {
            retention: limits.retention,
            keys_per_room: limits.keys_per_room,
            free_space_reserve: limits.free_space_reserve,
            max_disk: limits.max_disk,
            opener_percent: limits.opener_percent,
            tail: limits.tail,
            drop_idle: limits.drop_idle,
            drop_lone: limits.drop_lone,
            is_new: true,
        }
    }
}

impl Redb {
    /// Opens or makes the database in `directory`, repairs it if the last relay was killed, and starts
    /// its writer.
    ///
    /// # Errors
    /// [`OpenError`] when the file cannot be used.
    pub fn open(directory: &Path, limits: &Limits) -> Result<Self, OpenError> {
        let store = Store::open(directory)?;
        if space::is_near_bound(&store, &Policy::from(limits)) {
            // Nobody waits yet, and how much of the file is free is not remembered from the last life.
            let (before, after) = caught(|| store.compact()).unwrap_or(Err(OpenError::Damaged))?;
            tracing::info!(before, after, "the database was near its bound and was compacted");
        }
        Self::start(store, limits)
    }

    fn start(store: Store, limits: &Limits) -> Result<Self, OpenError> {
        let policy = Arc::new(Mutex::new(Policy::from(limits)));
        let jobs = Arc::<Queue<Job>>::default();
        let (store, feeds, stats) = (Arc::new(store), Feeds::default(), Stats::default());
        let writer = Writer::new(store.clone(), feeds.clone(), policy.clone(), jobs.clone(), stats.clone());
        let writer = std::thread::Builder::new().name("relay-writer".into()).spawn(|| writer.run());
        let writer = writer.map_err(OpenError::Thread)?;
        let (writer, visits) = (Mutex::new(Some(writer)), Visits::new(Instant::now()));
        Ok(Self { store, feeds, jobs, writer, policy, visits, stats })
    }

    /// Other limits from the next transaction on.
    pub fn reload(&self, limits: &Limits) {
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = limits.into();
    }

    /// Returns when the writer has died, which only a bug or a damaged file can cause: nothing will be
    /// appended any more.
    pub async fn failed(&self) {
        self.jobs.ended().await;
    }

    /// Looks at every row: checksums, and what must be true of logs. Blocks. Rooms go on meanwhile.
    ///
    /// # Errors
    /// [`Unavailable`] when the list of rooms cannot be read.
    pub fn survey(&self) -> Result<Survey, Unavailable> {
        let snapshot = self.store.snapshot()?;
        let survey = caught(|| check::survey(&snapshot)).ok_or(Unavailable)?;
        survey.map_err(|error| {
            tracing::error!(%error, "the database cannot be checked");
            Unavailable
        })
    }

    /// How the writer does.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Has the writer answer, after what is queued before: it is alive and the database is open.
    ///
    /// # Errors
    /// [`Unavailable`] when the database is shut or closing.
    pub async fn probe(&self) -> Result<Health, Unavailable> {
        let (answer, health) = oneshot::channel();
        let _ = self.queue(Job::Probe { answer }).await;
        let health = health.await.unwrap_or(Err(Unavailable))?;
        Ok(Health { is_full: self.is_full().await, ..health })
    }

    /// Where most is going on.
    ///
    /// # Errors
    /// [`Unavailable`] when the database is shut or closing.
    pub async fn busiest(&self, count: usize) -> Result<Busiest, Unavailable> {
        let (answer, busiest) = oneshot::channel();
        let _ = self.queue(Job::Busiest { count, answer }).await;
        busiest.await.unwrap_or(Err(Unavailable))
    }

    /// Whether the disk had no space for the last write, and seems to have none yet.
    pub async fn is_full(&self) -> bool {
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || store.is_full()).await.unwrap_or(false)
    }

    /// Trims entries that are over age, in every room, sweeps dropped rooms, and answers when it is done. What went is
    /// one line in the log.
    pub async fn trim(&self, now_ms: u64) {
        let idle_before = self.idle_before(now_ms).await;
        let lone = Arc::new(self.lone(now_ms));
        let (mut from, mut gone) = (Some(RoomId([0; 32])), Gone::default());
        while let Some(room) = from {
            let (answer, done) = oneshot::channel();
            if self
                .queue(Job::Trim { from: room, now_ms, idle_before, lone: lone.clone(), answer })
                .await
                .is_err()
            {
                break;
            }
            let Ok(done) = done.await else { break };
            (from, gone) = (done.next, gone + done.gone);
        }
        let Gone { entries, idle_rooms, lone_rooms } = gone;
        if gone != Gone::default() {
            tracing::info!(
                entries,
                idle_rooms,
                lone_rooms,
                "a round of retention removed what was over its bounds"
            );
        }
        self.sweep().await;
    }

    /// Whether there is a room. Blocks.
    pub fn has_rooms(&self) -> bool {
        self.store
            .read(|transaction| overview::rooms(transaction, None, 1))
            .is_ok_and(|rooms| !rooms.is_empty())
    }

    /// The time of the newest entry in any room, or of a newer room without one; 0 for none. Blocks.
    ///
    /// # Errors
    /// [`Unavailable`] when the database cannot be read.
    pub fn newest_ms(&self) -> Result<u64, Unavailable> {
        Ok(self.store.read(overview::overview)?.last_at_ms)
    }

    /// The time before which a room must have been written to last to be dropped; 0 for none. A clock that is
    /// years ahead would make every room look deserted: some other room must have been written to since.
    async fn idle_before(&self, now_ms: u64) -> u64 {
        let idle = self.policy.lock().unwrap_or_else(PoisonError::into_inner).drop_idle;
        let Some(idle) = idle else { return 0 };
        let idle_ms = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
        let newest = self.overview().await.map_or(0, |overview| overview.last_at_ms);
        let before = now_ms.saturating_sub(idle_ms);
        if newest >= before { before } else { 0 }
    }

    /// Which rooms go that only their founder was ever in.
    fn lone(&self, now_ms: u64) -> Lone {
        let now = Instant::now();
        self.visits.note(self.feeds.rooms(), now);
        let policy = *self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(time) = policy.drop_lone else { return Lone::default() };
        let Some(visited) = self.visits.within(time, now) else { return Lone::default() };
        let before =
            |time: Duration| now_ms.saturating_sub(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let unseen_before = before(policy.retention.age.max(time));
        Lone { before: before(time), unseen_before, visited }
    }

    /// Sweeps what is left of dropped rooms.
    async fn sweep(&self) {
        loop {
            let (answer, more) = oneshot::channel();
            if self.queue(Job::Sweep { answer }).await.is_err() || !more.await.unwrap_or(false) {
                return;
            }
        }
    }

    async fn queue(&self, job: Job) -> Result<(), Job> {
        if let Some(taken) = self.jobs.push(job.place(), job.size(), job)? {
            // Fails only when the writer has died, and then so does the job's own answer.
            let _ = taken.await;
        }
        Ok(())
    }

    fn queue_publish(&self, author: Author, publish: Publish) -> Answer<'_, Ticket> {
        Box::pin(async move {
            let (answer, ticket) = oneshot::channel();
            // A refused job drops its sender, which the ticket reads as `Closed`.
            let _ = self.queue(Job::Append { author, publish, answer }).await;
            Ticket(ticket)
        })
    }

    fn read_with<T: Send + 'static>(
        &self,
        read: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error> + Send + 'static,
    ) -> Answer<'_, Result<T, Unavailable>> {
        let store = self.store.clone();
        self.stats.reads.inc();
        Box::pin(async move {
            let result = tokio::task::spawn_blocking(move || store.read(read)).await;
            result.unwrap_or(Err(Unavailable))
        })
    }
}

impl Rooms for Redb {
    /// Rooms go on meanwhile, and what they replace takes space until it is done.
    fn export(
        &self,
        left_out: &BTreeSet<RoomId>,
        take: &mut dyn FnMut(Record) -> Result<(), Stop>,
    ) -> Result<(), ExportError> {
        copy::export(&self.store.snapshot().map_err(|_| ExportError::Unavailable)?, left_out, take)
    }
}

/// Bytes that the database in a directory takes on the disk; `None` when there is none.
pub(crate) fn disk_bytes(directory: &Path) -> Option<u64> {
    database::bytes_on_disk(&directory.join(DATABASE))
}

/// Gives free pages of a stopped relay's database back to the file system. Returns the bytes that it took and
/// takes on the disk. Reads and writes what is kept about once, and needs no space beside the file.
///
/// # Errors
/// [`OpenError`], also when a relay runs on it.
pub fn compact(directory: &Path) -> Result<(u64, u64), OpenError> {
    let store = Store::open(directory)?;
    let compacted = caught(|| store.compact()).unwrap_or(Err(OpenError::Damaged));
    store.close();
    Ok((compacted?.0, store.disk_bytes().unwrap_or(0)))
}

/// Looks at a stopped relay's database: every row, and where those are well, the sums of all pages (redb repairs what can
/// be repaired). Blocks.
///
/// # Errors
/// [`OpenError`], also when a relay runs on it.
pub fn check(directory: &Path) -> Result<Survey, OpenError> {
    caught(|| check_all(directory)).unwrap_or(Err(OpenError::Damaged))
}

fn check_all(directory: &Path) -> Result<Survey, OpenError> {
    let store = match Store::open(directory) {
        Err(error) if error.is_read_only() => return Resting::open(directory)?.survey(),
        opened => opened?,
    };
    let snapshot = store.snapshot();
    let survey = snapshot.map(|snapshot| check::survey(&snapshot));
    let Ok(Ok(mut survey)) = survey else {
        return Ok(Survey {
            elsewhere: Some("the list of rooms cannot be read".into()),
            ..Survey::default()
        });
    };
    if survey.is_whole() {
        survey.elsewhere = match store.has_integrity() {
            Ok(true) => None,
            Ok(false) => Some("pages were damaged and have been repaired; check again".into()),
            Err(error) => Some(error.to_string()),
        };
    }
    store.close();
    Ok(survey)
}

#[cfg(test)]
mod tests;
