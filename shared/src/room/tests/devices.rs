//! One person with several devices: told apart from people who come and go, and taken out one by one.

use super::{
    hostile::{ANN, BOB, EVE, three},
    world::World,
};
use crate::{
    crypto::suite::Suite,
    identity::{DeviceId, Fingerprint},
    room::{CloseReason, Command, Event},
};

pub(super) fn who(world: &World, i: usize) -> Fingerprint {
    world.devices[i].profile.identity.fingerprint()
}

pub(super) fn device(world: &World, i: usize) -> DeviceId {
    let group = world.devices[i].engine.as_ref().unwrap().group.as_ref().unwrap();
    group.member(group.leaf()).unwrap().device()
}

/// One more device of the person whose first one is `of`.
pub(super) fn link(world: &mut World, of: usize, by: usize, seed: u64) -> usize {
    let invite = world.invite(by);
    let name = world.devices[of].profile.name.clone();
    let second = world.newcomer(&name, seed);
    world.devices[second].profile.identity = world.devices[of].profile.identity.clone();
    world.devices[second].profile.device_name = "phone".to_owned();
    world.join(second, &invite);
    second
}

/// What device `i` was told of people and devices.
fn told(world: &World, i: usize) -> Vec<String> {
    let told = world.devices[i].events.iter().filter_map(|event| match event {
        Event::MemberJoined { who, .. } => Some(format!("{} joined", who.name)),
        Event::MemberLeft { who, by } => Some(format!("{} left by {}", who.name, by.name)),
        Event::DeviceJoined { who, device, .. } => Some(format!("{}+{}", who.name, device.name)),
        Event::DeviceLeft { who, device, by } => Some(format!("{}-{} by {}", who.name, device.name, by.name)),
        _ => None,
    });
    told.collect()
}

#[test]
fn second_device_of_somebody_is_no_second_person() {
    let mut world = three(851);
    let phone = link(&mut world, BOB, ANN, 8510);
    for i in [ANN, EVE] {
        assert_eq!(told(&world, i).last().unwrap(), "bob+phone", "{}", world.story(i));
        let view = world.devices[i].engine.as_ref().unwrap().view().unwrap();
        assert_eq!((view.members.len(), view.count()), (4, 3));
        let people = view.people();
        let bob = people.iter().find(|one| one.first.person.name == "bob").unwrap();
        let names: Vec<_> = bob.devices.iter().map(|device| &*device.device.name).collect();
        assert_eq!(names, ["test", "phone"]);
        assert!(bob.devices[1].since >= super::world::START, "when it came is not known");
        assert_ne!(bob.devices[0].device.id, bob.devices[1].device.id);
    }
    world.command(phone, Command::RemoveDevice { who: who(&world, BOB), device: device(&world, BOB) });
    world.settle();
    for i in [ANN, EVE] {
        assert_eq!(told(&world, i).last().unwrap(), "bob-test by bob");
        assert_eq!(world.devices[i].engine.as_ref().unwrap().view().unwrap().count(), 3);
    }
    let closed = Event::Closed { reason: CloseReason::RemovedByOwn, was_member: true };
    assert!(world.devices[BOB].events.contains(&closed), "{}", world.story(BOB));
    // The person has not left: this device was taken out.
    assert_eq!(told(&world, BOB).last().unwrap(), "bob-test by bob");
    world.assert_talks(&[ANN, EVE, phone]);
    // The last one is the person.
    world.command(ANN, Command::Remove(who(&world, BOB)));
    world.settle();
    assert!(told(&world, EVE).last().unwrap().starts_with("bob left by "), "{}", world.story(EVE));
}

#[test]
fn person_who_is_removed_with_all_devices_leaves_once() {
    let mut world = three(852);
    link(&mut world, BOB, ANN, 8520);
    world.command(ANN, Command::Remove(who(&world, BOB)));
    world.settle();
    let gone = told(&world, EVE).into_iter().filter(|told| told.contains("bob left")).count();
    assert_eq!(gone, 1, "{}", world.story(EVE));
    assert!(!told(&world, EVE).iter().any(|told| told.starts_with("bob-")));
}

#[test]
fn what_another_device_of_ours_says_and_has_read_is_ours() {
    let mut world = three(853);
    let phone = link(&mut world, BOB, ANN, 8530);
    world.say(phone, "from the phone");
    world.settle();
    assert!(world.last(BOB).mine && !world.last(ANN).mine);
    let seq = world.last(BOB).seq;
    world.command(phone, Command::Say { token: String::new(), body: crate::room::MessageBody::Seen(seq) });
    world.settle();
    let mine = |i: usize| {
        let mut seen = world.devices[i].events.iter().filter_map(|event| match event {
            Event::Seen { mine, seq: upto, .. } if *upto == seq => Some(*mine),
            _ => None,
        });
        seen.next_back()
    };
    assert_eq!((mine(BOB), mine(ANN)), (Some(true), Some(false)));
}

#[test]
fn device_of_somebody_else_is_removed_by_moderators_alone() {
    let mut world = three(854);
    let phone = link(&mut world, BOB, ANN, 8540);
    let command = Command::RemoveDevice { who: who(&world, BOB), device: device(&world, phone) };
    world.command(EVE, command.clone());
    world.settle();
    assert_eq!(world.errors(EVE), ["not_moderator"]);
    assert_eq!(world.members(ANN), 4);
    world.command(ANN, command);
    world.settle();
    assert!(world.closed(phone) && !world.closed(BOB), "{}", world.story(ANN));
    assert_eq!(told(&world, EVE).last().unwrap(), "bob-phone by ann");
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn nobody_removes_the_device_that_they_sit_at_or_one_that_is_not_there() {
    let mut world = three(855);
    for device in [device(&world, BOB), DeviceId([9; 16]), device(&world, EVE)] {
        world.command(BOB, Command::RemoveDevice { who: who(&world, BOB), device });
    }
    world.settle();
    assert_eq!(world.errors(BOB), ["no_such_member"; 3]);
    assert_eq!(world.members(ANN), 3);
}

/// A removed device has its keys, its account's secret, its invites and the relay's help.
#[test]
fn removed_device_reads_nothing_and_does_not_come_back() {
    let mut world = three(856);
    let phone = link(&mut world, BOB, ANN, 8560);
    let links = [world.invite(phone), world.invite(ANN)];
    let key = world.access_key(phone).key;
    let rows = world.devices[phone].rows.clone();
    world.command(BOB, Command::RemoveDevice { who: who(&world, BOB), device: device(&world, phone) });
    world.settle();
    assert!(world.closed(phone), "{}", world.story(phone));
    assert!(!world.relay.keys.contains_key(&*key), "the relay still lets it in");
    assert!(world.room(ANN).invites.is_empty(), "an invite that it knew is live");
    // As it was before it was removed, with a relay that lets it ask the others.
    world.put_back(phone, rows);
    world.restart(phone);
    world.connect(phone);
    world.say(BOB, "without the phone");
    world.settle();
    assert!(!world.texts(phone).iter().any(|text| text.contains("without")), "it reads on");
    for (n, link) in links.iter().enumerate() {
        let again = world.newcomer("bob", 8561 + n as u64);
        world.devices[again].profile.identity = world.devices[BOB].profile.identity.clone();
        world.join(again, link);
        assert!(world.closed(again), "{}", world.story(again));
    }
    assert_eq!(world.members(ANN), 3, "{}", world.story(ANN));
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn whoever_leaves_as_a_person_leaves_with_all_devices() {
    let mut world = three(857);
    let phone = link(&mut world, BOB, ANN, 8570);
    world.command(BOB, Command::LeaveAll);
    world.settle();
    let left = Event::Closed { reason: CloseReason::Left, was_member: true };
    assert!(world.devices[BOB].events.contains(&left), "{}", world.story(BOB));
    assert!(world.closed(phone) && world.members(ANN) == 2, "{}", world.story(ANN));
    assert_eq!(told(&world, EVE).iter().filter(|told| told.contains("bob left")).count(), 1);
    world.assert_talks(&[ANN, EVE]);
}

#[test]
fn last_moderator_does_not_leave_with_all_devices() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 858);
    let phone = link(&mut world, ANN, BOB, 8580);
    world.command(ANN, Command::LeaveAll);
    world.settle();
    assert_eq!(world.errors(ANN), ["last_moderator"]);
    assert_eq!(world.members(BOB), 3);
    // With one device she may, as long as the other one moderates.
    world.command(ANN, Command::Leave);
    world.settle();
    assert!(world.closed(ANN) && !world.closed(phone), "{}", world.story(ANN));
    assert_eq!(world.members(BOB), 2);
}
