//! Rooms in redb: one file, one writer thread, many readers.
//!
//! ```text
//! streams ──▶ queue ──▶ writer: one transaction or one frame of the journal per batch, fsync, then all answers of it
//!    ▲                                    │
//!    └──── read snapshots ◀── follow ◀────┘
//! ```
//!
//! Only after the fsync is a publish acknowledged *and delivered*. To deliver earlier would show
//! members an entry that a power cut takes back, and its sequence number would then be given to
//! another: they would see a fork where there was only a crash.

mod access;
mod ahead;
mod apply;
mod check;
mod copy;
mod database;
mod flaw;
mod formats;
mod fullness;
mod holds;
#[cfg(feature = "instructions")]
mod hot;
mod journal;
mod kept;
mod log;
mod lone;
mod open;
mod opener;
mod openers;
mod operator;
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
mod tombstone;
mod trim;
mod writer;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use proto::RoomId;
use tokio::sync::oneshot;

#[cfg(feature = "instructions")]
pub use self::hot::HotPath;
pub use self::{
    check::{Checked, Survey},
    flaw::{CheckError, Flaw},
    formats::VERSION as FORMAT,
    open::OpenError,
    opener::{BadName, Opener, OpenerName},
    shares::{Activity, Busiest},
    stats::{Health, LogBound, Stats},
};
pub(crate) use self::{
    copy::{ImportError, Importer},
    open::{FILE as DATABASE, STAGING, is_lost, sync_directory},
    pieces::SlotRow,
    resting::Resting,
    tables::parse_entry,
};
use self::{
    database::Store,
    lone::Visits,
    queue::Queue,
    writer::{Job, Writer},
};
use crate::{
    log::{
        Answer, Author, ExportError, Feeds, Publish, Record, Rooms, Stop, Ticket, Unavailable, caught::caught,
    },
    policy::limits::Limits,
};

/// A relay's rooms in one redb file.
#[derive(Debug)]
pub(crate) struct Redb {
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
    pub(crate) fn open(directory: &Path, limits: &Limits) -> Result<Self, OpenError> {
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
    open::bytes_on_disk(&directory.join(DATABASE))
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

/// The pin of the identity that a stopped relay's rooms were opened under, if that was noted and there are any. Blocks.
///
/// # Errors
/// [`OpenError`], also when a relay runs on it.
pub(crate) fn owner(directory: &Path) -> Result<Option<[u8; 32]>, OpenError> {
    let store = open_to_look(directory)?;
    let read = |transaction: &redb::ReadTransaction| {
        use redb::ReadableTableMetadata;
        let all = tables::Snapshot::open(transaction)?;
        let owner = all.owner.get(())?.map(|pin| *pin.value());
        Ok(owner.filter(|_| all.rooms.len().is_ok_and(|rooms| rooms > 0)))
    };
    let owner = caught(|| store.read(read)).and_then(Result::ok);
    store.close();
    owner.ok_or(OpenError::Damaged)
}

/// Looks at a stopped relay's database: every row, and where those are well, the sums of all pages (redb repairs what can
/// be repaired). Blocks.
///
/// # Errors
/// [`OpenError`], also when a relay runs on it; [`OpenError::Earlier`] for one that a start would make one of another format.
pub fn check(directory: &Path) -> Result<Survey, OpenError> {
    caught(|| check_all(directory)).unwrap_or(Err(OpenError::Damaged))
}

/// The same of one that its rooms are then taken from: one of an earlier format becomes one of the newest first. Blocks.
///
/// # Errors
/// [`OpenError`], also when a relay runs on it.
#[cfg(feature = "program")]
pub(crate) fn check_to_copy(directory: &Path) -> Result<Survey, OpenError> {
    match check(directory) {
        Err(OpenError::Earlier(_)) => {
            Store::open(directory)?.close();
            check(directory)
        }
        survey => survey,
    }
}

fn open_to_look(directory: &Path) -> Result<Store, OpenError> {
    // Before it is opened for writing, which leaves marks in it.
    match Resting::earlier(directory) {
        Some(format) => Err(OpenError::Earlier(format)),
        None => Store::open_to_look(directory),
    }
}

fn check_all(directory: &Path) -> Result<Survey, OpenError> {
    let store = match open_to_look(directory) {
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
pub(crate) mod tests;
