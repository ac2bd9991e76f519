//! The one thread that changes the index: what has queued up while the disk was busy goes into one transaction.
//!
//! ```text
//! parts ─▶ file ─▶ fdatasync ─▶ Add ─▶ transaction ─▶ acknowledged
//! Drop, expiry, a room's end ─▶ transaction ─▶ the file's space is given back
//! ```
//!
//! So the index never says that a part is there which is not durable, and a file without a row is nobody's: it is deleted
//! at the next start.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use proto::{
    BlobId, PublicKey, RoomId,
    blob::{DropHash, Layout, PartSet},
};
use redb::Durability;
use tokio::sync::{mpsc, oneshot};

use super::{
    error::BlobError,
    files::Files,
    index::{self, Index, IndexError, Tables},
    row::{OpenerBytes, Row, cost},
    transfers::Transfers,
    usage::{Disk, FileTotals, Usage},
};
use crate::policy::files::{FileLimits, INDEX_JOBS, RESERVES, SWEEP_STEP};

/// A blob that somebody wants to send.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub room: RoomId,
    pub blob: BlobId,
    pub sender: PublicKey,
    pub opener: OpenerBytes,
    pub layout: Layout,
    /// Seconds for which it is wanted.
    pub keep_s: Option<u64>,
    pub drop_hash: Option<DropHash>,
    /// Unix milliseconds.
    pub now_ms: u64,
}

/// Parts that are on disk by now.
#[derive(Debug)]
pub(super) struct Added {
    pub room: RoomId,
    pub blob: BlobId,
    /// Of its file.
    pub number: u64,
    /// Each with its sum.
    pub parts: Vec<(u32, u32)>,
    pub now_ms: u64,
}

/// A blob that somebody wants to be gone.
#[derive(Clone, Debug)]
pub(crate) struct Unwanted {
    pub room: RoomId,
    pub blob: BlobId,
    /// Who says so.
    pub by: PublicKey,
    /// What was shown.
    pub shown: Option<DropHash>,
}

/// Work for the thread, each with where its answer goes.
pub(super) enum Job {
    Open(Box<Wanted>, oneshot::Sender<Result<Row, BlobError>>),
    Add(Added, oneshot::Sender<Result<Row, BlobError>>),
    Drop(Unwanted, oneshot::Sender<Result<(), BlobError>>),
    /// Rooms that are no more. Answers whether there is more to do.
    DropRooms(Vec<RoomId>, oneshot::Sender<bool>),
    /// What is over its time, at this one (Unix milliseconds), and with `true` what is over its bounds. Answers whether there is
    /// more to do.
    Sweep(u64, bool, oneshot::Sender<bool>),
}

/// What of the limits it needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub files: FileLimits,
    pub reserve: u64,
    pub opener_percent: u64,
}

/// What others may see of it at any time, without waiting for the disk.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// When the next blob goes, Unix milliseconds.
    pub next_ms: AtomicU64,
    numbers: Mutex<Numbers>,
}

#[derive(Debug, Default)]
struct Numbers {
    totals: FileTotals,
    /// How many files, and what they count.
    rooms: HashMap<RoomId, (u64, u64)>,
}

impl Seen {
    /// All of it as it is.
    pub fn of(usage: &Usage) -> Self {
        let seen = Self::default();
        seen.show(usage, usage.rooms());
        seen
    }

    /// All blobs in numbers.
    pub fn totals(&self) -> FileTotals {
        self.lock().totals
    }

    /// Rooms that have blobs.
    pub fn rooms(&self) -> Vec<RoomId> {
        self.lock().rooms.keys().copied().collect()
    }

    /// How many files a room has, and what they count.
    pub fn of_room(&self, room: &RoomId) -> (u64, u64) {
        self.lock().rooms.get(room).copied().unwrap_or_default()
    }

    /// These rooms may have others now.
    fn show(&self, usage: &Usage, rooms: impl IntoIterator<Item = RoomId>) {
        let mut numbers = self.lock();
        numbers.totals = usage.totals();
        for room in rooms {
            match usage.of_room(&room) {
                (0, _) => numbers.rooms.remove(&room),
                counted => numbers.rooms.insert(room, counted),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's state.
pub(super) struct Keeper {
    pub files: Files,
    pub index: Arc<Index>,
    pub usage: Usage,
    pub transfers: Transfers,
    pub policy: Arc<Mutex<Policy>>,
    pub seen: Arc<Seen>,
    pub jobs: mpsc::Receiver<Job>,
}

/// The answer to a job. Waits for the transaction.
enum Settled {
    Row(Result<Row, BlobError>),
    Done(Result<(), BlobError>),
    More(bool),
}

/// What one transaction has done so far.
#[derive(Default)]
struct Step {
    /// Rooms that may have more or fewer blobs.
    touched: Vec<RoomId>,
    gone: Vec<(RoomId, BlobId, Row)>,
    /// It is to be kept, but may go with a power cut.
    changed: bool,
    /// It is not to go with a power cut.
    durable: bool,
}

impl Keeper {
    /// Works until nobody can queue any more and the queue is empty.
    pub fn run(mut self) {
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
        let policy = *self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        let free = fs4::available_space(self.files.folder()).ok();
        let free = free.map(|free| free.saturating_sub(RESERVES * policy.reserve));
        let disk = Disk { free, opener_percent: policy.opener_percent };
        let usage = &mut self.usage;
        let written = self.index.write(|tables| {
            let (mut step, mut settled) = (Step::default(), Vec::with_capacity(batch.len()));
            for job in &batch {
                settled.push(settle(tables, usage, &mut step, &policy.files, disk, job)?);
            }
            let durability = match (step.changed, step.durable) {
                (_, true) => Some(Durability::Immediate),
                (true, false) => Some(Durability::None),
                (false, false) => None,
            };
            Ok(((settled, step, tables.next_expiry()?), durability))
        });
        match written {
            Ok((settled, step, next_ms)) => {
                self.seen.show(&self.usage, step.touched);
                self.seen.next_ms.store(next_ms, Relaxed);
                for (room, blob, row) in &step.gone {
                    self.transfers.gone(room, blob);
                    if let Err(error) = self.files.discard(row.number) {
                        tracing::error!(%error, "a file that nobody wants any more stays until the next start");
                    }
                }
                for (job, settled) in batch.into_iter().zip(settled) {
                    job.answer(settled);
                }
            }
            Err(_) => {
                // None of it is on disk, or nobody knows: what is counted is read again.
                if let Ok(again) = load(&self.index) {
                    let before = std::mem::replace(&mut self.usage, again);
                    self.seen.show(&self.usage, before.rooms().into_iter().chain(self.usage.rooms()));
                }
                batch.into_iter().for_each(Job::fail);
            }
        }
    }
}

/// What all blobs take, as the index has it.
pub(super) fn load(index: &Index) -> Result<Usage, IndexError> {
    index.read(|transaction| {
        let mut usage = Usage::default();
        index::each(transaction, |(room, _, row)| usage.add(&room, &row))?;
        for (opener, day) in index::days(transaction)? {
            usage.set_day(opener, day);
        }
        Ok(usage)
    })
}

fn settle(
    tables: &mut Tables<'_>,
    usage: &mut Usage,
    step: &mut Step,
    limits: &FileLimits,
    disk: Disk,
    job: &Job,
) -> Result<Settled, IndexError> {
    Ok(match job {
        Job::Open(wanted, _) => Settled::Row(open(tables, usage, step, limits, disk, wanted)?),
        Job::Add(added, _) => Settled::Row(add(tables, usage, step, limits, added)?),
        Job::Drop(unwanted, _) => Settled::Done(discard(tables, usage, step, unwanted)?),
        Job::DropRooms(rooms, _) => {
            let mut left = SWEEP_STEP;
            for room in rooms {
                for (blob, _) in tables.of_room(room, left)? {
                    remove(tables, usage, step, room, &blob)?;
                    left -= 1;
                }
            }
            Settled::More(left == 0)
        }
        Job::Sweep(now_ms, bounds, _) => {
            let expired = tables.expired(*now_ms, SWEEP_STEP)?;
            for (room, blob) in &expired {
                remove(tables, usage, step, room, blob)?;
            }
            if *bounds {
                trim(tables, usage, step, limits)?;
                for opener in usage.forget_days(*now_ms) {
                    tables.forget_day(&opener)?;
                    step.changed = true;
                }
            }
            Settled::More(expired.len() == SWEEP_STEP)
        }
    })
}

fn open(
    tables: &mut Tables<'_>,
    usage: &mut Usage,
    step: &mut Step,
    limits: &FileLimits,
    disk: Disk,
    wanted: &Wanted,
) -> Result<Result<Row, BlobError>, IndexError> {
    let Wanted { room, blob, sender, opener, layout, keep_s, drop_hash, now_ms } = wanted;
    if let Some(row) = tables.get(room, blob)? {
        if row.expires_ms > *now_ms {
            let is_same = row.sender == *sender && row.layout == *layout;
            return Ok(if is_same { Ok(row) } else { Err(BlobError::Conflict) });
        }
        remove(tables, usage, step, room, blob)?;
    }
    let cost = cost(*layout);
    if let Err(error) = usage.may_add(room, (sender, opener), cost, limits, disk, *now_ms) {
        return Ok(Err(error));
    }
    let age_ms = keep_s.map_or(u64::MAX, |seconds| seconds.saturating_mul(1000)).min(millis(limits.age));
    let until_ms = now_ms.saturating_add(age_ms);
    let row = Row {
        number: tables.next_number()?,
        sender: *sender,
        opener: *opener,
        layout: *layout,
        made_ms: *now_ms,
        until_ms,
        expires_ms: until_ms.min(now_ms.saturating_add(millis(limits.unfinished_age))),
        drop_hash: *drop_hash,
        parts: PartSet::none(*layout),
        sums: vec![0; layout.parts() as usize],
    };
    tables.put(room, blob, &row)?;
    usage.add(room, &row);
    step.touched.push(*room);
    let day = usage.begin(opener, cost, *now_ms);
    tables.put_day(opener, day)?;
    // Of a blob without a part nothing is lost that was promised: a power cut may take it.
    step.changed = true;
    Ok(Ok(row))
}

fn add(
    tables: &mut Tables<'_>,
    usage: &mut Usage,
    step: &mut Step,
    limits: &FileLimits,
    added: &Added,
) -> Result<Result<Row, BlobError>, IndexError> {
    let Added { room, blob, number, parts, now_ms } = added;
    // One that was dropped, and perhaps begun anew, is another.
    let Some(mut row) = tables.get(room, blob)?.filter(|row| row.number == *number) else {
        return Ok(Err(BlobError::NoBlob));
    };
    for (part, sum) in parts {
        if row.parts.add(*part) {
            usage.came(row.layout.length(*part).unwrap_or(0) as u64);
            if let Some(kept) = row.sums.get_mut(*part as usize) {
                *kept = *sum;
            }
        }
    }
    row.expires_ms = match row.parts.is_whole() {
        true => row.until_ms,
        false => row.until_ms.min(now_ms.saturating_add(millis(limits.unfinished_age))),
    };
    tables.put(room, blob, &row)?;
    step.touched.push(*room);
    step.durable = true;
    Ok(Ok(row))
}

fn discard(
    tables: &mut Tables<'_>,
    usage: &mut Usage,
    step: &mut Step,
    unwanted: &Unwanted,
) -> Result<Result<(), BlobError>, IndexError> {
    let Unwanted { room, blob, by, shown } = unwanted;
    let Some(row) = tables.get(room, blob)? else { return Ok(Ok(())) };
    let may = match shown {
        Some(shown) => row.drop_hash == Some(*shown),
        None => row.sender == *by,
    };
    if !may {
        return Ok(Err(BlobError::NotAllowed));
    }
    remove(tables, usage, step, room, blob)?;
    Ok(Ok(()))
}

fn remove(
    tables: &mut Tables<'_>,
    usage: &mut Usage,
    step: &mut Step,
    room: &RoomId,
    blob: &BlobId,
) -> Result<(), IndexError> {
    if let Some(row) = tables.remove(room, blob)? {
        usage.remove(room, &row);
        step.touched.push(*room);
        step.gone.push((*room, *blob, row));
        step.durable = true;
    }
    Ok(())
}

/// Takes the oldest files of rooms that have more than they may: only after the operator has lowered a bound.
fn trim(
    tables: &mut Tables<'_>,
    usage: &mut Usage,
    step: &mut Step,
    limits: &FileLimits,
) -> Result<(), IndexError> {
    for room in usage.over(limits) {
        let mut rows = tables.of_room(&room, usize::MAX)?;
        rows.sort_by_key(|(_, row)| row.made_ms);
        for (blob, _) in rows {
            let (files, bytes) = usage.of_room(&room);
            if files <= limits.files_per_room && bytes <= limits.room_files {
                break;
            }
            remove(tables, usage, step, &room, &blob)?;
        }
    }
    Ok(())
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Job {
    fn answer(self, settled: Settled) {
        // Nobody waits when the connection is gone.
        match (self, settled) {
            (Self::Open(_, answer) | Self::Add(_, answer), Settled::Row(row)) => drop(answer.send(row)),
            (Self::Drop(_, answer), Settled::Done(done)) => drop(answer.send(done)),
            (Self::DropRooms(_, answer) | Self::Sweep(_, _, answer), Settled::More(more)) => {
                let _ = answer.send(more);
            }
            (job, _) => job.fail(),
        }
    }

    fn fail(self) {
        match self {
            Self::Open(_, answer) | Self::Add(_, answer) => drop(answer.send(Err(BlobError::Unavailable))),
            Self::Drop(_, answer) => drop(answer.send(Err(BlobError::Unavailable))),
            Self::DropRooms(_, answer) | Self::Sweep(_, _, answer) => {
                let _ = answer.send(false);
            }
        }
    }
}
