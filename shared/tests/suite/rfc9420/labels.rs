//! The labelled operations of RFC 9420 §5.1, §5.2, §8 and §9 over the provider.

use mls_rs_core::crypto::{
    CipherSuiteProvider, HpkeCiphertext, HpkePublicKey, HpkeSecretKey, SignaturePublicKey, SignatureSecretKey,
};
use shared::crypto::suite::{Cipher, SuiteError};

use super::wire::vector;

/// Octets of a secret (`KDF.Nh`) in suite 1.
pub(super) const NH: usize = 32;

fn labeled(label: &str, context: &[u8]) -> Vec<u8> {
    [vector(format!("MLS 1.0 {label}").as_bytes()), vector(context)].concat()
}

pub(super) fn expand_with_label(
    cipher: &Cipher,
    secret: &[u8],
    label: &str,
    context: &[u8],
    len: usize,
) -> Vec<u8> {
    let length = u16::try_from(len).unwrap().to_be_bytes();
    let info = [length.to_vec(), labeled(label, context)].concat();
    cipher.kdf_expand(secret, &info, len).unwrap().to_vec()
}

pub(super) fn derive_secret(cipher: &Cipher, secret: &[u8], label: &str) -> Vec<u8> {
    expand_with_label(cipher, secret, label, b"", NH)
}

pub(super) fn derive_tree_secret(
    cipher: &Cipher,
    secret: &[u8],
    label: &str,
    generation: u32,
    len: usize,
) -> Vec<u8> {
    expand_with_label(cipher, secret, label, &generation.to_be_bytes(), len)
}

pub(super) fn ref_hash(cipher: &Cipher, label: &str, value: &[u8]) -> Vec<u8> {
    cipher.hash(&[vector(label.as_bytes()), vector(value)].concat()).unwrap()
}

pub(super) fn sign_with_label(cipher: &Cipher, secret: &[u8], label: &str, content: &[u8]) -> Vec<u8> {
    cipher.sign(&SignatureSecretKey::new_slice(secret), &labeled(label, content)).unwrap()
}

pub(super) fn verify_with_label(
    cipher: &Cipher,
    public: &[u8],
    label: &str,
    content: &[u8],
    signature: &[u8],
) -> Result<(), SuiteError> {
    cipher.verify(&SignaturePublicKey::new_slice(public), signature, &labeled(label, content))
}

pub(super) fn encrypt_with_label(
    cipher: &Cipher,
    public: &[u8],
    label: &str,
    context: &[u8],
    plaintext: &[u8],
) -> HpkeCiphertext {
    let public = HpkePublicKey::from(public.to_vec());
    cipher.hpke_seal(&public, &labeled(label, context), None, plaintext).unwrap()
}

pub(super) fn decrypt_with_label(
    cipher: &Cipher,
    (secret, public): (&[u8], &[u8]),
    label: &str,
    context: &[u8],
    sealed: &HpkeCiphertext,
) -> Vec<u8> {
    let (secret, public) = (HpkeSecretKey::from(secret.to_vec()), HpkePublicKey::from(public.to_vec()));
    cipher.hpke_open(sealed, &secret, &public, &labeled(label, context), None).unwrap().to_vec()
}

/// The leaf secrets of a full secret tree, left to right (RFC 9420 §9).
pub(super) fn leaf_secrets(cipher: &Cipher, node: &[u8], leaves: usize) -> Vec<Vec<u8>> {
    if leaves == 1 {
        return vec![node.to_vec()];
    }
    ["left", "right"]
        .into_iter()
        .map(|side| expand_with_label(cipher, node, "tree", side.as_bytes(), NH))
        .flat_map(|child| leaf_secrets(cipher, &child, leaves / 2))
        .collect()
}

/// Key and nonce of a generation of a leaf's ratchet, "handshake" or "application" (RFC 9420 §9.1).
pub(super) fn ratchet(cipher: &Cipher, leaf: &[u8], kind: &str, generation: u32) -> (Vec<u8>, Vec<u8>) {
    let mut secret = derive_secret(cipher, leaf, kind);
    for passed in 0..generation {
        secret = derive_tree_secret(cipher, &secret, "secret", passed, NH);
    }
    let derive = |label, len| derive_tree_secret(cipher, &secret, label, generation, len);
    (derive("key", cipher.aead_key_size()), derive("nonce", cipher.aead_nonce_size()))
}

/// Key and nonce of the sender data of this ciphertext (RFC 9420 §6.3.2).
pub(super) fn sender_data_key(cipher: &Cipher, secret: &[u8], ciphertext: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let sample = &ciphertext[..ciphertext.len().min(NH)];
    let expand = |label, len| expand_with_label(cipher, secret, label, sample, len);
    (expand("key", cipher.aead_key_size()), expand("nonce", cipher.aead_nonce_size()))
}
