//! A device that its person took out, with a relay that helps it: what it had asked, kept in a backup and heard before brings it nowhere.

use proto::relay::{Deliver, Publish};

use super::{
    devices::{device, link, who},
    hostile::{ANN, BOB, EVE, three},
    hostile_return::{answers, asks, resync},
    own_devices::two,
    world::World,
};
use crate::room::{Command, Event, out::Cause};

/// Bob's phone, which he takes out.
const PHONE: usize = 3;

/// Bob has a phone.
fn with_phone(seed: u64) -> World {
    let mut world = three(seed);
    assert_eq!(link(&mut world, BOB, ANN, 10 * seed), PHONE);
    world
}

fn take_out(world: &mut World) {
    world.command(BOB, Command::RemoveDevice { who: who(world, BOB), device: device(world, PHONE) });
    world.settle();
    assert_eq!(world.members(ANN), 3, "{}", world.story(ANN));
}

/// The phone is out and asks to be let back in; the relay keeps that for later.
fn what_it_asks(world: &mut World) -> Vec<u8> {
    world.disconnect(PHONE);
    asks(world, PHONE, Cause::Away)
}

/// What the phone asks, as the relay shows it to somebody, whenever it likes.
fn shown(world: &World, i: usize, asked: &[u8]) -> Deliver {
    resync(world, PHONE, world.cursor(i) + 1, asked.to_vec())
}

/// Nobody who is in answers that.
fn is_answered_by_nobody(world: &mut World, asked: &[u8]) {
    for i in [ANN, BOB, EVE] {
        world.capture(i);
        let entry = shown(world, i, asked);
        world.show(i, entry);
        assert!(answers(world, i).is_none(), "device {i}: {}", world.story(i));
    }
}

#[test]
fn phone_that_is_in_is_answered() {
    // What the other tests do would work, were it not for the removal.
    let mut world = with_phone(951);
    let asked = what_it_asks(&mut world);
    world.capture(ANN);
    let entry = shown(&world, ANN, &asked);
    world.show(ANN, entry);
    assert!(answers(&mut world, ANN).is_some(), "{}", world.story(ANN));
}

#[test]
fn what_the_phone_asked_before_it_was_taken_out_is_answered_by_nobody_after() {
    let mut world = with_phone(952);
    let asked = what_it_asks(&mut world);
    take_out(&mut world);
    is_answered_by_nobody(&mut world, &asked);
}

#[test]
fn whoever_was_about_to_answer_does_not_once_the_phone_is_out() {
    let mut world = with_phone(953);
    let resync = what_it_asks(&mut world);
    let publish = Publish { id: vec![9; 16].into(), resync: resync.into(), ..Publish::default() };
    world.relay.publish_by(&world.access_key(PHONE).key, &publish);
    // Ann and eve have read that, and nobody's turn to answer has come.
    for i in [ANN, EVE] {
        while world.deliver_one(i) {}
    }
    take_out(&mut world);
    let said = world.relay.log.iter().filter(|entry| !entry.resync.is_empty()).count();
    assert_eq!(said, 1, "{}", world.story(ANN));
}

#[test]
fn backup_of_the_phone_brings_it_nowhere() {
    let mut world = with_phone(954);
    let way = world.way_back(PHONE);
    take_out(&mut world);
    world.say(ANN, "between us");
    world.settle();
    world.come_back(PHONE, &way);
    // A relay that keeps to the rules does not know it any more.
    world.connect(PHONE);
    world.settle();
    assert!(world.closed(PHONE), "{}", world.story(PHONE));
    // One that helps it shows the others what it asks.
    world.come_back(PHONE, &way);
    let asked = what_it_asks(&mut world);
    is_answered_by_nobody(&mut world, &asked);
    assert!(!world.texts(PHONE).iter().any(|text| text.contains("between")));
}

#[test]
fn link_that_the_phone_heard_of_in_the_room_of_the_devices_does_not_bring_it_back_there() {
    let (mut world, phone) = (two(955), 1);
    let before = world.devices[ANN].events.len();
    let expires_ms = world.now + 7_200_000;
    world.command(ANN, Command::InviteDevice { whose: [1; 16], expires_ms });
    world.settle();
    let link = world.devices[ANN].events[before..].iter().find_map(|event| match event {
        Event::DeviceInvite { link, .. } => Some(link.clone()),
        _ => None,
    });
    world.command(ANN, Command::RemoveDevice { who: who(&world, ANN), device: device(&world, phone) });
    world.settle();
    assert!(world.closed(phone) && world.members(ANN) == 1, "{}", world.story(ANN));
    let again = world.newcomer("ann", 9550);
    world.devices[again].profile.identity = world.devices[ANN].profile.identity.clone();
    world.join(again, &link.unwrap());
    assert!(world.closed(again) && world.members(ANN) == 1, "{}", world.story(again));
}
