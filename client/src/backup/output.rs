//! Files that are there whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

/// A file that is being written beside the place where it is to be. Dropped before it is put there, it goes.
pub(super) struct Output {
    part: PathBuf,
    to: PathBuf,
    is_kept: bool,
}

impl Output {
    /// Begins a file that is to be at `to`, for its owner alone. What an interrupted one left is overwritten.
    pub(super) fn create(to: &Path) -> io::Result<(Self, BufWriter<File>)> {
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&part)?;
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

/// What was written is on the disk.
pub(super) fn settle(file: BufWriter<File>) -> io::Result<()> {
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// The name of a file is on the disk.
pub(super) fn sync_directory(of: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let directory = of.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = of;
    Ok(())
}
