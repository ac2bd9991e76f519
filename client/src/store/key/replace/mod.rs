//! Replaces the key file, or one beside it: whatever happens in between, the old one or the new one is there, whole.
//!
//! ```text
//!  remove NAME.new ─▶ write NAME.new ─▶ fsync ─▶ read it again and check ─▶ rename over NAME ─▶ fsync the directory
//! ```

use std::{
    fs, io,
    io::{Read as _, Write as _},
    path::Path,
};

use zeroize::Zeroizing;

/// The key file's name.
pub(super) const KEY: &str = "key";
/// What a file is called until it is complete.
fn draft_of(name: &str) -> String {
    format!("{name}.new")
}

/// Most bytes that are read of a file that was just written.
const MAX_READ: u64 = 1_024;

/// What is done to the profile's directory. A trait, so that a test can cut the power between any two steps.
pub(super) trait Directory {
    /// Removes a file; none is as good.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes a file that only its owner can read, and that was not there.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Its bytes are on the disk from now on.
    fn sync(&self, name: &str) -> io::Result<()>;
    fn read(&self, name: &str) -> io::Result<Zeroizing<Vec<u8>>>;
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Its names are on the disk from now on.
    fn sync_names(&self) -> io::Result<()>;
}

/// Removes what an interrupted change left.
pub(super) fn tidy(dir: &impl Directory, name: &str) -> io::Result<()> {
    dir.remove(&draft_of(name))
}

/// Puts `bytes` in the place of a file, once `check` is content with what can be read back.
///
/// # Errors
/// Of the disk, or of `check`; then the old file is there, but for a failure of the very last step.
pub(super) fn replace<E: From<io::Error>>(
    dir: &impl Directory,
    name: &str,
    bytes: &[u8],
    check: impl FnOnce(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    tidy(dir, name)?;
    let new = draft_of(name);
    let renamed = draft(dir, &new, bytes, check).and_then(|()| Ok(dir.rename(&new, name)?));
    if renamed.is_err() {
        // It may be a key as it is; the failure that led here is the one to tell.
        let _ = tidy(dir, name);
    }
    renamed?;
    Ok(dir.sync_names()?)
}

fn draft<E: From<io::Error>>(
    dir: &impl Directory,
    new: &str,
    bytes: &[u8],
    check: impl FnOnce(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    dir.write(new, bytes)?;
    dir.sync(new)?;
    check(&dir.read(new)?)
}

/// A directory of this machine.
pub(super) struct OnDisk<'a>(pub(super) &'a Path);

impl Directory for OnDisk<'_> {
    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        // Made anew, so that no link leads elsewhere.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(self.0.join(name))?;
        #[cfg(unix)]
        keep_owner(&file, &self.0.join(KEY))?;
        file.write_all(bytes)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        // For writing: some systems sync nothing else.
        fs::OpenOptions::new().write(true).open(self.0.join(name))?.sync_all()
    }

    fn read(&self, name: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_READ as usize));
        fs::File::open(self.0.join(name))?.take(MAX_READ / 2).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn sync_names(&self) -> io::Result<()> {
        #[cfg(unix)]
        fs::File::open(self.0)?.sync_all()?;
        Ok(())
    }
}

/// What root does in somebody's profile must not shut them out.
#[cfg(unix)]
fn keep_owner(file: &fs::File, key: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let Ok(old) = fs::metadata(key) else { return Ok(()) };
    if old.uid() == file.metadata()?.uid() {
        return Ok(());
    }
    fchown(file, Some(old.uid()), Some(old.gid()))
}

#[cfg(test)]
mod tests;
