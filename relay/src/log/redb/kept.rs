//! A database of an earlier format becomes one of the newest, and is kept beside as it was: the file and its journal.
//!
//! ```text
//! relay.redb ─▶ relay.redb.format-N.new ─▶ relay.redb.format-N; then the rest of it in one transaction
//! ```
//!
//! Whatever fails on the way, `relay.redb` is as it was, and the next start begins again.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use redb::Database;

use super::{
    formats, fullness,
    open::{FILE, JOURNAL, OpenError, sync_directory},
};

/// The end of a name that is not finished.
const UNFINISHED: &str = ".new";

/// Between a file's name and the format that it had.
const FORMAT: &str = ".format-";

/// Makes a database one of the newest format, if it is one of an earlier, and keeps it as it was.
pub(super) fn upgrade(directory: &Path, database: &Database) -> Result<(), OpenError> {
    // What cannot be removed does no harm, and here its lock keeps everybody else out.
    let _ = tidy(directory);
    let Some(before) = formats::earlier(database)? else { return Ok(()) };
    let (copy, is_new) = match keep_with(directory, before, copy) {
        // There the lock of the open file keeps even its owner from reading it.
        Err(error) if cfg!(windows) => {
            tracing::warn!(%error, "there is no copy of the database as it was");
            (None, false)
        }
        kept => kept.map_err(|error| no_room(directory, before, error))?,
    };
    tracing::warn!(
        from = before,
        to = formats::VERSION,
        copy = copy.as_deref().map(|path| path.display().to_string()),
        "the database becomes one of a newer format, which no earlier program reads; its copy can be deleted once all is well"
    );
    formats::create(database).map(drop).map_err(|error| {
        // An earlier program may go on with the file meanwhile, and then this would not be what it was.
        if is_new {
            forget(directory, before);
        }
        match error {
            redb::Error::Io(error) => no_room(directory, before, error),
            error => error.into(),
        }
    })
}

/// Removes what copies left behind that were broken off.
fn tidy(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let is_ours = [FILE, JOURNAL].into_iter().any(|file| {
            let format = name.strip_prefix(file).and_then(|rest| rest.strip_prefix(FORMAT));
            let format = format.and_then(|rest| rest.strip_suffix(UNFINISHED));
            format.is_some_and(|format| format.parse::<u64>().is_ok())
        });
        if is_ours {
            fs::remove_file(directory.join(&*name))?;
        }
    }
    Ok(())
}

fn kept(directory: &Path, name: &str, format: u64) -> PathBuf {
    directory.join(format!("{name}{FORMAT}{format}"))
}

/// Copies a file, and says so when that is on the disk.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    File::open(to)?.sync_all()
}

/// Keeps a copy of what is there. What was kept before a crash in between stays. `None` where there is no file, as on disks
/// that tests make up; and whether it was made now.
fn keep_with(
    directory: &Path,
    format: u64,
    copy: impl Fn(&Path, &Path) -> io::Result<()>,
) -> io::Result<(Option<PathBuf>, bool)> {
    let database = kept(directory, FILE, format);
    if database.try_exists()? {
        return Ok((Some(database), false));
    }
    if !directory.join(FILE).try_exists()? {
        return Ok((None, false));
    }
    // The database last: where it is, the journal is.
    for name in [JOURNAL, FILE] {
        let kept = kept(directory, name, format);
        let mut unfinished = kept.clone().into_os_string();
        unfinished.push(UNFINISHED);
        match copy(&directory.join(name), Path::new(&unfinished)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && name == JOURNAL => continue,
            Err(error) => {
                let _ = fs::remove_file(&unfinished);
                forget(directory, format);
                return Err(error);
            }
        }
        fs::rename(&unfinished, kept)?;
    }
    sync_directory(directory)?;
    Ok((Some(database), true))
}

/// Removes a copy that is of no use. What cannot be removed does no harm.
fn forget(directory: &Path, format: u64) {
    for name in [FILE, JOURNAL] {
        let _ = fs::remove_file(kept(directory, name, format));
    }
}

fn no_room(directory: &Path, format: u64, error: io::Error) -> OpenError {
    if !fullness::is_want_of_space(&error) {
        return OpenError::Io(error);
    }
    let length = |name: &str| fs::metadata(directory.join(name)).map_or(0, |metadata| metadata.len());
    OpenError::NoRoom { format, mib: (length(FILE) + length(JOURNAL)).div_ceil(1 << 20) }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn copy_that_finds_no_room_leaves_nothing_behind_and_the_file_as_it_was() {
        let directory = TempDir::new().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at(FILE), vec![1; 3 << 20]).unwrap();
        fs::write(at(JOURNAL), "said").unwrap();
        let full = |from: &Path, to: &Path| {
            fs::write(to, "half")?;
            if from == at(JOURNAL) { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
        };
        let error = keep_with(directory.path(), 6, full).unwrap_err();
        let mut left: Vec<_> =
            fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [JOURNAL, FILE]);
        assert_eq!(fs::read(at(FILE)).unwrap(), vec![1; 3 << 20]);
        let said = no_room(directory.path(), 6, error).to_string();
        assert!(said.contains("4 MiB") && said.contains("as it was") && said.contains("free"), "{said}");
    }

    #[test]
    fn what_a_crash_left_is_removed_and_nothing_else() {
        let directory = TempDir::new().unwrap();
        let all = [
            "relay.redb",
            "relay.redb.new",
            "relay.redb.format-6",
            "relay.redb.format-6.new",
            "relay.journal.format-12.new",
            "relay.redb.format-x.new",
            "other.format-6.new",
        ];
        all.iter().for_each(|name| fs::write(directory.path().join(name), "").unwrap());
        tidy(directory.path()).unwrap();
        let is_there = |name: &&&str| directory.path().join(name).exists();
        let left: Vec<_> = all.iter().filter(is_there).copied().collect();
        assert_eq!(left, [all[0], all[1], all[2], all[5], all[6]]);
    }
}
