//! The key file of a profile that nobody else has, for those who lock and unlock it.

use std::{fs, path::PathBuf};

use shared::crypto::random::Random;

use super::{
    Account, Cost, FileKey, KeyFile, Passphrase, ProfileKey, StoreError, Wrap, account,
    replace::{Directory as _, KEY, OnDisk, replace, tidy},
};
use crate::store::{DATABASE, KeyFault, ProfileDir, lock::Lock};

/// A profile's key file; nobody else has the profile until this is dropped.
pub struct HeldKey {
    dir: PathBuf,
    _lock: Lock,
}

impl HeldKey {
    /// Takes the profile in `dir`, which must exist.
    ///
    /// # Errors
    /// [`StoreError`] when there is none, or another process has it.
    pub fn take(dir: &ProfileDir) -> Result<Self, StoreError> {
        let dir = dir.path();
        // Nothing is made here, not even a lock.
        let is_there = |name: PathBuf| fs::symlink_metadata(name).is_ok();
        if !is_there(FileKey::path(dir)) && !is_there(dir.join(DATABASE)) {
            return Err(StoreError::Missing(dir.to_owned()));
        }
        let lock = Lock::take(dir)?;
        tidy(&OnDisk(dir), KEY)?;
        Ok(Self { dir: dir.to_owned(), _lock: lock })
    }

    /// What the key file holds now.
    ///
    /// # Errors
    /// [`StoreError`] when it is gone, cannot be read or is damaged.
    pub fn state(&self) -> Result<KeyFile, StoreError> {
        KeyFile::read(&self.dir)?.ok_or(StoreError::WrongKey)
    }

    /// Locks it with a passphrase, another than before perhaps.
    ///
    /// # Errors
    /// [`StoreError`]; the file is as it was, unless only its directory could not be synced.
    pub fn lock(
        &self,
        key: &ProfileKey,
        passphrase: &Passphrase,
        cost: Cost,
        random: &Random,
    ) -> Result<(), StoreError> {
        self.is_own_file()?;
        let wrap = Wrap::seal(key, passphrase, cost, random)?;
        replace(&OnDisk(&self.dir), KEY, &wrap.to_bytes(), |written| {
            let opened = Wrap::parse(written)?.open(passphrase)?;
            if opened.0 == key.0 { Ok(()) } else { Err(StoreError::BadKeyFile(KeyFault::Unopened)) }
        })
    }

    /// Puts the key there as it is.
    ///
    /// # Errors
    /// As of [`HeldKey::lock`].
    pub fn unlock(&self, key: &ProfileKey) -> Result<(), StoreError> {
        self.is_own_file()?;
        replace(&OnDisk(&self.dir), KEY, key.0.as_slice(), |written| match written == key.0.as_slice() {
            true => Ok(()),
            false => Err(StoreError::BadKeyFile(KeyFault::Unwritten)),
        })
    }

    /// From now on the profile names this account of the system's keyring, or none.
    ///
    /// # Errors
    /// [`StoreError`]; it names the one before, unless only its directory could not be synced.
    pub fn name_account(&self, account: Option<&Account>) -> Result<(), StoreError> {
        let dir = OnDisk(&self.dir);
        match account {
            Some(account) => {
                replace(&dir, account::FILE, account.to_line().as_bytes(), |_| Ok::<(), StoreError>(()))
            }
            None => Ok(dir.remove(account::FILE).and_then(|()| dir.sync_names())?),
        }
    }

    /// A link would be replaced, and what it leads to would stay as it is.
    fn is_own_file(&self) -> Result<(), StoreError> {
        let path = FileKey::path(&self.dir);
        if fs::symlink_metadata(&path)?.is_symlink() { Err(StoreError::LinkedKey(path)) } else { Ok(()) }
    }
}
