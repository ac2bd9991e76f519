//! A relay that shows the log in different orders to different members, and hopes that a commit hides it.

use proto::relay::Deliver;

use super::{
    hostile::{ANN, BOB, EVE, nothing, three},
    world::World,
};
use crate::{
    content,
    crypto::{aead::Session, suite::Suite},
    mls::group::hostile::Hostile,
    room::{AlarmKind, Command, Event},
};

/// Bob and eve say something, and ann is shown the two lines in the other order.
fn swapped(seed: u64) -> World {
    let mut world = three(seed);
    world.capture(ANN);
    world.say(BOB, "shall we sell?");
    world.say(EVE, "shall we buy?");
    world.settle();
    let head = world.head();
    let mut entries: Vec<Deliver> = (head - 1..=head).map(|seq| world.entry(seq)).collect();
    let (a, b) = (entries[0].envelope.clone(), entries[1].envelope.clone());
    (entries[0].envelope, entries[1].envelope) = (b, a);
    entries.iter().for_each(|entry| world.show(ANN, entry.clone()));
    assert_eq!(world.alarms(ANN), []);
    world
}

#[test]
fn other_order_is_noticed_by_the_commit_that_comes_next() {
    let mut world = swapped(441);
    world.command(EVE, Command::Rename("eva".to_owned()));
    world.settle();
    let commit = world.relay.log.iter().rev().find(|entry| entry.is_commit).unwrap().clone();
    assert_eq!(commit.seq, world.cursor(ANN) + 1);
    world.show(ANN, commit);
    world.assert_alarm(ANN, AlarmKind::Fork);
}

#[test]
fn other_order_is_noticed_although_a_join_came_between() {
    let mut world = swapped(442);
    let link = world.invite(BOB);
    world.devices.push(World::new(&["dan"], Suite::Classic, 909).devices.remove(0));
    let before = world.cursor(ANN);
    // The invite's commit would tell, so the relay keeps ann from comparing: its view lies about nothing that ann lacks.
    world.join(3, &link);
    world.say(BOB, "yes");
    world.settle();
    let rest: Vec<Deliver> = (before + 1..=world.head()).map(|seq| world.entry(seq)).collect();
    rest.into_iter().for_each(|entry| world.show(ANN, entry));
    assert!(world.texts(ANN).contains(&"yes".to_owned()), "{}", world.story(ANN));
    let forks = world.alarms(ANN).iter().filter(|kind| **kind == AlarmKind::Fork).count();
    assert!(forks >= 2, "the commit and the line after the join both tell: {}", world.story(ANN));
    assert_eq!(world.alarms(3), [], "the newcomer is not deceived");
}

#[test]
fn same_order_alarms_nobody_whoever_comes_and_goes() {
    let mut world = three(443);
    for n in 0..6u64 {
        world.say(BOB, "hello");
        let link = world.invite(ANN);
        world.devices.push(World::new(&["guest"], Suite::Classic, 950 + n).devices.remove(0));
        let guest = world.devices.len() - 1;
        world.join(guest, &link);
        world.say(guest, "here");
        world.say(EVE, "welcome");
        world.settle();
    }
    let all: Vec<usize> = (0..world.devices.len()).collect();
    world.assert_agreed(&all);
}

#[test]
fn device_that_lost_entries_watches_again_by_the_next_word_of_another() {
    let mut world = three(444);
    world.capture(ANN);
    for text in ["one", "two", "three", "four"] {
        world.say(BOB, text);
        world.settle();
    }
    let head = world.head();
    world.show_oldest(ANN, head - 1);
    world.show_before(ANN, head + 1);
    world.assert_alarm(ANN, AlarmKind::Gap);
    let engine =
        |world: &World, i: usize| world.devices[i].engine.as_ref().unwrap().meta.running_hash.clone();
    assert_eq!(engine(&world, ANN), engine(&world, BOB));
}

/// Eve commits with this note, in an envelope of `session`.
fn commits(seed: u64, session: Session, change: impl Fn(&mut content::CommitNote)) -> World {
    let mut world = three(seed);
    let mut eve: Hostile = world.hostile(EVE);
    eve.1.session = session.as_bytes().to_vec().into();
    change(&mut eve.1);
    let (message, _) = eve.commit(|b| b);
    let body = content::sealed::Body::KeyShare(message.into());
    let envelope = world.envelope(EVE, world.leaf(EVE), (session, 0), body);
    world.disconnect(EVE);
    let part = world.part(nothing());
    world.inject(envelope, Some(part));
    world
}

#[test]
fn commit_that_was_made_for_another_envelope_is_refused() {
    let wrong: [fn(&mut content::CommitNote); 3] = [
        |note| note.session = vec![9; 8].into(),
        |note| note.sequence = 1,
        |note| *note = content::CommitNote::default(),
    ];
    for (n, change) in wrong.into_iter().enumerate() {
        let mut world = commits(445 + n as u64, Session([4; 8]), change);
        let epoch = world.epoch(ANN);
        world.settle();
        world.assert_refused(&[ANN, BOB], epoch, "forged");
    }
}

#[test]
fn commit_whose_view_is_of_another_log_alarms() {
    let world = &mut commits(448, Session([4; 8]), |note| {
        note.view.as_mut().unwrap().running_hash = vec![7; 32].into();
    });
    world.settle();
    world.assert_alarm(ANN, AlarmKind::Fork);
    world.assert_alarm(BOB, AlarmKind::Fork);
}

#[test]
fn who_never_spoke_is_shown_as_not_heard_from() {
    const DAN: usize = 3;
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, 449);
    let heard = |world: &World, i: usize| -> Vec<bool> {
        let view = world.devices[i].engine.as_ref().unwrap().view().unwrap();
        view.members.iter().map(|member| member.heard).collect()
    };
    // Ann saw all come; dan knows of the others by the tree only, but for those who acknowledged his join.
    assert_eq!(heard(&world, ANN), [true; 4]);
    let dan = world.access_key(DAN).key;
    let joined =
        |entry: &&Deliver| entry.access.iter().flat_map(|change| &change.added).any(|added| added.key == dan);
    let came = world.relay.log.iter().find(joined).unwrap().seq;
    let since: Vec<_> = world.relay.log.iter().filter(|entry| entry.seq > came).collect();
    let spoke: Vec<bool> =
        (0..4).map(|i| i == DAN || since.iter().any(|entry| entry.key == world.access_key(i).key)).collect();
    assert_eq!(heard(&world, DAN), spoke);
    let silent = (0..3).find(|i| !spoke[*i]).expect("the words of two are enough for a join");
    world.command(silent, Command::Rename("bobby".to_owned()));
    world.settle();
    assert!(heard(&world, DAN)[silent], "a commit is heard");
    world.say(ANN, "hello");
    world.say(BOB, "first word, any number");
    world.say(EVE, "so is mine");
    world.settle();
    assert_eq!(heard(&world, DAN), [true; 4]);
    // Whoever keeps a view learns of each once, not with every message.
    let mut told: Vec<u32> = world.devices[DAN]
        .events
        .iter()
        .filter_map(|event| if let Event::Heard { leaf } = event { Some(*leaf) } else { None })
        .collect();
    told.sort_unstable();
    assert!(!told.is_empty() && told.windows(2).all(|two| two[0] != two[1]), "{told:?}");
    world.crash(DAN);
    world.restart(DAN);
    world.connect(DAN);
    world.settle();
    assert_eq!(heard(&world, DAN), [true; 4]);
    world.assert_agreed(&[ANN, BOB, EVE, DAN]);
}
