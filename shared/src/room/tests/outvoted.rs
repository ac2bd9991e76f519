//! Devices that their person took out, or whose account has another key: programs of theirs do not vote that down. A thief's do,
//! and are told nothing for it.

use std::sync::Arc;

use proto::relay::{AccessChange, Joined, Publish, relay_frame::Frame};

use super::{
    devices::{device, link, who},
    hostile::{ANN, BOB, EVE, three},
    hostile_ledger::{engine, show, step, vote},
    hostile_votes::assert_silent,
    replaced_key::{new, old, take},
    world::World,
};
use crate::{
    crypto::suite::Suite,
    room::{Alarm, CloseReason, Command, Event, Stream},
};

/// A room of these people, where bob has so many devices besides; those are off.
fn with_devices(names: &[&str], more: u64, seed: u64) -> (World, Vec<usize>) {
    let mut world = World::new(names, Suite::Classic, seed);
    let bob = names.iter().position(|name| *name == "bob").unwrap();
    world.devices[bob].profile.identity = Arc::new(old());
    world.create(0);
    for i in 1..names.len() {
        let invite = world.invite(0);
        world.join(i, &invite);
    }
    let devices: Vec<_> = (0..more).map(|n| link(&mut world, bob, 0, 10 * seed + n)).collect();
    world.say(0, "so all is confirmed");
    world.settle();
    devices.iter().for_each(|i| world.disconnect(*i));
    (world, devices)
}

fn votes(world: &World) -> usize {
    world.relay.log.iter().filter(|entry| entry.ballot.is_some()).count()
}

fn reasons(world: &World, i: usize) -> Vec<CloseReason> {
    let reason = |event: &Event| match event {
        Event::Closed { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    world.devices[i].events.iter().filter_map(reason).collect()
}

/// They come, hear that they are out by their own doing, and leave it at that.
fn come_and_accept(world: &mut World, devices: &[usize]) {
    for i in devices {
        world.connect(*i);
        world.settle();
        let is_own = |reason: &CloseReason| matches!(reason, CloseReason::RemovedByOwnUnseen { .. });
        assert!(reasons(world, *i).iter().all(is_own), "{}", world.story(*i));
        assert!(!reasons(world, *i).is_empty() && world.alarms(*i).is_empty(), "{}", world.story(*i));
    }
    assert_eq!(votes(world), 0);
}

#[test]
fn devices_of_one_person_do_not_undo_its_change_of_key_where_nobody_else_is() {
    let (mut world, devices) = with_devices(&["bob"], 2, 2001);
    take(&mut world, 0, new(73));
    come_and_accept(&mut world, &devices);
    world.connect(0);
    world.settle();
    assert_eq!((world.members(0), world.alarms(0)), (1, Vec::new()), "{}", world.story(0));
    assert_eq!(who(&world, 0), new(73).fingerprint());
    world.assert_talks(&[0]);
}

#[test]
fn more_devices_than_all_others_together_do_not_undo_the_change_of_their_key() {
    let (mut world, devices) = with_devices(&["ann", "bob"], 3, 2002);
    take(&mut world, BOB, new(73));
    assert_eq!(world.members(ANN), 2, "{}", world.story(ANN));
    come_and_accept(&mut world, &devices);
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn device_does_not_vote_against_a_change_of_key_by_a_newer_device_that_it_does_not_know() {
    let (mut world, devices) = with_devices(&["ann", "bob"], 2, 2003);
    let laptop = link(&mut world, BOB, ANN, 20_039);
    world.disconnect(BOB);
    take(&mut world, laptop, new(73));
    assert_eq!(world.members(ANN), 2, "{}", world.story(ANN));
    come_and_accept(&mut world, &devices);
    world.assert_talks(&[ANN, laptop]);
}

#[test]
fn device_of_whoever_took_others_out_as_well_votes() {
    for is_known in [true, false] {
        let (mut world, phone) = with_devices(&["ann", "bob", "eve"], 1, 2004);
        let phone = phone[0];
        if is_known {
            world.connect(phone);
        } else {
            world.disconnect(BOB);
        }
        // A member of no rights, who removes everybody at the relay while all are away.
        let invite = world.invite(ANN);
        let fay = world.newcomer("fay", 20_049);
        world.join(fay, &invite);
        for i in [ANN, EVE] {
            world.say(i, "so fay is confirmed");
            world.settle();
        }
        let (message, _) = world.hostile(fay).commit(|b| b);
        for i in [ANN, BOB, EVE, phone, fay] {
            world.disconnect(i);
        }
        let removed = [ANN, BOB, EVE, phone].map(|i| world.access_key(i).key).to_vec();
        world.inject_commit(fay, message, AccessChange { added: Vec::new(), removed });
        for i in [ANN, BOB, EVE, phone] {
            world.connect(i);
        }
        world.settle();
        assert!(votes(&world) > 2, "known: {is_known}: {}", world.story(BOB));
        for i in [ANN, BOB, EVE, phone] {
            world.connect(i);
        }
        world.settle();
        world.assert_talks(&[ANN, BOB, EVE, phone]);
    }
}

/// What bob does about a thief who has his account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Replaces,
    Removes,
    /// As a moderator, who takes somebody else out with them.
    ReplacesAndRemovesEve,
}

/// Bob does that, where the thief has more devices in the room than all others, and nobody else has said that they took it.
fn answered(names: &[&str], answer: Answer, seed: u64) -> (World, Vec<usize>, u64) {
    let (mut world, thief) = with_devices(names, 4, seed);
    let bob = names.len().min(2) - 1;
    if answer == Answer::ReplacesAndRemovesEve {
        world.make_moderators(&[bob]);
    }
    for i in (0..names.len()).filter(|i| *i != bob) {
        world.disconnect(i);
    }
    match answer {
        Answer::Replaces => take(&mut world, bob, new(73)),
        Answer::ReplacesAndRemovesEve => {
            take(&mut world, bob, new(73));
            let eve = who(&world, EVE);
            world.command(bob, Command::Remove(eve));
            world.settle();
        }
        Answer::Removes => thief.iter().for_each(|i| {
            let device = device(&world, *i);
            world.command(bob, Command::RemoveDevice { who: old().fingerprint(), device });
            world.settle();
        }),
    }
    let left = names.len() - usize::from(answer == Answer::ReplacesAndRemovesEve);
    assert_eq!(world.members(bob), left, "{}", world.story(bob));
    let first = engine(&world, bob).books.offer.as_ref().unwrap().first;
    (world, thief, first)
}

/// Device `i` is shown the log up to here, and from now on what the test shows.
fn reads(world: &mut World, i: usize) {
    let joined = Joined {
        head: world.cursor(i),
        last_commit: engine(world, i).meta.last_commit,
        generation: world.relay.generation.to_vec().into(),
        ..Joined::default()
    };
    if engine(world, i).link.state == Stream::Offline {
        world.begin_join(i);
        world.frame(i, Frame::Joined(joined));
    }
    let head = world.head() + 1;
    world.show_before(i, head);
    world.devices[i].inbox.clear();
    world.relay.streams.remove(&i);
}

#[test]
fn thief_with_the_most_devices_votes_itself_back_into_nothing_that_is_said() {
    let three = &["ann", "bob", "eve"][..];
    for (names, answer, i) in [
        (three, Answer::Replaces, BOB),
        (three, Answer::Replaces, EVE),
        (three, Answer::Removes, BOB),
        (three, Answer::Removes, EVE),
        // Where the others that went are most people, if bob as he was counts for one.
        (three, Answer::ReplacesAndRemovesEve, BOB),
        // Where nobody else is.
        (&["bob"], Answer::Replaces, 0),
        (&["bob"], Answer::Removes, 0),
    ] {
        let (mut world, thief, first) = answered(names, answer, 2005);
        reads(&mut world, i);
        let name = step(&world, first);
        let votes = thief.iter().map(|by| vote(&world, *by, first, name)).collect();
        show(&mut world, i, votes, first);
        let what = format!("{names:?}, {answer:?}, {i}: {}", world.story(i));
        assert!(world.errors(i).contains(&"undone"), "{what}");
        let all = names.len() + thief.len();
        assert_eq!(world.members(i), all, "{what}");
        let owed = thief.iter().all(|one| {
            let group = engine(&world, i).group.as_ref().unwrap().members().unwrap();
            let id = device(&world, *one);
            let unique = group.iter().find(|(_, who)| who.device() == id).unwrap().1.unique();
            engine(&world, i).books.again.contains(&unique)
        });
        let others = usize::from(answer == Answer::ReplacesAndRemovesEve);
        assert!(owed && engine(&world, i).books.again.len() == thief.len() + others, "{what}");
        assert_silent(&mut world, i);
    }
}

#[test]
fn room_that_a_thief_with_the_most_devices_took_back_says_nothing_to_it() {
    let (mut world, thief) = with_devices(&["ann", "bob", "eve"], 4, 2006);
    take(&mut world, BOB, new(73));
    for i in [ANN, BOB, EVE] {
        assert_eq!(world.members(i), 3, "{}", world.story(i));
    }
    let key = world.access_key(thief[0]).key;
    let removal = world
        .relay
        .log
        .iter()
        .find(|entry| entry.access.as_ref().is_some_and(|change| change.removed.contains(&key)));
    let seq = removal.unwrap().seq;
    assert!(world.relay.confirmed() >= seq);
    let name = step(&world, seq);
    for (n, i) in thief.iter().enumerate() {
        let ballot = engine(&world, *i).ballot(seq, &name);
        let id = vec![u8::try_from(n).unwrap(); 16].into();
        world.relay.publish_by(&world.access_key(*i).key, &Publish { id, ballot, ..Publish::default() });
    }
    assert!(world.relay.confirmed() < seq, "the relay goes by keys");
    world.settle();
    for i in thief.iter().chain(&[ANN, BOB, EVE]) {
        world.connect(*i);
    }
    world.settle();
    for i in [ANN, BOB, EVE] {
        world.say(i, "between us");
    }
    world.settle();
    for i in &thief {
        assert!(!world.texts(*i).iter().any(|text| text == "between us"), "{}", world.story(*i));
    }
    // Whoever made the change is told what became of it, and accuses nobody.
    let is_undone = |reason: &CloseReason| matches!(reason, CloseReason::ChangeUndone { .. });
    assert!(reasons(&world, BOB).iter().any(is_undone), "{}", world.story(BOB));
    let accuses = |event: &Event| matches!(event, Event::Alarm(Alarm::FalselyRemoved { .. }));
    assert!(!world.devices[BOB].events.iter().any(accuses), "{}", world.story(BOB));
}

#[test]
fn most_people_whom_a_member_took_out_are_let_back_in() {
    // As many accounts, not devices: what they voted back is theirs.
    let mut world = three(2007);
    let before = [BOB, EVE].map(|i| who(&world, i));
    for i in [BOB, EVE] {
        world.disconnect(i);
    }
    before.iter().for_each(|who| world.command(ANN, Command::Remove(*who)));
    world.settle();
    assert_eq!(world.members(ANN), 1, "{}", world.story(ANN));
    let first = engine(&world, ANN).books.offer.as_ref().unwrap().first;
    let name = step(&world, first);
    reads(&mut world, ANN);
    let votes = [BOB, EVE].map(|by| vote(&world, by, first, name)).to_vec();
    show(&mut world, ANN, votes, first);
    assert_eq!(world.members(ANN), 3, "{}", world.story(ANN));
    assert!(!engine(&world, ANN).is_haunted(), "{}", world.story(ANN));
}
