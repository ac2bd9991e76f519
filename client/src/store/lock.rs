//! One process has a profile at a time.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::Path,
};

use super::{FileKey, StoreError};

/// The profile is ours until this is dropped; the system lets go of it however the process ends.
pub(super) struct Lock(File);

impl Lock {
    /// Takes the profile in a directory.
    ///
    /// # Errors
    /// [`StoreError`] when another process has it, or no lock can be made there.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let mut options = fs::OpenOptions::new();
        options.create(true).truncate(false).write(true);
        // Nobody else is to hold it, not even by reading.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(dir.join("lock")).map_err(|error| match error.kind() {
            ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(dir.to_owned()),
            // Whoever may read the key may read the profile.
            ErrorKind::PermissionDenied if File::open(FileKey::path(dir)).is_ok() => {
                StoreError::ReadOnly(dir.to_owned())
            }
            ErrorKind::PermissionDenied => StoreError::Foreign(dir.to_owned()),
            _ => StoreError::from(error),
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked(dir.to_owned())),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Said, and not left to the end of the file: a program that was started a moment ago may have it still. What cannot be
        // unlocked is when the file is closed.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_is_free_although_a_program_that_was_just_started_has_the_file_still() {
        let dir = tempfile::TempDir::new().unwrap();
        let lock = Lock::take(dir.path()).unwrap();
        // What a child has of it between its fork and its exec.
        let inherited = lock.0.try_clone().unwrap();
        assert!(Lock::take(dir.path()).is_err());
        drop(lock);
        assert!(Lock::take(dir.path()).is_ok());
        drop(inherited);
    }
}
