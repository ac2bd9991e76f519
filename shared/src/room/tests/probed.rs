//! A relay that says it was restored and lost nothing, and means to have entries forgotten, or to show others in their place.

use proto::relay::{Deliver, Joined, relay_frame::Frame};

use super::{
    hostile::{ANN, BOB, three},
    world::World,
};

const OLD: [u8; 16] = [7; 16];
const NEW: [u8; 16] = [8; 16];

/// Bob has read what ann said, and the relay is asked by him what it has.
fn read(seed: u64) -> (World, u64) {
    let mut world = three(seed);
    for n in 0..12 {
        world.say(ANN, &format!("{n}"));
        world.settle();
    }
    world.capture(BOB);
    let read = world.cursor(BOB);
    (world, read)
}

/// A stream begins with this answer, and goes on as the test says.
fn joined(world: &mut World, generation: [u8; 16], head: u64) {
    world.begin_join(BOB);
    world.devices[BOB].online = false;
    let last_commit = world.relay.last_commit;
    let generation = generation.to_vec().into();
    world.frame(BOB, Frame::Joined(Joined { generation, head, last_commit, oldest: 1, ..Joined::default() }));
}

fn hash_at(world: &World, seq: u64) -> Option<Vec<u8>> {
    world.devices[BOB].engine.as_ref().unwrap().hashes.get(seq).map(<[u8]>::to_vec)
}

#[test]
fn log_that_is_shorter_the_second_time_is_not_gone_on_with_before_people_agree() {
    let (mut world, read) = read(1601);
    joined(&mut world, NEW, read);
    joined(&mut world, NEW, read - 5);
    for seq in world.cursor(BOB) + 1..=read - 5 {
        let entry = world.entry(seq);
        world.show(BOB, entry);
    }
    assert!(world.errors(BOB).contains(&"relay_restored"), "{}", world.story(BOB));
    assert_eq!(world.cursor(BOB), read, "it has read that: {}", world.story(BOB));
    assert_eq!(world.devices[BOB].engine.as_ref().unwrap().meta.generation, OLD);
}

#[test]
fn other_entries_in_the_place_of_those_that_were_read_are_not_taken_when_the_old_log_is_back() {
    let (mut world, read) = read(1602);
    let before = hash_at(&world, read);
    joined(&mut world, NEW, read);
    joined(&mut world, OLD, read);
    // Where it has to be read from anew it has been asked for.
    joined(&mut world, OLD, read);
    for seq in world.cursor(BOB) + 1..=read {
        let other = Deliver { at_ms: world.now, seq, resync: vec![1].into(), ..Deliver::default() };
        world.show(BOB, other);
    }
    assert_eq!((world.cursor(BOB), hash_at(&world, read)), (read, before), "{}", world.story(BOB));
    assert_eq!(world.alarms(BOB), [], "{}", world.story(BOB));
}

#[test]
fn other_entries_in_the_place_of_those_that_were_read_are_told_while_logs_are_compared() {
    let (mut world, read) = read(1603);
    joined(&mut world, NEW, read);
    joined(&mut world, NEW, read);
    let seq = world.cursor(BOB) + 1;
    assert!(seq < read, "{}", world.story(BOB));
    world.show(BOB, Deliver { at_ms: world.now, seq, resync: vec![1].into(), ..Deliver::default() });
    assert!(world.errors(BOB).contains(&"relay_restored"), "{}", world.story(BOB));
    assert_eq!(world.cursor(BOB), read, "{}", world.story(BOB));
}

#[test]
fn whoever_agreed_to_one_log_agreed_to_no_third_one() {
    let (mut world, read) = read(1604);
    joined(&mut world, NEW, read - 5);
    world.command(BOB, crate::room::Command::Accept);
    let told = |world: &World| world.errors(BOB).iter().filter(|code| **code == "relay_restored").count();
    assert_eq!(told(&world), 1, "{}", world.story(BOB));
    joined(&mut world, [9; 16], read - 7);
    assert_eq!(told(&world), 2, "{}", world.story(BOB));
    assert_eq!(world.devices[BOB].engine.as_ref().unwrap().meta.generation, NEW);
}
