use std::collections::BTreeSet;

use super::*;
use crate::crypto::aead::{Origin, ParseError, audit, testing::random};

const ROOM: RoomId = RoomId([7; 32]);
const SESSION: Session = Session(*b"session1");

fn scope() -> Scope {
    Scope { room: ROOM, epoch: 3, origin: Origin::Leaf(5) }
}

/// Each test has its own secret, so that the process-wide nonce audit stays meaningful.
fn keys(secret: u8) -> (SealingKey, OpeningKey) {
    let secret = EnvelopeSecret::new([secret; 32]);
    (SealingKey::new(&secret, &scope(), SESSION), OpeningKey::new(&secret, &scope(), SESSION))
}

fn open(key: &OpeningKey, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let envelope = Envelope::parse(bytes).map_err(|e| e.to_string())?;
    key.open(&envelope).map(|content| content.to_vec()).map_err(|e| e.to_string())
}

#[test]
fn content_comes_back_at_every_edge_of_every_bucket() {
    let (mut sealing, opening) = keys(1);
    let edges = [256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072, MAX_CONTENT + 1];
    for edge in edges {
        for length in [0, edge - 2, edge - 1] {
            let content: Vec<u8> = (0..length).map(|i| i.to_le_bytes()[0]).collect();
            let envelope = sealing.seal(&content).unwrap();
            assert_eq!(envelope.len(), padding::bucket(length).unwrap() + OVERHEAD);
            assert_eq!(open(&opening, &envelope).unwrap(), content);
        }
    }
}

#[test]
fn every_changed_bit_is_refused() {
    let (mut sealing, opening) = keys(2);
    let good = sealing.seal(b"attack at dawn").unwrap();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(open(&opening, &bad).is_err(), "byte {at}, bit {bit}");
        }
    }
    assert!(open(&opening, &good).is_ok());
}

#[test]
fn every_other_length_is_refused() {
    let (mut sealing, opening) = keys(3);
    let good = sealing.seal(b"attack at dawn").unwrap();
    for length in 0..good.len() {
        assert!(Envelope::parse(&good[..length]).is_err(), "cut to {length}");
    }
    let mut long = good;
    for _ in 0..300 {
        long.push(0);
        assert!(open(&opening, &long).is_err(), "extended to {}", long.len());
    }
}

#[test]
fn unknown_version_and_empty_bytes_are_refused() {
    let (mut sealing, _) = keys(4);
    assert_eq!(Envelope::parse(&[]).err(), Some(ParseError::Version));
    let mut bytes = sealing.seal(b"").unwrap();
    for version in (0..=255).filter(|version| *version != 2) {
        bytes[0] = version;
        assert_eq!(Envelope::parse(&bytes).err(), Some(ParseError::Version));
    }
}

#[test]
fn envelope_of_another_room_epoch_origin_session_or_secret_is_refused() {
    let secret = EnvelopeSecret::new([5; 32]);
    let mut sealing = SealingKey::new(&secret, &scope(), SESSION);
    let bytes = sealing.seal(b"hello").unwrap();
    let envelope = Envelope::parse(&bytes).unwrap();
    let others = [
        ("secret", EnvelopeSecret::new([6; 32]), scope(), SESSION),
        ("room", EnvelopeSecret::new([5; 32]), Scope { room: RoomId([8; 32]), ..scope() }, SESSION),
        ("epoch", EnvelopeSecret::new([5; 32]), Scope { epoch: 4, ..scope() }, SESSION),
        ("leaf", EnvelopeSecret::new([5; 32]), Scope { origin: Origin::Leaf(6), ..scope() }, SESSION),
        ("invite", EnvelopeSecret::new([5; 32]), Scope { origin: Origin::Invite, ..scope() }, SESSION),
        ("slot", EnvelopeSecret::new([5; 32]), Scope { origin: Origin::Slot, ..scope() }, SESSION),
        ("session", EnvelopeSecret::new([5; 32]), scope(), Session(*b"session2")),
    ];
    for (wrong, secret, scope, session) in &others {
        let mut key = OpeningKey::new(secret, scope, *session);
        assert_eq!(key.open(&envelope), Err(OpenError::OtherKey), "{wrong}");
        // Not the tag alone refuses it: the key differs as well.
        key.sender = envelope.sender();
        key.session = envelope.session();
        assert_eq!(key.open(&envelope), Err(OpenError::Forged), "{wrong}");
    }
    // The room is not only in the key but in the associated data, too.
    let mut key = OpeningKey::new(&secret, &scope(), SESSION);
    key.room = RoomId([8; 32]);
    assert_eq!(key.open(&envelope), Err(OpenError::Forged));
}

#[test]
fn authentic_envelope_with_other_padding_is_refused() {
    let (mut sealing, opening) = keys(7);
    let plaintext = |at: usize, byte: u8, length: usize| {
        let mut out = vec![0; length];
        out[..3].copy_from_slice(b"hi\x80");
        out[at] = byte;
        out
    };
    let table = [
        ("no end", plaintext(2, 0, 256), false),
        ("dirty last byte", plaintext(255, 1, 256), false),
        ("dirty first byte", plaintext(3, 1, 256), false),
        ("greater bucket than needed", plaintext(2, 0x80, 512), false),
        ("as it should be", plaintext(2, 0x80, 256), true),
    ];
    for (what, plaintext, good) in table {
        let envelope = sealing.seal_any_padding(&plaintext).unwrap();
        let result = opening.open(&Envelope::parse(&envelope).unwrap());
        let expected = if good { Ok(b"hi".to_vec().into()) } else { Err(OpenError::Padding) };
        assert_eq!(result, expected, "{what}");
    }
}

#[test]
fn too_large_content_is_refused_and_takes_no_sequence_number() {
    let (mut sealing, _) = keys(8);
    let (limit, length) = (MAX_CONTENT, MAX_CONTENT + 1);
    assert_eq!(sealing.seal(&vec![0; length]), Err(SealError::TooLarge { length, limit }));
    assert_eq!(sealing.next_sequence(), 0);
    assert!(sealing.seal(&vec![0; MAX_CONTENT]).is_ok());
}

#[test]
fn exhausted_key_seals_nothing_more() {
    let secret = EnvelopeSecret::new([9; 32]);
    let starts =
        [(0, MAX_ENVELOPES), (17, 17 + MAX_ENVELOPES), (u64::MAX - 1, u64::MAX), (u64::MAX, u64::MAX)];
    for (start, end) in starts {
        let mut key = SealingKey::resume(&secret, &scope(), SESSION, start);
        assert_eq!(key.end, end);
        // As if all but the last one were sealed.
        key.next = key.end.saturating_sub(1).max(start);
        if start < end {
            let bytes = key.seal(b"last").unwrap();
            assert_eq!(Envelope::parse(&bytes).unwrap().sequence(), end - 1);
        }
        assert_eq!(key.seal(b"one too many"), Err(SealError::Exhausted));
        assert_eq!(key.next_sequence(), end);
    }
}

#[test]
fn session_goes_on_in_a_new_epoch_under_another_key() {
    let secret = EnvelopeSecret::new([10; 32]);
    let mut old = SealingKey::new(&secret, &scope(), SESSION);
    old.seal(b"one").unwrap();
    let next = Scope { epoch: 4, ..scope() };
    let mut new = SealingKey::resume(&secret, &next, old.session(), old.next_sequence());
    let bytes = new.seal(b"two").unwrap();
    let envelope = Envelope::parse(&bytes).unwrap();
    assert_eq!((envelope.sequence(), envelope.session()), (1, SESSION));
    assert_ne!(new.sender(), old.sender());
    assert_eq!(**OpeningKey::new(&secret, &next, SESSION).open(&envelope).unwrap(), *b"two");
}

#[test]
fn secret_that_outlives_epochs_never_seals_twice_in_one_session() {
    let (secret, random) = (EnvelopeSecret::new([12; 32]), random("fresh"));
    let scope = Scope { room: ROOM, epoch: 0, origin: Origin::Slot };
    let ids: BTreeSet<_> = (0..100).map(|_| SealingKey::fresh(&secret, &scope, &random).session()).collect();
    assert_eq!(ids.len(), 100);
}

#[test]
fn audit_sees_a_sequence_number_that_is_used_again() {
    let secret = EnvelopeSecret::new([13; 32]);
    let before = audit::summary();
    SealingKey::new(&secret, &scope(), SESSION).seal(b"before the crash").unwrap();
    SealingKey::new(&secret, &scope(), SESSION).seal(b"after the crash").unwrap();
    let after = audit::summary();
    assert!(after.conflicts > before.conflicts && after.seals >= before.seals + 2);
}

#[test]
fn debug_shows_the_index_and_no_key() {
    let (mut sealing, opening) = keys(11);
    sealing.seal(b"").unwrap();
    sealing.sender = SenderTag([1; 8]);
    assert_eq!(format!("{sealing:?}"), "SealingKey(SenderTag([1, 1, 1, 1, 1, 1, 1, 1]), next 1)");
    assert!(format!("{opening:?}").starts_with("OpeningKey(SenderTag("));
}
