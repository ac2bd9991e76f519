//! HPKE (RFC 9180), base and PSK mode, over the KEM, KDF and AEAD of a suite.
//!
//! Written out rather than taken from `mls-rs-crypto-hpke`: that crate frees shared secrets without
//! wiping them, and its key derivation applies DHKEM's `dkp_prk` to every KEM, which X-Wing must not have.

use std::fmt;

use mls_rs_core::crypto::{HpkeContextR, HpkeContextS, HpkePsk};
use zeroize::Zeroizing;

use super::{
    SuiteError,
    gcm::{Gcm, NONCE_SIZE},
    hash::Hash,
    kem::Kem,
    labeled::{labeled_expand, labeled_extract},
};

/// The least octets of a PSK (RFC 9180 §9.5).
const MIN_PSK: usize = 32;

/// A sender's context: it can only seal.
#[derive(Debug)]
pub struct Sender(pub(super) Context);

/// A receiver's context: it can only open.
#[derive(Debug)]
pub struct Receiver(pub(super) Context);

impl HpkeContextS for Sender {
    type Error = SuiteError;

    fn seal(&mut self, aad: Option<&[u8]>, data: &[u8]) -> Result<Vec<u8>, SuiteError> {
        let nonce = self.0.nonce();
        let sealed = self.0.gcm.seal(&self.0.key, &nonce, aad.unwrap_or_default(), data)?;
        self.0.advance()?;
        Ok(sealed)
    }

    fn export(&self, context: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, SuiteError> {
        self.0.export(context, len)
    }
}

impl HpkeContextR for Receiver {
    type Error = SuiteError;

    fn open(&mut self, aad: Option<&[u8]>, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, SuiteError> {
        let nonce = self.0.nonce();
        let opened = self.0.gcm.open(&self.0.key, &nonce, aad.unwrap_or_default(), ciphertext)?;
        self.0.advance()?;
        Ok(opened)
    }

    fn export(&self, context: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, SuiteError> {
        self.0.export(context, len)
    }
}

/// What the key schedule of RFC 9180 §5.1 ends in.
pub(super) struct Context {
    hash: Hash,
    gcm: Gcm,
    suite_id: [u8; 10],
    key: Zeroizing<Vec<u8>>,
    base_nonce: Zeroizing<[u8; NONCE_SIZE]>,
    exporter_secret: Zeroizing<Vec<u8>>,
    sequence: u64,
}

impl Context {
    /// `KeySchedule`, RFC 9180 §5.1: base mode without a PSK, PSK mode with one.
    pub(super) fn new(
        (kem, hash, gcm): (Kem, Hash, Gcm),
        shared_secret: &[u8],
        info: &[u8],
        psk: Option<HpkePsk<'_>>,
    ) -> Result<Self, SuiteError> {
        let suite_id = suite_id(kem, hash, gcm);
        let mode = u8::from(psk.is_some());
        if psk.as_ref().is_some_and(|psk| psk.value.len() < MIN_PSK || psk.id.is_empty()) {
            return Err(SuiteError::Psk);
        }
        let psk = psk.unwrap_or_default();

        let psk_id_hash = labeled_extract(hash, &suite_id, &[], b"psk_id_hash", psk.id);
        let info_hash = labeled_extract(hash, &suite_id, &[], b"info_hash", info);
        let context = [&[mode], psk_id_hash.as_slice(), &info_hash];
        let secret = labeled_extract(hash, &suite_id, shared_secret, b"secret", psk.value);
        let expand = |label: &[u8], len| labeled_expand(hash, &suite_id, &secret, label, &context, len);

        let mut base_nonce = Zeroizing::new([0; NONCE_SIZE]);
        base_nonce.copy_from_slice(&expand(b"base_nonce", NONCE_SIZE)?);
        Ok(Self {
            key: expand(b"key", gcm.key_size())?,
            exporter_secret: expand(b"exp", hash.size())?,
            base_nonce,
            sequence: 0,
            hash,
            gcm,
            suite_id,
        })
    }

    /// `ComputeNonce`, RFC 9180 §5.2.
    fn nonce(&self) -> [u8; NONCE_SIZE] {
        let mut nonce = *self.base_nonce;
        let (_, low) = nonce.split_at_mut(NONCE_SIZE - size_of::<u64>());
        for (octet, count) in low.iter_mut().zip(self.sequence.to_be_bytes()) {
            *octet ^= count;
        }
        nonce
    }

    /// `IncrementSeq`, RFC 9180 §5.2: no (key, nonce) pair is ever used twice.
    fn advance(&mut self) -> Result<(), SuiteError> {
        self.sequence = self.sequence.checked_add(1).ok_or(SuiteError::Exhausted)?;
        Ok(())
    }

    fn export(&self, context: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, SuiteError> {
        labeled_expand(self.hash, &self.suite_id, &self.exporter_secret, b"sec", &[context], len)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

/// "HPKE" ‖ KEM id ‖ KDF id ‖ AEAD id, RFC 9180 §5.1.
fn suite_id(kem: Kem, hash: Hash, gcm: Gcm) -> [u8; 10] {
    let mut id = *b"HPKE\0\0\0\0\0\0";
    let ids = [kem.id(), hash.kdf_id(), gcm.id()].map(u16::to_be_bytes);
    let (_, tail) = id.split_at_mut(4);
    tail.copy_from_slice(ids.as_flattened());
    id
}
