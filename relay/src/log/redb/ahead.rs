//! What is acknowledged and not in the database's file: the transaction that stays open over many batches, and the journal
//! that holds the same on the disk.
//!
//! ```text
//! a batch of messages alone ─▶ tables of the open transaction ─▶ frame of the journal, fsync ─▶ answers
//! any other batch, after some time, or when the journal is full ─▶ commit, fsync ─▶ a new epoch of the journal
//! somebody reads the database ─▶ commit without an fsync, so that it is seen
//! the database fails, or the relay starts ─▶ the journal is replayed
//! ```

use std::time::{Duration, Instant};

use proto::RoomId;
use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase, StorageError, TableDefinition, TableError,
    WriteTransaction,
};

use super::{
    journal::{Epoch, Journal, JournalError, Record},
    row,
    tables::{self, Tables},
};

/// One row: which epoch of the journal counts, and whether it may hold what is not here.
const JOURNAL: TableDefinition<(), (&[u8; 16], bool)> = TableDefinition::new("journal");

/// How long what is acknowledged may be in the journal alone.
const LONGEST: Duration = Duration::from_secs(5);

/// What a batch leaves to be done.
pub(super) enum Keep {
    /// Nothing was changed.
    Nothing,
    /// This body of a frame is all that was changed.
    Journal(Vec<u8>),
    /// Anything.
    Disk,
}

/// Held by whoever writes, and by readers for as long as it takes to let them see it.
pub(super) struct Ahead {
    journal: Option<Journal>,
    /// With what only the journal has on the disk.
    transaction: Option<WriteTransaction>,
    /// Since when something is in the journal alone.
    since: Option<Instant>,
    /// The database says that the journal may hold something.
    is_in_use: bool,
}

/// What the database says of its journal; one of before has none.
pub(super) fn state(reader: &ReadTransaction) -> Result<(Epoch, bool), redb::Error> {
    let table = match reader.open_table(JOURNAL) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(([0; 16], false)),
        Err(error) => return Err(error.into()),
    };
    Ok(table.get(())?.map_or(([0; 16], false), |row| {
        let (epoch, is_in_use) = row.value();
        (*epoch, is_in_use)
    }))
}

impl Ahead {
    pub fn new(journal: Option<Journal>) -> Self {
        Self { journal, transaction: None, since: None, is_in_use: false }
    }

    /// Bytes of messages that the journal takes in the next batch.
    pub fn room(&self) -> usize {
        self.journal.as_ref().filter(|_| self.is_in_use).map_or(0, Journal::room)
    }

    /// When it is time to commit what is in the journal alone.
    pub fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + LONGEST)
    }

    /// Bytes that are in the journal alone.
    pub fn bytes(&self) -> usize {
        self.journal.as_ref().filter(|_| self.since.is_some()).map_or(0, Journal::used)
    }

    /// Something is acknowledged that readers do not see.
    pub fn is_unseen(&self) -> bool {
        self.transaction.is_some()
    }

    /// Something is in the journal that is not in the database's file.
    pub fn is_ahead(&self) -> bool {
        self.since.is_some()
    }

    /// Writes in the transaction at hand, and keeps what was written.
    pub fn write<T>(
        &mut self,
        begin: impl FnOnce() -> Result<WriteTransaction, redb::Error>,
        write: impl FnOnce(&WriteTransaction, usize) -> Result<(Keep, T), redb::Error>,
    ) -> Result<T, redb::Error> {
        let is_unseen = self.is_unseen();
        let transaction = self.transaction.take().map_or_else(begin, Ok)?;
        let (keep, value) = write(&transaction, self.room())?;
        match keep {
            Keep::Nothing if is_unseen => self.transaction = Some(transaction),
            Keep::Nothing => transaction.abort()?,
            Keep::Journal(body) => match &mut self.journal {
                Some(journal) if body.len() <= journal.room() && self.is_in_use => {
                    journal.append(&body)?;
                    self.transaction = Some(transaction);
                    self.since.get_or_insert_with(Instant::now);
                }
                _ => self.commit(transaction)?,
            },
            Keep::Disk => self.commit(transaction)?,
        }
        Ok(value)
    }

    /// Commits, waits for the disk, and begins another epoch.
    fn commit(&mut self, transaction: WriteTransaction) -> Result<(), redb::Error> {
        self.commit_as(transaction, self.journal.is_some())
    }

    fn commit_as(&mut self, mut transaction: WriteTransaction, is_in_use: bool) -> Result<(), redb::Error> {
        let mut epoch = [0; 16];
        aws_lc_rs::rand::fill(&mut epoch)
            .map_err(|_| StorageError::Corrupted("there is no randomness".into()))?;
        transaction.open_table(JOURNAL)?.insert((), (&epoch, is_in_use))?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.commit()?;
        if let Some(journal) = &mut self.journal {
            journal.begin(epoch);
        }
        (self.since, self.is_in_use) = (None, is_in_use);
        Ok(())
    }

    /// Lets readers see everything.
    pub fn show(&mut self) -> Result<(), redb::Error> {
        let Some(mut transaction) = self.transaction.take() else { return Ok(()) };
        // The journal has it on the disk.
        transaction.set_durability(Durability::None)?;
        transaction.commit()?;
        Ok(())
    }

    /// Brings everything into the database's file, after which nothing is looked for in the journal.
    pub fn rest(&mut self, database: &Database) -> Result<(), redb::Error> {
        if self.since.is_none() && !self.is_in_use {
            return Ok(());
        }
        let transaction = match self.transaction.take() {
            Some(transaction) => transaction,
            None => database.begin_write()?,
        };
        self.commit_as(transaction, false)
    }

    /// Forgets the transaction: it failed, or its database is shut.
    pub fn forget(&mut self) {
        self.transaction = None;
    }

    /// Brings what only the journal has into a database that was opened, for readers to see.
    pub fn replay(&mut self, database: &Database) -> Result<(), redb::Error> {
        let (epoch, is_in_use) = state(&database.begin_read()?)?;
        self.is_in_use = is_in_use;
        self.since = None;
        let Some(journal) = self.journal.as_mut().filter(|_| is_in_use) else { return Ok(()) };
        let records = journal.replay(epoch).map_err(|error| match error {
            JournalError::Damaged => StorageError::Corrupted("its journal is damaged".into()),
            JournalError::Io(error) => StorageError::Io(error),
        })?;
        if records.is_empty() {
            return Ok(());
        }
        let mut transaction = database.begin_write()?;
        let mut tables = Tables::open(&transaction)?;
        for record in &records {
            put(&mut tables, record)?;
        }
        drop(tables);
        transaction.set_durability(Durability::None)?;
        transaction.commit()?;
        tracing::info!(messages = records.len(), "the journal was replayed");
        self.since = Some(Instant::now());
        Ok(())
    }
}

/// Appends a message again, unless it is there: as it was decided the first time.
fn put(tables: &mut Tables<'_>, Record { room: id, seq, row }: &Record) -> Result<(), StorageError> {
    let astray = || StorageError::Corrupted("its journal does not go on where the log ends".into());
    let mut room = tables::room(&tables.rooms, id)?.ok_or_else(astray)?;
    if *seq <= room.head {
        return Ok(());
    }
    let (publish, at_ms) = row::head(row).filter(|_| *seq == room.head + 1).ok_or_else(astray)?;
    append(tables, id, &publish.0, row, (*seq, at_ms), &mut room)?;
    tables.put_room(id, room)
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
