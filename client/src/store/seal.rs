//! Seals the values of the database: the AEAD engine's records under the profile's key.

use std::sync::Arc;

use shared::{crypto::aead::record::RecordKey, crypto::random::Random};
use zeroize::Zeroizing;

use super::{Damage, ProfileKey, StoreError};

/// The profile's key and what it needs to seal.
#[derive(Clone)]
pub(super) struct Sealer {
    key: Arc<RecordKey>,
    random: Random,
}

impl Sealer {
    pub(super) fn new(key: &ProfileKey, random: Random) -> Self {
        Self { key: Arc::new(RecordKey::new(*key.0)), random }
    }

    /// Names a row without telling what it is about.
    pub(super) fn tag(&self, what: &[u8]) -> [u8; 16] {
        self.key.tag(what)
    }

    /// Seals a value for the place that `label` names.
    pub(super) fn seal(&self, label: &[u8], value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let sealed = self.key.seal(&self.random, label, value);
        // The engine's sign of a value over 64 GiB.
        if sealed.is_empty() { Err(StoreError::Full) } else { Ok(sealed) }
    }

    /// Opens what was sealed for the place that `label` names.
    pub(super) fn open(&self, label: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.key.open(label, sealed).map_err(|_| StoreError::Damaged(Damage::Value))
    }
}
