//! From a backup to a data directory that a relay can start on.
//!
//! Everything is built in a directory of its own inside the data directory (which may be a mount point, so it cannot
//! be swapped as a whole), checked, and only then moved to its place, the database last. While that directory is
//! there no relay starts: one that was interrupted never passes for a new, empty relay.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Write},
    path::{Path, PathBuf},
};

use proto::{BlobId, RoomId};

use super::{Record, RestoreError, Summary, frame::ChunkReader, verifier::Verifier};
use crate::{
    blobs::{Intake, Row},
    log::redb::{DATABASE, Importer, STAGING, sync_directory},
    ops::owner,
};

/// What the name of a directory begins with that holds what was there before; the time follows.
const ASIDE: &str = "before-restore-";

/// Made by `mkfs`; no data of anybody's.
const LOST_FOUND: &str = "lost+found";

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What was in the backup.
    pub summary: Summary,
    /// Where the former contents of the data directory are, if there were any.
    pub aside: Option<PathBuf>,
}

/// Restores a backup into `data_dir`. With `force`, what is there is moved into a directory beside; without, it is
/// left alone and the answer is a refusal.
///
/// # Errors
/// [`RestoreError`] with cause and remedy.
pub fn restore(backup: &Path, data_dir: &Path, force: bool, now_ms: u64) -> Result<Restored, RestoreError> {
    let file = File::open(backup).map_err(|source| RestoreError::open(backup, source))?;
    // Before anything is touched: is it a backup at all?
    let reader = ChunkReader::new(BufReader::new(file))?;
    create_private(data_dir)?;
    // Nothing is done as root in a directory that is another's; see there.
    owner::act(data_dir, || restore_from(reader, data_dir, force, now_ms))?
}

fn restore_from(
    reader: ChunkReader<impl io::Read>,
    data_dir: &Path,
    force: bool,
    now_ms: u64,
) -> Result<Restored, RestoreError> {
    let _lock = lock(data_dir)?;
    let there = contents(data_dir)?;
    let staging = data_dir.join(STAGING);
    if !force && (!there.is_empty() || staging.try_exists()?) {
        return Err(RestoreError::Occupied(data_dir.to_owned()));
    }
    if staging.try_exists()? {
        fs::remove_dir_all(&staging)?;
    }
    create_private(&staging)?;
    let mut unfinished = Staging { path: &staging, is_whole: false };
    let summary = build(reader, &staging)?;
    unfinished.is_whole = true;
    sync_directory(data_dir)?;

    let aside = if there.is_empty() { None } else { Some(data_dir.join(format!("{ASIDE}{now_ms}"))) };
    if let Some(aside) = &aside {
        create_private(aside)?;
        for name in &there {
            fs::rename(data_dir.join(name), aside.join(name))?;
        }
    }
    let mut built = contents(&staging)?;
    built.sort_by_key(|name| *name == *DATABASE);
    for name in built {
        fs::rename(staging.join(&name), data_dir.join(&name))?;
    }
    sync_directory(data_dir)?;
    fs::remove_dir(&staging)?;
    sync_directory(data_dir)?;
    Ok(Restored { summary, aside })
}

/// Takes what was built until then away however building ends: nothing else was touched, so a relay that was
/// there can start again.
struct Staging<'a> {
    path: &'a Path,
    is_whole: bool,
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        if !self.is_whole {
            // What cannot be taken away is named when a relay starts here.
            let _ = fs::remove_dir_all(self.path);
        }
    }
}

fn build(mut reader: ChunkReader<impl io::Read>, staging: &Path) -> Result<Summary, RestoreError> {
    let (mut verifier, mut importer) = (Verifier::default(), Importer::new(staging)?);
    let mut files = None;
    while let Some(record) = reader.next()? {
        // Names and everything else are checked before they are used.
        verifier.take(&record)?;
        match record {
            Record::File { name, content } => write_private(staging, &name, &content)?,
            Record::Blob { room, id, row } => {
                let row = Row::from_bytes(&row).map_err(|_| RestoreError::Malformed("a file of a room"))?;
                let files = match &mut files {
                    Some(files) => files,
                    none => none.insert(Intake::new(staging).map_err(io::Error::other)?),
                };
                files.blob(RoomId(room), BlobId(id), row)?;
            }
            Record::BlobPart { number, bytes } => {
                files.as_mut().ok_or(RestoreError::Malformed("a part of no file"))?.part(number, &bytes)?;
            }
            record => importer.take(record)?,
        }
    }
    let summary = verifier.finish()?;
    if let Some(files) = files {
        files.finish()?;
    }
    importer.finish()?;
    Ok(summary)
}

fn write_private(staging: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let path = staging.join(name);
    let directory = path.parent().unwrap_or(staging);
    create_private(directory)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path)?;
    file.write_all(content)?;
    file.sync_all()?;
    sync_directory(directory)
}

/// Keeps relays from starting on a database that is about to go; refuses if one runs.
fn lock(data_dir: &Path) -> Result<Option<File>, RestoreError> {
    let file = match File::options().read(true).write(true).open(data_dir.join(DATABASE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Err(RestoreError::Running(data_dir.to_owned())),
        Err(fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// What is in a directory, beside what earlier restores put aside.
fn contents(directory: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let names =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    let counts = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy();
        name != STAGING && name != LOST_FOUND && !name.starts_with(ASIDE)
    };
    Ok(names.into_iter().filter(counts).collect())
}

fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
