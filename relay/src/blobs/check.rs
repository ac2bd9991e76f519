//! Looking at what is kept, and making it small, while no relay runs; and after an end that was none in order.

use std::path::Path;

use proto::{BlobId, RoomId};

use super::{
    Blobs, BlobsError,
    files::{self, FOLDER, Files},
    index::{self, Index, IndexError},
    row::Row,
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
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.damaged.is_empty() && self.elsewhere.is_none()
    }
}

impl Blobs {
    /// Reads every part of every file. Blocks; transfers go on meanwhile.
    pub fn survey(&self) -> FileSurvey {
        survey(&self.files, &self.index)
    }
}

/// The same of a stopped relay. Blocks.
///
/// # Errors
/// [`BlobsError`], also when a relay runs on it.
pub(crate) fn check(data_dir: &Path) -> Result<FileSurvey, BlobsError> {
    let files = Files::at_rest(data_dir);
    if !Index::is_there(files.folder()) {
        return Ok(FileSurvey::default());
    }
    let index = Index::open(files.folder())?;
    let survey = survey(&files, &index);
    index.close();
    Ok(survey)
}

/// Gives free pages of a stopped relay's index back, and deletes files that are nobody's. Blocks.
///
/// # Errors
/// [`BlobsError`], also when a relay runs on it.
pub(crate) fn compact(data_dir: &Path) -> Result<u64, BlobsError> {
    let files = Files::at_rest(data_dir);
    if !Index::is_there(files.folder()) {
        return Ok(0);
    }
    let index = Index::open(files.folder())?;
    index.compact()?;
    let mut numbers = std::collections::HashSet::new();
    index.read(|transaction| {
        index::each(transaction, |(_, _, row)| {
            numbers.insert(row.number);
        })
    })?;
    let removed = files.remove_orphans(|number| numbers.contains(&number));
    index.close();
    removed.map_err(|source| BlobsError::Io { path: data_dir.join(FOLDER), source })
}

/// Bytes that the index says files take; `None` when there is none, or it cannot be read.
pub(crate) fn disk_bytes(data_dir: &Path) -> Option<u64> {
    let folder = data_dir.join(FOLDER);
    let mut bytes = 0;
    for part in std::fs::read_dir(folder).ok()? {
        let Ok(files) = std::fs::read_dir(part.ok()?.path()) else { continue };
        bytes += files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum::<u64>();
    }
    Some(bytes)
}

fn survey(files: &Files, index: &Index) -> FileSurvey {
    let mut found = FileSurvey::default();
    let mut rows = Vec::new();
    let read = index.read(|transaction| {
        index::each(transaction, |named| rows.push(named))?;
        if index::expiries(transaction)? != rows.len() as u64 {
            return Err(IndexError::Damaged);
        }
        Ok(())
    });
    found.elsewhere = read.err().map(|error| error.to_string());
    for (room, blob, row) in rows {
        found.files += 1;
        found.bytes += row.layout.size() - row.missing();
        // One that went meanwhile is not damaged.
        let is_still_there = || {
            index
                .read(|transaction| index::get(transaction, &room, &blob))
                .is_ok_and(|now| now.is_some_and(|now| now.number == row.number))
        };
        if !is_as_written(files, &row) && is_still_there() {
            found.damaged.push((room, blob));
        }
    }
    found
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
