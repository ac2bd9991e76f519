//! What is acknowledged and not in the database's file: the transaction that stays open over many batches, and the journal
//! that holds the same on the disk.
//!
//! ```text
//! a batch of messages alone ─▶ tables of the open transaction ─▶ frame of the journal, fsync ─▶ answers
//! any other batch, after some time, or when the journal is full ─▶ commit, fsync ─▶ a new epoch of the journal
//! somebody reads the database ─▶ commit without an fsync, so that it is seen
//! the database fails, or the relay starts ─▶ the journal is replayed
//! ```

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use proto::RoomId;
use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase, StorageError, TableDefinition, TableError,
    WriteTransaction,
};

use super::{
    access,
    journal::{FileId, Frame, Journal, JournalError, Record},
    row,
    tables::{self, Tables},
};

/// One row: see [`State`].
const JOURNAL: TableDefinition<(), (u64, bool, &[u8; 16])> = TableDefinition::new("journal");

/// Rooms that may be written to before the next commit: each costs some pages, which are not free again before that.
const MOST_ROOMS: usize = 256;

/// Bytes of these pages.
const ROOM_PAGES: usize = 12 << 10;

/// How long what is acknowledged may be in the journal alone.
const LONGEST: Duration = Duration::from_secs(5);

/// What the database says of its journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Which of its epochs counts.
    epoch: u64,
    /// It may hold what is not in the database.
    pub is_in_use: bool,
    /// Which file it is.
    pub id: FileId,
}

/// Why a database and its journal cannot be brought together.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReplayError {
    /// The journal is damaged, or another one.
    #[error("the journal is damaged")]
    Journal,
    /// The database's own.
    #[error(transparent)]
    Database(#[from] redb::Error),
}

impl From<ReplayError> for redb::Error {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Journal => Self::Corrupted(error.to_string()),
            ReplayError::Database(error) => error,
        }
    }
}

/// What a batch leaves to be done.
pub(super) enum Keep {
    /// Nothing was changed.
    Nothing,
    /// This frame has all that was changed, in these rooms.
    Journal(Frame, Vec<RoomId>),
    /// Anything.
    Disk,
}

self_cell::self_cell! {
    /// A transaction with its tables open: to open them costs as much as to write a message.
    struct Open {
        owner: WriteTransaction,
        #[not_covariant]
        dependent: Tables,
    }
}

/// How long a batch may stay in the journal alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    /// Bytes of messages that the journal takes of it.
    pub room: usize,
    /// What is there alone has waited long enough.
    pub is_late: bool,
}

/// Held by whoever writes, and by readers for as long as it takes to let them see it.
#[derive(Default)]
pub(super) struct Ahead {
    journal: Option<Journal>,
    /// With what only the journal has on the disk.
    transaction: Option<Open>,
    /// Since when something is in the journal alone.
    since: Option<Instant>,
    /// Where.
    rooms: HashSet<RoomId>,
    state: State,
    /// A transaction was taken and did not come back: with an error, or with a panic of whoever wrote in it. What it held is
    /// replayed before anything else is done.
    is_torn: bool,
}

/// What the database says; one of before has no journal.
pub(super) fn state(reader: &ReadTransaction) -> Result<State, redb::Error> {
    let table = match reader.open_table(JOURNAL) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(State::default()),
        Err(error) => return Err(error.into()),
    };
    Ok(table.get(())?.map_or_else(State::default, |row| {
        let (epoch, is_in_use, id) = row.value();
        State { epoch, is_in_use, id: *id }
    }))
}

/// Goes on without the journal of a database: what was in it is lost. So the log has another generation, by which members'
/// programs know that it is not the one that they have read.
pub(super) fn abandon(database: &Database) -> Result<(), redb::Error> {
    let State { epoch, .. } = state(&database.begin_read()?)?;
    let transaction = database.begin_write()?;
    access::renew(&mut Tables::open(&transaction)?)?;
    transaction.open_table(JOURNAL)?.insert((), (epoch + 1, false, &[0; 16]))?;
    transaction.commit()?;
    Ok(())
}

impl Ahead {
    pub(super) fn new(journal: Option<Journal>) -> Self {
        Self { journal, ..Self::default() }
    }

    fn wait(&self) -> Wait {
        let is_late = self.due().is_some_and(|due| due <= Instant::now());
        let may_wait = self.state.is_in_use && self.rooms.len() < MOST_ROOMS && !is_late;
        Wait { room: self.journal.as_ref().filter(|_| may_wait).map_or(0, Journal::room), is_late }
    }

    /// When it is time to commit what is in the journal alone.
    pub(super) fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + LONGEST)
    }

    /// Bytes by which the database will grow for what is in the journal alone, at most.
    pub(super) fn bytes(&self) -> usize {
        let used = self.journal.as_ref().filter(|_| self.since.is_some()).map_or(0, Journal::used);
        used + self.rooms.len() * ROOM_PAGES
    }

    /// Something is acknowledged that readers do not see.
    pub(super) fn is_unseen(&self) -> bool {
        self.transaction.is_some() || self.is_torn
    }

    /// Has to be replayed.
    pub(super) fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// Writes in the transaction at hand, and keeps what was written.
    pub(super) fn write<T>(
        &mut self,
        begin: impl FnOnce() -> Result<WriteTransaction, redb::Error>,
        write: impl FnOnce(&mut Tables<'_>, Wait) -> Result<(Keep, T), redb::Error>,
    ) -> Result<T, redb::Error> {
        let is_unseen = self.is_unseen();
        self.is_torn = true;
        let mut open = match self.transaction.take() {
            Some(open) => open,
            None => Open::try_new(begin()?, |transaction| Tables::open(transaction))?,
        };
        let wait = self.wait();
        let (keep, value) = open.with_dependent_mut(|_, tables| {
            tables.begin();
            write(tables, wait)
        })?;
        match keep {
            Keep::Nothing if is_unseen => self.transaction = Some(open),
            Keep::Nothing => open.into_owner().abort()?,
            Keep::Journal(frame, rooms) => match &mut self.journal {
                Some(journal) if frame.body() <= journal.room() && self.state.is_in_use => {
                    journal.append(frame)?;
                    self.transaction = Some(open);
                    self.since.get_or_insert_with(Instant::now);
                    self.rooms.extend(rooms);
                }
                _ => self.commit(open.into_owner(), true)?,
            },
            Keep::Disk => self.commit(open.into_owner(), true)?,
        }
        self.is_torn = false;
        Ok(value)
    }

    /// Commits, waits for the disk, and begins another epoch.
    fn commit(&mut self, mut transaction: WriteTransaction, goes_on: bool) -> Result<(), redb::Error> {
        let state = State {
            epoch: self.state.epoch + 1,
            is_in_use: goes_on && self.journal.is_some(),
            id: self.journal.as_ref().map_or([0; 16], Journal::id),
        };
        transaction.open_table(JOURNAL)?.insert((), (state.epoch, state.is_in_use, &state.id))?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.commit()?;
        if let Some(journal) = &mut self.journal {
            journal.begin(state.epoch);
        }
        (self.since, self.state) = (None, state);
        self.rooms.clear();
        Ok(())
    }

    /// Lets readers see everything.
    pub(super) fn show(&mut self) -> Result<(), redb::Error> {
        let Some(open) = self.transaction.take() else { return Ok(()) };
        self.is_torn = true;
        let mut transaction = open.into_owner();
        // The journal has it on the disk.
        transaction.set_durability(Durability::None)?;
        transaction.commit()?;
        self.is_torn = false;
        Ok(())
    }

    /// Brings everything into the database's file, after which nothing is looked for in the journal.
    pub(super) fn rest(&mut self, database: &Database) -> Result<(), redb::Error> {
        if self.since.is_none() && !self.state.is_in_use {
            return Ok(());
        }
        self.is_torn = true;
        let transaction = match self.transaction.take() {
            Some(open) => open.into_owner(),
            None => database.begin_write()?,
        };
        self.commit(transaction, false)?;
        self.is_torn = false;
        Ok(())
    }

    /// Forgets the transaction: its database is shut.
    pub(super) fn forget(&mut self) {
        self.is_torn |= self.transaction.take().is_some();
    }

    /// Brings what only the journal has into a database, for readers to see.
    pub(super) fn replay(&mut self, database: &Database) -> Result<(), ReplayError> {
        self.is_torn = true;
        self.transaction = None;
        self.state = state(&database.begin_read().map_err(redb::Error::from)?)?;
        let records = match self.journal.as_mut().filter(|_| self.state.is_in_use) {
            Some(journal) => journal.replay(self.state.epoch).map_err(|error| match error {
                JournalError::Damaged => ReplayError::Journal,
                JournalError::Io(error) => redb::Error::from(error).into(),
            })?,
            None => Vec::new(),
        };
        self.since = None;
        self.rooms.clear();
        if !records.is_empty() {
            put_all(database, &records)?;
            tracing::info!(messages = records.len(), "the journal was replayed");
            self.since = Some(Instant::now());
            self.rooms.extend(records.iter().map(|record| record.room));
        }
        self.is_torn = false;
        Ok(())
    }
}

fn put_all(database: &Database, records: &[Record]) -> Result<(), ReplayError> {
    let mut transaction = database.begin_write().map_err(redb::Error::from)?;
    let mut tables = Tables::open(&transaction).map_err(redb::Error::from)?;
    for record in records {
        put(&mut tables, record)?;
    }
    drop(tables);
    transaction.set_durability(Durability::None).map_err(redb::Error::from)?;
    transaction.commit().map_err(redb::Error::from)?;
    Ok(())
}

/// Appends a message again, unless it is there: as it was decided the first time.
fn put(tables: &mut Tables<'_>, Record { room: id, seq, row }: &Record) -> Result<(), ReplayError> {
    let found = tables::room(&tables.rooms, id).map_err(redb::Error::from)?;
    let mut room = found.ok_or(ReplayError::Journal)?;
    if *seq <= room.head {
        return Ok(());
    }
    let (publish, at_ms) = row::head(row).filter(|_| *seq == room.head + 1).ok_or(ReplayError::Journal)?;
    let put = append(tables, id, &publish.0, row, (*seq, at_ms), &mut room);
    Ok(put.and_then(|()| tables.put_room(id, room)).map_err(redb::Error::from)?)
}

/// The rows of a message.
pub(super) fn append(
    tables: &mut Tables<'_>,
    id: &RoomId,
    publish: &[u8; 16],
    row: &[u8],
    (seq, at_ms): (u64, u64),
    room: &mut tables::Room,
) -> Result<(), StorageError> {
    tables.entries.insert((&id.0, seq), row)?;
    tables.ids.insert((&id.0, publish), seq)?;
    room.head = seq;
    room.last_at_ms = at_ms;
    room.bytes += row.len() as u64;
    Ok(())
}
