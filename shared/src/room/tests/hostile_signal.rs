//! Signals that are not what they should be: dropped, whatever is wrong with them.

use prost::Message as _;
use proto::relay::{Ephemeral, relay_frame::Frame};

use super::{
    hostile::{ANN, BOB, EVE, private, three},
    signal::typing,
    world::World,
};
use crate::{
    content::{self, content::Body},
    crypto::aead::Session,
    mls::group::Kind,
    room::{Command, TYPING_EVERY_MS},
};

fn typing_content() -> content::Content {
    let typing = content::Typing { stopped: false };
    content::Content { body: Some(Body::Typing(typing)), ..content::Content::default() }
}

fn signal(world: &mut World, to: usize, envelope: Vec<u8>) {
    world.frame(to, Frame::Ephemeral(Ephemeral { envelope: envelope.into() }));
}

#[test]
fn a_signal_in_somebody_elses_envelope_is_dropped() {
    let mut world = three(921);
    let session = Session::random(&world.devices[EVE].profile.random);
    let message = world.hostile(EVE).seal(Kind::Signal, (session, 0), &typing_content().encode_to_vec());
    let envelope = world.envelope(EVE, world.leaf(BOB), (session, 0), private(message));
    signal(&mut world, ANN, envelope);
    assert_eq!(typing(&world, ANN), []);
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn a_message_outside_the_log_is_dropped() {
    let mut world = three(922);
    let content = world.content(EVE, 1, "only you see this");
    let envelope = world.signalled(EVE, &mut world.hostile(EVE), &content);
    signal(&mut world, ANN, envelope);
    assert_eq!(world.texts(ANN), [""; 0]);
    // Nor under the number of a signal.
    let content = content::Content { counter: 0, ..content };
    let envelope = world.signalled(EVE, &mut world.hostile(EVE), &content);
    signal(&mut world, ANN, envelope);
    assert_eq!(world.texts(ANN), [""; 0]);
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn a_signal_that_comes_twice_is_shown_once() {
    let mut world = three(923);
    let envelope = world.signalled(EVE, &mut world.hostile(EVE), &typing_content());
    signal(&mut world, ANN, envelope.clone());
    signal(&mut world, ANN, envelope);
    assert_eq!(typing(&world, ANN).len(), 1);
}

#[test]
fn garbage_and_changed_bytes_are_dropped() {
    let mut world = three(924);
    world.disconnect(BOB);
    let envelope = world.signalled(EVE, &mut world.hostile(EVE), &typing_content());
    for at in (0..envelope.len()).step_by(7) {
        let mut changed = envelope.clone();
        changed[at] ^= 1;
        signal(&mut world, ANN, changed);
        signal(&mut world, ANN, envelope[..at].to_vec());
    }
    assert_eq!(typing(&world, ANN), []);
    signal(&mut world, ANN, envelope);
    assert_eq!(typing(&world, ANN).len(), 1);
}

#[test]
fn a_signal_of_a_removed_member_is_dropped() {
    let mut world = three(925);
    let envelope = world.signalled(EVE, &mut world.hostile(EVE), &typing_content());
    let eve = world.devices[EVE].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(eve));
    world.settle();
    signal(&mut world, ANN, envelope);
    assert_eq!(typing(&world, ANN), []);
}

#[test]
fn typing_in_the_log_tells_nothing() {
    let mut world = three(926);
    let content = content::Content { body: typing_content().body, ..world.content(EVE, 1, "") };
    let envelope = world.said(EVE, &mut world.hostile(EVE), &content);
    world.disconnect(EVE);
    world.inject(envelope, None);
    world.settle();
    assert_eq!(typing(&world, ANN), []);
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn a_flood_of_signals_is_heard_a_few_times_and_silences_nobody_else() {
    let mut world = three(927);
    // One program throughout: each message has a key of its own.
    let mut eve = world.hostile(EVE);
    let mut flood = |world: &mut World| {
        for _ in 0..200 {
            let envelope = world.signalled(EVE, &mut eve, &typing_content());
            signal(world, ANN, envelope);
        }
    };
    flood(&mut world);
    assert_eq!(typing(&world, ANN).len(), 8);
    // Each of them costs a stored transaction; a while later as many are heard again.
    world.now += 4 * TYPING_EVERY_MS;
    flood(&mut world);
    assert_eq!(typing(&world, ANN).len(), 16);
    world.command(BOB, Command::Typing { stopped: false });
    world.settle();
    assert_eq!(typing(&world, ANN).last(), Some(&("bob".to_owned(), false)));
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn signals_in_somebody_elses_name_do_not_silence_them() {
    let mut world = three(928);
    let session = Session::random(&world.devices[EVE].profile.random);
    for sequence in 0..50 {
        let at = (session, sequence);
        let message = world.hostile(EVE).seal(Kind::Signal, at, &typing_content().encode_to_vec());
        let envelope = world.envelope(EVE, world.leaf(BOB), at, private(message));
        signal(&mut world, ANN, envelope);
    }
    world.command(BOB, Command::Typing { stopped: false });
    world.settle();
    assert_eq!(typing(&world, ANN), [("bob".to_owned(), false)]);
}
