//! key-schedule.json (1 case, 5 epochs), psk_secret.json (11 cases) and secret-tree.json (3 cases).

use mls_rs_core::crypto::CipherSuiteProvider;
use serde_json::Value;

use super::{
    cases, cipher,
    labels::{NH, derive_secret, expand_with_label, leaf_secrets, ratchet, sender_data_key},
    number, octets,
    wire::vector,
};

#[test]
fn key_schedule() {
    let Some(cases) = cases("key-schedule") else { return };
    let cipher = &cipher();
    let mut run = 0;
    for case in &cases {
        let mut init_secret = octets(&case["initial_init_secret"]);
        for (epoch, expected) in case["epochs"].as_array().unwrap().iter().enumerate() {
            let field = |name: &str| octets(&expected[name]);
            let context = [
                vec![0, 1, 0, 1],
                vector(&octets(&case["group_id"])),
                u64::try_from(epoch).unwrap().to_be_bytes().to_vec(),
                vector(&field("tree_hash")),
                vector(&field("confirmed_transcript_hash")),
                vector(b""),
            ]
            .concat();
            assert_eq!(context, field("group_context"));

            let before_joiner = cipher.kdf_extract(&init_secret, &field("commit_secret")).unwrap();
            let joiner = expand_with_label(cipher, &before_joiner, "joiner", &context, NH);
            assert_eq!(joiner, field("joiner_secret"));
            let member = cipher.kdf_extract(&joiner, &field("psk_secret")).unwrap();
            assert_eq!(derive_secret(cipher, &member, "welcome"), field("welcome_secret"));
            let epoch_secret = expand_with_label(cipher, &member, "epoch", &context, NH);
            for (label, name) in [
                ("init", "init_secret"),
                ("sender data", "sender_data_secret"),
                ("encryption", "encryption_secret"),
                ("exporter", "exporter_secret"),
                ("authentication", "epoch_authenticator"),
                ("external", "external_secret"),
                ("confirm", "confirmation_key"),
                ("membership", "membership_key"),
                ("resumption", "resumption_psk"),
            ] {
                assert_eq!(derive_secret(cipher, &epoch_secret, label), field(name), "{name}");
            }
            let (_, public) = cipher.kem_derive(&field("external_secret")).unwrap();
            assert_eq!(&*public, field("external_pub"));
            check_exporter(&expected["exporter"], &field("exporter_secret"));

            init_secret = field("init_secret");
            run += 1;
        }
    }
    assert_eq!((cases.len(), run), (1, 5));
}

fn check_exporter(expected: &Value, exporter_secret: &[u8]) {
    let cipher = &cipher();
    let derived = derive_secret(cipher, exporter_secret, expected["label"].as_str().unwrap());
    let context = cipher.hash(&octets(&expected["context"])).unwrap();
    let out = expand_with_label(cipher, &derived, "exported", &context, number(&expected["length"]));
    assert_eq!(out, octets(&expected["secret"]));
}

#[test]
fn psk_secret() {
    let Some(cases) = cases("psk_secret") else { return };
    let cipher = &cipher();
    for case in &cases {
        let psks = case["psks"].as_array().unwrap();
        let count = u16::try_from(psks.len()).unwrap().to_be_bytes();
        let mut secret = vec![0; NH];
        for (index, psk) in (0_u16..).zip(psks) {
            const EXTERNAL: u8 = 1;
            let label = [
                vec![EXTERNAL],
                vector(&octets(&psk["psk_id"])),
                vector(&octets(&psk["psk_nonce"])),
                index.to_be_bytes().to_vec(),
                count.to_vec(),
            ]
            .concat();
            let extracted = cipher.kdf_extract(&[0; NH], &octets(&psk["psk"])).unwrap();
            let input = expand_with_label(cipher, &extracted, "derived psk", &label, NH);
            secret = cipher.kdf_extract(&input, &secret).unwrap().to_vec();
        }
        assert_eq!(secret, octets(&case["psk_secret"]));
    }
    assert_eq!(cases.len(), 11);
}

#[test]
fn secret_tree() {
    let Some(cases) = cases("secret-tree") else { return };
    let cipher = &cipher();
    let mut run = 0;
    for case in &cases {
        let sender = &case["sender_data"];
        let secret = octets(&sender["sender_data_secret"]);
        let (key, nonce) = sender_data_key(cipher, &secret, &octets(&sender["ciphertext"]));
        assert_eq!((key, nonce), (octets(&sender["key"]), octets(&sender["nonce"])));

        let leaves = case["leaves"].as_array().unwrap();
        let secrets = leaf_secrets(cipher, &octets(&case["encryption_secret"]), leaves.len());
        for (secret, generations) in secrets.iter().zip(leaves) {
            for expected in generations.as_array().unwrap() {
                for kind in ["handshake", "application"] {
                    let (key, nonce) = ratchet(cipher, secret, kind, number(&expected["generation"]));
                    assert_eq!(key, octets(&expected[format!("{kind}_key")]));
                    assert_eq!(nonce, octets(&expected[format!("{kind}_nonce")]));
                    run += 1;
                }
            }
        }
    }
    assert_eq!((cases.len(), run), (3, 164));
}
