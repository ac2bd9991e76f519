//! A device was copied, or its backup was found, and then its account took another key at that device: the copy has nothing left.

use super::{
    hostile::{ANN, BOB, EVE, extensions, nothing, three},
    replaced_key::{bobs, new, old, take},
    world::World,
};
use crate::{
    content::{self, resync},
    crypto::suite::{KemKey, Suite},
    identity::Identity,
    mls::{
        group::{Group, LEAF_EXTENSION, ROOM_EXTENSION, Signer},
        rules::Violation,
    },
    room::{CloseReason, Engine, Event, Input, out::Cause, resync::statement::request_statement},
};
use prost::Message as _;
use proto::relay::{AccessChange, Deliver};
use std::sync::Arc;

fn engine(world: &World, i: usize) -> &Engine {
    world.devices[i].engine.as_ref().unwrap()
}

fn group(world: &World, i: usize) -> &Group {
    engine(world, i).group.as_ref().unwrap()
}

/// Bob's device makes the change, and nobody has heard of it yet.
fn change(world: &mut World) {
    let account: Arc<Identity> = Arc::new(new(73));
    world.devices[BOB].profile.identity = account.clone();
    world.devices[BOB].engine.as_mut().unwrap().take_account(account);
    world.input(BOB, Input::Tick);
}

/// The others have taken it; the old access key is at the relay still.
fn have_taken(world: &World, leaf: u32) -> bool {
    let has = |i: &usize| group(world, *i).member(leaf).unwrap().fingerprint == new(73).fingerprint();
    [ANN, EVE].iter().all(has)
}

#[test]
fn change_of_the_account_brings_other_keys_and_the_relay_forgets_the_old_one() {
    let mut world = bobs(901);
    let (leaf, access) = (engine(&world, BOB).signer().public, world.access_key(BOB).key);
    take(&mut world, BOB, new(73));
    let shown = group(&world, ANN).leaf_key(world.leaf(BOB)).unwrap();
    assert_ne!(shown, leaf.as_bytes(), "a copy has the leaf's key");
    assert_eq!(shown, engine(&world, BOB).signer().public.as_bytes());
    let own = world.own_leaf(BOB);
    assert!(own.access_key != access && own.access_key == world.access_key(BOB).key);
    assert!(own.former_access_key.is_empty(), "{}", world.story(BOB));
    assert!(world.relay.is_barred(&access), "a copy has access still");
    assert!(engine(&world, BOB).own.is_settled);
    world.assert_talks(&[ANN, BOB, EVE]);
    assert!(world.alarms(ANN).is_empty() && world.alarms(BOB).is_empty(), "{}", world.story(BOB));
    // And once more.
    let before = world.access_key(BOB).key;
    world.crash(BOB);
    world.restart(BOB);
    world.connect(BOB);
    world.settle();
    assert_eq!(world.access_key(BOB).key, before);
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn copy_is_out_and_does_not_put_the_device_out() {
    let mut world = bobs(902);
    let copy = world.devices[BOB].rows.clone();
    take(&mut world, BOB, new(73));
    let dan = world.newcomer("bob", 9021);
    world.devices[dan].profile.identity = Arc::new(old());
    world.devices[dan].rows = copy;
    world.restart(dan);
    let epoch = world.epoch(ANN);
    world.connect(dan);
    world.settle();
    let is_out = |event: &Event| matches!(event, Event::Closed { .. });
    assert!(world.devices[dan].events.iter().any(is_out), "{}", world.story(dan));
    let superseded = Event::Closed { reason: CloseReason::Superseded, was_member: true };
    assert!(!world.devices[BOB].events.contains(&superseded));
    assert_eq!(world.epoch(ANN), epoch, "{}", world.story(ANN));
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn keys_of_before_do_not_come_back_as_the_account_that_is_now() {
    let mut world = bobs(903);
    let thief = engine(&world, BOB).signer();
    take(&mut world, BOB, new(73));
    // All that a member could hand over, and bob's credential as it stands in the tree.
    let (info, tree) = (group(&world, ANN).public_info().unwrap(), group(&world, ANN).tree().unwrap());
    let shown = group(&world, BOB).own_identity().unwrap();
    let (room, leaf) = (world.room_id(ANN), world.leaf(BOB));
    let random = world.devices[BOB].profile.random.clone();
    let own = world.own_leaf(BOB);
    let back = Group::rejoin((Suite::Classic, &random), (&thief, shown), &room, (&info, &tree), (leaf, &own));
    if let Ok((_, prepared)) = back {
        let now = world.now;
        let ann = world.devices[ANN].engine.as_mut().unwrap().group.as_mut().unwrap();
        assert!(ann.process(&prepared.message, now).is_err(), "the copy is in, as who bob is now");
        ann.undo().unwrap();
    }
    assert!(group(&world, ANN).leaf_key(leaf).unwrap() != thief.public.as_bytes());
}

#[test]
fn key_of_before_asks_for_nothing_while_the_relay_has_it() {
    let mut world = bobs(904);
    let access = world.access_key(BOB).key;
    // Nobody else is there to say that the change is good.
    world.disconnect(ANN);
    world.disconnect(EVE);
    take(&mut world, BOB, new(73));
    let own = world.own_leaf(BOB);
    assert_eq!((own.former_access_key.clone(), world.access_key(BOB).key), (access.clone(), access.clone()));
    let group = group(&world, BOB);
    assert_eq!((group.leaf_of_key(&access), group.leaf_key_of(&access)), (Some(world.leaf(BOB)), None));
    assert!(group.leaf_key_of(&own.access_key).is_some());
    // They come by, and it goes.
    world.connect(ANN);
    world.connect(EVE);
    world.settle();
    assert!(world.relay.is_barred(&access), "{}", world.story(BOB));
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn what_the_copy_says_in_the_epoch_of_before_is_not_taken() {
    let mut world = bobs(905);
    let mut copy = world.hostile(BOB);
    let content = world.content(BOB, 1000, "it is still me");
    let said = world.said(BOB, &mut copy, &content);
    let (leaf, before) = (world.leaf(BOB), world.epoch(ANN));
    change(&mut world);
    // While that epoch's keys are at hand still: it is the change that they are held against.
    assert!(world.run_until(|world| have_taken(world, leaf)), "{}", world.story(ANN));
    assert!(world.epoch(ANN) <= before + 2, "the old epoch's keys are gone anyhow");
    world.inject(said, None);
    world.settle();
    for i in [ANN, EVE] {
        assert!(world.story(i).contains("MessageUnverified"), "{}", world.story(i));
        assert!(!world.texts(i).contains(&"it is still me".to_owned()), "{}", world.story(i));
    }
}

#[test]
fn change_comes_into_a_full_room_with_the_access_key_that_there_is() {
    let mut world = bobs(906);
    let access = world.access_key(BOB).key;
    world.relay.max_keys = Some(3);
    take(&mut world, BOB, new(73));
    assert_eq!(engine(&world, BOB).account(), new(73).fingerprint(), "{}", world.story(BOB));
    let own = world.own_leaf(BOB);
    assert!(own.access_key == access && own.former_access_key.is_empty());
    world.assert_talks(&[ANN, BOB, EVE]);
}

/// The commit of bob's device by a program that keeps no rule is refused.
fn change_is_refused(
    seed: u64,
    made: impl Fn(&World, &mut content::Leaf) -> Option<Signer>,
    noted: Option<&[u8]>,
    why: Option<Violation>,
) {
    let mut world = bobs(seed);
    let (epoch, account) = (world.epoch(ANN), new(73));
    let own = world.own_leaf(BOB);
    let mut leaf = own.clone();
    leaf.former_access_key = leaf.access_key.clone();
    leaf.access_key = vec![5; 32].into();
    let signer = made(&world, &mut leaf).unwrap_or_else(|| engine(&world, BOB).signer());
    let identity = super::replaced_key::certified(&world, BOB, &account, &signer);
    let mut bob = world.hostile(BOB);
    bob.1.account = Some(content::NewAccount {
        account_key: account.public_key().to_vec().into(),
        next: account.next().0.to_vec().into(),
        change: account.change().map(content::KeyChange::from),
        access_key: noted.map_or_else(|| leaf.access_key.clone(), |noted| noted.to_vec().into()),
    });
    let room = extensions(ROOM_EXTENSION, &content::Room { invites: Vec::new(), ..world.room(BOB) });
    let list = extensions(LEAF_EXTENSION, &leaf);
    let (message, _) = bob.commit(|b| {
        b.set_group_context_ext(room.clone())
            .unwrap()
            .set_leaf_node_extensions(list.clone())
            .set_new_signing_identity(signer.secret.clone(), identity.clone())
    });
    let removed = world.room(ANN).invites.iter().map(|invite| invite.access_key.clone()).collect();
    let added = vec![proto::relay::AccessKey { key: leaf.access_key.clone(), ..world.access_key(BOB) }];
    world.disconnect(BOB);
    world.inject_commit(BOB, message, AccessChange { added, removed });
    world.settle();
    match why {
        Some(why) => world.assert_violates(&[ANN, EVE], epoch, why),
        None => world.assert_refused(&[ANN, EVE], epoch, "invalid_commit"),
    }
}

fn other(world: &World) -> Option<Signer> {
    Some(Signer::generate(Suite::Classic, &world.devices[BOB].profile.random).unwrap())
}

#[test]
fn change_that_keeps_the_leaf_key_is_refused() {
    change_is_refused(911, |_, _| None, None, None);
}

#[test]
fn change_with_another_former_key_than_the_one_of_before_is_refused() {
    let false_former = |world: &World, leaf: &mut content::Leaf| {
        leaf.former_access_key = vec![6; 32].into();
        other(world)
    };
    change_is_refused(912, false_former, None, Some(Violation::LeafChanged));
    let none = |world: &World, leaf: &mut content::Leaf| {
        leaf.former_access_key = Vec::new().into();
        other(world)
    };
    change_is_refused(913, none, None, Some(Violation::LeafChanged));
    let somebody_elses = |world: &World, leaf: &mut content::Leaf| {
        leaf.access_key = world.access_key(EVE).key;
        other(world)
    };
    change_is_refused(914, somebody_elses, None, Some(Violation::Leaf));
}

/// Those whom the commit removes see the note alone, and would hold the relay's keys against it.
#[test]
fn change_whose_note_has_another_access_key_than_the_leaf_is_refused() {
    change_is_refused(916, |world, _| other(world), Some(&[7; 32]), Some(Violation::LeafChanged));
}

#[test]
fn request_of_before_the_change_is_answered_by_nobody_after_it() {
    let mut world = bobs(917);
    let bob = engine(&world, BOB);
    let mut request = content::ResyncRequest {
        access_key: bob.own_key().to_vec().into(),
        kem_key: KemKey::from_seed(&[9; 32]).unwrap().public().to_vec().into(),
        ..content::ResyncRequest::default()
    };
    request.signature = bob.sign_as_leaf(&request_statement(&bob.room.0, &request)).unwrap().into();
    world.publishes(BOB, resync::Body::Request(request));
    let waits = |world: &World, i: usize| !engine(world, i).link.requests.is_empty();
    assert!(world.run_until(|world| waits(world, ANN) && waits(world, EVE)), "{}", world.story(ANN));
    let leaf = world.leaf(BOB);
    change(&mut world);
    assert!(world.run_until(|world| have_taken(world, leaf)), "{}", world.story(ANN));
    assert!(waits(&world, ANN) || waits(&world, EVE), "it was answered before");
    world.disconnect(BOB);
    world.settle();
    assert!(!waits(&world, ANN) && !waits(&world, EVE));
    let is_answer = |entry: &&Deliver| {
        let body = content::Resync::decode(&*entry.resync).ok().and_then(|resync| resync.body);
        matches!(body, Some(resync::Body::Answer(_)))
    };
    assert_eq!(
        world.relay.log.iter().filter(is_answer).count(),
        0,
        "a copy of the device is told how things are"
    );
}

#[test]
fn account_stays_and_no_former_key_comes() {
    let mut world = three(915);
    let epoch = world.epoch(ANN);
    let leaf = content::Leaf { former_access_key: vec![5; 32].into(), ..world.own_leaf(EVE) };
    let list = extensions(LEAF_EXTENSION, &leaf);
    let (message, _) = world.hostile(EVE).commit(|b| b.set_leaf_node_extensions(list));
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, Violation::LeafChanged);
}

#[test]
fn kill_at_any_step_of_the_change_leaves_a_device_that_goes_on() {
    for steps in 0..24 {
        let mut world = bobs(920);
        change(&mut world);
        for step in 0..steps {
            world.deliver_one([BOB, ANN, EVE][step % 3]);
        }
        world.crash(BOB);
        world.restart(BOB);
        world.connect(BOB);
        world.settle();
        assert_eq!(engine(&world, BOB).account(), new(73).fingerprint(), "{steps}: {}", world.story(BOB));
        assert_eq!(world.members(ANN), 3, "{steps}");
        world.assert_talks(&[ANN, BOB, EVE]);
        assert!(world.own_leaf(BOB).former_access_key.is_empty(), "{steps}: {}", world.story(BOB));
    }
}

#[test]
fn backup_made_while_the_change_is_under_way_has_none_of_its_keys() {
    let mut world = bobs(930);
    let before = engine(&world, BOB).signer().public;
    let account: Arc<Identity> = Arc::new(new(73));
    world.devices[BOB].engine.as_mut().unwrap().take_account(account);
    world.input(BOB, Input::Tick);
    let bob = engine(&world, BOB);
    assert!(!bob.own.spare_leaf.is_empty(), "{}", world.story(BOB));
    let own = bob.own_in_group();
    assert!(own.spare_leaf.is_empty() && own.spare_access.is_empty());
    assert_eq!(own.leaf_public, before.as_bytes());
}

#[test]
fn backup_of_before_the_change_takes_it_for_its_own_doing() {
    let mut world = bobs(931);
    let way = world.way_back(BOB);
    let profile = world.devices[BOB].profile.identity.clone();
    // The new access key made that commit, and the backup does not know it.
    take(&mut world, BOB, new(73));
    world.disconnect(BOB);
    world.devices[BOB].profile.identity = profile;
    world.come_back(BOB, &way);
    world.connect(BOB);
    world.settle();
    let is_own =
        |event: &Event| matches!(event, Event::Closed { reason: CloseReason::RemovedByOwnUnseen { .. }, .. });
    assert!(world.devices[BOB].events.iter().any(is_own), "{}", world.story(BOB));
    assert_eq!(world.alarms(BOB), [], "{}", world.story(BOB));
    assert!(world.relay.log.iter().all(|entry| entry.ballot.is_none()), "it votes against its own change");
}

/// Bob's device goes out before it has read its own change, which the others have.
fn goes_out_before_it_reads(seed: u64, is_full: bool) -> World {
    let mut world = bobs(seed);
    world.say(ANN, "so all is confirmed");
    world.settle();
    if is_full {
        world.relay.max_keys = Some(3);
        world.devices[BOB].engine.as_mut().unwrap().link.keeps_access_key = true;
    }
    let leaf = world.leaf(BOB);
    change(&mut world);
    world.disconnect(BOB);
    let has_taken = |world: &World| {
        [ANN, EVE].iter().all(|i| group(world, *i).member(leaf).unwrap().fingerprint == new(73).fingerprint())
    };
    assert!(world.run_until(has_taken), "{}", world.story(ANN));
    assert_eq!(engine(&world, BOB).account(), old().fingerprint());
    world.devices[BOB].engine.as_mut().unwrap().go_out(Cause::Away);
    world
}

#[test]
fn device_that_goes_out_before_it_reads_its_change_comes_back_by_the_new_keys() {
    for is_full in [false, true] {
        let mut world = goes_out_before_it_reads(940, is_full);
        world.connect(BOB);
        world.settle();
        assert!(engine(&world, BOB).back.out.is_none(), "full: {is_full}: {}", world.story(BOB));
        assert_eq!(engine(&world, BOB).account(), new(73).fingerprint());
        assert_eq!(world.members(ANN), 3, "{}", world.story(ANN));
        world.assert_talks(&[ANN, BOB, EVE]);
        assert!(world.own_leaf(BOB).former_access_key.is_empty(), "{}", world.story(BOB));
    }
}
