//! What holds for every content, scope and session.

use proptest::prelude::*;
use proto::RoomId;
use shared::crypto::aead::{
    Envelope, EnvelopeSecret, OVERHEAD, OpenError, OpeningKey, Origin, Scope, SealingKey, Session,
};

fn origins() -> impl Strategy<Value = Origin> {
    prop_oneof![any::<u32>().prop_map(Origin::Leaf), Just(Origin::Invite), Just(Origin::Slot)]
}

fn scopes() -> impl Strategy<Value = Scope> {
    (any::<[u8; 32]>(), any::<u64>(), origins()).prop_map(|(room, epoch, origin)| Scope {
        room: RoomId(room),
        epoch,
        origin,
    })
}

proptest! {
    #[test]
    fn what_is_sealed_opens_and_only_with_its_inputs(
        content in proptest::collection::vec(any::<u8>(), 0..3000),
        secret in any::<[u8; 32]>(),
        (scope, other) in (scopes(), scopes()),
        session in any::<[u8; 8]>(),
        sequence in 0..u64::MAX,
    ) {
        let (secret, session) = (EnvelopeSecret::new(secret), Session(session));
        let mut sealing = SealingKey::resume(&secret, &scope, session, sequence);
        let bytes = sealing.seal(&content).unwrap();
        let envelope = Envelope::parse(&bytes).unwrap();
        prop_assert_eq!(envelope.sequence(), sequence);
        prop_assert_eq!(sealing.next_sequence(), sequence + 1);
        prop_assert_eq!(&*OpeningKey::new(&secret, &scope, session).open(&envelope).unwrap(), &content);
        prop_assert_eq!(OpeningKey::new(&secret, &other, session).open(&envelope), Err(OpenError::OtherKey));
    }

    #[test]
    fn contents_of_one_bucket_cannot_be_told_apart_by_length(a in 0..256_usize, b in 0..256_usize) {
        let secret = EnvelopeSecret::new([3; 32]);
        let scope = Scope { room: RoomId([4; 32]), epoch: 1, origin: Origin::Leaf(0) };
        let mut sealing = SealingKey::new(&secret, &scope, Session([5; 8]));
        let lengths = [a, b].map(|length| sealing.seal(&vec![b'x'; length]).unwrap().len());
        prop_assert_eq!(lengths, [256 + OVERHEAD; 2]);
    }

    #[test]
    fn any_bytes_are_parsed_or_refused_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), version in 0..3_u8) {
        let bytes = [&[version], &bytes[..]].concat();
        if let Ok(envelope) = Envelope::parse(&bytes) {
            let scope = Scope { room: RoomId([4; 32]), epoch: 1, origin: Origin::Leaf(0) };
            let key = OpeningKey::new(&EnvelopeSecret::new([6; 32]), &scope, envelope.session());
            prop_assert!(key.open(&envelope).is_err());
        }
    }
}
