//! Making a backup, and putting it into a file.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use proto::RoomId;

use super::{
    BackupError, Record, RestoreError, Summary,
    frame::{ChunkWriter, is_backup},
    verifier::Verifier,
    verify_stream,
};
use crate::{
    blobs::{Carried, Shelf},
    log::{Rooms, Stop, redb::sync_directory},
};

/// Writes a backup of what `backend` and `data_dir` hold now. Rooms go on: it is the state of one moment. All of it is
/// checked on the way: no backup is made of what is damaged.
///
/// # Errors
/// [`BackupError`]; what was written until then is no backup.
pub fn write(
    backend: &dyn Rooms,
    data_dir: &Path,
    now_ms: u64,
    out: impl Write,
) -> Result<Summary, BackupError> {
    write_but(&BTreeSet::new(), backend, data_dir, now_ms, out)
}

/// The same with files of rooms that are in it, if there are any. Rooms are those of one moment, and files those of a later
/// one: a file that was dropped meanwhile is not in it, and one of a room that is not in it neither.
///
/// # Errors
/// [`BackupError`]; what was written until then is no backup.
pub(crate) fn write_with(
    files: Option<&Shelf>,
    backend: &dyn Rooms,
    data_dir: &Path,
    now_ms: u64,
    out: impl Write,
) -> Result<Summary, BackupError> {
    write_all(&BTreeSet::new(), files, backend, data_dir, now_ms, out)
}

/// The same without some rooms: what a damaged database still has.
///
/// # Errors
/// [`BackupError`]; what was written until then is no backup.
pub fn write_but(
    left_out: &BTreeSet<RoomId>,
    backend: &dyn Rooms,
    data_dir: &Path,
    now_ms: u64,
    out: impl Write,
) -> Result<Summary, BackupError> {
    write_all(left_out, None, backend, data_dir, now_ms, out)
}

fn write_all(
    left_out: &BTreeSet<RoomId>,
    files: Option<&Shelf>,
    backend: &dyn Rooms,
    data_dir: &Path,
    now_ms: u64,
    out: impl Write,
) -> Result<Summary, BackupError> {
    let rooms = RefCell::new(BTreeSet::new());
    let mut verifier = Verifier::default();
    let mut writer = ChunkWriter::new(out)?;
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let mut summary = Summary { created_ms: now_ms, program: program.clone(), ..Summary::default() };
    let mut take = |record: Record| {
        verifier.take(&record).map_err(|error| match error {
            RestoreError::Flaw(flaw) => BackupError::Damaged(flaw),
            other => BackupError::Unsound(other),
        })?;
        match &record {
            Record::File { .. } => summary.files += 1,
            Record::Room { id, .. } => {
                rooms.borrow_mut().insert(*id);
                summary.rooms += 1;
            }
            Record::Blob { .. } => summary.blobs += 1,
            Record::BlobPart { bytes, .. } => summary.blob_bytes += bytes.len() as u64,
            Record::Key { .. } => summary.keys += 1,
            Record::Entry { .. } => summary.entries += 1,
            Record::Head { .. }
            | Record::Token { .. }
            | Record::OpenedBy(_)
            | Record::FrozenOpener { .. }
            | Record::Dropped { .. }
            | Record::Frozen { .. }
            | Record::Access(_)
            | Record::Slot { .. }
            | Record::Piece(_)
            | Record::Step { .. }
            | Record::Vote { .. }
            | Record::End { .. } => {}
        }
        Ok(writer.write(&record)?)
    };
    take(Record::Head { created_ms: now_ms, program })?;
    super::files::collect(data_dir, &mut take)?;
    let mut refused = None;
    let exported = backend.export(left_out, &mut |record| {
        take(record).map_err(|error| {
            refused = Some(error);
            Stop
        })
    });
    match refused {
        Some(error) => return Err(error),
        None => exported?,
    }
    if let Some(files) = files {
        let mut is_wanted = false;
        let damaged = files.export::<BackupError>(&mut |carried| match carried {
            Carried::Blob(room, id, row) => {
                is_wanted = rooms.borrow().contains(&room.0);
                match is_wanted {
                    true => take(Record::Blob { room: room.0, id: id.0, row: row.to_bytes().into() }),
                    false => Ok(()),
                }
            }
            Carried::Part(number, bytes) if is_wanted => {
                take(Record::BlobPart { number, bytes: bytes.into() })
            }
            Carried::Part(..) => Ok(()),
        })?;
        if damaged > 0 {
            tracing::warn!(
                damaged,
                "files of rooms are damaged and not in the backup; `relay check` names them"
            );
        }
    }
    let end = Record::End { rooms: summary.rooms, entries: summary.entries };
    verifier.take(&end).map_err(BackupError::Unsound)?;
    writer.write(&end)?;
    writer.finish()?;
    Ok(summary)
}

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// What is in the backup.
    pub summary: Summary,
    /// Its size, in bytes.
    pub bytes: u64,
}

/// Writes a file whole or not at all, readable by its owner alone: under another name first, then flushed and
/// renamed. An older backup of that name is replaced; anything else is left alone.
///
/// # Errors
/// [`BackupError`]; there is no new file then.
pub fn save<T>(
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<T, BackupError>,
) -> Result<T, BackupError> {
    match File::open(path) {
        Ok(there) if !is_backup(&there) => return Err(BackupError::Occupied(path.to_owned())),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    // From here on it is ours.
    let unfinished = Unfinished(temporary);
    let filled = fill(&mut file)?;
    file.sync_all()?;
    std::fs::rename(&unfinished.0, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_directory(directory.unwrap_or(Path::new(".")))?;
    Ok(filled)
}

/// Copies a backup that somebody else makes, and checks it on the way: a broken one is noticed today.
///
/// # Errors
/// [`BackupError::Interrupted`] if it is not whole.
pub fn copy_from(stream: impl Read, out: &mut impl Write) -> Result<Copied, BackupError> {
    let mut tee = Tee { stream: BufReader::new(stream), out, bytes: 0, failed: None };
    let checked = verify_stream(&mut tee);
    if let Some(error) = tee.failed {
        return Err(error.into());
    }
    Ok(Copied { summary: checked.map_err(BackupError::Interrupted)?, bytes: tee.bytes })
}

/// Reads, and writes what it read.
struct Tee<'a, R, W> {
    stream: R,
    out: &'a mut W,
    bytes: u64,
    /// Why it could not be written.
    failed: Option<io::Error>,
}

impl<R: Read, W: Write> Read for Tee<'_, R, W> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(bytes)?;
        if let Err(error) = self.out.write_all(bytes.get(..count).unwrap_or_default()) {
            self.failed = Some(error);
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.bytes += count as u64;
        Ok(count)
    }
}

/// A file that goes unless it was renamed.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It has its new name, or was never there.
        let _ = std::fs::remove_file(&self.0);
    }
}
