//! crypto-basics.json (1 case of suite 1) and deserialization.json (14 cases, no suite).

use mls_rs_codec::{MlsDecode, VarInt};
use mls_rs_core::crypto::HpkeCiphertext;

use super::{
    cases, cipher, file,
    labels::{
        decrypt_with_label, derive_secret, derive_tree_secret, encrypt_with_label, expand_with_label,
        ref_hash, sign_with_label, verify_with_label,
    },
    number, octets,
};

#[test]
fn crypto_basics() {
    let Some(cases) = cases("crypto-basics") else { return };
    assert_eq!(cases.len(), 1);
    let cipher = &cipher();
    for case in cases {
        let text = |group: &str| case[group]["label"].as_str().unwrap().to_owned();
        let field = |group: &str, name: &str| octets(&case[group][name]);

        let t = "ref_hash";
        assert_eq!(ref_hash(cipher, &text(t), &field(t, "value")), field(t, "out"));

        let t = "expand_with_label";
        let len = number(&case[t]["length"]);
        let out = expand_with_label(cipher, &field(t, "secret"), &text(t), &field(t, "context"), len);
        assert_eq!(out, field(t, "out"));

        let t = "derive_secret";
        assert_eq!(derive_secret(cipher, &field(t, "secret"), &text(t)), field(t, "out"));

        let t = "derive_tree_secret";
        let (generation, len) = (number(&case[t]["generation"]), number(&case[t]["length"]));
        let out = derive_tree_secret(cipher, &field(t, "secret"), &text(t), generation, len);
        assert_eq!(out, field(t, "out"));

        let t = "sign_with_label";
        let (content, public) = (field(t, "content"), field(t, "pub"));
        let signed = sign_with_label(cipher, &field(t, "priv"), &text(t), &content);
        assert_eq!(signed, field(t, "signature"));
        verify_with_label(cipher, &public, &text(t), &content, &signed).unwrap();
        assert!(verify_with_label(cipher, &public, "other", &content, &signed).is_err());

        let t = "encrypt_with_label";
        let (secret, public, context) = (field(t, "priv"), field(t, "pub"), field(t, "context"));
        let sealed =
            HpkeCiphertext { kem_output: field(t, "kem_output"), ciphertext: field(t, "ciphertext") };
        for sealed in
            [&sealed, &encrypt_with_label(cipher, &public, &text(t), &context, &field(t, "plaintext"))]
        {
            let opened = decrypt_with_label(cipher, (&secret, &public), &text(t), &context, sealed);
            assert_eq!(opened, field(t, "plaintext"));
        }
    }
}

#[test]
fn deserialization() {
    let Some(cases) = file("deserialization") else { return };
    for case in &cases {
        let header = octets(&case["vlbytes_header"]);
        let length = VarInt::mls_decode(&mut header.as_slice()).unwrap();
        assert_eq!(u32::from(length), number::<u32>(&case["length"]));
    }
    assert_eq!(cases.len(), 14);
}
