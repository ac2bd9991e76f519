//! What seals one file of a backup: its own key, from the backup's and a random salt. The bytes themselves are sealed part by
//! part, as those of any file ([`stream`](super::stream)).

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::stream::FileKey;

/// Bytes of a salt.
pub const SALT: usize = 32;

/// Bytes of the value by which a phrase is told that is another backup's.
pub const CHECK: usize = 16;

/// What seals all files of a person's backups: comes from the phrase. Wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct BackupKey(Zeroizing<[u8; 32]>);

impl BackupKey {
    /// The key with these bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// Its bytes, for storage.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key of the file with that salt, and what its header says: another header is another key.
    pub fn file_key(&self, salt: &[u8; SALT], header: &[u8]) -> FileKey {
        let mut out = Zeroizing::new([0; 32]);
        self.expand(salt, &[b"schat/2 backup file", header], &mut *out);
        FileKey::from_bytes(*out)
    }

    /// Tells whether this is the key of the file with that salt, and nothing else.
    pub fn check(&self, salt: &[u8; SALT]) -> [u8; CHECK] {
        let mut out = [0; CHECK];
        self.expand(salt, &[b"schat/2 backup check"], &mut out);
        out
    }

    fn expand(&self, salt: &[u8; SALT], info: &[&[u8]], out: &mut [u8]) {
        // 32 bytes are far below HKDF's limit of 255 blocks, so this cannot fail.
        let _ = Hkdf::<Sha256>::new(Some(salt), &*self.0).expand_multi_info(info, out);
    }
}

impl std::fmt::Debug for BackupKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BackupKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_of_another_salt_header_or_phrase_is_another() {
        let (one, other) = (BackupKey::from_bytes(&[1; 32]), BackupKey::from_bytes(&[2; 32]));
        let key = one.file_key(&[3; SALT], b"a");
        assert!(key == one.file_key(&[3; SALT], b"a"));
        assert!(key != one.file_key(&[4; SALT], b"a"));
        assert!(key != one.file_key(&[3; SALT], b"b"));
        assert!(key != other.file_key(&[3; SALT], b"a"));
        assert_ne!(one.check(&[3; SALT]), other.check(&[3; SALT]));
        assert_ne!(one.check(&[3; SALT]), one.check(&[4; SALT]));
    }
}
