//! Where the key that seals the profile's values comes from. Today a file; an OS keyring or a passphrase
//! are further [`KeySource`]s.

use std::{
    fmt, fs, io,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use shared::random::Random;
use zeroize::Zeroizing;

use super::{DATABASE, StoreError};

/// Length of the key, in bytes: AES-256.
pub const KEY_LEN: usize = 32;

/// The key that seals the profile's values.
pub struct ProfileKey(pub(super) Zeroizing<[u8; KEY_LEN]>);

impl fmt::Debug for ProfileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProfileKey")
    }
}

/// Hands out a profile's key.
pub trait KeySource {
    /// The key of the profile in `dir`, made on first use.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be had; a key is never made anew for a database that exists.
    fn key(&self, dir: &Path, random: &Random) -> Result<ProfileKey, StoreError>;
}

/// A file that only its owner can read, next to the database: it protects copies of the database alone,
/// not against somebody who can read the whole directory.
pub struct FileKey;

impl FileKey {
    /// The key file of the profile in `dir`.
    pub fn path(dir: &Path) -> PathBuf {
        dir.join("key")
    }
}

impl KeySource for FileKey {
    fn key(&self, dir: &Path, random: &Random) -> Result<ProfileKey, StoreError> {
        let path = Self::path(dir);
        match fs::File::open(&path) {
            Ok(file) => read(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if dir.join(DATABASE).exists() {
                    return Err(StoreError::WrongKey);
                }
                make(dir, &path, random)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn read(file: fs::File) -> Result<ProfileKey, StoreError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_LEN + 1));
    file.take(KEY_LEN as u64 + 1).read_to_end(&mut bytes)?;
    let key = bytes.as_slice().try_into().map_err(|_| StoreError::WrongKey)?;
    Ok(ProfileKey(Zeroizing::new(key)))
}

/// Written under another name first: a crash never leaves half a key.
fn make(dir: &Path, path: &Path, random: &Random) -> Result<ProfileKey, StoreError> {
    let key = Zeroizing::new(random.bytes::<KEY_LEN>());
    let draft = dir.join("key.new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(key.as_slice())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    #[cfg(unix)]
    fs::File::open(dir)?.sync_all()?;
    Ok(ProfileKey(key))
}
