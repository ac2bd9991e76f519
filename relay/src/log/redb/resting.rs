//! A database whose file system is mounted read-only: nothing can be written, not even the lock of a writer, but it can
//! be read and carried away.

use std::{collections::BTreeSet, path::Path};

use proto::RoomId;
use redb::{Database, DatabaseError, ReadOnlyDatabase, ReadableDatabase};

use super::{OpenError, Survey, ahead, check, copy, formats, open::FILE};
use crate::{
    log::{ExportError, Record, Rooms, Stop, caught::caught},
    policy::limits::PAGE_CACHE,
};

/// A stopped relay's rooms, for reading alone.
pub(crate) struct Resting {
    database: ReadOnlyDatabase,
}

impl Resting {
    /// Opens the file in `directory`. Blocks.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::Unrested`] when it would have to be repaired first.
    pub(crate) fn open(directory: &Path) -> Result<Self, OpenError> {
        caught(|| Self::open_file(&directory.join(FILE))).unwrap_or(Err(OpenError::Damaged))
    }

    /// The format of a file that lies there in order, if it is an earlier one; nothing of it is written.
    pub(super) fn earlier(directory: &Path) -> Option<u64> {
        let read = || {
            let database =
                Database::builder().set_cache_size(PAGE_CACHE).open_read_only(directory.join(FILE));
            formats::earlier(&database.ok()?).ok()?
        };
        caught(read).flatten()
    }

    fn open_file(path: &Path) -> Result<Self, OpenError> {
        let opened = Database::builder().set_cache_size(PAGE_CACHE).open_read_only(path);
        let database = opened.map_err(|error| match error {
            DatabaseError::RepairAborted => OpenError::Unrested,
            other => other.into(),
        })?;
        let reader = database.begin_read().map_err(redb::Error::from)?;
        match (formats::is_readable(&reader)?, ahead::state(&reader)?.is_in_use) {
            (false, _) => Err(OpenError::Format),
            (true, true) => Err(OpenError::Unrested),
            (true, false) => Ok(Self { database }),
        }
    }

    /// Reads every row. The sums of pages are not looked at: that would mend them. Blocks.
    ///
    /// # Errors
    /// [`OpenError`] when it cannot be read.
    pub(crate) fn survey(&self) -> Result<Survey, OpenError> {
        let read = || -> Result<Survey, OpenError> {
            Ok(check::survey(&self.database.begin_read().map_err(redb::Error::from)?)?)
        };
        caught(read).unwrap_or(Err(OpenError::Damaged))
    }
}

impl Rooms for Resting {
    fn export(
        &self,
        left_out: &BTreeSet<RoomId>,
        take: &mut dyn FnMut(Record) -> Result<(), Stop>,
    ) -> Result<(), ExportError> {
        copy::export(&self.database.begin_read().map_err(redb::Error::from)?, left_out, take)
    }
}
