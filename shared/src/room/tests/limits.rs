//! A relay that says which limit is in the way.

use proto::relay::{
    Refused,
    refused::{Code, Limit},
    relay_frame::Frame,
};

use super::{
    hostile::{ANN, BOB, three},
    world::World,
};
use crate::room::{CloseReason, Engine, Event, Problem, RelayLimit, state::Phase};

/// The relay refuses what the device sent last.
fn refuse(world: &mut World, device: usize, code: Code, limit: i32) {
    let engine = world.devices[device].engine.as_ref().unwrap();
    let id = engine.link.in_flight.clone().expect("something is on its way");
    let refused =
        Refused { id: id.into(), code: code.into(), retry_after_ms: 1000, limit, ..Refused::default() };
    world.frame(device, Frame::Refused(refused));
}

fn problems(world: &World, device: usize) -> Vec<Problem> {
    let told = world.devices[device].events.iter().filter_map(|event| match event {
        Event::Problem(problem) => Some(problem.clone()),
        _ => None,
    });
    told.collect()
}

/// A message of ann's that the relay has not answered.
fn waiting(seed: u64) -> World {
    let mut world = three(seed);
    world.devices[ANN].online = false;
    world.say(ANN, "mine");
    world
}

#[test]
fn limit_is_told_and_the_message_is_sent_later() {
    for (code, limit, told, name) in [
        (Code::RateLimited, Limit::MemberRate, RelayLimit::MemberRate, "rate_limited"),
        (Code::RateLimited, Limit::RoomRate, RelayLimit::RoomRate, "rate_limited"),
        (Code::NoSpace, Limit::Disk, RelayLimit::Disk, "no_space"),
        (Code::NoSpace, Limit::OpenerShare, RelayLimit::OpenerShare, "no_space"),
        (Code::NoSpace, Limit::Damaged, RelayLimit::Damaged, "damaged"),
        // Of files. None of these comes here from a relay that keeps to its rules, and each has its name all the same.
        (Code::NoSpace, Limit::RoomFiles, RelayLimit::RoomFiles, "no_space"),
        (Code::NoSpace, Limit::MemberFiles, RelayLimit::MemberFiles, "no_space"),
        (Code::NoSpace, Limit::OpenerFiles, RelayLimit::OpenerFiles, "no_space"),
        (Code::NoSpace, Limit::FilesDisk, RelayLimit::FilesDisk, "no_space"),
        (Code::RateLimited, Limit::Transfers, RelayLimit::Transfers, "rate_limited"),
        (Code::RateLimited, Limit::FileRate, RelayLimit::FileRate, "rate_limited"),
        // An old relay names none.
        (Code::RateLimited, Limit::Unspecified, RelayLimit::Unnamed, "rate_limited"),
        (Code::NoSpace, Limit::Unspecified, RelayLimit::Disk, "no_space"),
    ] {
        let mut world = waiting(700);
        refuse(&mut world, ANN, code, limit.into());
        assert_eq!(problems(&world, ANN), [Problem::Limit(told)]);
        assert_eq!(world.errors(ANN), [name]);
        world.now += 10_000;
        world.connect(ANN);
        world.settle();
        assert_eq!(world.texts(BOB), ["mine"], "{limit:?}");
    }
}

#[test]
fn limit_of_a_later_version_is_told_like_one_without_a_name() {
    let mut world = waiting(701);
    refuse(&mut world, ANN, Code::RateLimited, 7777);
    assert_eq!(problems(&world, ANN), [Problem::Limit(RelayLimit::Unnamed)]);
}

#[test]
fn same_limit_is_not_told_with_every_message() {
    let mut world = waiting(702);
    for _ in 0..50 {
        refuse(&mut world, ANN, Code::RateLimited, Limit::MemberRate.into());
        world.now += 1000;
        world.input(ANN, crate::room::Input::Tick);
    }
    assert_eq!(problems(&world, ANN).len(), 1);
    world.now += 20_000;
    world.input(ANN, crate::room::Input::Tick);
    refuse(&mut world, ANN, Code::RateLimited, Limit::MemberRate.into());
    assert_eq!(problems(&world, ANN).len(), 2, "after a minute it is worth saying again");
}

#[test]
fn message_over_the_relays_size_is_told_so_and_given_up() {
    let mut world = waiting(703);
    refuse(&mut world, ANN, Code::TooLarge, Limit::MessageSize.into());
    assert!(problems(&world, ANN).contains(&Problem::Limit(RelayLimit::MessageSize)));
    assert!(world.errors(ANN).contains(&"too_large"));
    world.connect(ANN);
    world.say(ANN, "next");
    world.settle();
    assert_eq!(world.texts(BOB), ["next"]);
}

#[test]
fn joiner_of_a_full_room_is_told_so_and_does_not_wait_for_ever() {
    let mut world = three(704);
    let link = world.invite(ANN);
    world.devices[BOB].engine = Some(Engine::join(&world.devices[BOB].profile, &link, world.now).unwrap());
    world.connect(BOB);
    while world.devices[BOB].engine.as_ref().unwrap().phase() != Phase::Confirming {
        assert!(world.deliver_one(BOB));
    }
    refuse(&mut world, BOB, Code::TooLarge, Limit::AccessKeys.into());
    let full = Event::Closed { reason: CloseReason::RoomFull, was_member: false };
    assert!(world.devices[BOB].events.contains(&full), "{}", world.story(BOB));
}
