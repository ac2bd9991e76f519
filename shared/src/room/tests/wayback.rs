//! All that is left of a device is its backup: it comes back by any member, with no secret of before.

use super::{
    hostile::{ANN, BOB, EVE},
    world::World,
};
use crate::{
    crypto::suite::Suite,
    room::{AlarmKind, Command, Engine},
};

impl World {
    /// Device `i` is restored from what a backup holds.
    pub(super) fn come_back(&mut self, i: usize, way: &[u8]) {
        self.crash(i);
        let now = self.clock(i);
        let mut returning = Engine::come_back(&self.devices[i].profile, way, now).unwrap();
        let rows = returning.engine.changes().into_iter();
        self.devices[i].rows = rows.filter_map(|change| Some((change.key, change.value?))).collect();
        self.restart(i);
    }

    pub(super) fn way_back(&self, i: usize) -> Vec<u8> {
        self.devices[i].engine.as_ref().unwrap().way_back().unwrap().to_vec()
    }
}

#[test]
fn device_of_which_a_backup_is_left_comes_back_and_reads_on() {
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, 7701);
    world.say(BOB, "before");
    world.settle();
    let way = world.way_back(BOB);
    // The room went on meanwhile, by commits as well.
    world.say(ANN, "while bob was gone");
    world.command(EVE, Command::Rename("eva".to_owned()));
    world.settle();
    world.disconnect(BOB);
    world.come_back(BOB, &way);
    world.connect(BOB);
    world.settle();
    assert_eq!(world.epoch(BOB), world.epoch(ANN), "{}", world.story(BOB));
    world.assert_talks(&[ANN, BOB, EVE, 3]);
    assert_eq!(world.alarms(BOB), [], "{}", world.story(BOB));
    assert_eq!(world.alarms(ANN), [], "{}", world.story(ANN));
    // No second leaf.
    let view = world.devices[ANN].engine.as_ref().unwrap().view().unwrap();
    assert_eq!(view.members.len(), 4);
}

#[test]
fn backup_of_a_room_opens_nothing_that_was_said_in_it() {
    let mut world = World::room_of(&["ann", "bob", "eve"], Suite::Classic, 7702);
    world.say(ANN, "sealed before the backup");
    world.settle();
    let way = world.way_back(BOB);
    let engine = world.devices[BOB].engine.as_ref().unwrap();
    // Positive control: the profile itself has them.
    let whole: Vec<u8> = world.devices[BOB].rows.values().flat_map(|row| row.to_vec()).collect();
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let epochs = &engine.meta.epochs;
    assert!(!epochs.is_empty());
    for row in epochs {
        assert!(has(&whole, &row.secret));
        for secret in [&row.secret, &row.slot_key, &row.authority].into_iter().filter(|key| !key.is_empty()) {
            assert!(!has(&way, secret), "the secret of epoch {}", row.epoch);
        }
    }
    // What it does have, so that the device is known again.
    assert!(has(&way, &engine.own.leaf_secret) && has(&way, &engine.own.access_secret));
}

#[test]
fn device_beside_its_own_backup_is_told_of_it() {
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, 7703);
    let way = world.way_back(BOB);
    let living = world.devices[BOB].rows.clone();
    world.come_back(BOB, &way);
    world.connect(BOB);
    world.settle();
    world.assert_talks(&[ANN, BOB, EVE, 3]);
    // The device itself, which nobody lost.
    world.put_back(BOB, living);
    world.connect(BOB);
    world.settle();
    assert!(world.alarms(BOB).contains(&AlarmKind::Rollback), "{}", world.story(BOB));
}

#[test]
fn backup_that_is_restored_twice_is_told_the_second_time() {
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, 7704);
    let way = world.way_back(BOB);
    for is_second in [false, true] {
        world.come_back(BOB, &way);
        world.connect(BOB);
        world.settle();
        let told = world.errors(BOB).contains(&"another_came");
        assert_eq!(told, is_second, "{}", world.story(BOB));
        world.assert_talks(&[ANN, BOB, EVE, 3]);
    }
}

#[test]
fn bytes_that_are_no_way_back_are_refused() {
    let world = World::room_of(&["ann", "bob"], Suite::Classic, 7705);
    let (way, profile) = (world.way_back(BOB), &world.devices[BOB].profile);
    assert!(Engine::come_back(profile, &way, 0).is_ok());
    for length in (0..way.len()).step_by(97) {
        assert!(Engine::come_back(profile, &way[..length], 0).is_err(), "{length}");
    }
    assert!(Engine::come_back(profile, b"no way back", 0).is_err());
}
