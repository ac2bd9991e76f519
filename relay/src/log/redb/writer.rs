//! Group commit: what has queued up while the disk was busy goes into one transaction.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use proto::RoomId;
use tokio::sync::oneshot;

use super::{
    Health, Policy, Stats,
    access::GENERATION,
    ahead::{Keep, Wait},
    apply,
    database::Store,
    holds::{self, RoomHold},
    journal::{self, Frame},
    lone::Lone,
    opener::{Opener, OpenerName},
    openers,
    queue::{Queue, Waiter},
    round::{self, Round, Trimming},
    shares::{Busiest, Shares},
    space::{Space, Spare},
    tables::{self, Tables},
    tokens, tombstone,
    trim::{self, Budget},
};
use crate::{
    log::{
        AppendError, Appended, Author, CreateError, Feeds, OpenerError, OpenerRooms, Opening, Publish,
        Revoked, SpaceError, TokenChange, TokenError, Unavailable,
        tail::{News, Ring},
    },
    policy::{reason::Notice, token::Right},
};

/// Work for the writer, each with where its answer goes.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // most are the large one
pub(super) enum Job {
    Append {
        author: Author,
        publish: Publish,
        answer: oneshot::Sender<Result<Appended, AppendError>>,
    },
    Create {
        room: RoomId,
        opening: Opening,
        right: Right,
        now_ms: u64,
        /// Names the log: random.
        generation: [u8; GENERATION],
        answer: oneshot::Sender<Result<(), CreateError>>,
    },
    Tokens {
        change: TokenChange,
        answer: oneshot::Sender<Result<Option<Revoked>, TokenError>>,
    },
    /// An operator's command. Few rooms.
    Hold {
        rooms: Vec<RoomId>,
        hold: RoomHold,
        answer: oneshot::Sender<Result<u64, Unavailable>>,
    },
    /// An opener is frozen, or thawed where there is no notice.
    HoldOpener {
        opener: Opener,
        notice: Option<Notice>,
        answer: oneshot::Sender<Result<bool, OpenerError>>,
    },
    FindOpener {
        name: OpenerName,
        answer: oneshot::Sender<Result<OpenerRooms, OpenerError>>,
    },
    /// The pin of the identity that the rooms are under from now on.
    Own {
        pin: [u8; 32],
        answer: oneshot::Sender<Result<(), Unavailable>>,
    },
    Purge {
        answer: oneshot::Sender<bool>,
    },
    Trim {
        from: RoomId,
        now_ms: u64,
        idle_before: u64,
        lone: Arc<Lone>,
        answer: oneshot::Sender<Result<Trimming, Unavailable>>,
    },
    Probe {
        answer: oneshot::Sender<Result<Health, Unavailable>>,
    },
    Busiest {
        count: usize,
        answer: oneshot::Sender<Result<Busiest, Unavailable>>,
    },
}

/// The answer to a job. Waits for the fsync.
enum Settled {
    Append(Result<Appended, AppendError>),
    Create(Result<(), CreateError>),
    Tokens(Result<Option<Revoked>, TokenError>),
    /// To how many rooms it was done.
    Hold(u64),
    HoldOpener(Result<bool, OpenerError>),
    FindOpener(Result<OpenerRooms, OpenerError>),
    /// Whether there is more to purge, and how many rows went.
    Own,
    Purge(bool, u64),
    /// What was trimmed, and whether anything changed.
    Trim(Trimming, bool),
    Probe(Health),
    Busiest(Busiest),
}

/// The one thread that writes.
pub(super) struct Writer {
    store: Arc<Store>,
    feeds: Feeds,
    policy: Arc<Mutex<Policy>>,
    queue: Arc<Queue<Job>>,
    stats: Stats,
    space: Space,
    /// What rooms take; `None` before the first batch, and after one of which it is not known whether it was written.
    shares: Option<Shares>,
    /// Rooms that have more than they may, and whose turn the last batch did not come to.
    pub(super) due: BTreeSet<RoomId>,
    /// There was more to trim than the last commit might.
    is_behind: bool,
    /// Jobs and their bytes since something was committed last: what trimming may take grows with them.
    unpaid: (usize, usize),
    /// What is held in memory for readers.
    ring: Ring,
}

impl Writer {
    pub(super) fn new(
        store: Arc<Store>,
        feeds: Feeds,
        policy: Arc<Mutex<Policy>>,
        queue: Arc<Queue<Job>>,
        stats: Stats,
    ) -> Self {
        Self {
            store,
            feeds,
            policy,
            queue,
            stats,
            space: Space::new(),
            shares: None,
            due: BTreeSet::new(),
            is_behind: false,
            unpaid: (0, 0),
            ring: Ring::default(),
        }
    }

    /// Works until nobody can queue any more and the queue is empty.
    pub(super) fn run(mut self) {
        while let Some(batch) = self.queue.take(self.store.due()) {
            let policy = self.policy();
            self.write(batch, &policy);
        }
    }

    fn policy(&mut self) -> Policy {
        let mut policy = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut policy.is_new) {
            self.space.look_again();
        }
        *policy
    }

    /// Writes one batch and answers. An empty one commits what is in the journal alone.
    pub(super) fn write(&mut self, batch: Vec<Job>, policy: &Policy) {
        let bytes = batch.iter().map(Job::size).sum();
        let (space, stats) =
            (self.space.check(&self.store, policy, bytes, || self.feeds.is_quiet()), &self.stats);
        // What cannot be read now is read again for the next batch.
        let (mut shares, known) = match self.shares.take() {
            Some(shares) => (shares, true),
            None => match self.store.read(openers::load) {
                Ok(rows) => (Shares::of(rows), true),
                Err(_) => (Shares::of(Vec::new()), false),
            },
        };
        let bounds = self.space.bounds(&self.store, policy, shares.bytes());
        let spare = Spare { space, bounds, shares: &shares };
        let unpaid = (self.unpaid.0 + batch.len(), self.unpaid.1 + bytes);
        let (due, is_behind) = (&self.due, self.is_behind);
        let began = Instant::now();
        let written = self.store.write(|tables, Wait { room, is_late }| {
            let mut settled = Vec::with_capacity(batch.len());
            for job in &batch {
                settled.push(settle(tables, &self.feeds, policy, &spare, job)?);
            }
            let due = due | &std::mem::take(&mut tables.over);
            let is_late = is_late || batch.is_empty();
            let has_changed = settled.iter().any(Settled::changed);
            let is_of_messages = !tables.is_more_than_messages && batch.iter().all(Job::is_append);
            let may_wait = !is_behind && !tables.is_far_over;
            // What is over its bounds goes in a transaction that is committed, and not in one of its own: that would be a second
            // fsync, for which others wait. The journal has messages alone, and an fsync for nothing would let refused
            // publishes slow down the accepted ones.
            let (keep, due) = match has_changed {
                false if !is_late && (due.is_empty() || (may_wait && room > 0)) => (Keep::Nothing, due),
                true if is_of_messages && may_wait && journal_size(&tables.news) <= room => {
                    (journaled(&tables.news), due)
                }
                _ => {
                    let mut budget = Budget::beside(unpaid.0, unpaid.1);
                    let (due, trimmed) = trim::trim_due(tables, due, &policy.retention, &mut budget)?;
                    let is_for_nothing = !has_changed && !trimmed && !is_late;
                    (if is_for_nothing { Keep::Nothing } else { Keep::Disk }, due)
                }
            };
            let (kept, freed, trimmed) = (Kept::of(&keep), tables.freed, tables.trimmed);
            let (news, sizes) = (std::mem::take(&mut tables.news), std::mem::take(&mut tables.sizes));
            Ok((keep, (settled, due, kept, (freed, trimmed), news, sizes)))
        });
        match written {
            Ok((settled, due, kept, (freed, trimmed), news, sizes)) => {
                self.due = due;
                if kept != Kept::Nothing {
                    stats.commit_seconds.observe(began.elapsed().as_secs_f64());
                    stats.batch_jobs.observe(batch.len() as f64);
                }
                match kept {
                    Kept::Nothing => {}
                    Kept::InJournal => self.unpaid = unpaid,
                    Kept::OnDisk => {
                        self.store.wrote();
                        stats.trimmed(trimmed);
                        (self.unpaid, self.is_behind) = ((0, 0), !self.due.is_empty());
                    }
                }
                self.space.wrote(freed);
                shares.apply(sizes, Instant::now());
                // A revoked token is nobody's any more.
                self.shares = (known && !batch.iter().any(Job::is_of_tokens)).then_some(shares);
                let readers = self.ring.push(&self.feeds, news, policy.tail);
                // Whoever published is woken by its answer, and finds its entry in the same turn.
                for (job, settled) in batch.into_iter().zip(settled) {
                    job.answer(settled, &self.stats);
                }
                readers.iter().for_each(|tail| tail.wake());
            }
            // All or nothing: none of the batch is on disk, or it cannot be known that it is.
            Err(_) => {
                // One room that cannot be read must not fail the batches of all others: the round finds the rooms again.
                self.due.clear();
                self.is_behind = false;
                let unsure = News::unsure(self.feeds.rooms());
                let readers = self.ring.push(&self.feeds, unsure, policy.tail);
                batch.into_iter().for_each(Job::fail);
                readers.iter().for_each(|tail| tail.wake());
            }
        }
    }
}

/// Where what was changed is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// Nothing was.
    Nothing,
    InJournal,
    OnDisk,
}

impl Kept {
    fn of(keep: &Keep) -> Self {
        match keep {
            Keep::Nothing => Self::Nothing,
            Keep::Journal(..) => Self::InJournal,
            Keep::Disk => Self::OnDisk,
        }
    }
}

fn journal_size(news: &News) -> usize {
    news.written().map(|(.., row)| journal::size(row.len())).sum()
}

fn journaled(news: &News) -> Keep {
    let (mut frame, mut rooms) = (Frame::of(journal_size(news)), Vec::new());
    for (room, seq, row) in news.written() {
        frame.add(room, seq, row);
        if rooms.last() != Some(room) {
            rooms.push(*room);
        }
    }
    Keep::Journal(frame, rooms)
}

fn settle(
    tables: &mut Tables<'_>,
    feeds: &Feeds,
    policy: &Policy,
    spare: &Spare<'_>,
    job: &Job,
) -> Result<Settled, redb::StorageError> {
    Ok(match job {
        Job::Append { author, publish, .. } => {
            Settled::Append(apply::append(tables, policy, spare, author, publish)?)
        }
        Job::Create { room, opening, right, now_ms, generation, .. } => {
            let right = (right, *now_ms);
            Settled::Create(apply::create(tables, policy, spare, room, opening, right, generation)?)
        }
        Job::Tokens { change, .. } => Settled::Tokens(tokens::change(tables, change)?),
        Job::Hold { rooms, hold, .. } => {
            let mut done = 0;
            for room in rooms {
                done += u64::from(holds::apply(tables, room, hold)?);
            }
            Settled::Hold(done)
        }
        Job::HoldOpener { opener, notice, .. } => {
            Settled::HoldOpener(holds::hold_opener(tables, opener, notice.as_ref())?)
        }
        Job::FindOpener { name, .. } => Settled::FindOpener(holds::find_opener(tables, spare.shares, name)?),
        Job::Own { pin, .. } => {
            tables.more_mut()?.owner.insert((), pin)?;
            Settled::Own
        }
        Job::Purge { .. } => {
            let (more, removed) = tombstone::purge(tables)?;
            Settled::Purge(more, removed)
        }
        Job::Trim { from, now_ms, idle_before, lone, .. } => {
            let mut round = Round::new(*now_ms, *idle_before, lone);
            let is_followed = |room: &RoomId| feeds.is_followed(room);
            let (trimming, changed) =
                round::trim_rooms(tables, from, &policy.retention, &mut round, is_followed)?;
            Settled::Trim(trimming, changed)
        }
        Job::Busiest { count, .. } => {
            let mut busiest = spare.shares.busiest(*count, Instant::now());
            for (room, _, activity) in &mut busiest.rooms {
                activity.frozen = tables::room(&tables.rooms, room)?.is_some_and(|room| room.frozen_ms != 0);
            }
            for (opener, activity) in &mut busiest.openers {
                activity.frozen = holds::opener_notice(tables.held()?, opener)?.is_some();
            }
            Settled::Busiest(busiest)
        }
        Job::Probe { .. } => {
            Settled::Probe(Health { missing: spare.space.err(), used: spare.bounds.used, is_full: false })
        }
    })
}

impl Settled {
    fn changed(&self) -> bool {
        match self {
            Self::Append(result) => result.as_ref().is_ok_and(|appended| !appended.repeated),
            Self::Create(result) => result.is_ok(),
            Self::Tokens(result) => result.is_ok(),
            Self::Hold(done) => *done > 0,
            Self::HoldOpener(result) => *result == Ok(true),
            Self::Own => true,
            Self::Purge(_, removed) => *removed > 0,
            Self::Trim(_, changed) => *changed,
            Self::Probe(_) | Self::Busiest(_) | Self::FindOpener(_) => false,
        }
    }
}

/// However it ends: nobody is to wait for it.
impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.end();
    }
}

impl Job {
    /// Whose turn it takes.
    pub(super) fn place(&self) -> Waiter {
        match self {
            Self::Append { author, publish, .. } => (publish.payer, author.room),
            Self::Create { room, opening, .. } => (opening.address, *room),
            // Few; or the relay's own work.
            Self::Tokens { .. }
            | Self::Hold { .. }
            | Self::HoldOpener { .. }
            | Self::FindOpener { .. }
            | Self::Own { .. }
            | Self::Purge { .. }
            | Self::Trim { .. }
            | Self::Probe { .. }
            | Self::Busiest { .. } => (None, RoomId([0; 32])),
        }
    }

    /// Bytes that it brings to the disk, roughly.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Append { publish, .. } => publish.size(),
            Self::Create { opening, .. } => opening.slot.size(),
            Self::Tokens { .. }
            | Self::Hold { .. }
            | Self::HoldOpener { .. }
            | Self::FindOpener { .. }
            | Self::Own { .. }
            | Self::Purge { .. }
            | Self::Trim { .. }
            | Self::Probe { .. }
            | Self::Busiest { .. } => 0,
        }
    }

    fn is_append(&self) -> bool {
        matches!(self, Self::Append { .. })
    }

    fn is_of_tokens(&self) -> bool {
        matches!(self, Self::Tokens { .. })
    }

    fn answer(self, settled: Settled, stats: &Stats) {
        match (self, settled) {
            (Self::Append { publish, answer, .. }, Settled::Append(result)) => {
                if let Ok(Appended { repeated: false, .. }) = result {
                    stats.published.inc();
                    stats.published_bytes.inc_by(publish.envelope.len() as u64);
                }
                tell(answer, result);
            }
            (Self::Create { answer, .. }, Settled::Create(result)) => tell(answer, result),
            (Self::Tokens { answer, .. }, Settled::Tokens(result)) => tell(answer, result),
            (Self::Hold { answer, .. }, Settled::Hold(done)) => tell(answer, Ok(done)),
            (Self::HoldOpener { answer, .. }, Settled::HoldOpener(result)) => tell(answer, result),
            (Self::FindOpener { answer, .. }, Settled::FindOpener(result)) => tell(answer, result),
            (Self::Own { answer, .. }, Settled::Own) => tell(answer, Ok(())),
            (Self::Purge { answer }, Settled::Purge(more, _)) => tell(answer, more),
            (Self::Trim { answer, .. }, Settled::Trim(trimming, _)) => tell(answer, Ok(trimming)),
            (Self::Probe { answer }, Settled::Probe(health)) => tell(answer, Ok(health)),
            (Self::Busiest { answer, .. }, Settled::Busiest(busiest)) => tell(answer, Ok(busiest)),
            (job, _) => job.fail(),
        }
    }

    fn fail(self) {
        match self {
            Self::Append { answer, .. } => tell(answer, Err(AppendError::NoSpace(SpaceError::Free))),
            Self::Create { answer, .. } => tell(answer, Err(CreateError::NoSpace(SpaceError::Free))),
            Self::Tokens { answer, .. } => tell(answer, Err(TokenError::Unavailable)),
            Self::Hold { answer, .. } => tell(answer, Err(Unavailable)),
            Self::HoldOpener { answer, .. } => tell(answer, Err(OpenerError::Unavailable)),
            Self::FindOpener { answer, .. } => tell(answer, Err(OpenerError::Unavailable)),
            Self::Own { answer, .. } => tell(answer, Err(Unavailable)),
            Self::Purge { answer } => tell(answer, false),
            Self::Trim { answer, .. } => tell(answer, Err(Unavailable)),
            Self::Probe { answer } => tell(answer, Err(Unavailable)),
            Self::Busiest { answer, .. } => tell(answer, Err(Unavailable)),
        }
    }
}

/// Answers. Nobody waits when the connection is gone: what was written stays, and the client will ask
/// again with the same id.
fn tell<T>(answer: oneshot::Sender<T>, value: T) {
    let _ = answer.send(value);
}
