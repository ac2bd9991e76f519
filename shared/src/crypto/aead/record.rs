//! Records at rest: what the client stores is sealed value by value.
//!
//! ```text
//! record = version(1) ‖ salt(24) ‖ AES-256-GCM(key, nonce = 0, plaintext)    associated data = version ‖ salt ‖ label
//! key    = HKDF-SHA256(salt, record key, "schat/1 record key")
//! ```
//!
//! A record cannot count its nonces: the store may be restored from a backup and would count the same numbers
//! again. Random 96-bit nonces alone allow only 2³² records under a key (NIST SP 800-38D, 8.3), too few to never
//! think of for a database that is rewritten for years. So 192 random bits choose a fresh key per record instead, and
//! with it the nonce may be 0: after 2⁶⁴ records two share a salt with a chance of 2⁻⁶⁵.
//!
//! The label names the table and row, so that a value moved to another row does not open. An older value put back in
//! its own row does open: whoever can write the database can turn it back as a whole, which the room's core notices
//! by other means.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::cipher::{Cipher, KEY, TAG};
use crate::crypto::random::Random;

/// The only version there is.
const VERSION: u8 = 1;
/// Salt length in bytes: twice 96 bits, so that nobody has to count.
const SALT: usize = 24;
/// Version and salt.
const HEADER: usize = 1 + SALT;
/// Domain separation of the derived keys.
const LABEL: &[u8] = b"schat/1 record key";
/// Domain separation of tags.
const TAG_LABEL: &[u8] = b"schat/1 record tag";
/// Each key seals one record, so one nonce will do.
const NONCE: [u8; 12] = [0; 12];

/// Bytes that a record adds to its plaintext. The plaintext's length is not hidden.
pub const RECORD_OVERHEAD: usize = HEADER + TAG;

/// Seals and opens the records of one store. Both directions, because the same client does both. Wiped on drop.
pub struct RecordKey(Zeroizing<[u8; KEY]>);

/// Bytes that are not this record: another key, another row, changed, or no record at all.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the stored record is not authentic")]
pub struct RecordError;

impl RecordKey {
    /// Takes 32 uniformly random secret bytes.
    pub fn new(key: [u8; KEY]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// Seals one record for the row that `label` names.
    ///
    /// A plaintext over GCM's limit of 64 GiB gives no bytes, which never open; no store holds such a value.
    pub fn seal(&self, random: &Random, label: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let salt = random.bytes::<SALT>();
        let mut record = Vec::with_capacity(plaintext.len().saturating_add(RECORD_OVERHEAD));
        record.push(VERSION);
        record.extend_from_slice(&salt);
        let aad = [record.as_slice(), label].concat();
        record.extend_from_slice(plaintext);
        let body = record.get_mut(HEADER..).unwrap_or_default();
        let Ok(tag) = self.cipher(&salt).seal(&NONCE, &aad, body) else {
            record.zeroize();
            return Vec::new();
        };
        record.extend_from_slice(&tag);
        record
    }

    /// Opens the record of the row that `label` names.
    ///
    /// # Errors
    /// [`RecordError`], without saying which of the reasons it was.
    pub fn open(&self, label: &[u8], record: &[u8]) -> Result<Zeroizing<Vec<u8>>, RecordError> {
        let (header, rest) = record.split_first_chunk::<HEADER>().ok_or(RecordError)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG>().ok_or(RecordError)?;
        let [VERSION, salt @ ..] = header else { return Err(RecordError) };
        let aad = [header.as_slice(), label].concat();
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        self.cipher(salt).open(&NONCE, &aad, &mut plaintext, tag).map_err(|_| RecordError)?;
        Ok(plaintext)
    }

    /// A name for a row that tells nothing of what it stands for without the key, and is always the same with it: 16
    /// bytes of HKDF-SHA256 (RFC 5869). docs/envelope.md says why.
    pub fn tag(&self, what: &[u8]) -> [u8; 16] {
        let mut tag = [0; 16];
        // 16 bytes are far below HKDF's limit of 255 blocks, so this cannot fail.
        let _ = Hkdf::<Sha256>::new(None, self.0.as_slice()).expand_multi_info(&[TAG_LABEL, what], &mut tag);
        tag
    }

    #[expect(
        clippy::expect_used,
        reason = "fails only above 255 × 32 bytes, and a key of zeros is worse than a panic"
    )]
    fn cipher(&self, salt: &[u8; SALT]) -> Cipher {
        let mut key = Zeroizing::new([0; KEY]);
        Hkdf::<Sha256>::new(Some(salt), self.0.as_slice())
            .expand(LABEL, key.as_mut_slice())
            .expect("32 bytes");
        Cipher::new(&key)
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::aead::testing::random;

    #[test]
    fn record_comes_back_and_two_of_the_same_differ() {
        let (key, random) = (RecordKey::new([1; 32]), random("record"));
        for plaintext in [&b""[..], b"a", &[7; 5000]] {
            let record = key.seal(&random, b"cursor/room", plaintext);
            assert_eq!(record.len(), plaintext.len() + RECORD_OVERHEAD);
            assert_eq!(**key.open(b"cursor/room", &record).unwrap(), *plaintext);
            assert_ne!(record, key.seal(&random, b"cursor/room", plaintext));
        }
    }

    #[test]
    fn record_of_another_row_key_or_version_is_refused() {
        let key = RecordKey::new([2; 32]);
        let record = key.seal(&random("other row"), b"a/b", b"value");
        for label in [&b""[..], b"a/", b"a/c", b"a/b/", b"/a/b"] {
            assert_eq!(key.open(label, &record), Err(RecordError));
        }
        assert_eq!(RecordKey::new([3; 32]).open(b"a/b", &record), Err(RecordError));
        let mut other = record.clone();
        other[0] = 2;
        assert_eq!(key.open(b"a/b", &other), Err(RecordError));
        assert!(key.open(b"a/b", &record).is_ok());
    }

    #[test]
    fn tag_depends_on_the_key_and_on_what_it_stands_for() {
        let (key, other) = (RecordKey::new([6; 32]), RecordKey::new([7; 32]));
        // docs/envelope.md has it.
        let known = "99628378a0f64186bdc5f77feeb7aa2a";
        assert_eq!(hex::encode(key.tag(b"ann")), known);
        assert_eq!(key.tag(b"ann"), RecordKey::new([6; 32]).tag(b"ann"));
        assert_ne!(key.tag(b"ann"), key.tag(b"bob"));
        assert_ne!(key.tag(b"ann"), other.tag(b"ann"));
    }

    #[test]
    fn bytes_moved_between_salt_and_label_are_refused() {
        let key = RecordKey::new([5; 32]);
        let record = key.seal(&random("moved bytes"), b"b", b"value");
        let mut label = vec![record[HEADER - 1]];
        label.push(b'b');
        let mut moved = record.clone();
        moved.remove(HEADER - 1);
        assert_eq!(key.open(&label, &moved), Err(RecordError));
    }

    #[test]
    fn changed_cut_and_lengthened_records_are_refused() {
        let key = RecordKey::new([4; 32]);
        let record = key.seal(&random("changed"), b"row", b"value");
        for at in 0..record.len() {
            let mut bad = record.clone();
            bad[at] ^= 0x40;
            assert_eq!(key.open(b"row", &bad), Err(RecordError), "byte {at}");
            assert_eq!(key.open(b"row", &record[..at]), Err(RecordError), "cut to {at}");
        }
        assert_eq!(key.open(b"row", &[&record[..], &[0]].concat()), Err(RecordError));
    }
}
