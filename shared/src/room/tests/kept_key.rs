//! An access key that stayed when its account got another key: a copy of the device has it until somebody else is there.

use std::sync::Arc;

use proto::relay::{AccessChange, AccessKey, Refused, RelayFrame, refused::Code, relay_frame};

use super::{
    devices::link,
    hostile::{ANN, BOB, EVE, extensions, three},
    replaced_key::{bobs, new, old, take},
    world::World,
};
use crate::{
    content,
    crypto::suite::Suite,
    mls::{
        group::{LEAF_EXTENSION, ROOM_EXTENSION},
        rules::Violation,
    },
    room::{CloseReason, Engine, Event, Input, out::Cause},
};

fn engine(world: &mut World, i: usize) -> &mut Engine {
    world.devices[i].engine.as_mut().unwrap()
}

/// Bob is alone in a room, has had another key there, and keeps his access key.
fn alone(seed: u64) -> World {
    let mut world = World::new(&["ann", "bob", "eve"], Suite::Classic, seed);
    world.devices[BOB].profile.identity = Arc::new(old());
    world.create(BOB);
    world.settle();
    let access = world.access_key(BOB).key;
    take(&mut world, BOB, new(73));
    assert_eq!(engine(&mut world, BOB).account(), new(73).fingerprint());
    assert_eq!(world.access_key(BOB).key, access);
    world
}

fn all_come_in(world: &mut World) {
    for i in [ANN, EVE] {
        let invite = world.invite(BOB);
        world.join(i, &invite);
        world.settle();
    }
    world.say(ANN, "here we are");
    world.settle();
}

fn superseded() -> Input {
    let refused = Refused { code: Code::Superseded.into(), ..Refused::default() };
    Input::Frame(RelayFrame { frame: Some(relay_frame::Frame::Refused(refused)) })
}

fn gives_way(world: &mut World, i: usize) -> bool {
    world.devices[i].events.clear();
    world.input(i, superseded());
    let over = Event::Closed { reason: CloseReason::Superseded, was_member: true };
    world.devices[i].events.contains(&over)
}

#[test]
fn access_key_that_stayed_goes_once_somebody_else_is_there() {
    let mut world = alone(951);
    let (access, leaf_key) = (world.access_key(BOB).key, engine(&mut world, BOB).signer().public);
    all_come_in(&mut world);
    assert_ne!(world.access_key(BOB).key, access, "{}", world.story(BOB));
    assert_eq!(world.own_leaf(BOB).access_key, world.access_key(BOB).key);
    assert!(world.own_leaf(BOB).former_access_key.is_empty(), "{}", world.story(BOB));
    assert!(world.relay.is_barred(&access), "a copy has access still");
    assert_eq!(engine(&mut world, BOB).signer().public.as_bytes(), leaf_key.as_bytes());
    world.assert_talks(&[ANN, BOB, EVE]);
    // Once, and no more.
    let now = world.access_key(BOB).key;
    world.crash(BOB);
    world.restart(BOB);
    world.connect(BOB);
    world.settle();
    assert_eq!(world.access_key(BOB).key, now);
    assert!(world.alarms(ANN).is_empty() && world.alarms(BOB).is_empty(), "{}", world.story(ANN));
}

#[test]
fn access_key_that_stayed_goes_once_another_device_of_the_person_is_there() {
    let mut world = alone(961);
    let access = world.access_key(BOB).key;
    let other = link(&mut world, BOB, BOB, 9611);
    world.say(other, "at my desk");
    world.settle();
    assert!(world.relay.is_barred(&access), "{}", world.story(BOB));
    world.assert_talks(&[BOB, other]);
}

#[test]
fn access_key_that_stayed_in_a_full_room_goes_once_there_is_space() {
    let mut world = bobs(952);
    let access = world.access_key(BOB).key;
    world.relay.max_keys = Some(3);
    take(&mut world, BOB, new(73));
    assert_eq!(world.access_key(BOB).key, access);
    world.relay.max_keys = None;
    world.disconnect(BOB);
    world.connect(BOB);
    world.settle();
    assert!(world.relay.is_barred(&access), "{}", world.story(BOB));
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn kill_at_any_step_of_it_leaves_a_device_that_goes_on() {
    for steps in 0..24 {
        let mut world = alone(953);
        let access = world.access_key(BOB).key;
        let invite = world.invite(BOB);
        world.disconnect(BOB);
        world.join(ANN, &invite);
        world.connect(BOB);
        for step in 0..steps {
            world.deliver_one([BOB, ANN][step % 2]);
        }
        world.crash(BOB);
        world.restart(BOB);
        world.connect(BOB);
        world.settle();
        world.assert_talks(&[ANN, BOB]);
        world.settle();
        assert!(world.relay.is_barred(&access), "{steps}: {}", world.story(BOB));
        assert!(world.own_leaf(BOB).former_access_key.is_empty(), "{steps}: {}", world.story(BOB));
    }
}

#[test]
fn device_that_goes_out_before_it_reads_it_comes_back_by_the_new_key() {
    let mut world = alone(954);
    let (access, leaf) = (world.access_key(BOB).key, world.leaf(BOB));
    let invite = world.invite(BOB);
    world.disconnect(BOB);
    world.join(ANN, &invite);
    world.connect(BOB);
    let is_sent = |world: &World| {
        let bob = world.devices[BOB].engine.as_ref().unwrap();
        bob.brings_access_key() && (bob.link.in_flight.is_some() || bob.link.commit_acked > 0)
    };
    let is_known = |world: &World| {
        let ann = world.devices[ANN].engine.as_ref().unwrap().group.as_ref().unwrap();
        ann.leaf_of_key(&access) == Some(leaf) && ann.leaf_key_of(&access).is_none()
    };
    for _ in 0..8 {
        assert!(world.run_until(is_sent), "{}", world.story(BOB));
        world.disconnect(BOB);
        world.settle();
        if is_known(&world) {
            break;
        }
        // Another commit was faster.
        world.connect(BOB);
    }
    assert!(is_known(&world), "{}", world.story(ANN));
    assert_eq!(world.own_leaf(BOB).access_key, access);
    engine(&mut world, BOB).go_out(Cause::Away);
    world.connect(BOB);
    world.settle();
    assert!(engine(&mut world, BOB).back.out.is_none(), "{}", world.story(BOB));
    world.assert_talks(&[ANN, BOB]);
    world.settle();
    assert!(world.relay.is_barred(&access), "{}", world.story(BOB));
}

#[test]
fn owner_gives_way_to_nobody_while_a_copy_has_the_access_key() {
    let mut world = alone(955);
    assert!(!gives_way(&mut world, BOB), "a copy puts it off the line for good");
    world.disconnect(BOB);
    world.connect(BOB);
    all_come_in(&mut world);
    assert!(gives_way(&mut world, BOB), "two programs of one device push each other out for ever");
    let mut world = bobs(956);
    for i in [ANN, EVE] {
        world.disconnect(i);
    }
    take(&mut world, BOB, new(73));
    assert!(!world.own_leaf(BOB).former_access_key.is_empty());
    assert!(
        !gives_way(&mut world, BOB),
        "a copy puts it off the line before anybody has confirmed the change"
    );
}

/// A member that keeps no rule gives itself another access key.
fn is_refused(
    (mut world, eve): (World, usize),
    others: &[usize],
    removed: Option<usize>,
    bad: impl Fn(&content::Leaf) -> content::Leaf,
) {
    let (epoch, own) = (world.epoch(others[0]), world.own_leaf(eve));
    let leaf = bad(&own);
    let list = extensions(LEAF_EXTENSION, &leaf);
    let room = content::Room { invites: Vec::new(), ..world.room(eve) };
    let room = extensions(ROOM_EXTENSION, &room);
    let (out, mut keys) = (removed.map(|i| world.leaf(i)), Vec::new());
    if let Some(i) = removed {
        keys.push(world.access_key(i).key);
        keys.extend(world.room(eve).invites.iter().map(|invite| invite.access_key.clone()));
    }
    let (message, _) = world.hostile(eve).commit(|b| {
        let b = b.set_leaf_node_extensions(list.clone());
        let Some(out) = out else { return b };
        b.remove_member(out).unwrap().set_group_context_ext(room.clone()).unwrap()
    });
    let added = vec![AccessKey { key: leaf.access_key.clone(), ..world.access_key(eve) }];
    world.disconnect(eve);
    world.inject_commit(eve, message, AccessChange { added, removed: keys });
    world.settle();
    world.assert_violates(others, epoch, Violation::LeafChanged);
}

/// Bob's account has had another key, and his access key stayed.
fn kept(seed: u64) -> World {
    let mut world = bobs(seed);
    world.make_moderators(&[BOB]);
    world.relay.max_keys = Some(3);
    take(&mut world, BOB, new(73));
    assert!(world.own_leaf(BOB).former_access_key.is_empty());
    assert_eq!(world.epoch(ANN), world.epoch(BOB));
    world.relay.max_keys = None;
    world
}

fn another(own: &content::Leaf, former: &[u8]) -> content::Leaf {
    let (access_key, former_access_key) = (vec![5; 32].into(), former.to_vec().into());
    content::Leaf { access_key, former_access_key, ..own.clone() }
}

#[test]
fn member_brings_an_access_key_with_its_own_one_of_before_alone() {
    is_refused((kept(957), BOB), &[ANN, EVE], None, |own| another(own, &[]));
    is_refused((kept(958), BOB), &[ANN, EVE], None, |own| another(own, &[6; 32]));
}

/// Two keys are two votes, and one confirms what the other did.
#[test]
fn member_whose_account_never_changed_brings_no_access_key() {
    is_refused((three(962), EVE), &[ANN, BOB], None, |own| another(own, &own.access_key));
}

/// Who is removed does not see it, and would hold the relay's keys against the wrong ones.
#[test]
fn member_that_removes_somebody_brings_no_access_key() {
    is_refused((kept(960), BOB), &[ANN], Some(EVE), |own| another(own, &own.access_key));
}

/// It would have as many votes at the relay as it likes.
#[test]
fn member_that_shows_two_access_keys_brings_no_third_one() {
    let mut world = bobs(959);
    [ANN, EVE].into_iter().for_each(|i| world.disconnect(i));
    take(&mut world, BOB, new(73));
    world.disconnect(BOB);
    [ANN, EVE].into_iter().for_each(|i| world.connect(i));
    world.settle();
    assert!(!world.own_leaf(BOB).former_access_key.is_empty());
    assert_eq!(world.epoch(ANN), world.epoch(BOB), "{}", world.story(ANN));
    is_refused((world, BOB), &[ANN, EVE], None, |own| another(own, &own.access_key));
}
