//! message-protection.json (1 case, 3 contents, each public or private or both) and welcome.json (1 case).

use mls_rs_core::crypto::{CipherSuiteProvider, HpkeCiphertext};
use serde_json::Value;
use shared::crypto::suite::Cipher;

use super::{
    cases, cipher,
    labels::{
        NH, decrypt_with_label, derive_secret, expand_with_label, leaf_secrets, ratchet, ref_hash,
        sender_data_key, verify_with_label,
    },
    number, octets,
    wire::{Reader, vector},
};

const PUBLIC: u64 = 1;
const PRIVATE: u64 = 2;
const WELCOME: u64 = 3;
const KEY_PACKAGE: u64 = 5;

const APPLICATION: u64 = 1;
const PROPOSAL: u64 = 2;
const COMMIT: u64 = 3;

#[test]
fn message_protection() {
    let Some(cases) = cases("message-protection") else { return };
    let cipher = &cipher();
    let mut run = 0;
    for case in &cases {
        for (name, kind) in [("proposal", PROPOSAL), ("commit", COMMIT)] {
            open_public(cipher, case, kind, &octets(&case[name]), &octets(&case[format!("{name}_pub")]));
            run += 1;
        }
        for (name, kind) in [("proposal", PROPOSAL), ("commit", COMMIT), ("application", APPLICATION)] {
            open_private(cipher, case, kind, &octets(&case[name]), &octets(&case[format!("{name}_priv")]));
            run += 1;
        }
    }
    assert_eq!((cases.len(), run), (1, 5));
}

/// Signature and membership tag of a PublicMessage from leaf 1 (RFC 9420 §6.1, §6.2).
fn open_public(cipher: &Cipher, case: &Value, kind: u64, body: &[u8], message: &[u8]) {
    let mut reader = Reader::message(message, PUBLIC);
    let content = reader.consumed(|content| {
        assert_eq!(content.vector(), octets(&case["group_id"]));
        assert_eq!(content.uint::<8>(), number::<u64>(&case["epoch"]));
        assert_eq!((content.uint::<1>(), content.uint::<4>()), (1, 1));
        content.vector();
        assert_eq!(content.uint::<1>(), kind);
        assert_eq!(content.take(body.len()), body);
    });
    let signed = [vec![0, 1, 0, 1], content.to_vec(), group_context(case)].concat();
    let auth = reader.consumed(|auth| check_auth(cipher, case, kind, &signed, auth));
    let tag = cipher.mac(&octets(&case["membership_key"]), &[&signed, auth].concat()).unwrap();
    assert_eq!(reader.vector(), tag);
    reader.finish();
}

/// Sender data, content and signature of a PrivateMessage from leaf 1 (RFC 9420 §6.3).
fn open_private(cipher: &Cipher, case: &Value, kind: u64, body: &[u8], message: &[u8]) {
    let mut reader = Reader::message(message, PRIVATE);
    let header = reader.consumed(|header| {
        assert_eq!(header.vector(), octets(&case["group_id"]));
        assert_eq!(header.uint::<8>(), number::<u64>(&case["epoch"]));
        assert_eq!(header.uint::<1>(), kind);
    });
    let authenticated = reader.vector();
    let (sealed_sender, ciphertext) = (reader.vector(), reader.vector());
    reader.finish();

    let (key, nonce) = sender_data_key(cipher, &octets(&case["sender_data_secret"]), ciphertext);
    let sender = cipher.aead_open(&key, sealed_sender, Some(header), &nonce).unwrap();
    let mut sender = Reader(&sender);
    assert_eq!(sender.uint::<4>(), 1);
    let generation = sender.uint::<4>().try_into().unwrap();
    let reuse_guard = sender.take(4);

    let leaves = leaf_secrets(cipher, &octets(&case["encryption_secret"]), 2);
    let ratchet_kind = if kind == APPLICATION { "application" } else { "handshake" };
    let (key, mut nonce) = ratchet(cipher, &leaves[1], ratchet_kind, generation);
    for (octet, guard) in nonce.iter_mut().zip(reuse_guard) {
        *octet ^= guard;
    }
    let aad = [header, &vector(authenticated)].concat();
    let opened = cipher.aead_open(&key, ciphertext, Some(&aad), &nonce).unwrap();
    let mut opened = Reader(&opened);
    let encoded = if kind == APPLICATION { vector(body) } else { body.to_vec() };
    assert_eq!(opened.take(encoded.len()), encoded);

    let member = [1, 0, 0, 0, 1];
    let kind_octet = [u8::try_from(kind).unwrap()];
    let id_and_epoch = &header[..header.len() - 1];
    let signed = [
        &[0, 1, 0, 2],
        id_and_epoch,
        &member,
        &vector(authenticated),
        &kind_octet,
        &encoded,
        &group_context(case),
    ]
    .concat();
    check_auth(cipher, case, kind, &signed, &mut opened);
    assert!(opened.0.iter().all(|padding| *padding == 0));
}

fn check_auth(cipher: &Cipher, case: &Value, kind: u64, signed: &[u8], auth: &mut Reader<'_>) {
    let public = octets(&case["signature_pub"]);
    verify_with_label(cipher, &public, "FramedContentTBS", signed, auth.vector()).unwrap();
    if kind == COMMIT {
        assert_eq!(auth.vector().len(), NH);
    }
}

fn group_context(case: &Value) -> Vec<u8> {
    [
        vec![0, 1, 0, 1],
        vector(&octets(&case["group_id"])),
        number::<u64>(&case["epoch"]).to_be_bytes().to_vec(),
        vector(&octets(&case["tree_hash"])),
        vector(&octets(&case["confirmed_transcript_hash"])),
        vector(b""),
    ]
    .concat()
}

#[test]
fn welcome() {
    let Some(cases) = cases("welcome") else { return };
    let cipher = &cipher();
    for case in &cases {
        let package = octets(&case["key_package"]);
        let package = Reader::message(&package, KEY_PACKAGE).0;
        let reference = ref_hash(cipher, "MLS 1.0 KeyPackage Reference", package);
        let mut reader = Reader(package);
        assert_eq!((reader.uint::<2>(), reader.uint::<2>()), (1, 1));
        let init_key = reader.vector();

        let message = octets(&case["welcome"]);
        let mut reader = Reader::message(&message, WELCOME);
        assert_eq!(reader.uint::<2>(), 1);
        let mut secrets = Reader(reader.vector());
        let sealed_info = reader.vector();
        reader.finish();
        let sealed = loop {
            let (member, kem_output, ciphertext) = (secrets.vector(), secrets.vector(), secrets.vector());
            if member == reference {
                break HpkeCiphertext { kem_output: kem_output.to_vec(), ciphertext: ciphertext.to_vec() };
            }
        };
        let pair = (octets(&case["init_priv"]), init_key);
        let secrets = decrypt_with_label(cipher, (&pair.0, pair.1), "Welcome", sealed_info, &sealed);
        let joiner = Reader(&secrets).vector();

        let member = cipher.kdf_extract(joiner, &[0; NH]).unwrap();
        let welcome_secret = derive_secret(cipher, &member, "welcome");
        let expand = |label, len| expand_with_label(cipher, &welcome_secret, label, b"", len);
        let (key, nonce) = (expand("key", cipher.aead_key_size()), expand("nonce", cipher.aead_nonce_size()));
        let info = cipher.aead_open(&key, sealed_info, None, &nonce).unwrap();
        check_group_info(cipher, &info, &member, &octets(&case["signer_pub"]));
    }
    assert_eq!(cases.len(), 1);
}

/// Signature and confirmation tag of a GroupInfo (RFC 9420 §12.4.3).
fn check_group_info(cipher: &Cipher, info: &[u8], member: &[u8], signer: &[u8]) {
    let mut reader = Reader(info);
    let (mut context, mut transcript, mut tag) = (vec![], vec![], vec![]);
    let signed = reader.consumed(|info| {
        context = info
            .consumed(|context| {
                context.take(4);
                context.vector();
                context.take(8);
                context.vector();
                transcript = context.vector().to_vec();
                context.vector();
            })
            .to_vec();
        info.vector();
        tag = info.vector().to_vec();
        info.take(4);
    });
    verify_with_label(cipher, signer, "GroupInfoTBS", signed, reader.vector()).unwrap();
    reader.finish();

    let epoch_secret = expand_with_label(cipher, member, "epoch", &context, NH);
    let key = derive_secret(cipher, &epoch_secret, "confirm");
    assert_eq!(cipher.mac(&key, &transcript).unwrap(), tag);
}
