//! What this device keeps: one SQLite database per profile, its secret values sealed.
//!
//! A batch of the engine is one transaction, committed with `synchronous = FULL` before a byte is sent:
//! after a crash the same ciphertexts are sent again and nothing is encrypted twice.

mod avatars;
mod backup_plan;
mod carried;
mod claimed;
#[cfg(test)]
pub(crate) mod crash_point;
mod cursors;
mod devices;
mod drafts;
mod error;
mod followed;
mod gone;
mod happenings;
mod here;
mod history;
mod key;
mod linking;
mod lock;
mod notices;
mod offers;
mod old;
mod over;
mod people;
mod picture_key;
mod places;
mod profile;
mod rooms;
mod schema;
mod seal;
mod search;
mod shut_out;
mod synced;
mod tokens;
mod transfers;
mod unclaimed;
mod vault;
mod ways;
mod who;

use std::path::{Path, PathBuf};

use proto::RoomId;
use rusqlite::{Connection, OptionalExtension, params};
use shared::{
    crypto::random::Random,
    message::timeline::{ActError, Line},
    room::{Act, Change, Problem},
};
use zeroize::Zeroizing;

pub use avatars::OwnAvatar;
pub use backup_plan::BackupPlan;
pub use carried::OwnTexts;
pub use claimed::Claimed;
pub use cursors::{Cursor, MAX_CURSOR_NAME};
pub use devices::Came;
pub use error::{Damage, KeyFault, StoreError};
pub use followed::{Agreed, Followed, MAX_SETTING, MAX_SETTING_NAME, Said};
pub use happenings::{
    Happening, HappeningKey, Item, MAX_HAPPENINGS, RoomLogItem, people_of, read_happening, written_happening,
};
pub use here::Told;
pub use history::{Changed, LineOrAct, MAX_HISTORY, read_line, written_line};
#[cfg(unix)]
pub(crate) use key::is_open_to_others;
pub use key::{
    Account, Asking, Cost, FEWEST, FileKey, HeldKey, KeyFile, KeySource, MAX_PASSPHRASE, Passphrase,
    PassphraseError, ProfileKey, Wrap,
};
pub use linking::AccountHere;
pub use notices::{Earlier, Notice, StoredNotice, UNVERIFIED};
pub use offers::{EnteredRoom, Offer};
pub use over::{NoWayIn, Over, Unreadable};
pub use people::{KnownPerson, MAX_NAMES, MAX_PEOPLE, Meeting, People, Replacement};
pub use picture_key::PictureKey;
pub use places::FileLocation;
pub use profile::{NewProfile, OpenProfile, ProfileDir, engine_profile, usual_name};
pub use rooms::{KnownRelay, RoomKind, RoomRecord, Where};
pub use search::{Hit, Query, Search};
pub use synced::{Mark, Typed, catch_up::written_for as written_for_newcomer, written as written_marks};
pub use transfers::MAX_TRANSFERS;
pub use vault::Vault;
pub use ways::DeviceWay;

use seal::Sealer;

/// A value that was sealed when the database was made.
const PROBE: &str = "key-check";

/// File name of the database in the profile's directory.
pub const DATABASE: &str = "schat.db";

/// One room's rows, as [`shared::room::Engine::load`] takes them.
pub type Rows = Vec<(String, Zeroizing<Vec<u8>>)>;

/// What one batch of the engine changes.
#[derive(Default)]
pub struct Batch {
    /// Rows of the engine, in order; a later one of the same key wins.
    pub changes: Vec<Change>,
    /// Chat lines and what happened to them, in the order of the log.
    pub entries: Vec<LineOrAct>,
    /// What else happened in the room, in the order of the log.
    pub happenings: Vec<Happening>,
    /// Alarms and errors that somebody has to see.
    pub notices: Vec<Notice>,
    /// People seen in the room.
    pub meetings: Vec<Meeting>,
    /// Accounts that took the place of others.
    pub replacements: Vec<Replacement>,
    /// A file that is offered now: it is under way no more.
    pub offered: Option<i64>,
}

impl Batch {
    /// There is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.entries.is_empty()
            && self.happenings.is_empty()
            && self.notices.is_empty()
            && self.meetings.is_empty()
            && self.replacements.is_empty()
            && self.offered.is_none()
    }
}

/// What a batch led to.
#[derive(Debug, Default)]
pub struct Committed {
    /// Number of the batch's first notice; the others follow it, then those of `refused`.
    pub first_notice: i64,
    /// What changed lines, and what they are now, in order.
    pub lines: Vec<(Act, Line)>,
    /// What is told of acts that broke a rule.
    pub refused: Vec<Notice>,
}

/// The database of one profile. Blocking; asynchronous callers go through [`Vault`].
pub struct Store {
    db: Connection,
    /// Where it is.
    dir: PathBuf,
    sealer: Sealer,
    /// What the table `people` holds.
    people: People,
    /// Chat lines kept per room.
    kept: u64,
    #[cfg(test)]
    pub(crate) crash_point: crash_point::CrashPoint,
}

impl Store {
    /// Opens or makes the database in `dir`.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened, is damaged, or belongs to a later version or another key.
    pub fn open(dir: &Path, key: &ProfileKey, random: Random) -> Result<Self, StoreError> {
        Self::made_ready(dir, key, random).map_err(|error| error.at(dir))
    }

    fn made_ready(dir: &Path, key: &ProfileKey, random: Random) -> Result<Self, StoreError> {
        let path = dir.join(DATABASE);
        schema::keep_from_others(&path);
        let mut db = Connection::open(path)?;
        schema::prepare(&mut db)?;
        let mut store = Self {
            db,
            dir: dir.to_owned(),
            sealer: Sealer::new(key, random),
            people: People::default(),
            kept: MAX_HISTORY,
            #[cfg(test)]
            crash_point: crash_point::CrashPoint::default(),
        };
        store.check_key()?;
        store.load_people()?;
        store.archive_old_rooms()?;
        Ok(store)
    }

    /// Opens the database in `dir` to read it, where nothing can be written.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened, is damaged, belongs to another key, or is not of this version.
    pub fn open_read_only(dir: &Path, key: &ProfileKey, random: Random) -> Result<Self, StoreError> {
        let db = schema::open_read_only(&dir.join(DATABASE))?;
        let store = Self {
            db,
            dir: dir.to_owned(),
            sealer: Sealer::new(key, random),
            people: People::default(),
            kept: MAX_HISTORY,
            #[cfg(test)]
            crash_point: crash_point::CrashPoint::default(),
        };
        if store.meta(PROBE).map_err(|_| StoreError::WrongKey)?.is_none() {
            return Err(StoreError::WrongKey);
        }
        store.load_people()?;
        Ok(store)
    }

    /// Opens the database in `dir` beside another process that has the profile: to read all of it as of one moment, and to
    /// keep a value or two of the profile itself.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened, is damaged, belongs to another key, or is not of this version.
    pub fn open_beside(dir: &Path, key: &ProfileKey, random: Random) -> Result<Self, StoreError> {
        Self::beside(dir, Sealer::new(key, random))
    }

    /// The same database once more, in `dir`: for whoever reads all of it and must not hold others up.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened.
    pub fn sibling(&self, dir: &Path) -> Result<Self, StoreError> {
        Self::beside(dir, self.sealer.clone())
    }

    fn beside(dir: &Path, sealer: Sealer) -> Result<Self, StoreError> {
        let store = Self {
            db: schema::open_beside(&dir.join(DATABASE))?,
            dir: dir.to_owned(),
            sealer,
            people: People::default(),
            kept: MAX_HISTORY,
            #[cfg(test)]
            crash_point: crash_point::CrashPoint::default(),
        };
        if store.meta(PROBE).map_err(|_| StoreError::WrongKey)?.is_none() {
            return Err(StoreError::WrongKey);
        }
        store.load_people()?;
        Ok(store)
    }

    /// From now on everything is read as it is at this moment, until [`Store::thaw`].
    ///
    /// # Errors
    /// [`StoreError`] when the database does not let us.
    pub fn freeze(&self) -> Result<(), StoreError> {
        // A transaction begins with the first thing that is read in it.
        self.db.execute_batch("BEGIN; SELECT count(*) FROM meta;")?;
        Ok(())
    }

    /// What others wrote since [`Store::freeze`] is seen again.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not let us.
    pub fn thaw(&self) -> Result<(), StoreError> {
        Ok(self.db.execute_batch("COMMIT")?)
    }

    /// Writes several things, all of them or nothing. What is shown from memory meanwhile is what was to be, and after a failure what is.
    pub(crate) fn all_or_nothing<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.db.execute_batch("SAVEPOINT whole")?;
        let done = work(self);
        if done.is_err() {
            // A full disk makes the database take all of it back by itself.
            if !self.db.is_autocommit() {
                self.db.execute_batch("ROLLBACK TO whole; RELEASE whole;")?;
            }
            self.load_people()?;
            return done;
        }
        self.db.execute_batch("RELEASE whole")?;
        done
    }

    /// Saves a batch, all of it or nothing. `record` names the room when it is new or moved.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing of the batch is stored.
    pub fn commit(
        &mut self,
        room: RoomId,
        record: Option<&RoomRecord>,
        batch: &Batch,
    ) -> Result<Committed, StoreError> {
        let transaction = self.db.transaction()?;
        if let Some(record) = record {
            rooms::upsert(&transaction, record)?;
        }
        put_rows(&transaction, &self.sealer, room, &batch.changes)?;
        if let Some(number) = batch.offered {
            transfers::end(&transaction, number)?;
        }
        happenings::append(&transaction, &self.sealer, room, &batch.happenings)?;
        let Changed { lines, refused } =
            history::append(&transaction, &self.sealer, room, &batch.entries, self.kept)?;
        // Only a forgery is told: whoever reacts to what is just being deleted does nothing wrong, and a flood of reactions
        // must not become a flood of notices.
        let refused: Vec<Notice> = refused
            .into_iter()
            .filter(|(_, error)| *error == ActError::NotTheirs)
            .map(|(act, _)| Notice::Problem(Problem::NotTheirs { who: act.from.name }))
            .collect();
        let notices = [batch.notices.as_slice(), refused.as_slice()].concat();
        let first_notice = notices::append(&transaction, &self.sealer, room, &notices)?;
        let met =
            people::meet(&transaction, &self.sealer, &self.people, &batch.meetings, &batch.replacements)?;
        transaction.commit()?;
        met.show(&self.people);
        Ok(Committed { first_notice, lines, refused })
    }

    /// The engine's rows of a room.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn rows(&self, room: RoomId) -> Result<Rows, StoreError> {
        let mut select = self.db.prepare_cached("SELECT key, value FROM rows WHERE room = ?1")?;
        let found = select.query_map([room.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        found
            .map(|row| {
                let (key, sealed): (String, Vec<u8>) = row?;
                let value = self.sealer.open(&row_label(room, &key), &sealed)?;
                Ok((key, value))
            })
            .collect()
    }

    /// One of the engine's rows of a room.
    fn row(&self, room: RoomId, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let select = "SELECT value FROM rows WHERE room = ?1 AND key = ?2";
        let sealed: Option<Vec<u8>> =
            self.db.query_row(select, params![room.as_bytes(), key], |row| row.get(0)).optional()?;
        sealed.map(|sealed| self.sealer.open(&row_label(room, key), &sealed)).transpose()
    }

    /// A sealed value of the profile itself.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or was altered.
    pub fn meta(&self, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let sealed: Option<Vec<u8>> =
            self.db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?;
        sealed.map(|sealed| self.sealer.open(&meta_label(key), &sealed)).transpose()
    }

    /// Keeps a value of the profile itself.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_meta(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let sealed = self.sealer.seal(&meta_label(key), value)?;
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", params![key, sealed])?;
        Ok(())
    }

    /// As on a full disk: not one page more is written.
    #[cfg(test)]
    pub(crate) fn starve(&mut self, starve: bool) -> Result<(), StoreError> {
        let pages: u32 = self.db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        self.db.pragma_update(None, "max_page_count", if starve { pages } else { u32::MAX - 1 })?;
        Ok(())
    }

    /// A value that was sealed when the database was made tells a wrong key at once.
    fn check_key(&self) -> Result<(), StoreError> {
        if self.meta(PROBE).map_err(|_| StoreError::WrongKey)?.is_some() {
            return Ok(());
        }
        let sealed = self.sealer.seal(&meta_label(PROBE), b"")?;
        self.db.execute("INSERT INTO meta VALUES (?1, ?2)", params![PROBE, sealed])?;
        Ok(())
    }
}

/// Rows of a room's engine, sealed, in the transaction of whoever writes what follows from them.
fn put_rows(db: &Connection, sealer: &Sealer, room: RoomId, changes: &[Change]) -> Result<(), StoreError> {
    let mut put = db.prepare_cached("INSERT OR REPLACE INTO rows VALUES (?1, ?2, ?3)")?;
    let mut delete = db.prepare_cached("DELETE FROM rows WHERE room = ?1 AND key = ?2")?;
    for Change { key, value } in changes {
        match value {
            Some(value) => {
                let sealed = sealer.seal(&row_label(room, key), value)?;
                put.execute(params![room.as_bytes(), key, sealed])?
            }
            None => delete.execute(params![room.as_bytes(), key])?,
        };
    }
    Ok(())
}

/// Binds a value to its place, so that altered storage cannot exchange two of them.
fn row_label(room: RoomId, key: &str) -> Vec<u8> {
    [b"row/".as_slice(), room.as_bytes(), key.as_bytes()].concat()
}

fn meta_label(key: &str) -> Vec<u8> {
    [b"meta/", key.as_bytes()].concat()
}

#[cfg(test)]
mod tests;
