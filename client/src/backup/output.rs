//! Files that are there whole or not at all.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use super::BackupError;

/// A file that is being written beside the place where it is to be. Dropped before it is put there, it goes.
pub(super) struct Output {
    part: PathBuf,
    to: PathBuf,
    is_kept: bool,
}

impl Output {
    /// Begins a file that is to be at `to`, for its owner alone. What an interrupted one left is overwritten.
    pub(super) fn create(to: &Path) -> Result<(Self, BufWriter<File>), BackupError> {
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = claimed(&part)?;
        file.set_len(0)?;
        Ok((Self { part, to: to.to_owned(), is_kept: false }, BufWriter::new(file)))
    }

    /// Where it is until it is put in its place.
    pub(super) fn part(&self) -> &Path {
        &self.part
    }

    /// Puts it in its place, for good.
    pub(super) fn put(mut self) -> io::Result<()> {
        fs::rename(&self.part, &self.to)?;
        self.is_kept = true;
        sync_directory(&self.to)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed is overwritten the next time.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// A file of ours that nobody else has until it is closed, and that is still in its place.
pub(super) fn claimed(path: &Path) -> Result<File, BackupError> {
    let file = own(path)?;
    // Another program may have moved or removed it just before it was locked.
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        locked(&file)?;
        if fs::symlink_metadata(path).map(|there| there.ino()).ok() != Some(file.metadata()?.ino()) {
            return Err(BackupError::Busy);
        }
    }
    Ok(file)
}

/// A place that one program at a time makes something at.
pub(super) struct Claim {
    path: PathBuf,
    _file: File,
}

impl Claim {
    /// Nobody else makes anything there until this is dropped, whatever happens to this program.
    pub(super) fn of(place: &Path) -> Result<Self, BackupError> {
        let mut path = place.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent)?;
        }
        Ok(Self { _file: claimed(&path)?, path })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // While it is still ours. What cannot be removed is in nobody's way.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file of ours that is there or is made, for its owner alone, and that no link leads to.
pub(super) fn own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let follow_none = rustix::fs::OFlags::NOFOLLOW.bits();
        options.mode(0o600).custom_flags(i32::try_from(follow_none).unwrap_or_default());
    }
    options.open(path)
}

/// Nobody else writes it until it is closed. A file system without locks has one program at a time, we hope with it.
pub(super) fn locked(file: &File) -> Result<(), BackupError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(BackupError::Busy),
        _ => Ok(()),
    }
}

/// What was written is on the disk.
pub(super) fn settle(file: BufWriter<File>) -> io::Result<()> {
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// The name of a file is on the disk.
pub(crate) fn sync_directory(of: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let directory = of.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = of;
    Ok(())
}
