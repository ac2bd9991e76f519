//! The locked form of the key file.
//!
//! ```text
//! file     = header ‖ sealed(73) ‖ checksum(8)
//! header   = "schatkey" ‖ version(1) ‖ kind(1) ‖ memory(4) ‖ passes(4) ‖ lanes(4) ‖ salt(16)
//! secret   = Argon2id(passphrase, salt, memory KiB, passes, lanes), 32 bytes
//! sealed   = record of the profile's key under secret, label = "profile key" ‖ header
//! checksum = the first 8 bytes of SHA-256(header ‖ sealed)
//! ```
//!
//! Integers are big-endian; Argon2id is RFC 9106, version 0x13; a record is that of [`shared::crypto::aead::record`]. The checksum tells a
//! damaged file from a wrong passphrase. It is over public bytes, so it helps nobody who guesses.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use sha2::{Digest as _, Sha256};
use shared::{
    crypto::aead::record::{RECORD_OVERHEAD, RecordKey},
    crypto::random::Random,
};
use zeroize::Zeroizing;

use super::{KEY_LEN, Passphrase, ProfileKey};
use crate::store::{KeyFault, StoreError};

/// What a locked key file begins with.
const MAGIC: [u8; 8] = *b"schatkey";
/// The only version there is.
const VERSION: u8 = 1;
/// The kind of secret: a passphrase, the only one there is.
const BY_PASSPHRASE: u8 = 1;
/// Salt length in bytes: what RFC 9106, 3.1, recommends.
const SALT: usize = 16;
/// Everything before the sealed key.
const HEADER: usize = MAGIC.len() + 2 + 3 * 4 + SALT;
/// The key and what sealing adds.
const SEALED: usize = KEY_LEN + RECORD_OVERHEAD;
/// Length of the checksum, in bytes: damage goes unnoticed once in 2⁶⁴, and then nothing opens.
const CHECKSUM: usize = 8;
/// Domain separation of the record.
const LABEL: &[u8] = b"profile key";

/// What one try costs whoever guesses, and us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// The second recommended option of RFC 9106, 4: 64 MiB, three passes, four lanes. A phone can do it.
    pub const USUAL: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 4 };

    /// The most memory that a file can ask for, in KiB: four times the usual. A file from elsewhere must not eat it all.
    const MOST_MEMORY_KIB: u32 = 256 << 10;
    /// The most passes that a file can ask for: some seconds at the most memory.
    const MOST_PASSES: u32 = 16;
    /// The most lanes that a file can ask for.
    const MOST_LANES: u32 = 16;

    fn parse(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, StoreError> {
        let is_sane = (1..=Self::MOST_PASSES).contains(&passes)
            && (1..=Self::MOST_LANES).contains(&lanes)
            // RFC 9106, 3.1: eight blocks a lane at least.
            && (8 * lanes..=Self::MOST_MEMORY_KIB).contains(&memory_kib);
        if is_sane {
            Ok(Self { memory_kib, passes, lanes })
        } else {
            Err(StoreError::BadKeyFile(KeyFault::Cost))
        }
    }
}

/// A profile's key under a passphrase. Nothing in it is secret as long as the passphrase is.
pub struct Wrap {
    header: [u8; HEADER],
    cost: Cost,
    salt: [u8; SALT],
    sealed: [u8; SEALED],
}

impl Wrap {
    /// Length of the file, in bytes.
    pub(super) const LEN: usize = HEADER + SEALED + CHECKSUM;

    /// Locks a key.
    ///
    /// # Errors
    /// [`StoreError::NoMemory`] when `cost` asks for more than there is.
    pub fn seal(
        key: &ProfileKey,
        passphrase: &Passphrase,
        cost: Cost,
        random: &Random,
    ) -> Result<Self, StoreError> {
        let salt = random.bytes();
        let header = header(cost, &salt);
        let secret = derive(passphrase, &salt, cost)?;
        let sealed = secret.seal(random, &label(&header), key.0.as_slice());
        let sealed = sealed.try_into().map_err(|_| StoreError::BadKeyFile(KeyFault::Unmade))?;
        Ok(Self { header, cost, salt, sealed })
    }

    /// What one try costs.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Opens the key.
    ///
    /// # Errors
    /// [`StoreError::WrongPassphrase`]; [`StoreError::NoMemory`] when this machine has too little for it.
    pub fn open(&self, passphrase: &Passphrase) -> Result<ProfileKey, StoreError> {
        let secret = derive(passphrase, &self.salt, self.cost)?;
        let key = secret.open(&label(&self.header), &self.sealed).map_err(|_| StoreError::WrongPassphrase)?;
        let key = key.as_slice().try_into().map_err(|_| StoreError::BadKeyFile(KeyFault::NoKey))?;
        Ok(ProfileKey(Zeroizing::new(key)))
    }

    /// Reads a file's bytes. No memory is taken for what they ask for.
    ///
    /// # Errors
    /// [`StoreError::BadKeyFile`], or [`StoreError::TooNew`] for another version or kind.
    pub fn parse(bytes: &[u8]) -> Result<Self, StoreError> {
        let bad = |why| move || StoreError::BadKeyFile(why);
        // First of all, and whatever the length: a later version is not damaged.
        if let Some([version, kind, ..]) = bytes.strip_prefix(&MAGIC)
            && [*version, *kind] != [VERSION, BY_PASSPHRASE]
        {
            return Err(StoreError::TooNew);
        }
        let (body, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or_else(bad(KeyFault::Short))?;
        let (&header, sealed) = body.split_first_chunk::<HEADER>().ok_or_else(bad(KeyFault::Short))?;
        let rest = header.strip_prefix(&MAGIC).ok_or_else(bad(KeyFault::Begin))?;
        let sealed = sealed.try_into().map_err(|_| bad(KeyFault::Length)())?;
        if *checksum != self::checksum(body) {
            return Err(StoreError::BadKeyFile(KeyFault::Checksum));
        }
        let [VERSION, BY_PASSPHRASE, rest @ ..] = rest else { return Err(StoreError::TooNew) };
        let mut numbers =
            rest.chunks_exact(4).map(|four| four.iter().fold(0u32, |n, byte| n << 8 | u32::from(*byte)));
        let mut number = || numbers.next().unwrap_or_default();
        let cost = Cost::parse(number(), number(), number())?;
        let salt = *header.last_chunk().ok_or_else(bad(KeyFault::Short))?;
        Ok(Self { header, cost, salt, sealed })
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [self.header.as_slice(), &self.sealed].concat();
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }
}

fn header(cost: Cost, salt: &[u8; SALT]) -> [u8; HEADER] {
    let numbers = [cost.memory_kib, cost.passes, cost.lanes].map(u32::to_be_bytes);
    let parts = [MAGIC.as_slice(), &[VERSION, BY_PASSPHRASE], numbers.as_flattened(), salt].concat();
    let mut header = [0; HEADER];
    header.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    header
}

fn label(header: &[u8; HEADER]) -> Vec<u8> {
    [LABEL, header].concat()
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let hash: [u8; 32] = Sha256::digest(body).into();
    let mut checksum = [0; CHECKSUM];
    checksum.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    checksum
}

/// Argon2id. Its memory is wiped.
fn derive(passphrase: &Passphrase, salt: &[u8; SALT], cost: Cost) -> Result<RecordKey, StoreError> {
    let refused = |_| StoreError::BadKeyFile(KeyFault::Cost);
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY_LEN)).map_err(refused)?;
    let mut blocks = Zeroizing::new(Vec::new());
    blocks.try_reserve_exact(params.block_count()).map_err(|_| StoreError::NoMemory)?;
    blocks.resize(params.block_count(), Block::new());
    let mut secret = Zeroizing::new([0; KEY_LEN]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            passphrase.as_bytes(),
            salt,
            secret.as_mut_slice(),
            blocks.as_mut_slice(),
        )
        .map_err(refused)?;
    Ok(RecordKey::new(*secret))
}

#[cfg(test)]
mod tests;
