//! The room of a person's own devices: nobody else comes in, whoever helps.

use super::{
    hostile::{EVE, extensions, member_key, nothing},
    hostile_joiner::Stranger,
    world::World,
};
use crate::{
    content,
    crypto::suite::Suite,
    identity::DeviceId,
    identity::credential::certify,
    mls::group::ROOM_EXTENSION,
    mls::rules::Violation,
    room::{Breach, CloseReason, Command, Day, DeviceHere, Event, MessageBody, Policy},
};

const ANN: usize = 0;
const PHONE: usize = 1;

/// Two devices of ann in their room.
pub(super) fn two(seed: u64) -> World {
    let mut world = World::new(&["ann", "ann"], Suite::Classic, seed);
    world.devices[PHONE].profile.identity = world.devices[ANN].profile.identity.clone();
    world.create_with(ANN, Policy { own_devices: true, ..Policy::default() });
    let link = world.invite(ANN);
    world.join(PHONE, &link);
    assert_eq!((world.members(ANN), world.members(PHONE)), (2, 2), "{}", world.story(PHONE));
    world
}

/// A commit by the device that makes the room into another one is refused by the other device.
fn change_is_refused(seed: u64, violation: Violation, change: impl Fn(&mut content::Room)) {
    let mut world = two(seed);
    let (epoch, mut room) = (world.epoch(ANN), world.room(PHONE));
    change(&mut room);
    let list = extensions(ROOM_EXTENSION, &room);
    let (message, _) = world.hostile(PHONE).commit(|b| b.set_group_context_ext(list).unwrap());
    world.disconnect(PHONE);
    world.inject_commit(PHONE, message, nothing());
    world.settle();
    world.assert_violates(&[ANN], epoch, violation);
}

#[test]
fn another_account_does_not_come_into_a_room_of_own_devices() {
    let mut world = two(801);
    let link = world.invite(ANN);
    // By a program of its own, and a relay that lets it in.
    let stranger = Stranger::with(&world, &link);
    stranger.join(&mut world);
    for i in [ANN, PHONE] {
        assert_eq!(world.members(i), 2, "{}", world.story(i));
        assert!(world.story(i).contains("Rule(OtherAccount)"), "{}", world.story(i));
    }
    let key = member_key(&stranger.access).key;
    assert!(!world.relay.keys.contains_key(&*key), "the relay let somebody in");
    world.assert_talks(&[ANN, PHONE]);
    // The same join by ann's own key is taken: nothing else was wrong with it.
    let link = world.invite(ANN);
    let mut device = Stranger::with(&world, &link);
    let ann = world.devices[ANN].profile.identity.clone();
    device.identity = certify(&ann, &world.room_id(0), "ann", "x", [8; 16], &device.signer.public);
    device.join(&mut world);
    assert_eq!((world.members(ANN), world.members(PHONE)), (3, 3), "{}", world.story(PHONE));
}

#[test]
fn honest_program_of_another_account_does_not_even_try() {
    let mut world = two(802);
    let link = world.invite(ANN);
    let bob = world.newcomer("bob", 820);
    let log = world.relay.log.len();
    world.join(bob, &link);
    let unusable = CloseReason::InviteUnusable(Breach::Rule(Violation::OtherAccount));
    let closed = Event::Closed { reason: unusable, was_member: false };
    assert!(world.devices[bob].events.contains(&closed), "{}", world.story(bob));
    assert!(world.relay.log[log..].iter().all(|entry| !entry.is_commit), "{}", world.story(bob));
}

#[test]
fn room_of_own_devices_is_one_for_ever_and_no_other_becomes_one() {
    change_is_refused(803, Violation::RoomChanged, |room| room.own_devices = false);
    change_is_refused(804, Violation::Room, |room| room.open = true);
    change_is_refused(805, Violation::Room, |room| room.moderators.push(vec![9; 32].into()));
    let mut world = super::hostile::three(806);
    let (epoch, mut room) = (world.epoch(0), world.room(0));
    room.own_devices = true;
    let list = extensions(ROOM_EXTENSION, &room);
    let (message, _) = world.hostile(0).commit(|b| b.set_group_context_ext(list).unwrap());
    world.disconnect(0);
    world.inject_commit(0, message, nothing());
    world.settle();
    world.assert_violates(&[1, 2], epoch, Violation::RoomChanged);
}

#[test]
fn nobody_leaves_the_room_of_their_own_devices_by_mistake() {
    let mut world = two(807);
    for i in [ANN, PHONE] {
        world.command(i, Command::Leave);
        world.settle();
        assert_eq!(world.errors(i), ["own_devices"]);
    }
    assert_eq!((world.members(ANN), world.members(PHONE)), (2, 2));
    let view = world.devices[PHONE].engine.as_ref().unwrap().view().unwrap();
    assert!(view.own_devices && !view.open);
}

/// Where the phone is, as it tells in `room`.
fn here(world: &World) -> DeviceHere {
    let day = Day::of(world.now);
    let rooms = vec![(world.room_id(ANN), DeviceId([5; 16]))];
    DeviceHere { name: "phone".to_owned(), since: day, seen: day, rooms }
}

/// What is told of devices at one of them.
fn told(world: &World, i: usize) -> Vec<(DeviceId, DeviceHere)> {
    let of = |event: &Event| match event {
        Event::DeviceHere { device, here } => Some((*device, (**here).clone())),
        _ => None,
    };
    world.devices[i].events.iter().filter_map(of).collect()
}

#[test]
fn device_tells_the_others_where_it_is() {
    let mut world = two(808);
    let here = here(&world);
    let said = MessageBody::Here(Box::new(here.clone()));
    world.command(PHONE, Command::Say { token: String::new(), body: said });
    world.settle();
    let phone = super::devices::device(&world, PHONE);
    for i in [ANN, PHONE] {
        assert_eq!(told(&world, i), [(phone, here.clone())], "{}", world.story(i));
    }
}

/// What the third member of a room says is refused by the first.
fn here_is_refused(mut world: World, here: content::DeviceHere) {
    let body = content::content::Body::DeviceHere(here);
    let content = content::Content { body: Some(body), ..world.content(EVE, 1, "") };
    let envelope = world.said(EVE, &mut world.hostile(EVE), &content);
    world.disconnect(EVE);
    world.inject(envelope, None);
    world.settle();
    assert_eq!((told(&world, ANN).len(), world.errors(ANN)), (0, vec!["forged"]));
}

#[test]
fn hostile_device_says_nothing_that_may_not_be_said_of_it() {
    let mut world = two(809);
    let tablet = super::devices::link(&mut world, ANN, PHONE, 8090);
    assert_eq!((tablet, world.members(ANN)), (EVE, 3));
    let wrong = DeviceHere { seen: Day(u32::MAX), ..here(&world) };
    here_is_refused(world, wrong.into());
    // In a room of people it would tell them which devices are one person's.
    let world = super::hostile::three(810);
    let good = here(&world);
    here_is_refused(world, good.into());
}

#[test]
fn honest_program_says_nothing_of_devices_among_people() {
    let mut world = super::hostile::three(811);
    let said = MessageBody::Here(Box::new(here(&world)));
    let log = world.relay.log.len();
    world.command(PHONE, Command::Say { token: String::new(), body: said });
    world.settle();
    assert_eq!(world.relay.log.len(), log);
}

#[test]
fn what_a_device_tells_the_others_is_its_own_alone() {
    let mut world = two(812);
    let said = MessageBody::Device(crate::room::Private::new(vec![1]));
    world.command(PHONE, Command::Say { token: String::new(), body: said });
    world.settle();
    let mine = |i: usize| {
        let of = |event: &Event| match event {
            Event::Device { mine, .. } => Some(*mine),
            _ => None,
        };
        world.devices[i].events.iter().find_map(of)
    };
    assert_eq!((mine(ANN), mine(PHONE)), (Some(false), Some(true)), "{}", world.story(ANN));
    // Both know which one said it.
    let by = |i: usize| {
        let of = |event: &Event| match event {
            Event::Device { device, .. } => Some(*device),
            _ => None,
        };
        world.devices[i].events.iter().find_map(of)
    };
    let view = world.devices[ANN].engine.as_ref().unwrap().view().unwrap();
    let phone = view.members.iter().find(|member| !member.me).map(|member| member.device.id);
    assert_eq!((by(ANN), by(PHONE)), (phone, phone));
}
