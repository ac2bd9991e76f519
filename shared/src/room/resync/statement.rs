//! What requests and answers sign, and what an answer is sealed under.

use sha2::{Digest, Sha256};

use crate::{content, crypto::aead::EnvelopeSecret};

pub(in crate::room) fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(in crate::room) fn answer_secret(shared: &[u8], request: &[u8]) -> EnvelopeSecret {
    let secret = hkdf::Hkdf::<Sha256>::new(Some(b"schat/2 resync answer"), shared);
    let mut out = [0; 32];
    // 32 bytes are far below HKDF's limit of 255 blocks, so this cannot fail.
    let _ = secret.expand(request, &mut out);
    EnvelopeSecret::new(out)
}

pub(in crate::room) fn request_statement(room: &[u8; 32], request: &content::ResyncRequest) -> Vec<u8> {
    let content::ResyncRequest { access_key, kem_key, epoch, seq, running_hash, .. } = request;
    let (numbers, refused) =
        ([epoch, seq, &request.useless].map(|number| number.to_be_bytes()), request.refused.concat());
    let [epoch, seq, useless] = &numbers;
    let fields: [&[u8]; 7] = [access_key, kem_key, epoch, seq, running_hash, &refused, useless];
    statement(b"schat/2 resync", room, &fields)
}

pub(in crate::room) fn answer_statement(room: &[u8; 32], answer: &content::ResyncAnswer) -> Vec<u8> {
    let content::ResyncAnswer { request, leaf, ciphertext, envelope, .. } = answer;
    statement(b"schat/2 resync answer", room, &[request, &leaf.to_be_bytes(), ciphertext, envelope])
}

/// Each field with its length, so that no two lists have the same bytes.
fn statement(context: &[u8], room: &[u8; 32], fields: &[&[u8]]) -> Vec<u8> {
    let mut hashed = Sha256::new();
    for field in fields {
        hashed.update((field.len() as u64).to_be_bytes());
        hashed.update(field);
    }
    [context, room, &hashed.finalize()].concat()
}
