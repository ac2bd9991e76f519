//! A relay that was restored from a backup and lost commits: the room goes on.

use super::{
    hostile::{ANN, BOB, EVE, nothing},
    model::ModelRelay,
    world::World,
};
use crate::{
    crypto::suite::Suite,
    room::{AlarmKind, Command, Event},
};

const DAN: usize = 3;

fn four(seed: u64) -> World {
    World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, seed)
}

impl World {
    /// Everybody goes; the relay is what it was, as another generation.
    fn restore(&mut self, backup: &ModelRelay) {
        for i in 0..self.devices.len() {
            self.disconnect(i);
        }
        self.relay = ModelRelay { generation: [8; 16], now: self.now, ..backup.clone() };
        self.relay.streams.clear();
    }

    /// These come, and agree one after the other.
    fn all_accept(&mut self, who: &[usize]) {
        for i in who {
            self.connect(*i);
        }
        self.settle();
        for i in who {
            // Whoever has seen nothing of what is lost is not asked.
            if self.errors(*i).contains(&"relay_restored") {
                self.command(*i, Command::Accept);
                self.settle();
            }
        }
    }
}

#[test]
fn room_goes_on_after_the_relay_lost_commits_that_everybody_had_taken() {
    for lost in 1..=4 {
        let mut world = four(1400 + lost);
        world.say(BOB, "before");
        world.settle();
        let backup = world.relay.clone();
        for n in 0..lost {
            world.command(if n % 2 == 0 { ANN } else { BOB }, Command::Rename(format!("name {n}")));
            world.settle();
            world.say(EVE, &format!("lost {n}"));
            world.settle();
        }
        let epoch = world.epoch(ANN);
        world.restore(&backup);
        world.all_accept(&[BOB, ANN, EVE, DAN]);
        world.settle();
        for i in [ANN, BOB, EVE, DAN] {
            assert!(world.epoch(i) > epoch, "{lost} lost: device {i} went back: {}", world.story(i));
            assert!(!world.errors(i).contains(&"out"), "{lost} lost: device {i}: {}", world.story(i));
            assert_eq!(world.alarms(i), [], "{lost} lost: device {i}: {}", world.story(i));
            let texts = world.texts(i);
            assert_eq!(texts.iter().filter(|text| *text == "before").count(), 1, "device {i} shows it twice");
        }
        world.assert_talks(&[ANN, BOB, EVE, DAN]);
        // The room has its slot again.
        let link = world.invite(ANN);
        let fay = world.newcomer("fay", 1490);
        world.join(fay, &link);
        world.assert_talks(&[ANN, BOB, EVE, DAN, fay]);
    }
}

#[test]
fn lost_commit_that_only_its_author_had_taken_is_taken_back() {
    let mut world = four(1410);
    for i in [BOB, EVE, DAN] {
        world.disconnect(i);
    }
    let backup = world.relay.clone();
    world.command(ANN, Command::Rename("anna".to_owned()));
    world.settle();
    world.restore(&backup);
    world.all_accept(&[ANN, BOB, EVE, DAN]);
    world.settle();
    for i in [ANN, BOB, EVE, DAN] {
        assert!(!world.errors(i).contains(&"out"), "device {i}: {}", world.story(i));
    }
    world.assert_talks(&[ANN, BOB, EVE, DAN]);
}

#[test]
fn some_who_had_taken_lost_commits_and_some_who_had_not_find_together() {
    for (n, away) in [vec![DAN], vec![EVE, DAN], vec![ANN]].into_iter().enumerate() {
        let mut world = four(1420 + n as u64);
        for i in &away {
            world.disconnect(*i);
        }
        let backup = world.relay.clone();
        for n in 0..3 {
            world.command(BOB, Command::Rename(format!("bob {n}")));
            world.settle();
        }
        world.restore(&backup);
        world.all_accept(&[DAN, EVE, ANN, BOB]);
        world.settle();
        world.assert_talks(&[ANN, BOB, EVE, DAN]);
    }
}

#[test]
fn removal_that_the_relay_lost_stays_and_is_told_to_the_relay_again() {
    let mut world = four(1430);
    let backup = world.relay.clone();
    let eve = world.devices[EVE].profile.identity.fingerprint();
    let key = world.access_key(EVE).key;
    world.command(ANN, Command::Remove(eve));
    world.settle();
    assert!(!world.relay.keys.contains_key(&*key));
    world.restore(&backup);
    assert!(world.relay.keys.contains_key(&*key), "the relay let her in again");
    world.all_accept(&[ANN, BOB, DAN]);
    world.settle();
    assert!(!world.relay.keys.contains_key(&*key), "her key stays at the relay");
    for i in [ANN, BOB, DAN] {
        assert_eq!(world.members(i), 3, "{}", world.story(i));
    }
    world.assert_talks(&[ANN, BOB, DAN]);
}

#[test]
fn bridge_that_leaves_a_removed_key_at_the_relay_is_refused() {
    let mut world = four(1440);
    let backup = world.relay.clone();
    let dan = world.devices[DAN].profile.identity.fingerprint();
    let key = world.access_key(DAN).key;
    world.command(ANN, Command::Remove(dan));
    world.settle();
    world.restore(&backup);
    world.connect(ANN);
    world.connect(BOB);
    world.settle();
    // Eve makes the bridge herself, and does not take dan's key away.
    let (message, _) = world.hostile(EVE).commit(|b| b);
    world.inject_commit(EVE, message, nothing());
    world.command(ANN, Command::Accept);
    world.command(BOB, Command::Accept);
    world.settle();
    for i in [ANN, BOB] {
        world.assert_alarm(i, AlarmKind::Access);
        assert!(!world.errors(i).contains(&"out"), "device {i}: {}", world.story(i));
    }
    assert!(!world.relay.keys.contains_key(&*key), "another one took its place");
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn what_others_said_before_this_device_agreed_is_read() {
    let mut world = four(1450);
    let backup = world.relay.clone();
    world.command(ANN, Command::Rename("anna".to_owned()));
    world.say(DAN, "this is lost");
    world.settle();
    world.restore(&backup);
    world.all_accept(&[ANN, BOB]);
    world.say(ANN, "on the new log");
    world.settle();
    world.all_accept(&[EVE, DAN]);
    world.settle();
    for i in [BOB, EVE, DAN] {
        assert!(world.texts(i).contains(&"on the new log".to_owned()), "device {i}: {}", world.story(i));
    }
    world.assert_talks(&[ANN, BOB, EVE, DAN]);
}

#[test]
fn gap_over_a_restore_is_told_and_one_after_it_alarms() {
    let mut world = four(1480);
    world.say(BOB, "one");
    world.settle();
    world.disconnect(DAN);
    let backup = world.relay.clone();
    world.say(BOB, "lost");
    world.settle();
    world.restore(&backup);
    world.all_accept(&[ANN, BOB, EVE]);
    world.say(BOB, "two");
    world.settle();
    world.all_accept(&[DAN]);
    world.settle();
    let told = world.errors(DAN).into_iter().filter(|code| *code == "lost_at_restore").count();
    assert_eq!((told, world.alarms(DAN)), (1, Vec::new()), "{}", world.story(DAN));
    world.capture(DAN);
    world.say(BOB, "swallowed");
    world.say(BOB, "three");
    world.settle();
    let mut three = world.entry(world.head());
    three.seq -= 1;
    world.show(DAN, three);
    world.assert_alarm(DAN, AlarmKind::Gap);
}

#[test]
fn numbers_that_people_know_never_come_again() {
    let mut world = four(1485);
    let numbers = |world: &World, i: usize| -> Vec<u64> {
        let number = |event: &Event| match event {
            Event::Message(message) => Some(message.seq),
            _ => None,
        };
        world.devices[i].events.iter().filter_map(number).collect()
    };
    world.say(BOB, "before");
    world.settle();
    for generation in 1..=2 {
        let backup = world.relay.clone();
        for n in 0..3 {
            world.say(BOB, &format!("lost {n}"));
        }
        world.settle();
        world.restore(&backup);
        world.relay.generation = [generation; 16];
        for i in [ANN, BOB, EVE, DAN] {
            world.connect(i);
        }
        world.settle();
        for i in [ANN, BOB, EVE, DAN] {
            world.command(i, Command::Accept);
        }
        world.settle();
        world.say(EVE, "on the new log");
        world.settle();
    }
    for i in [ANN, BOB, EVE, DAN] {
        let numbers = numbers(&world, i);
        assert!(
            numbers.len() == 9 && numbers.is_sorted_by(|one, next| one < next),
            "device {i}: {numbers:?}"
        );
        assert_eq!(world.alarms(i), [], "device {i}: {}", world.story(i));
    }
}

/// Bob and eve came by ann's link; only she has taken what the relay loses.
fn lost_by_the_inviter(seed: u64) -> (World, usize, usize) {
    let mut world = World::room_of(&["ann"], Suite::Classic, seed);
    let link = world.invite(ANN);
    world.disconnect(ANN);
    let (bob, eve) = (world.newcomer("bob", seed + 1), world.newcomer("eve", seed + 2));
    for new in [bob, eve] {
        world.join(new, &link);
        world.settle();
    }
    world.disconnect(bob);
    world.disconnect(eve);
    let backup = world.relay.clone();
    world.connect(ANN);
    world.command(ANN, Command::Rename("anna".to_owned()));
    world.settle();
    world.restore(&backup);
    (world, bob, eve)
}

#[test]
fn newcomers_come_back_after_the_relay_lost_what_only_their_inviter_had_taken() {
    let (mut world, bob, eve) = lost_by_the_inviter(1460);
    world.all_accept(&[bob, eve, ANN]);
    world.settle();
    for i in [ANN, bob, eve] {
        assert_eq!(world.alarms(i), [], "device {i}: {}", world.story(i));
    }
    world.assert_talks(&[ANN, bob, eve]);
    for i in [ANN, bob, eve] {
        assert_eq!(world.alarms(i), [], "device {i}: {}", world.story(i));
    }
}

#[test]
fn newcomer_who_came_back_can_still_lose_its_join_and_make_it_again() {
    let mut world = World::room_of(&["ann"], Suite::Classic, 1470);
    let link = world.invite(ANN);
    world.disconnect(ANN);
    let (bob, eve) = (world.newcomer("bob", 1471), world.newcomer("eve", 1472));
    for new in [bob, eve] {
        world.join(new, &link);
    }
    let backup = world.devices[bob].rows.clone();
    world.command(bob, Command::Rename("rob".to_owned()));
    world.settle();
    world.put_back(bob, backup);
    world.connect(bob);
    world.settle();
    assert!(world.errors(bob).contains(&"back"), "{}", world.story(bob));
    let engine = world.devices[bob].engine.as_ref().unwrap();
    assert!(!engine.is_confirmed(&engine.own_key()), "{}", world.story(bob));
    assert!(engine.meta.link.is_some(), "the link is gone");
}
