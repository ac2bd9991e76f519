//! Looking at what is kept, and making it small, while no relay runs or beside one.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use proto::{BlobId, RoomId};

use super::{
    error::{BlobsError, IndexError},
    files::{self, FOLDER, Files},
    index::Index,
    row::{Row, payer},
    tables::{self, Named},
};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSurvey {
    /// Files that were looked at.
    pub files: u64,
    /// Bytes of their parts.
    pub bytes: u64,
    /// Those that are not as they were written: the room, and the id.
    pub damaged: Vec<(RoomId, BlobId)>,
    /// What is wrong with the index itself.
    pub elsewhere: Option<String>,
}

impl FileSurvey {
    /// That of a stopped relay. An index that cannot be opened is what was found. Blocks.
    pub(crate) fn at_rest(data_dir: &Path) -> Self {
        match Shelf::at_rest(data_dir) {
            Ok(Some(shelf)) => {
                let survey = shelf.survey();
                shelf.close();
                survey
            }
            Ok(None) => Self::default(),
            Err(error) => Self { elsewhere: Some(error.to_string()), ..Self::default() },
        }
    }
}

/// What is kept, for whoever reads all of it.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    data_dir: PathBuf,
    files: Files,
    index: Arc<Index>,
}

impl Shelf {
    pub(super) fn new(data_dir: PathBuf, files: Files, index: Arc<Index>) -> Self {
        Self { data_dir, files, index }
    }

    /// That of a stopped relay; `None` where there is none, or nothing may be written. Blocks.
    ///
    /// # Errors
    /// [`BlobsError`], also when a relay runs on it.
    pub(crate) fn at_rest(data_dir: &Path) -> Result<Option<Self>, BlobsError> {
        let files = Files::at_rest(data_dir);
        if !Index::is_there(files.folder()) {
            return Ok(None);
        }
        match Index::open(files.folder()) {
            Ok(index) => Ok(Some(Self::new(data_dir.to_owned(), files, Arc::new(index)))),
            Err(error) if error.is_read_only() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads every part of every file. Blocks; transfers go on meanwhile.
    pub(crate) fn survey(&self) -> FileSurvey {
        let mut found = FileSurvey::default();
        match self.rows() {
            Ok((rows, expiries)) => {
                if expiries != rows.len() as u64 {
                    found.elsewhere = Some("the index of files is not sound".into());
                }
                for named in rows {
                    self.look(&named, &mut found);
                }
            }
            Err(error) => found.elsewhere = Some(error.to_string()),
        }
        found
    }

    /// Hands over each file that is whole, and then its parts in order. One that went meanwhile is left out; one that is not as
    /// it was written too, and counted. Blocks.
    ///
    /// # Errors
    /// Whatever the taker says, or that the index cannot be read.
    pub(crate) fn export<E: From<io::Error>>(
        &self,
        take: &mut dyn FnMut(Carried<'_>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let (rows, _) = self.rows().map_err(|error| E::from(io::Error::other(error)))?;
        let mut damaged = 0;
        for (room, blob, mut row) in rows {
            // Who opened a room is not carried away: from then on the room itself pays.
            row.opener = payer(&room);
            if !row.parts.is_whole() {
                continue;
            }
            // Whoever drops it from here on gets its space back when it is handed over; if he did before, it has no row.
            let _loan = self.files.lend(row.number);
            if !self.is_there(&room, &blob, row.number).map_err(|error| E::from(io::Error::other(error)))? {
                continue;
            }
            if !is_as_written(&self.files, &row) {
                damaged += 1;
                continue;
            }
            take(Carried::Blob(&room, &blob, &row))?;
            let file = self.files.read(row.number)?;
            for number in 0..row.layout.parts() {
                let length = row.layout.length(number).unwrap_or(0);
                take(Carried::Part(number, files::read_at(&file, length, row.layout.offset(number))?))?;
            }
        }
        Ok(damaged)
    }

    /// Gives free pages of the index back, and deletes files that are nobody's. Nobody may be writing. Blocks.
    ///
    /// # Errors
    /// [`BlobsError`].
    pub(crate) fn compact(&self) -> Result<u64, BlobsError> {
        self.index.compact()?;
        let (rows, _) = self.rows()?;
        let numbers: HashSet<u64> = rows.into_iter().map(|(_, _, row)| row.number).collect();
        let removed = self.files.remove_orphans(|number| numbers.contains(&number));
        removed.map_err(|source| BlobsError::Io { path: self.data_dir.join(FOLDER), source })
    }

    /// Lets go of the index.
    pub(crate) fn close(&self) {
        self.index.close();
    }

    fn rows(&self) -> Result<(Vec<Named>, u64), IndexError> {
        self.index.read(|transaction| {
            let mut rows = Vec::new();
            tables::each(transaction, |named| rows.push(named))?;
            Ok((rows, tables::expiries(transaction)?))
        })
    }

    fn look(&self, (room, blob, row): &Named, found: &mut FileSurvey) {
        found.files += 1;
        found.bytes += row.layout.size() - row.missing();
        if is_as_written(&self.files, row) {
            return;
        }
        // One that went meanwhile is not damaged.
        if self.is_there(room, blob, row.number).unwrap_or(false) {
            found.damaged.push((*room, *blob));
        }
    }

    /// Whether a blob still has the file of this number.
    fn is_there(&self, room: &RoomId, blob: &BlobId, number: u64) -> Result<bool, IndexError> {
        let now = self.index.read(|transaction| tables::get(transaction, room, blob))?;
        Ok(now.is_some_and(|now| now.number == number))
    }
}

/// What is carried away.
pub(crate) enum Carried<'a> {
    /// A file begins.
    Blob(&'a RoomId, &'a BlobId, &'a Row),
    /// Its next part.
    Part(u32, Vec<u8>),
}

fn is_as_written(files: &Files, row: &Row) -> bool {
    let there = |number: &u32| row.parts.has(*number);
    let mut parts = (0..row.layout.parts()).filter(there).peekable();
    if parts.peek().is_none() {
        return true;
    }
    let Ok(file) = files.read(row.number) else { return false };
    parts.all(|number| {
        let length = row.layout.length(number).unwrap_or(0);
        let bytes = files::read_at(&file, length, row.layout.offset(number));
        bytes.is_ok_and(|bytes| row.sums.get(number as usize) == Some(&crc32fast::hash(&bytes)))
    })
}
