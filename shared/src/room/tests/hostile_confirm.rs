//! A relay that deceives somebody who is about to join.

use proto::relay::{Joined, Refused, client_frame, refused::Code, relay_frame::Frame};

use super::{
    hostile::{ANN, BOB, EVE, three},
    world::World,
};
use crate::{
    crypto::suite::Suite,
    room::{AlarmKind, Command, Engine, Input},
};

/// Dan's join commit is in the log; he has not read it yet.
fn dan_confirms(seed: u64) -> (World, u64) {
    let mut world = three(seed);
    let link = world.invite(ANN);
    world.devices.push(World::new(&["dan"], Suite::Classic, 900 + seed).devices.remove(0));
    world.devices[3].engine = Some(Engine::join(&world.devices[3].profile, &link, world.now).unwrap());
    world.connect(3);
    while world.devices[3].engine.as_ref().unwrap().phase() != super::super::Phase::Confirming {
        assert!(world.deliver_one(3));
    }
    let seq = world.head();
    world.disconnect(3);
    world.begin_join(3);
    world.relay.streams.remove(&3);
    let joined =
        Joined { head: seq, oldest: 1, last_commit: seq, slot: None, now_ms: world.now, ..Joined::default() };
    world.frame(3, Frame::Joined(joined));
    world.show_before(3, seq);
    (world, seq)
}

#[test]
fn join_shown_as_something_else_is_refused_by_the_joiner() {
    let (mut world, seq) = dan_confirms(430);
    let mut entry = world.entry(seq);
    entry.is_commit = false;
    world.show(3, entry);
    assert!(world.devices[3].engine.as_ref().unwrap().view().is_none());
    world.assert_alarm(3, AlarmKind::Fork);
}

#[test]
fn join_behind_another_commit_is_refused_by_the_joiner() {
    let (mut world, seq) = dan_confirms(431);
    let mut other = world.entry(seq);
    other.envelope = world.entry(1).envelope;
    world.show(3, other);
    let mut entry = world.entry(seq);
    entry.seq += 1;
    entry.base += 1;
    world.show(3, entry);
    assert!(world.devices[3].engine.as_ref().unwrap().view().is_none());
    world.assert_alarm(3, AlarmKind::Fork);
}

#[test]
fn join_with_other_access_keys_alarms_the_joiner() {
    let (mut world, seq) = dan_confirms(432);
    let mut entry = world.entry(seq);
    entry.access.as_mut().unwrap().removed.push(world.access_key(ANN).key);
    world.show(3, entry);
    world.assert_alarm(3, AlarmKind::Access);
}

#[test]
fn join_that_the_relay_took_and_hides_alarms() {
    let (mut world, seq) = dan_confirms(433);
    let mut other = world.entry(seq);
    (other.envelope, other.is_commit, other.access) = (world.entry(1).envelope, false, None);
    world.show(3, other);
    world.assert_alarm(3, AlarmKind::Gap);
}

#[test]
fn newcomer_in_a_room_of_its_own_is_told() {
    let (mut world, seq) = dan_confirms(434);
    let entry = world.entry(seq);
    world.show(3, entry);
    // One entry of each member may have been under way; more than that is another room.
    for n in 1..=5 {
        let mut entry = world.entry(1);
        let mut bytes = entry.envelope.to_vec();
        bytes[30] ^= n;
        (entry.seq, entry.envelope, entry.is_commit, entry.access) =
            (seq + u64::from(n), bytes.into(), false, None);
        world.show(3, entry);
        let alarmed = world.alarms(3).contains(&AlarmKind::Fork);
        assert_eq!(alarmed, n > 3, "entry {n}: {}", world.story(3));
    }
}

#[test]
fn open_room_that_is_not_what_its_name_says_is_refused() {
    let mut world = World::new(&["ann", "bob"], Suite::Classic, 435);
    world.devices[ANN].engine = Some(Engine::open(&world.devices[ANN].profile, "lobby", world.now).unwrap());
    // Whoever knows the name can also make the room say that it is private.
    let engine = world.devices[ANN].engine.as_ref().unwrap();
    let secret = crate::invite::InviteSecret::of_open_room("lobby");
    let (room_id, random) = (engine.room, world.devices[ANN].profile.random.clone());
    let room = crate::content::Room {
        name: "board".to_owned(),
        invites: vec![world.listed(ANN, &secret, (0, 0))],
        version: crate::mls::rules::ROOM_VERSION,
        moderators: vec![world.devices[ANN].profile.identity.fingerprint().0.to_vec().into()],
        seats_per_account: 1,
        ..crate::content::Room::default()
    };
    let (group, info) = crate::mls::group::Group::create(
        (Suite::Classic, &random),
        (&engine.signer(), engine.identity()),
        &room_id,
        &room,
        &engine.leaf_extension(),
    )
    .unwrap();
    let slot_key = group.slot_key().unwrap();
    let inside = (&*slot_key, &*info, &group.tree().unwrap());
    let slot = crate::invite::slot::seal(&room_id, &room.invites, inside, None, &random).unwrap();
    let (sealed, pieces) = (slot.sealed.into(), slot.pieces.into());
    let slot = proto::relay::Slot { last_commit: 0, sealed, pieces };
    let keys: Vec<_> = group.access_keys().unwrap().into_values().collect();
    world.relay.open(room_id, proto::PublicKey(group.authority().unwrap().public()), &keys, slot);
    world.devices[BOB].engine = Some(Engine::open(&world.devices[BOB].profile, "lobby", world.now).unwrap());
    world.connect(BOB);
    world.settle();
    assert!(world.closed(BOB), "{}", world.story(BOB));
}

/// Bob says something with a word for ann's commit, and the relay refuses it like this.
fn refused_with_a_word(code: Code) -> World {
    let mut world = three(1490);
    world.disconnect(EVE);
    world.command(ANN, Command::Rename("anna".to_owned()));
    assert!(world.run_until(|world| world.devices[BOB].engine.as_ref().unwrap().owes_ack()));
    let send = Command::Send { token: "1".to_owned(), text: "with a word".to_owned() };
    let output = world.handle(BOB, Input::Command(send)).unwrap();
    world.save(BOB, &output);
    let publish = output.frames.into_iter().find_map(|frame| match frame.frame {
        Some(client_frame::Frame::Publish(publish)) => Some(publish),
        _ => None,
    });
    let publish = publish.unwrap();
    assert!(publish.ack.is_some());
    let refused = Refused { id: publish.id, code: code.into(), ..Refused::default() };
    world.frame(BOB, Frame::Refused(refused));
    world
}

#[test]
fn relay_that_takes_no_word_for_a_commit_does_not_get_what_is_said_with_it_thrown_away() {
    let mut world = refused_with_a_word(Code::Malformed);
    assert!(!world.devices[BOB].engine.as_ref().unwrap().owes_ack());
    world.settle();
    assert!(world.texts(ANN).contains(&"with a word".to_owned()), "{}", world.story(BOB));
    assert_eq!(world.errors(BOB), Vec::<&str>::new());
}

#[test]
fn line_that_is_too_large_costs_no_word_for_a_commit() {
    let mut world = refused_with_a_word(Code::TooLarge);
    assert_eq!(world.errors(BOB), ["refused"]);
    assert!(world.devices[BOB].engine.as_ref().unwrap().owes_ack());
    world.settle();
    assert!(!world.devices[BOB].engine.as_ref().unwrap().owes_ack(), "it is said with the next");
}
