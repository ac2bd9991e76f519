use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use serde_json::Value;

use super::{super::fault::EndReason, *};

fn random(seed: u64) -> Random {
    Random::new(ChaCha20Rng::seed_from_u64(seed))
}

/// Both sides of a room with this secret, and what the old one says first.
fn pair(secret: [u8; 32], seed: u64) -> (Handshake, Handshake, LinkMessage) {
    let (old, first) = Handshake::begin(Role::Old, &secret, "desk", &random(seed));
    let (new, nothing) = Handshake::begin(Role::New, &secret, "laptop", &random(seed + 1));
    assert_eq!(nothing, None);
    (old, new, first.unwrap())
}

#[test]
fn both_sides_show_the_same() {
    let (mut old, mut new, first) = pair([7; 32], 1);
    let answer = new.take(first).unwrap();
    assert_eq!(answer.agreed, None);
    let Taken { say: Some(reveal), agreed: Some(at_old) } = old.take(answer.say.unwrap()).unwrap() else {
        panic!("the old device shows a phrase and its nonce")
    };
    // A restart in between.
    let mut new = Handshake::from_bytes(&new.to_bytes()).unwrap();
    let Taken { say: None, agreed: Some(at_new) } = new.take(reveal).unwrap() else { panic!() };
    assert_eq!(at_old, at_new);
    assert_eq!(at_old.device, "laptop");
}

/// Somebody between the two knows both secrets, and tries many nonces of their own at the only place where one can still be
/// chosen after the phrase of the other side is known. None fits what was committed to.
#[test]
fn whoever_is_between_two_devices_has_one_try() {
    // Towards the new device they are the old one, bound before they see its nonce.
    let (mut bound, mut new, first) = pair([1; 32], 1);
    let answer = new.take(first).unwrap().say.unwrap();
    bound.take(answer).unwrap();
    for tried in 1_000..2_000u64 {
        let mut new = Handshake::from_bytes(&new.to_bytes()).unwrap();
        assert_eq!(new.take(LinkMessage::Reveal(random(tried).bytes())), Err(LinkFault::WrongReveal));
    }
    // Towards the old device they are the new one, and answer before they see its nonce: a commitment says nothing of it.
    let (old, _, first) = pair([2; 32], 3);
    let mut phrases = std::collections::BTreeSet::new();
    for tried in 0..20u64 {
        let mut old = Handshake::from_bytes(&old.to_bytes()).unwrap();
        let answer = LinkMessage::Answer { nonce: random(tried).bytes(), device: "laptop".to_owned() };
        phrases.insert(old.take(answer.clone()).unwrap().agreed.unwrap().phrase.digits());
        // And have no second one.
        assert_eq!(old.take(answer), Err(LinkFault::OutOfOrder));
    }
    assert_eq!(phrases.len(), 20);
    assert!(matches!(first, LinkMessage::Commitment(_)));
}

#[test]
fn message_in_another_place_ends_it() {
    let (old, new, first) = pair([7; 32], 1);
    let part = LinkMessage::Part { index: 0, count: 1, bytes: crate::message::Private::new(vec![1]) };
    let answer = || LinkMessage::Answer { nonce: [9; 32], device: "x".to_owned() };
    let again = |side: &Handshake| Handshake::from_bytes(&side.to_bytes()).unwrap();
    for wrong in [part, LinkMessage::Done, LinkMessage::Reveal([1; 32]), LinkMessage::End(EndReason::Refused)]
    {
        assert_eq!(again(&old).take(wrong.clone()), Err(LinkFault::OutOfOrder), "{wrong:?}");
        assert_eq!(again(&new).take(wrong.clone()), Err(LinkFault::OutOfOrder), "{wrong:?}");
    }
    assert_eq!(again(&old).take(first.clone()), Err(LinkFault::SameKind));
    assert_eq!(again(&new).take(answer()), Err(LinkFault::SameKind));
    let mut new = again(&new);
    new.take(first.clone()).unwrap();
    assert_eq!(new.take(first), Err(LinkFault::OutOfOrder), "a second commitment");
}

/// docs/linking-vectors.json was made by another program, in another language.
#[test]
fn phrases_and_commitments_are_those_of_the_vectors() {
    let all: Value = serde_json::from_str(include_str!("../../../../docs/linking-vectors.json")).unwrap();
    let cases = all["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let bytes = |name: &str| -> [u8; 32] {
            hex::decode(case[name].as_str().unwrap()).unwrap().try_into().unwrap()
        };
        let (secret, old, new) = (bytes("secret"), bytes("old"), bytes("new"));
        assert_eq!(commitment(&secret, &old), bytes("commitment"));
        let phrase = Phrase::of(&secret, &old, &new);
        let words = phrase.emoji().map(|(_, word)| word).join(" ");
        assert_eq!(words, case["words"].as_str().unwrap());
        assert_eq!(phrase.digits(), case["digits"].as_str().unwrap());
    }
}
