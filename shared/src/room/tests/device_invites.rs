//! Invites for another device of one's own: nobody else comes in by one, and each is for one device.

use super::{
    hostile::three,
    hostile_joiner::{Stranger, is_refused},
    world::World,
};
use crate::{
    identity::credential::certify,
    invite::link::Link,
    mls::rules::Violation,
    room::{Breach, CloseReason, Command, Event},
};

const ANN: usize = 0;
const BOB: usize = 1;

/// A link for another device of bob's, who moderates nothing.
fn device_link(world: &mut World) -> Link {
    link_for(world, [1; 16])
}

/// The same for a certain one.
fn link_for(world: &mut World, whose: [u8; 16]) -> Link {
    let ends = world.now + 7_200_000;
    let before = world.devices[BOB].events.len();
    world.command(BOB, Command::InviteDevice { whose, expires_ms: ends });
    world.settle();
    let told = world.devices[BOB].events[before..].iter().find_map(|event| match event {
        Event::DeviceInvite { whose: told, link } if *told == whose => Some(link.clone()),
        _ => None,
    });
    told.unwrap_or_else(|| panic!("{}", world.story(BOB)))
}

#[test]
fn invite_for_a_device_of_bobs_lets_in_no_other_account() {
    let mut world = three(901);
    let link = device_link(&mut world);
    let stranger = Stranger::with(&world, &link);
    stranger.join(&mut world);
    is_refused(&mut world, Some(Violation::OtherAccount));
    // The same join by bob's own account is taken: nothing else was wrong with it.
    let link = device_link(&mut world);
    let mut device = Stranger::with(&world, &link);
    let bob = world.devices[BOB].profile.identity.clone();
    device.identity = certify(&bob, &world.room_id(0), "bob", "x", [8; 16], &device.signer.public);
    device.join(&mut world);
    assert_eq!((world.members(ANN), world.members(BOB)), (4, 4), "{}", world.story(ANN));
}

#[test]
fn honest_program_of_another_account_does_not_even_try_a_devices_invite() {
    let mut world = three(902);
    let link = device_link(&mut world);
    let eve = world.newcomer("eli", 920);
    let log = world.relay.log.len();
    world.join(eve, &link);
    let unusable = CloseReason::InviteUnusable(Breach::Rule(Violation::OtherAccount));
    let closed = Event::Closed { reason: unusable, was_member: false };
    assert!(world.devices[eve].events.contains(&closed), "{}", world.story(eve));
    assert!(world.relay.log[log..].iter().all(|entry| !entry.is_commit), "{}", world.story(eve));
}

#[test]
fn devices_invite_is_given_to_one_device_and_never_to_other_people() {
    let mut world = three(903);
    let first = device_link(&mut world);
    let second = link_for(&mut world, [2; 16]);
    assert_ne!(second.secret, first.secret, "two devices that come in at a time do not get one and the same");
    assert_ne!(world.invite(BOB).secret, first.secret, "an ordinary link is not bound");
    world.command(BOB, Command::Revoke(first.secret.id()));
    world.settle();
    let ids: Vec<_> = world.room(ANN).invites.iter().map(|invite| invite.id.to_vec()).collect();
    assert!(!ids.contains(&first.secret.id().to_vec()) && ids.contains(&second.secret.id().to_vec()));
    // It is for one device.
    let device = world.newcomer("bob", 930);
    world.devices[device].profile.identity = world.devices[BOB].profile.identity.clone();
    world.join(device, &second);
    assert_eq!(world.members(ANN), 4, "{}", world.story(device));
    // Two that are asked for at once are two.
    let before = world.devices[BOB].events.len();
    let expires_ms = world.now + 7_200_000;
    for whose in [[3; 16], [4; 16]] {
        world.command(BOB, Command::InviteDevice { whose, expires_ms });
    }
    world.settle();
    let told = world.devices[BOB].events[before..].iter().filter_map(|event| match event {
        Event::DeviceInvite { link, .. } => Some(link.secret.id()),
        _ => None,
    });
    assert_eq!(told.collect::<std::collections::BTreeSet<_>>().len(), 2, "{}", world.story(BOB));
}

#[test]
fn two_devices_get_a_link_each_and_both_come_in() {
    let mut world = three(904);
    let (first, second) = (device_link(&mut world), link_for(&mut world, [2; 16]));
    assert_ne!(first.secret, second.secret);
    assert_eq!(device_link(&mut world).secret, first.secret, "whoever was interrupted asks again");
    let devices = [world.newcomer("bob", 940), world.newcomer("bob", 941)];
    for device in devices {
        world.devices[device].profile.identity = world.devices[BOB].profile.identity.clone();
    }
    world.join(devices[0], &first);
    world.join(devices[1], &second);
    assert_eq!(world.members(ANN), 5, "{}", world.story(devices[1]));
}

/// The relay lets it take nobody's access until a member has taken its join, and would let it in no more if it tried.
#[test]
fn device_that_nobody_has_taken_yet_ends_an_invite_once_somebody_has() {
    let mut world = three(905);
    let (first, second) = (device_link(&mut world), link_for(&mut world, [2; 16]));
    let device = world.newcomer("bob", 950);
    world.devices[device].profile.identity = world.devices[BOB].profile.identity.clone();
    for i in 0..3 {
        world.disconnect(i);
    }
    world.join(device, &first);
    world.command(device, Command::Revoke(second.secret.id()));
    // What it does besides ends none either.
    world.command(device, Command::NameDevice("phone".to_owned()));
    world.settle();
    let is_over = |event: &Event| matches!(event, Event::Closed { .. } | Event::Problem(_));
    assert!(!world.devices[device].events.iter().any(is_over), "{}", world.story(device));
    let is_live =
        |world: &World, i: usize| world.room(i).invites.iter().any(|invite| *invite.id == second.secret.id());
    assert!(is_live(&world, device));
    for i in 0..3 {
        world.connect(i);
    }
    world.settle();
    assert!(!is_live(&world, device) && !is_live(&world, ANN), "{}", world.story(device));
    world.assert_talks(&[ANN, BOB, device]);
}
