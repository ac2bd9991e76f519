//! Members who take what another one signed and seal it again: MLS signs neither the envelope nor the message key.

use prost::Message as _;
use proto::relay::{Ephemeral, relay_frame::Frame};

use super::{
    hostile::{ANN, BOB, EVE, private, three},
    signal::typing,
    world::World,
};
use crate::{
    content::{self, sealed},
    crypto::aead::{Envelope, Session},
    mls::group::Kind,
    room::{Command, placed::MAX_AHEAD},
};

/// The MLS message in an envelope, as device `i` reads it.
fn inner(world: &mut World, i: usize, envelope: &[u8]) -> Vec<u8> {
    let engine = world.devices[i].engine.as_mut().unwrap();
    let (_, plain) = engine.keyring.open(&Envelope::parse(envelope).unwrap()).unwrap();
    match content::Sealed::decode(plain.as_slice()).unwrap().body.unwrap() {
        sealed::Body::PrivateMessage(bytes) | sealed::Body::KeyShare(bytes) => bytes.to_vec(),
    }
}

/// What bob signed in that envelope, and where the envelope was.
fn bobs(world: &mut World, envelope: &[u8]) -> ((Session, u64), (Vec<u8>, Vec<u8>)) {
    let parsed = Envelope::parse(envelope).unwrap();
    let at = (parsed.session(), parsed.sequence());
    let mut eve = world.hostile(EVE);
    let message = inner(world, EVE, envelope);
    (at, eve.signed(&message))
}

/// Bob says "one" and eve has read nothing but its envelope yet.
fn after_one(seed: u64) -> (World, Vec<u8>) {
    let mut world = three(seed);
    world.capture(EVE);
    world.say(BOB, "one");
    world.settle();
    let said = world.entry(world.head()).envelope.to_vec();
    (world, said)
}

#[test]
fn insider_cannot_push_somebody_elses_window_to_its_end() {
    let (mut world, said) = after_one(401);
    let ((session, _), signed) = bobs(&mut world, &said);
    let again = world.hostile(BOB).reseal(&signed, 0);
    let forged = world.envelope(EVE, world.leaf(BOB), (session, u64::MAX - 1), private(again));
    world.inject(forged, None);
    world.settle();
    assert!(world.errors(ANN).contains(&"forged"));
    for text in ["two", "three"] {
        world.say(BOB, text);
        world.settle();
    }
    assert_eq!(world.texts(ANN), ["one", "two", "three"], "{}", world.story(ANN));
}

#[test]
fn insider_cannot_burn_somebody_elses_next_message_key() {
    let (mut world, said) = after_one(402);
    let (_, signed) = bobs(&mut world, &said);
    let again = world.hostile(BOB).reseal(&signed, 0);
    let session = Session::random(&world.devices[EVE].profile.random);
    let forged = world.envelope(EVE, world.leaf(BOB), (session, 0), private(again));
    world.relay.streams.remove(&BOB);
    world.inject(forged, None);
    world.say(BOB, "two");
    world.connect(BOB);
    world.settle();
    assert_eq!(world.texts(ANN), ["one", "two"], "{}", world.story(ANN));
    assert_eq!(world.texts(BOB), ["one", "two"]);
}

#[test]
fn insider_with_the_relays_help_cannot_seal_what_is_under_way_under_a_later_key() {
    let mut world = three(403);
    world.capture(ANN);
    world.capture(EVE);
    world.say(BOB, "one");
    world.settle();
    // The relay shows eve's envelope in the place of bob's: all is bob's own but the key.
    let mut entry = world.entry(world.head());
    let (at, signed) = bobs(&mut world, &entry.envelope);
    let genuine = entry.envelope.clone();
    let again = world.hostile(BOB).reseal(&signed, 3);
    entry.envelope = world.envelope(EVE, world.leaf(BOB), at, private(again)).into();
    world.show(ANN, entry.clone());
    assert_eq!(world.texts(ANN), [""; 0]);
    assert!(world.errors(ANN).contains(&"forged"), "{}", world.story(ANN));
    // Neither the number nor the key is used up.
    (entry.envelope, entry.seq) = (genuine, entry.seq + 1);
    world.show(ANN, entry);
    assert_eq!(world.texts(ANN), ["one"], "{}", world.story(ANN));
}

#[test]
fn insider_cannot_make_somebody_type_again() {
    let mut world = three(404);
    world.capture(EVE);
    world.command(BOB, Command::Typing { stopped: false });
    let heard = world.devices[EVE].inbox.iter().find_map(|frame| match &frame.frame {
        Some(Frame::Ephemeral(signal)) => Some(signal.envelope.to_vec()),
        _ => None,
    });
    let ((session, sequence), signed) = bobs(&mut world, &heard.unwrap());
    world.settle();
    assert_eq!(typing(&world, ANN).len(), 1);
    for (n, at) in
        [(session, sequence), (session, sequence + 1), (Session([9; 8]), 0)].into_iter().enumerate()
    {
        world.now += 60_000;
        let again = world.hostile(BOB).reseal(&signed, u32::try_from(n).unwrap());
        let forged = world.envelope(EVE, world.leaf(BOB), at, private(again));
        world.frame(ANN, Frame::Ephemeral(Ephemeral { envelope: forged.into() }));
    }
    assert_eq!(typing(&world, ANN).len(), 1);
    world.now += 60_000;
    world.command(BOB, Command::Typing { stopped: false });
    world.settle();
    assert_eq!(typing(&world, ANN).len(), 2, "bob himself is still heard");
}

#[test]
fn signal_is_no_content_and_content_no_signal() {
    let mut world = three(405);
    let session = Session([8; 8]);
    let content = world.content(EVE, 1, "x").encode_to_vec();
    let message = world.hostile(EVE).seal(Kind::Signal, (session, 0), &content);
    let envelope = world.envelope(EVE, world.leaf(EVE), (session, 0), private(message));
    world.disconnect(EVE);
    world.inject(envelope, None);
    world.settle();
    assert_eq!(world.texts(ANN), [""; 0]);
    let typing_content = content::Content {
        body: Some(content::content::Body::Typing(content::Typing { stopped: false })),
        ..content::Content::default()
    };
    let envelope = world.said(EVE, &mut world.hostile(EVE), &typing_content);
    world.frame(ANN, Frame::Ephemeral(Ephemeral { envelope: envelope.into() }));
    assert_eq!(typing(&world, ANN), []);
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn message_that_names_no_place_is_refused() {
    let mut world = three(406);
    let content = world.content(EVE, 1, "x").encode_to_vec();
    for place in [&b""[..], &[1; 20], &[1; 22], &[0xff; 21]] {
        let message = world.hostile(EVE).seal_as(place, &content);
        let envelope = world.own_envelope(EVE, private(message));
        world.inject(envelope, None);
    }
    world.disconnect(EVE);
    world.settle();
    assert_eq!((world.texts(ANN), world.errors(ANN)), (vec![], vec!["forged"; 4]));
    world.assert_talks(&[ANN, BOB]);
}

fn stored(world: &World, i: usize) -> usize {
    world.devices[i].rows.values().map(|row| row.len()).sum()
}

#[test]
fn skipped_message_keys_do_not_grow_the_others_state_without_bound() {
    let mut world = three(407);
    let mut eve = world.hostile(EVE);
    world.disconnect(EVE);
    let before = stored(&world, ANN);
    for n in 1..=8 {
        (0..MAX_AHEAD - 1).for_each(|_| drop(eve.seal_as(b"", b"")));
        let envelope = world.said(EVE, &mut eve, &world.content(EVE, n, "x"));
        world.inject(envelope, None);
        world.settle();
    }
    assert_eq!(world.texts(ANN), ["x"], "one jump is taken, and no second one");
    assert!(world.errors(ANN).contains(&"forged"));
    assert!(stored(&world, ANN) < before + 64 * 1024, "{before} -> {}", stored(&world, ANN));
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn member_who_sealed_more_than_the_others_take_begins_an_epoch_first() {
    let mut world = three(408);
    // What was sealed and lost, as if by a relay that swallows: the ratchet is ahead of the log.
    let engine = world.devices[BOB].engine.as_mut().unwrap();
    let group = engine.group.as_mut().unwrap();
    for n in 0..u64::from(MAX_AHEAD) {
        group.seal(Kind::Content, (Session([1; 8]), n), b"lost").unwrap();
    }
    group.keep().unwrap();
    let epoch = world.epoch(ANN);
    world.say(BOB, "at last");
    world.settle();
    assert_eq!(world.texts(ANN), ["at last"], "{}", world.story(BOB));
    assert_eq!(world.epoch(ANN), epoch + 1);
    world.assert_agreed(&[ANN, BOB, EVE]);
}
