//! Members who seal what they like in whose envelope they like. Every member can derive every envelope
//! key of the epoch, so an envelope's key alone proves nothing about its sender.

use prost::Message as _;

use super::{
    hostile::{ANN, BOB, EVE, private, three},
    world::World,
};
use crate::{
    content::{self, sealed},
    crypto::aead::{Envelope, Session},
    mls::group::{EPOCHS_KEPT, Kind},
    room::Command,
};

/// The session and the next sequence number of what device `i` says.
fn next_of(world: &World, i: usize) -> (Session, u64) {
    world.devices[i].engine.as_ref().unwrap().session
}

#[test]
fn insider_cannot_burn_somebody_elses_sequence_number() {
    let mut world = three(301);
    let (session, next) = next_of(&world, BOB);
    let leaf = world.leaf(BOB);
    for n in next..next + 3 {
        let envelope = world.envelope(EVE, leaf, (session, n), private(b"garbage".to_vec()));
        world.relay.streams.remove(&BOB);
        world.inject(envelope, None);
    }
    world.connect(BOB);
    world.settle();
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn insider_cannot_burn_a_sequence_number_by_a_commit_of_its_own() {
    let mut world = three(302);
    let (session, next) = next_of(&world, BOB);
    let (message, _) = world.hostile(EVE).commit(|b| b);
    let body = sealed::Body::KeyShare(message.into());
    let envelope = world.envelope(EVE, world.leaf(BOB), (session, next), body);
    world.disconnect(EVE);
    let part = world.part(super::hostile::nothing());
    world.inject(envelope, Some(part));
    world.settle();
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn insider_with_a_copied_session_does_not_silence_its_owner() {
    let mut world = three(303);
    let (session, _) = next_of(&world, BOB);
    let content = world.content(EVE, 1, "hello").encode_to_vec();
    let message = world.hostile(EVE).seal(Kind::Content, (session, 0), &content);
    let envelope = world.envelope(EVE, world.leaf(EVE), (session, 0), private(message));
    world.disconnect(EVE);
    world.inject(envelope, None);
    world.settle();
    assert_eq!(world.texts(ANN), ["hello"]);
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn insider_cannot_close_a_device_with_an_envelope_of_its_own_leaf() {
    let mut world = three(304);
    let session = Session::random(&world.devices[EVE].profile.random);
    for i in [ANN, BOB] {
        let content = world.content(EVE, 1, "it is I").encode_to_vec();
        let message = world.hostile(EVE).seal(Kind::Content, (session, 0), &content);
        for body in [private(message.clone()), sealed::Body::KeyShare(message.into())] {
            let part =
                matches!(body, sealed::Body::KeyShare(_)).then(|| world.part(super::hostile::nothing()));
            let envelope = world.envelope(EVE, world.leaf(i), (session, 0), body);
            world.inject(envelope, part);
        }
        world.settle();
    }
    world.disconnect(EVE);
    world.settle();
    assert!(!world.closed(ANN) && !world.closed(BOB), "{}", world.story(ANN));
    assert!(world.alarms(ANN).is_empty() && world.errors(ANN).contains(&"forged"), "{}", world.story(ANN));
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn insider_cannot_burn_a_message_key() {
    let mut world = three(305);
    // Bob's own next MLS message, in Eve's envelope: the library accepts it, the engine must not keep that.
    let session = Session::random(&world.devices[EVE].profile.random);
    let content = world.content(BOB, 1, "not here").encode_to_vec();
    let message = world.hostile(BOB).seal(Kind::Content, (session, 0), &content);
    let envelope = world.envelope(EVE, world.leaf(EVE), (session, 0), private(message));
    world.disconnect(EVE);
    world.disconnect(BOB);
    world.inject(envelope, None);
    world.settle();
    assert_eq!(world.texts(ANN), [""; 0], "the sender of envelope and message must be one");
    assert!(world.errors(ANN).contains(&"forged"));
    world.connect(BOB);
    world.settle();
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn message_in_a_joiners_envelope_is_refused() {
    let mut world = three(306);
    let session = Session::random(&world.devices[EVE].profile.random);
    let content = world.content(EVE, 1, "hello").encode_to_vec();
    let message = world.hostile(EVE).seal(Kind::Content, (session, 0), &content);
    let slot_key = world.slot_key(EVE);
    let engine = world.devices[EVE].engine.as_ref().unwrap();
    let scope = crate::crypto::aead::Scope {
        room: engine.room,
        epoch: 0,
        origin: crate::crypto::aead::Origin::Invite,
    };
    let sealed =
        content::Sealed { body: Some(private(message)), ..content::Sealed::default() }.encode_to_vec();
    let envelope =
        crate::crypto::aead::SealingKey::new(&crate::invite::join_secret(&slot_key), &scope, session)
            .seal(&sealed)
            .unwrap();
    world.disconnect(EVE);
    world.inject(envelope, None);
    world.settle();
    assert_eq!(world.texts(ANN), [""; 0]);
    assert!(world.errors(ANN).contains(&"forged"));
}

#[test]
fn removed_member_still_sending_is_refused() {
    let mut world = three(307);
    let late = world.said(EVE, &mut world.hostile(EVE), &world.content(EVE, 1, "I am still here"));
    let eve = world.devices[EVE].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(eve));
    world.settle();
    world.inject(late, None);
    world.settle();
    assert_eq!((world.texts(ANN), world.texts(BOB)), (vec![], vec![]));
    assert!(world.errors(ANN).contains(&"forged"), "{}", world.story(ANN));
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn removed_member_does_not_speak_as_whoever_took_its_leaf() {
    let mut world = three(308);
    let late = world.said(EVE, &mut world.hostile(EVE), &world.content(EVE, 1, "I am dan"));
    let (eve, leaf) = (world.devices[EVE].profile.identity.fingerprint(), world.leaf(EVE));
    world.command(ANN, Command::Remove(eve));
    world.settle();
    let link = world.invite(ANN);
    world.devices.push(World::new(&["dan"], crate::crypto::suite::Suite::Classic, 908).devices.remove(0));
    world.join(3, &link);
    assert_eq!(world.leaf(3), leaf, "dan sits where eve sat");
    world.inject(late, None);
    world.settle();
    for i in [ANN, BOB] {
        assert_eq!(world.texts(i), [""; 0], "{}", world.story(i));
        assert!(world.errors(i).contains(&"forged"), "{}", world.story(i));
    }
    world.assert_talks(&[ANN, BOB, 3]);
}

#[test]
fn removed_member_cannot_read_append_or_return() {
    let mut world = three(309);
    let link = world.invite(ANN);
    let eve = world.devices[EVE].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(eve));
    world.settle();
    world.say(ANN, "she is gone");
    world.settle();
    let said = world.relay.log.last().unwrap().envelope.clone();
    let room = world.room_id(ANN);
    let mut keyring =
        super::super::keyring::Keyring::new(room, &world.devices[EVE].engine.as_ref().unwrap().meta.epochs);
    assert!(keyring.open(&Envelope::parse(&said).unwrap()).is_none(), "a removed member read on");
    let key = world.access_key(EVE).key;
    assert!(!world.relay.keys.contains_key(&*key), "a removed member kept access");
    assert!(!world.relay.keys.contains_key(link.secret.access_key().public().as_bytes()));
    world.join(EVE, &link);
    assert!(world.closed(EVE));
    // Even a relay that lets them in and shows them the slot has nothing that the old link opens.
    assert!(crate::invite::slot::open(&room, &link.secret, &world.relay.slot).is_err());
}

#[test]
fn message_sealed_too_many_epochs_ago_is_refused_by_all_and_said_again() {
    let mut world = three(310);
    // Bob says something and loses the line before the relay has it.
    world.relay.streams.remove(&BOB);
    world.say(BOB, "patience");
    let lost = world.devices[BOB].engine.as_ref().unwrap().outbox.values().next().unwrap().envelope.clone();
    assert!(!lost.is_empty());
    world.disconnect(BOB);
    for n in 0..=EPOCHS_KEPT {
        world.command(ANN, Command::Rename(format!("ann{n}")));
        world.settle();
    }
    world.inject(lost, None);
    world.settle();
    assert_eq!(world.texts(ANN), [""; 0]);
    world.connect(BOB);
    world.settle();
    for i in [ANN, BOB, EVE] {
        assert_eq!(world.texts(i), ["patience"], "{}", world.story(i));
    }
    world.assert_agreed(&[ANN, BOB, EVE]);
}

#[test]
fn stale_sessions_are_not_kept_for_ever() {
    let mut world = three(322);
    world.disconnect(BOB);
    let mut eve = world.hostile(EVE);
    for n in 1..=5_000 {
        let envelope = world.said(EVE, &mut eve, &world.content(EVE, n, "x"));
        world.inject(envelope, None);
    }
    world.disconnect(EVE);
    world.settle();
    let engine = world.devices[ANN].engine.as_ref().unwrap();
    assert!(engine.windows.len() <= 4096 && engine.keyring.remembered() <= 4096);
}
