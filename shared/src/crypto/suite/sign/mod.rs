//! Ed25519 (RFC 8032). A secret key is the 32-octet seed of §5.1.5, a public key the 32 octets of §5.1.2.
//!
//! Verification is [`proto::signature`]'s, the same one by one and many at once.

mod ahead;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ahead::Ahead;
use ed25519_dalek::{Signer, SigningKey};
use mls_rs_core::crypto::{SignaturePublicKey, SignatureSecretKey};
use proto::signature::{SignatureKey, has_canonical_point};
use zeroize::Zeroizing;

use super::SuiteError;
use crate::crypto::random::Random;

pub(super) fn generate(random: &Random) -> (SignatureSecretKey, SignaturePublicKey) {
    let mut seed = Zeroizing::new([0; 32]);
    random.fill(&mut *seed);
    let key = SigningKey::from_bytes(&seed);
    (SignatureSecretKey::new_slice(&*seed), public_of(&key))
}

pub(super) fn public(secret: &SignatureSecretKey) -> Result<SignaturePublicKey, SuiteError> {
    Ok(public_of(&signing_key(secret)?))
}

pub(super) fn sign(secret: &SignatureSecretKey, data: &[u8]) -> Result<Vec<u8>, SuiteError> {
    let signature = signing_key(secret)?.sign(data).to_bytes();
    #[cfg(any(test, feature = "fuzzing"))]
    let signature = super::spoil::forged(signature);
    Ok(signature.to_vec())
}

/// Keys that are remembered, of 200 bytes each; beyond that the memory is cleared.
const MAX_KEYS: usize = 4_096;

/// Public keys in the form that verification needs, since to bring one there takes a fifth of a verification and members
/// speak more than once; and what was verified ahead. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Keys(Arc<Mutex<KeyCache>>);

#[derive(Default)]
struct KeyCache {
    keys: HashMap<[u8; 32], SignatureKey>,
    ahead: Ahead,
}

impl Keys {
    /// Runs `asks` with every answer taken for yes, and checks together what it asked: see [`ahead`]. Nothing that `asks`
    /// comes to may be believed.
    pub(super) fn look_ahead(&self, asks: impl FnOnce()) {
        /// Answers are true again, also after a panic.
        struct Ending<'a>(&'a Keys, bool);
        impl Drop for Ending<'_> {
            fn drop(&mut self) {
                self.0.lock().ahead.end(self.1);
            }
        }
        self.lock().ahead.begin();
        let mut ending = Ending(self, false);
        asks();
        ending.1 = true;
    }

    fn lock(&self) -> MutexGuard<'_, KeyCache> {
        // Whatever is in there is a key of its bytes, also after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyCache {
    fn key(&mut self, bytes: &[u8; 32]) -> Result<SignatureKey, SuiteError> {
        if let Some(key) = self.keys.get(bytes) {
            return Ok(*key);
        }
        let key = SignatureKey::of(bytes).ok_or(SuiteError::PublicKey)?;
        if self.keys.len() >= MAX_KEYS {
            self.keys.clear();
        }
        self.keys.insert(*bytes, key);
        Ok(key)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

pub(super) fn verify(
    keys: &Keys,
    public: &SignaturePublicKey,
    signature: &[u8],
    data: &[u8],
) -> Result<(), SuiteError> {
    let public = public.as_bytes().try_into().map_err(|_| SuiteError::PublicKey)?;
    let signature = signature.try_into().map_err(|_| SuiteError::Signature)?;
    // The batch does not ask for it.
    if !has_canonical_point(signature) {
        return Err(SuiteError::Signature);
    }
    let mut known = keys.lock();
    let key = known.key(public)?;
    if known.ahead.spares(public, signature, data) {
        return Ok(());
    }
    drop(known);
    #[cfg(any(test, feature = "fuzzing"))]
    super::spoil::count_check();
    key.verifies(data, signature).then_some(()).ok_or(SuiteError::Signature)
}

fn signing_key(secret: &SignatureSecretKey) -> Result<SigningKey, SuiteError> {
    let seed: &[u8; 32] = secret.as_bytes().try_into().map_err(|_| SuiteError::Length)?;
    Ok(SigningKey::from_bytes(seed))
}

fn public_of(key: &SigningKey) -> SignaturePublicKey {
    SignaturePublicKey::new_slice(key.verifying_key().as_bytes())
}
