//! The file, and what happens when its disk fails.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    time::{Duration, Instant},
};

use parking_lot::{Mutex as FairMutex, MutexGuard as FairGuard};
use redb::{Database, DatabaseError, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::{
    ahead::{self, Ahead, Keep, ReplayError, State, Wait},
    formats::{self, Made},
    fullness, kept,
    open::{
        FILE, Found, OpenError, STAGING, bytes_on_disk, forget_pages, is_lost, open_journal, open_or_make,
    },
    tables::Tables,
};
use crate::{
    log::{Unavailable, caught::caught},
    policy::limits::REOPEN_INTERVAL,
};

type Open = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// Opens the journal of a database that says this of it, or makes one.
type OpenJournal<'a> = &'a dyn Fn(&State) -> Result<Found, OpenError>;

/// What becomes of a database of an earlier format.
#[derive(Clone, Copy, Debug)]
enum Upgrade {
    /// A relay that starts makes it one of the newest.
    Start,
    /// Nothing.
    Never,
}

/// How long a reader waits for the writer, which waits for the disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// An open database that can be reopened: after one failed write redb answers nothing any more, not even
/// reads, until it is opened anew.
pub(super) struct Store {
    directory: PathBuf,
    open: Open,
    interval: Duration,
    /// `None` while reopening has failed, and after closing.
    database: RwLock<Option<Database>>,
    /// The last try to reopen; `None` before the first.
    reopened: Mutex<Option<Instant>>,
    /// The last write found no space.
    is_full: AtomicBool,
    /// What is acknowledged and not in the database's file. Taken before `database`. Whoever lets go of it lets those have it
    /// who wait: a writer that is busy would come before readers again and again.
    ahead: FairMutex<Ahead>,
    /// Something is acknowledged that readers of the database do not see yet. Set by whoever holds `ahead`, before the answer.
    is_unseen: AtomicBool,
}

impl Store {
    /// Opens or makes the file in `directory`; one of an earlier format becomes one of the newest.
    pub(super) fn open(directory: &Path) -> Result<Self, OpenError> {
        Self::open_file(directory, Upgrade::Start)
    }

    /// The same for who only looks: one of an earlier format is not opened.
    pub(super) fn open_to_look(directory: &Path) -> Result<Self, OpenError> {
        Self::open_file(directory, Upgrade::Never)
    }

    fn open_file(directory: &Path, upgrade: Upgrade) -> Result<Self, OpenError> {
        if directory.join(STAGING).try_exists().map_err(OpenError::Io)? {
            return Err(OpenError::Restoring);
        }
        if is_lost(directory).map_err(OpenError::Io)? {
            return Err(OpenError::Lost);
        }
        let path = directory.to_owned();
        let open = move || open_or_make(&path);
        let journal = |state: &State| open_journal(directory, state);
        caught(|| Self::open_as(directory, Box::new(open), &journal, REOPEN_INTERVAL, upgrade))
            .unwrap_or(Err(OpenError::Damaged))
    }

    /// Opens with functions of the caller's; tries to reopen as often as `interval`.
    #[cfg(test)]
    pub(super) fn open_with(
        directory: &Path,
        open: Open,
        journal: OpenJournal<'_>,
        interval: Duration,
    ) -> Result<Self, OpenError> {
        Self::open_as(directory, open, journal, interval, Upgrade::Start)
    }

    fn open_as(
        directory: &Path,
        open: Open,
        journal: OpenJournal<'_>,
        interval: Duration,
        upgrade: Upgrade,
    ) -> Result<Self, OpenError> {
        let database = open()?;
        match upgrade {
            Upgrade::Start => kept::upgrade(directory, &database)?,
            Upgrade::Never => {
                formats::earlier(&database)?.map_or(Ok(()), |format| Err(OpenError::Earlier(format)))?;
            }
        }
        if formats::create(&database).map_err(OpenError::from)? == Made::Other {
            return Err(OpenError::Format);
        }
        let state = || ahead::state(&database.begin_read().map_err(redb::Error::from)?);
        let found = match journal(&state()?)? {
            Found::Emptied => {
                tracing::warn!(
                    "the journal was emptied: what was said in the last seconds before the relay ended is lost"
                );
                ahead::abandon(&database)?;
                journal(&state()?)?
            }
            found => found,
        };
        let mut ahead = Ahead::new(match found {
            Found::Journal(journal) => Some(journal),
            Found::Emptied | Found::Nothing => None,
        });
        ahead.replay(&database).map_err(|error| match error {
            ReplayError::Journal => OpenError::Journal,
            ReplayError::Database(error) => error.into(),
        })?;
        Ok(Self {
            directory: directory.to_owned(),
            open,
            interval,
            database: RwLock::new(Some(database)),
            reopened: Mutex::new(None),
            is_full: AtomicBool::new(false),
            ahead: FairMutex::new(ahead),
            is_unseen: AtomicBool::new(false),
        })
    }

    /// Runs a read on a snapshot.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Unavailable> {
        self.show()?;
        self.with(|database| read(&database.begin_read()?))
    }

    /// A snapshot to read at leisure: it holds up nobody, not even a reopening, after which it answers no more.
    pub(super) fn snapshot(&self) -> Result<ReadTransaction, Unavailable> {
        self.show()?;
        self.with(|database| Ok(database.begin_read()?))
    }

    /// Runs a write; `write` says what is to be kept of it, and how.
    pub(super) fn write<T>(
        &self,
        write: impl FnOnce(&mut Tables<'_>, Wait) -> Result<(Keep, T), redb::Error>,
    ) -> Result<T, Unavailable> {
        let mut ahead = self.ahead.lock();
        let written = self.mended(&mut ahead).and_then(|()| ahead.write(|| self.begin(), write));
        self.judge(&mut ahead, &written);
        FairGuard::unlock_fair(ahead);
        written.map_err(|_| Unavailable)
    }

    /// Replays what a transaction held that did not come to its end.
    fn mended(&self, ahead: &mut Ahead) -> Result<(), redb::Error> {
        if !ahead.is_torn() {
            return Ok(());
        }
        match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => Ok(ahead.replay(database)?),
            None => Err(redb::Error::DatabaseClosed),
        }
    }

    /// What follows from how something went.
    fn judge<T>(&self, ahead: &mut Ahead, done: &Result<T, redb::Error>) {
        if let Err(error) = done {
            tracing::error!(%error, "the database failed");
            if fullness::is_told_by(error) {
                self.is_full.store(true, Relaxed);
            }
            // What was acknowledged is replayed; if that fails, nobody reads a database without it.
            if self.mended(ahead).is_err() {
                *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
            }
            // A write that failed may be in memory as if it were on the disk.
            self.reopen(ahead, || forget_pages(&self.directory.join(FILE)));
        }
        self.is_unseen.store(ahead.is_unseen(), Release);
    }

    /// When what is in the journal alone is to be committed.
    pub(super) fn due(&self) -> Option<Instant> {
        self.ahead.lock().due()
    }

    fn begin(&self) -> Result<WriteTransaction, redb::Error> {
        match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => Ok(database.begin_write()?),
            None => Err(redb::Error::DatabaseClosed),
        }
    }

    /// Lets readers see everything that is acknowledged.
    fn show(&self) -> Result<(), Unavailable> {
        if !self.is_unseen.load(Acquire) {
            return Ok(());
        }
        let Some(mut ahead) = self.ahead.try_lock_for(PATIENCE) else { return Err(Unavailable) };
        let shown = self.mended(&mut ahead).and_then(|()| ahead.show());
        self.judge(&mut ahead, &shown);
        FairGuard::unlock_fair(ahead);
        shown.map_err(|_| Unavailable)
    }

    /// A transaction is on the disk.
    pub(super) fn wrote(&self) {
        self.is_full.store(false, Relaxed);
    }

    /// Whether the disk had no space for the last write, and seems to have none yet. Blocks.
    pub(super) fn is_full(&self) -> bool {
        if self.is_full.load(Relaxed) && fullness::is_over(&self.directory, self.available()) {
            self.is_full.store(false, Relaxed);
        }
        self.is_full.load(Relaxed)
    }

    /// Bytes that the file system has left, `None` when it does not say.
    pub(super) fn available(&self) -> Option<u64> {
        fs4::available_space(&self.directory).ok()
    }

    /// Bytes that the file takes on the disk: less than its size, since redb lets it grow by holes. `None` when
    /// the file system does not say.
    pub(super) fn disk_bytes(&self) -> Option<u64> {
        bytes_on_disk(&self.directory.join(FILE))
    }

    /// The same with what the journal alone has: soon the file takes that, too.
    pub(super) fn soon_bytes(&self) -> Option<u64> {
        Some(self.disk_bytes()? + self.ahead.lock().bytes() as u64)
    }

    /// Gives free pages back to the file system. Nobody reads or writes meanwhile. Returns the bytes on the disk
    /// before and after.
    pub(super) fn compact(&self) -> Result<(u64, u64), OpenError> {
        let before = self.disk_bytes().unwrap_or(0);
        let mut ahead = self.ahead.lock();
        self.rest(&mut ahead)?;
        if let Some(database) = &mut *self.database.write().unwrap_or_else(PoisonError::into_inner) {
            database.compact().map_err(redb::Error::from)?;
        }
        drop(ahead);
        Ok((before, self.disk_bytes().unwrap_or(0)))
    }

    /// Whether the sums of all pages are right; false if they were not and are now.
    pub(super) fn has_integrity(&self) -> Result<bool, OpenError> {
        let mut ahead = self.ahead.lock();
        self.rest(&mut ahead)?;
        match &mut *self.database.write().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => Ok(database.check_integrity()?),
            None => Ok(false),
        }
    }

    /// Lets go of the file.
    pub(super) fn close(&self) {
        let mut ahead = self.ahead.lock();
        if self.rest(&mut ahead).is_err() {
            tracing::error!(
                "the database was not closed in order: its journal is read when it is opened again"
            );
        }
        ahead.forget();
        self.is_unseen.store(false, Release);
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Brings everything into the database's file.
    fn rest(&self, ahead: &mut Ahead) -> Result<(), redb::Error> {
        let rested = self.mended(ahead).and_then(|()| {
            match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
                Some(database) => ahead.rest(database),
                None => Ok(()),
            }
        });
        self.judge(ahead, &rested);
        rested
    }

    fn with<T>(&self, run: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Unavailable> {
        let result = match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => run(database).map_err(|error| {
                // The text of a redb error names pages and the operating system's reason, no content.
                tracing::error!(%error, "the database failed");
                Unavailable
            }),
            None => Err(Unavailable),
        };
        if result.is_err() {
            self.reopen(&mut self.ahead.lock(), || ());
        }
        result
    }

    /// Opens it again; `shut` is called while it is shut.
    fn reopen(&self, ahead: &mut Ahead, shut: impl FnOnce()) {
        let mut last = self.reopened.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < self.interval) {
            return;
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The old one first: it holds the lock of the file.
        ahead.forget();
        self.is_unseen.store(false, Release);
        *database = None;
        shut();
        let opened = (self.open)().map_err(redb::Error::from);
        let opened = opened.and_then(|opened| {
            ahead.replay(&opened)?;
            Ok(opened)
        });
        *database = opened.inspect_err(|error| tracing::error!(%error, "the database stays shut")).ok();
        *last = Some(Instant::now());
    }
}

impl Drop for Store {
    /// Whoever did not close it has its journal read the next time; a transaction must not outlive the file's lock.
    fn drop(&mut self) {
        self.ahead.get_mut().forget();
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
