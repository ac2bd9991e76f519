//! Ed25519 (RFC 8032). A secret key is the 32-octet seed of §5.1.5, a public key the 32 octets of §5.1.2.
//!
//! Verification is the strict one: besides `S < ℓ` (§5.1.7, step 1) it refuses a public key or an `R`
//! of small order, under which one signature can be made to fit many messages. RFC 8032 leaves that
//! open, no honest signer ever makes such a key, and all members of a room run this same check, so
//! they cannot be split over which signature is good.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use mls_rs_core::crypto::{SignaturePublicKey, SignatureSecretKey};
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
    Ok(signing_key(secret)?.sign(data).to_bytes().to_vec())
}

/// Keys that are remembered, of 200 bytes each; beyond that the memory is cleared.
const MAX_KEYS: usize = 4_096;

/// Public keys in the form that verification needs: to bring one there takes a fifth of a verification, and members
/// speak more than once. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Keys(Arc<Mutex<HashMap<[u8; 32], VerifyingKey>>>);

impl Keys {
    fn get(&self, public: &SignaturePublicKey) -> Result<VerifyingKey, SuiteError> {
        let bytes: [u8; 32] = public.as_bytes().try_into().map_err(|_| SuiteError::PublicKey)?;
        // Whatever is in there is a key of its bytes, also after a panic elsewhere.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.get(&bytes) {
            return Ok(*key);
        }
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| SuiteError::PublicKey)?;
        if known.len() >= MAX_KEYS {
            known.clear();
        }
        known.insert(bytes, key);
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
    let key = keys.get(public)?;
    let signature = Signature::from_slice(signature).map_err(|_| SuiteError::Signature)?;
    key.verify_strict(data, &signature).map_err(|_| SuiteError::Signature)
}

fn signing_key(secret: &SignatureSecretKey) -> Result<SigningKey, SuiteError> {
    let seed: &[u8; 32] = secret.as_bytes().try_into().map_err(|_| SuiteError::Length)?;
    Ok(SigningKey::from_bytes(seed))
}

fn public_of(key: &SigningKey) -> SignaturePublicKey {
    SignaturePublicKey::new_slice(key.verifying_key().as_bytes())
}
