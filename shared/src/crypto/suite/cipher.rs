//! The operations of one suite, as RFC 9420 and `mls-rs` name them.

use mls_rs_core::crypto::{
    CipherSuite, CipherSuiteProvider, HpkeCiphertext, HpkeContextR, HpkeContextS, HpkePsk, HpkePublicKey,
    HpkeSecretKey, SignaturePublicKey, SignatureSecretKey,
};
use zeroize::Zeroizing;

use super::{
    Receiver, Sender, Suite, SuiteError,
    gcm::{Gcm, NONCE_SIZE},
    hash::Hash,
    hpke::Context,
    kem::Kem,
    sign,
};
use crate::crypto::random::Random;

/// The operations of one suite. Cheap to clone, holds no secret key.
#[derive(Clone, Debug)]
pub struct Cipher {
    suite: Suite,
    random: Random,
    kem: Kem,
    hash: Hash,
    gcm: Gcm,
    keys: sign::Keys,
}

impl Cipher {
    pub(super) fn new(suite: Suite, random: Random, keys: sign::Keys) -> Self {
        let (kem, hash, gcm) = match suite {
            Suite::Pq => (Kem::XWing, Hash::Sha384, Gcm::Aes256),
            Suite::Classic => (Kem::X25519, Hash::Sha256, Gcm::Aes128),
        };
        Self { suite, random, kem, hash, gcm, keys }
    }

    /// Which suite this is.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    fn sender(
        &self,
        remote: &HpkePublicKey,
        info: &[u8],
        psk: Option<HpkePsk<'_>>,
    ) -> Result<(Vec<u8>, Sender), SuiteError> {
        let (secret, enc) = self.kem.encap(&self.random, remote)?;
        let context = Context::new((self.kem, self.hash, self.gcm), &secret, info, psk)?;
        Ok((enc, Sender(context)))
    }

    fn receiver(
        &self,
        enc: &[u8],
        secret: &HpkeSecretKey,
        public: &HpkePublicKey,
        info: &[u8],
        psk: Option<HpkePsk<'_>>,
    ) -> Result<Receiver, SuiteError> {
        let secret = self.kem.decap(enc, secret, public)?;
        let context = Context::new((self.kem, self.hash, self.gcm), &secret, info, psk)?;
        Ok(Receiver(context))
    }
}

impl CipherSuiteProvider for Cipher {
    type Error = SuiteError;
    type HpkeContextS = Sender;
    type HpkeContextR = Receiver;

    fn cipher_suite(&self) -> CipherSuite {
        self.suite.cipher_suite()
    }

    fn hash(&self, data: &[u8]) -> Result<Vec<u8>, SuiteError> {
        Ok(self.hash.digest(data))
    }

    fn mac(&self, key: &[u8], data: &[u8]) -> Result<Vec<u8>, SuiteError> {
        self.hash.mac(key, data)
    }

    fn aead_seal(
        &self,
        key: &[u8],
        data: &[u8],
        aad: Option<&[u8]>,
        nonce: &[u8],
    ) -> Result<Vec<u8>, SuiteError> {
        self.gcm.seal(key, nonce, aad.unwrap_or_default(), data)
    }

    fn aead_open(
        &self,
        key: &[u8],
        ciphertext: &[u8],
        aad: Option<&[u8]>,
        nonce: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SuiteError> {
        self.gcm.open(key, nonce, aad.unwrap_or_default(), ciphertext)
    }

    fn aead_key_size(&self) -> usize {
        self.gcm.key_size()
    }

    fn aead_nonce_size(&self) -> usize {
        NONCE_SIZE
    }

    fn kdf_extract(&self, salt: &[u8], ikm: &[u8]) -> Result<Zeroizing<Vec<u8>>, SuiteError> {
        Ok(self.hash.extract(salt, &[ikm]))
    }

    fn kdf_expand(&self, prk: &[u8], info: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, SuiteError> {
        self.hash.expand(prk, &[info], len)
    }

    fn kdf_extract_size(&self) -> usize {
        self.hash.size()
    }

    fn hpke_seal(
        &self,
        remote_key: &HpkePublicKey,
        info: &[u8],
        aad: Option<&[u8]>,
        pt: &[u8],
    ) -> Result<HpkeCiphertext, SuiteError> {
        let (kem_output, mut sender) = self.sender(remote_key, info, None)?;
        #[allow(unused_mut)]
        let mut ciphertext = sender.seal(aad, pt)?;
        #[cfg(any(test, feature = "fuzzing"))]
        super::spoil::spoil(&mut ciphertext);
        Ok(HpkeCiphertext { kem_output, ciphertext })
    }

    fn hpke_seal_psk(
        &self,
        remote_key: &HpkePublicKey,
        info: &[u8],
        aad: Option<&[u8]>,
        pt: &[u8],
        psk: HpkePsk<'_>,
    ) -> Result<HpkeCiphertext, SuiteError> {
        let (kem_output, mut sender) = self.sender(remote_key, info, Some(psk))?;
        Ok(HpkeCiphertext { kem_output, ciphertext: sender.seal(aad, pt)? })
    }

    fn hpke_open(
        &self,
        ciphertext: &HpkeCiphertext,
        local_secret: &HpkeSecretKey,
        local_public: &HpkePublicKey,
        info: &[u8],
        aad: Option<&[u8]>,
    ) -> Result<Zeroizing<Vec<u8>>, SuiteError> {
        self.receiver(&ciphertext.kem_output, local_secret, local_public, info, None)?
            .open(aad, &ciphertext.ciphertext)
    }

    fn hpke_open_psk(
        &self,
        ciphertext: &HpkeCiphertext,
        local_secret: &HpkeSecretKey,
        local_public: &HpkePublicKey,
        info: &[u8],
        aad: Option<&[u8]>,
        psk: HpkePsk<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, SuiteError> {
        self.receiver(&ciphertext.kem_output, local_secret, local_public, info, Some(psk))?
            .open(aad, &ciphertext.ciphertext)
    }

    fn hpke_setup_s(&self, remote_key: &HpkePublicKey, info: &[u8]) -> Result<(Vec<u8>, Sender), SuiteError> {
        self.sender(remote_key, info, None)
    }

    fn hpke_setup_r(
        &self,
        kem_output: &[u8],
        local_secret: &HpkeSecretKey,
        local_public: &HpkePublicKey,
        info: &[u8],
    ) -> Result<Receiver, SuiteError> {
        self.receiver(kem_output, local_secret, local_public, info, None)
    }

    fn kem_derive(&self, ikm: &[u8]) -> Result<(HpkeSecretKey, HpkePublicKey), SuiteError> {
        self.kem.derive(ikm)
    }

    fn kem_generate(&self) -> Result<(HpkeSecretKey, HpkePublicKey), SuiteError> {
        self.kem.generate(&self.random)
    }

    fn kem_public_key_validate(&self, key: &HpkePublicKey) -> Result<(), SuiteError> {
        self.kem.validate(key)
    }

    fn random_bytes(&self, out: &mut [u8]) -> Result<(), SuiteError> {
        self.random.fill(out);
        Ok(())
    }

    fn signature_key_generate(&self) -> Result<(SignatureSecretKey, SignaturePublicKey), SuiteError> {
        Ok(sign::generate(&self.random))
    }

    fn signature_key_derive_public(
        &self,
        secret_key: &SignatureSecretKey,
    ) -> Result<SignaturePublicKey, SuiteError> {
        sign::public(secret_key)
    }

    fn sign(&self, secret_key: &SignatureSecretKey, data: &[u8]) -> Result<Vec<u8>, SuiteError> {
        sign::sign(secret_key, data)
    }

    fn verify(
        &self,
        public_key: &SignaturePublicKey,
        signature: &[u8],
        data: &[u8],
    ) -> Result<(), SuiteError> {
        sign::verify(&self.keys, public_key, signature, data)
    }
}
