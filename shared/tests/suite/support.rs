//! What the provider's tests share: a seeded source of randomness and `mls-rs` clients on the provider.

use std::convert::Infallible;

use mls_rs::{
    Client, CryptoProvider,
    client_builder::MlsConfig,
    crypto::SignatureSecretKey,
    identity::{
        SigningIdentity,
        basic::{BasicCredential, BasicIdentityProvider},
    },
    mls_rules::{CommitOptions, DefaultMlsRules, EncryptionOptions},
};
use mls_rs_core::crypto::CipherSuiteProvider;
use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};
use shared::{
    crypto::random::Random,
    crypto::suite::{Provider, Suite},
};

/// A seeded provider of both suites.
pub(crate) fn provider(seed: u64) -> Provider {
    Provider::new(Random::new(Seeded { seed, counter: 0 }))
}

/// SHA-256 in counter mode: repeatable, and as good as random for a test.
pub(crate) struct Seeded {
    pub seed: u64,
    pub counter: u64,
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut out = [0; 4];
        self.try_fill_bytes(&mut out)?;
        Ok(u32::from_le_bytes(out))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut out = [0; 8];
        self.try_fill_bytes(&mut out)?;
        Ok(u64::from_le_bytes(out))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let block = Sha256::new()
                .chain_update(self.seed.to_le_bytes())
                .chain_update(self.counter.to_le_bytes())
                .finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.counter += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}

/// A fresh identity of `suite` with a basic credential.
pub(crate) fn identity(
    provider: &Provider,
    suite: Suite,
    name: &str,
) -> (SigningIdentity, SignatureSecretKey) {
    let cipher = provider.cipher_suite_provider(suite.cipher_suite()).unwrap();
    let (secret, public) = cipher.signature_key_generate().unwrap();
    let credential = BasicCredential::new(name.as_bytes().to_vec()).into_credential();
    (SigningIdentity::new(credential, public), secret)
}

/// An `mls-rs` client on the provider: commits are public, always with a path, the tree is in the GroupInfo.
pub(crate) fn client(provider: &Provider, suite: Suite, name: &str) -> Client<impl MlsConfig + use<>> {
    let (identity, secret) = identity(provider, suite, name);
    let options = CommitOptions::new().with_path_required(true).with_ratchet_tree_extension(true);
    let rules = DefaultMlsRules::new()
        .with_commit_options(options)
        .with_encryption_options(EncryptionOptions::default());
    Client::builder()
        .identity_provider(BasicIdentityProvider)
        .crypto_provider(provider.clone())
        .mls_rules(rules)
        .signing_identity(identity, secret, suite.cipher_suite())
        .build()
}

/// Draws the same bytes every time, for vectors that name the ephemeral key.
pub(crate) struct Fixed(pub Vec<u8>);

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("only bytes are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("only bytes are drawn")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

/// The octets of a vector.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}
