//! A relay's life in batches of the writer: every kind of job, and what was answered to whom.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use ed25519_dalek::Signer;
use proto::{
    access::{Change, CommitParts, commit_statement},
    piece_name,
};

use super::{dice::Dice, *};
use crate::{
    log::{
        Commit, NewSlot,
        redb::{
            ahead::State,
            holds::RoomHold,
            journal::Journal,
            open::{Found, open_database},
            tables::{HeldSnapshot, Snapshot},
        },
    },
    policy::token::Right,
};

const ROOMS: u64 = 3;

const JOURNAL_BYTES: usize = 8 << 10;

/// Small enough that appends trim.
pub(super) const LIMITS: fn() -> Limits = || Limits {
    retention: crate::policy::limits::Retention {
        age: Duration::from_millis(500),
        entries: 12,
        bytes: 60 << 10,
    },
    keys_per_room: 6,
    free_space_reserve: 0,
    ..Limits::default()
};

/// Everything in a database, row by row.
pub(super) type Dump = Vec<(u8, Vec<u8>, Vec<u8>)>;

/// Something that was sent, to be sent again.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub room: RoomId,
    pub id: PublishId,
    envelope: Bytes,
    commit: Option<Commit>,
}

/// An append and its answer.
type Answered =
    (Sent, oneshot::Receiver<Result<Appended, AppendError>>, Option<Result<Appended, AppendError>>);

/// Holds or not, when it is asked.
type Condition = Box<dyn FnMut() -> bool + Send>;

/// What was answered, batch by batch.
#[derive(Default)]
pub(super) struct Outbox {
    batches: Vec<(bool, Vec<Answered>, Vec<Condition>)>,
}

impl Outbox {
    /// How many batches have been answered.
    pub(super) fn answered(&mut self) -> usize {
        for (answered, appends, others) in &mut self.batches {
            for (_, receiver, got) in appends {
                if got.is_none() {
                    *got = receiver.try_recv().ok();
                }
                *answered |= got.is_some();
            }
            others.retain_mut(|other| {
                let done = other();
                *answered |= done;
                !done
            });
        }
        self.batches.iter().take_while(|(answered, ..)| *answered).count()
    }

    /// What was appended by the first `batches`, the newest first.
    pub(super) fn appended(&self, batches: usize) -> Vec<(Sent, Appended)> {
        let all = self.batches[..batches].iter().rev().flat_map(|(_, appends, _)| appends.iter().rev());
        all.filter_map(|(sent, _, got)| Some((sent.clone(), *got.as_ref()?.as_ref().ok()?))).collect()
    }
}

/// See [`Workload::position`].
pub(super) struct Position(Dice, usize, u32, u64, BTreeSet<RoomId>);

/// One life.
pub(super) struct Workload {
    pub store: Arc<Store>,
    pub outbox: Arc<Mutex<Outbox>>,
    writer: Writer,
    policy: Policy,
    dice: Dice,
    sent: Vec<Sent>,
    number: u32,
    now_ms: u64,
}

/// Opens a database and its journal on a disk the way a relay does. The journal is small, so that it is full now and then.
pub(super) fn open(disk: &simdisk::SimDisk) -> Result<Store, OpenError> {
    let journal = disk.file(simdisk::JOURNAL);
    let made = |state: &State| {
        let disk = Box::new(journal.clone());
        Ok(Found::Journal(if state.is_in_use {
            Journal::open(disk, JOURNAL_BYTES, state.id).map_err(|_| OpenError::Journal)?
        } else {
            Journal::make(disk, JOURNAL_BYTES).map_err(OpenError::Io)?
        }))
    };
    let disk = disk.clone();
    Store::open_with(Path::new("."), Box::new(move || open_database(disk.clone())), &made, Duration::ZERO)
}

impl Workload {
    pub(super) fn new(store: Store, seed: u64) -> Self {
        let store = Arc::new(store);
        let policy = Policy::from(&LIMITS());
        let writer = Writer::new(
            store.clone(),
            Feeds::default(),
            Arc::new(Mutex::new(policy)),
            Arc::default(),
            Stats::default(),
        );
        let (outbox, dice) = (Arc::default(), Dice::new(seed));
        // Numbers of other lives are other numbers.
        let number = (seed as u32) << 16;
        Self { store, outbox, writer, policy, dice, sent: Vec::new(), number, now_ms: 0 }
    }

    /// Where it stands before a batch.
    pub(super) fn position(&self) -> Position {
        Position(self.dice.clone(), self.sent.len(), self.number, self.now_ms, self.writer.due.clone())
    }

    /// What the database was before the batch that was refused, and would have been after it; the disk was like
    /// this before it.
    pub(super) fn foregone(&self, position: &Position, content: simdisk::Content) -> (Dump, Dump) {
        let mut twin = Self::new(open(&simdisk::SimDisk::with(content)).unwrap(), 0);
        let Position(dice, sent, number, now_ms, due) = position;
        twin.writer.due.clone_from(due);
        (twin.dice, twin.sent) = (dice.clone(), self.sent[..*sent].to_vec());
        (twin.number, twin.now_ms) = (*number, *now_ms);
        let before = twin.dump();
        twin.step();
        (before, twin.dump())
    }

    /// Writes the next batch, and says whether it could be.
    pub(super) fn step(&mut self) -> bool {
        let jobs = 1 + self.dice.below(4);
        let mut batch = (false, Vec::new(), Vec::new());
        let jobs = (0..jobs).map(|_| self.job(&mut batch.1, &mut batch.2)).collect();
        self.outbox.lock().unwrap().batches.push(batch);
        self.writer.write(jobs, &self.policy);
        let mut outbox = self.outbox.lock().unwrap();
        outbox.answered();
        let (_, appends, _) = outbox.batches.last().unwrap();
        appends.iter().all(|(_, _, got)| *got != Some(Err(AppendError::NoSpace(SpaceError::Free))))
    }

    /// Opens a room.
    pub(super) fn open_room(&mut self, room: RoomId) {
        let (answer, mut created) = oneshot::channel();
        let (opening, right, now_ms) = (opening(), Right::Anybody, self.now_ms);
        let job = Job::Create { room, opening, right, now_ms, generation: [7; 16], answer };
        self.writer.write(vec![job], &self.policy);
        created.try_recv().unwrap().unwrap();
    }

    /// What the writer does when nothing has come for some time.
    pub(super) fn settle(&mut self) {
        self.writer.write(Vec::new(), &self.policy);
    }

    /// Sends one thing and waits for its answer.
    pub(super) fn send(&mut self, sent: &Sent) -> Result<Appended, AppendError> {
        let (answer, mut got) = oneshot::channel();
        let job = self.append(sent, answer);
        self.writer.write(vec![job], &self.policy);
        got.try_recv().unwrap()
    }

    /// Something that was never sent before.
    pub(super) fn news(&mut self, room: RoomId) -> Sent {
        self.number += 1;
        let bytes = match self.dice.below(8) {
            0 => self.dice.below(40_000),
            _ => self.dice.below(300),
        };
        let envelope = vec![self.number as u8; bytes as usize].into();
        Sent { room, id: PublishId(u128::from(self.number).to_be_bytes()), envelope, commit: None }
    }

    pub(super) fn is_readable(&self) -> bool {
        self.store.read(|transaction| reader::view(transaction, &author())).is_ok()
    }

    pub(super) fn dump(&self) -> Dump {
        self.store.read(dump).unwrap()
    }

    pub(super) fn check(&self) -> Checked {
        self.store.read(|transaction| Ok(check::check(transaction))).unwrap().unwrap()
    }

    fn append(&mut self, sent: &Sent, answer: oneshot::Sender<Result<Appended, AppendError>>) -> Job {
        self.now_ms += self.dice.below(40);
        let author = Author { room: sent.room, key: ALICE, now_ms: self.now_ms };
        let Sent { id, envelope, commit, .. } = sent.clone();
        Job::Append { author, publish: Publish { commit, ..Publish::plain(id, envelope) }, answer }
    }

    fn job(&mut self, appends: &mut Vec<Answered>, others: &mut Vec<Box<dyn FnMut() -> bool + Send>>) -> Job {
        let room = RoomId([self.dice.below(ROOMS) as u8; 32]);
        match self.dice.below(20) {
            0..3 => {
                let (answer, mut got) = oneshot::channel();
                others.push(Box::new(move || got.try_recv().is_ok()));
                let (opening, right, now_ms) = (opening(), Right::Anybody, self.now_ms);
                Job::Create { room, opening, right, now_ms, generation: [7; 16], answer }
            }
            3 => {
                let (answer, mut got) = oneshot::channel();
                others.push(Box::new(move || got.try_recv().is_ok()));
                Job::Trim {
                    from: RoomId([0; 32]),
                    now_ms: self.now_ms,
                    idle_before: 0,
                    lone: Arc::default(),
                    answer,
                }
            }
            4 if self.dice.below(2) == 0 => {
                let (answer, mut got) = oneshot::channel();
                others.push(Box::new(move || got.try_recv().is_ok()));
                let hold = match self.dice.below(4) {
                    0 => RoomHold::Drop(Notice::new(self.now_ms, Reason::default())),
                    1 => RoomHold::Freeze(Notice::new(self.now_ms, Reason::default()), None),
                    _ => RoomHold::Thaw(self.now_ms, None),
                };
                Job::Hold { rooms: vec![room], hold, answer }
            }
            5 => {
                let (answer, mut got) = oneshot::channel();
                others.push(Box::new(move || got.try_recv().is_ok()));
                Job::Purge { answer }
            }
            kind => {
                let sent = match kind {
                    6 | 7 if !self.sent.is_empty() => {
                        self.sent[self.dice.below(self.sent.len() as u64) as usize].clone()
                    }
                    8..12 => self.commit(room),
                    _ => self.news(room),
                };
                self.sent.push(sent.clone());
                let (answer, got) = oneshot::channel();
                appends.push((sent.clone(), got, None));
                self.append(&sent, answer)
            }
        }
    }

    /// Mostly one that can win.
    fn commit(&mut self, room: RoomId) -> Sent {
        let reader = Author { room, ..author() };
        let view = self.store.read(|transaction| reader::view(transaction, &reader)).ok().flatten();
        let last = view.map_or(0, |view| view.last_commit);
        let key = PublicKey([self.dice.below(9) as u8; 32]);
        let change = match self.dice.below(3) {
            0 => Change::default(),
            1 => Change { added: vec![AccessKey { key, grant: Grant::Member }], removed: vec![] },
            _ => Change { added: vec![], removed: vec![key] },
        };
        let slot = self.slot();
        let news = self.news(room);
        let parts = CommitParts::of(&news.envelope, slot.hash(), &change);
        let authority = opening().authority;
        let statement = commit_statement(&room, last, &ALICE, &authority, &parts);
        let signature = signer().sign(&statement).to_bytes();
        let part =
            proto::access::Commit { expected: last, instead_of: 0, change, authority, signature, parts };
        Sent { commit: Some(Commit { slot, part }), ..news }
    }
}

impl Workload {
    /// With pieces of which others have some as well; sometimes one is neither here nor sent.
    fn slot(&mut self) -> NewSlot {
        let sealed: Bytes = vec![self.number as u8; self.dice.below(3000) as usize].into();
        let mut slot = NewSlot { sealed, ..NewSlot::default() };
        let first = self.dice.below(20) as u8;
        let pieces = (first..first + self.dice.below(6) as u8).map(|n| Bytes::from(vec![n; 100]));
        let pieces: Vec<_> = pieces.map(|piece| (piece_name(&piece), piece)).collect();
        slot.names = pieces.iter().flat_map(|(name, _)| name).copied().collect();
        slot.pieces = pieces.into_iter().filter(|_| self.dice.below(9) > 0).collect();
        slot
    }
}

fn dump(transaction: &redb::ReadTransaction) -> Result<Dump, redb::Error> {
    let (all, held) = (Snapshot::open(transaction)?, HeldSnapshot::open(transaction)?);
    let mut rows = Dump::new();
    for row in held.frozen.range::<&[u8; 32]>(..)? {
        rows.push((20, row?.0.value().to_vec(), Vec::new()));
    }
    for row in held.dropped.range::<&[u8; 32]>(..)? {
        let (key, value) = row?;
        rows.push((21, key.value().to_vec(), value.value().0.to_be_bytes().to_vec()));
    }
    for row in all.rooms.range::<&[u8; 32]>(..)? {
        let (key, value) = row?;
        rows.push((0, key.value().to_vec(), format!("{:?}", value.value()).into_bytes()));
    }
    for row in all.access.range::<&[u8; 32]>(..)? {
        let (key, value) = row?;
        // Without the generation: each life has one of its own.
        rows.push((6, key.value().to_vec(), value.value()[16..].to_vec()));
    }
    for row in all.steps.range::<(&[u8; 32], u64)>(..)? {
        let (key, value) = row?;
        let (room, first) = key.value();
        rows.push((7, [&room[..], &first.to_be_bytes()].concat(), value.value().to_vec()));
    }
    for row in all.slots.range::<(&[u8; 32], u64)>(..)? {
        let (key, value) = row?;
        let (room, position) = key.value();
        rows.push((1, [&room[..], &position.to_be_bytes()].concat(), value.value().to_vec()));
    }
    for row in all.pieces.range::<(&[u8; 32], &[u8; 32])>(..)? {
        let (key, value) = row?;
        let (room, name) = key.value();
        rows.push((8, [*room, *name].concat(), value.value().to_vec()));
    }
    for row in all.keys.range::<(&[u8; 32], &[u8; 32])>(..)? {
        let (key, value) = row?;
        let (room, public) = key.value();
        rows.push((2, [*room, *public].concat(), format!("{:?}", value.value()).into_bytes()));
    }
    for row in all.entries.range::<(&[u8; 32], u64)>(..)? {
        let (key, value) = row?;
        let (room, seq) = key.value();
        rows.push((3, [&room[..], &seq.to_be_bytes()].concat(), value.value().to_vec()));
    }
    for row in all.ids.range::<(&[u8; 32], &[u8; 16])>(..)? {
        let (key, value) = row?;
        let (room, id) = key.value();
        rows.push((4, [&room[..], id].concat(), value.value().to_be_bytes().to_vec()));
    }
    for row in all.tombstones.range::<&[u8; 32]>(..)? {
        rows.push((5, row?.0.value().to_vec(), Vec::new()));
    }
    Ok(rows)
}

/// Whether an entry is in a database under its id, and its room was not dropped.
pub(super) fn holds(dump: &Dump, sent: &Sent, appended: &Appended) -> bool {
    let key = [&sent.room.0[..], &sent.id.0].concat();
    let seq = appended.seq.to_be_bytes();
    let has_room = dump.iter().any(|(table, row, _)| (*table, &row[..]) == (0, &sent.room.0[..]));
    has_room && dump.iter().any(|(table, row, value)| (*table, row, &value[..]) == (4, &key, &seq[..]))
}
