//! The profile's key: where it comes from, and how it is locked.
//!
//! ```text
//!  key = 32 bytes as they are                                  a file that only its owner can read
//!      | header(38) ‖ the 32 bytes sealed(73) ‖ checksum(8)    opens with a passphrase
//! ```
//!
//! One file is either of these, and is replaced as a whole: whatever happens in between, the one or the other is
//! there. docs/lock.md has the bytes and the reasons.

mod account;
mod held;
mod passphrase;
mod replace;
mod wrap;

use std::{
    fmt, fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use shared::crypto::random::Random;
use zeroize::Zeroizing;

pub use account::Account;
pub use held::HeldKey;
pub use passphrase::{FEWEST, MAX_PASSPHRASE, Passphrase, PassphraseError};
pub use wrap::{Cost, Wrap};

use super::{DATABASE, StoreError};
use replace::{OnDisk, replace};

/// Length of the key, in bytes: AES-256.
pub(super) const KEY_LEN: usize = 32;

/// The key that seals the profile's values.
pub struct ProfileKey(pub(super) Zeroizing<[u8; KEY_LEN]>);

impl fmt::Debug for ProfileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProfileKey")
    }
}

/// Hands out a profile's key.
pub trait KeySource<E> {
    /// The key of the profile in `dir`, made on first use.
    ///
    /// # Errors
    /// `E` when it cannot be had; a key is never made anew for a database that exists.
    fn key(&self, dir: &Path, random: &Random) -> Result<ProfileKey, E>;
}

/// A file that only its owner can read, next to the database: it protects copies of the database alone,
/// not against somebody who can read the whole directory. A locked one is refused.
pub struct FileKey;

impl FileKey {
    /// The key file of the profile in `dir`.
    pub fn path(dir: &Path) -> PathBuf {
        dir.join(replace::KEY)
    }
}

/// Whether others than its owner can read the key of the profile in `dir`.
#[cfg(unix)]
pub(crate) fn is_open_to_others(dir: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(FileKey::path(dir)).is_ok_and(|key| key.permissions().mode() & 0o044 != 0)
}

impl KeySource<StoreError> for FileKey {
    fn key(&self, dir: &Path, random: &Random) -> Result<ProfileKey, StoreError> {
        let refuse = |_: &Wrap| Err(StoreError::NeedsPassphrase);
        Asking(&refuse).key(dir, random)
    }
}

/// The same file, or a locked one: then whoever can be asked opens it.
pub struct Asking<'a, E>(pub &'a dyn Fn(&Wrap) -> Result<ProfileKey, E>);

impl<E: From<StoreError>> KeySource<E> for Asking<'_, E> {
    fn key(&self, dir: &Path, random: &Random) -> Result<ProfileKey, E> {
        match replace::tidy(&OnDisk(dir), replace::KEY) {
            // Then it stays, and is no worse than before.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
                ) => {}
            tidied => tidied.map_err(StoreError::from)?,
        }
        match KeyFile::read(dir)? {
            Some(KeyFile::Plain(key)) => Ok(key),
            Some(KeyFile::Locked(wrap)) => (self.0)(&wrap),
            None if dir.join(DATABASE).exists() => Err(StoreError::WrongKey.into()),
            None => Ok(make(dir, random)?),
        }
    }
}

/// What the key file holds.
pub enum KeyFile {
    /// The key as it is.
    Plain(ProfileKey),
    /// The key under a passphrase.
    Locked(Wrap),
}

impl KeyFile {
    /// The key file of the profile in `dir`, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read, or is neither of the two.
    pub fn read(dir: &Path) -> Result<Option<Self>, StoreError> {
        let file = match fs::File::open(FileKey::path(dir)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Enough that nothing is copied while it grows.
        let mut bytes = Zeroizing::new(Vec::with_capacity(4 * Wrap::LEN));
        file.take(Wrap::LEN as u64 + 1).read_to_end(&mut bytes)?;
        Self::parse(&bytes).map(Some)
    }

    /// Tells the two apart by their length: 32 bytes are a key, whatever they are.
    fn parse(bytes: &[u8]) -> Result<Self, StoreError> {
        match <[u8; KEY_LEN]>::try_from(bytes) {
            Ok(key) => Ok(Self::Plain(ProfileKey(Zeroizing::new(key)))),
            Err(_) => Wrap::parse(bytes).map(Self::Locked),
        }
    }
}

fn make(dir: &Path, random: &Random) -> Result<ProfileKey, StoreError> {
    let key = Zeroizing::new(random.bytes::<KEY_LEN>());
    replace(&OnDisk(dir), replace::KEY, key.as_slice(), |_| Ok::<(), StoreError>(()))?;
    Ok(ProfileKey(key))
}
