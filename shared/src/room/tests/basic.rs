//! What must always work.

use super::{
    hostile::{ANN, BOB, EVE, three},
    world::World,
};
use crate::{
    crypto::suite::Suite,
    room::{AlarmKind, Command, Engine, EngineError, Event, Policy, Problem, Profile},
};

#[test]
fn three_people_agree_and_talk_in_both_suites() {
    for suite in Suite::ALL {
        let mut world = World::room_of(&["ann", "bob", "eve"], suite, 1);
        world.assert_agreed(&[0, 1, 2]);
        for i in 0..3 {
            world.say(i, &format!("hello from {i}"));
        }
        world.settle();
        let said = world.texts(0);
        assert_eq!(said.len(), 3);
        for i in 1..3 {
            assert_eq!(world.texts(i), said, "the same messages in the same order");
        }
        world.assert_agreed(&[0, 1, 2]);
    }
}

#[test]
fn somebody_joins_while_all_are_asleep() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 2);
    let link = world.invite(0);
    world.disconnect(0);
    world.disconnect(1);
    world.devices.push(World::new(&["eve"], Suite::Classic, 77).devices.remove(0));
    world.join(2, &link);
    world.say(2, "anybody here?");
    world.settle();
    world.connect(0);
    world.connect(1);
    world.settle();
    world.assert_agreed(&[0, 1, 2]);
    assert_eq!(world.texts(0), ["anybody here?"]);
    assert_eq!(world.texts(1), ["anybody here?"]);
}

#[test]
fn who_speaks_while_somebody_joins_is_told_that_they_cannot_read_it() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 6);
    let link = world.invite(0);
    world.devices.push(World::new(&["eve"], Suite::Classic, 78).devices.remove(0));
    world.devices[2].engine = Some(Engine::join(&world.devices[2].profile, &link, world.now).unwrap());
    world.connect(2);
    while world.deliver_one(2) {}
    // Eve's join is in the log; ann has not read it, bob has.
    while world.deliver_one(1) {}
    world.say(0, "between ourselves");
    world.say(1, "welcome");
    world.settle();
    assert_eq!(world.texts(1), ["between ourselves", "welcome"]);
    assert_eq!(world.texts(2), ["welcome"]);
    let told = |code: &str| {
        (0..3)
            .map(|i| {
                let event =
                    |event: &&Event| matches!(event, Event::Problem(problem) if problem.code() == code);
                world.devices[i].events.iter().filter(event).count()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(told("missed_by_newcomer"), [1, 0, 0], "{}", world.story(0));
    let names_eve = |event: &Event| matches!(event, Event::Problem(Problem::MissedByNewcomer { who, .. }) if *who == ["eve"]);
    assert!(world.devices[0].events.iter().any(names_eve), "{}", world.story(0));
    assert_eq!(told("unreadable"), [0, 0, 1], "{}", world.story(2));
}

#[test]
fn eight_join_at_the_same_instant() {
    let names = ["ann", "b", "c", "d", "e", "f", "g", "h", "i"];
    let mut world = World::new(&names, Suite::Classic, 3);
    world.create(0);
    let link = world.invite(0);
    for i in 1..9 {
        world.devices[i].engine = Some(Engine::join(&world.devices[i].profile, &link, world.now).unwrap());
        world.connect(i);
    }
    world.settle();
    world.assert_agreed(&[0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(world.devices[4].engine.as_ref().unwrap().view().unwrap().members.len(), 9);
}

#[test]
fn open_room_is_joined_by_its_name_alone() {
    let mut world = World::new(&["ann", "bob"], Suite::Classic, 4);
    for i in 0..2 {
        world.devices[i].engine = Some(Engine::open(&world.devices[i].profile, "lobby", world.now).unwrap());
        world.connect(i);
    }
    world.settle();
    world.assert_agreed(&[0, 1]);
    assert!(world.devices[1].engine.as_ref().unwrap().view().unwrap().open);
}

#[test]
fn open_room_is_one_in_whatever_form_its_name_is_typed() {
    let names = ["caf\u{e9}", "cafe\u{301}", "Ｃａｆé"];
    let mut world = World::new(&["ann", "bob", "carl"], Suite::Classic, 41);
    for (i, name) in names.into_iter().enumerate() {
        world.devices[i].engine = Some(Engine::open(&world.devices[i].profile, name, world.now).unwrap());
        world.connect(i);
        world.settle();
    }
    world.assert_agreed(&[0, 1, 2]);
    let shown = |i: usize| world.devices[i].engine.as_ref().unwrap().view().unwrap().room;
    assert_eq!([shown(0), shown(1), shown(2)], ["caf\u{e9}"; 3]);
}

#[test]
fn removed_member_is_locked_out_and_its_link_is_dead() {
    let mut world = World::room_of(&["ann", "bob", "eve"], Suite::Classic, 5);
    let link = world.invite(0);
    let eve = world.devices[2].profile.identity.fingerprint();
    world.command(0, Command::Remove(eve));
    world.settle();
    assert!(world.closed(2));
    world.say(0, "she is gone");
    world.settle();
    world.assert_agreed(&[0, 1]);
    assert_eq!(world.texts(1), ["she is gone"]);
    assert_eq!(world.texts(2), [""; 0]);
    world.join(2, &link);
    assert!(!world.devices[2].events.iter().any(|e| matches!(e, Event::Joined(v) if v.members.len() > 3)));
    assert_eq!(world.devices[0].engine.as_ref().unwrap().view().unwrap().members.len(), 2);
    let fresh = world.invite(0);
    assert_ne!(fresh.secret, link.secret);
}

#[test]
fn nobody_takes_a_name_that_reads_as_a_line() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 7);
    for name in ["ann: yes", "* ann"] {
        world.command(1, Command::Rename(name.to_owned()));
    }
    world.settle();
    assert_eq!(world.errors(1), ["bad_name"; 2]);
    assert!(!world.devices[0].events.iter().any(|event| matches!(event, Event::ProfileChanged { .. })));
    for name in ["ann: yes", "* ann"] {
        let profile = Profile { name: name.to_owned(), ..world.devices[1].profile.clone() };
        let policy = Policy::default();
        assert!(matches!(Engine::create(&profile, "room", policy, 0), Err(EngineError::Name(_))), "{name}");
    }
}

#[test]
fn names_change_and_members_leave() {
    let mut world = World::room_of(&["ann", "bob", "eve"], Suite::Classic, 6);
    world.command(1, Command::Rename("Robert".to_owned()));
    world.settle();
    for device in &world.devices {
        let renamed = device.events.iter().filter_map(|event| match event {
            Event::ProfileChanged { who, was } => Some((was.as_str(), who.name.as_str())),
            _ => None,
        });
        assert_eq!(renamed.collect::<Vec<_>>(), [("bob", "Robert")]);
    }
    world.command(2, Command::Leave);
    world.settle();
    world.assert_agreed(&[0, 1]);
    let view = world.devices[0].engine.as_ref().unwrap().view().unwrap();
    let names: Vec<_> = view.members.iter().map(|member| member.person.name.as_str()).collect();
    assert_eq!(names, ["ann", "Robert"]);
    assert!(world.closed(2));
    // Whoever's commit it was, she went by herself.
    for device in &world.devices[..2] {
        let left = device.events.iter().filter_map(|event| match event {
            Event::MemberLeft { who, by } => Some((who.name.as_str(), by.name.as_str())),
            _ => None,
        });
        assert_eq!(left.collect::<Vec<_>>(), [("eve", "eve")]);
    }
}

#[test]
fn invite_is_known_as_its_makers_to_everybody() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 17);
    world.devices.push(World::new(&["eve"], Suite::Classic, 78).devices.remove(0));
    world.devices.push(World::new(&["dan"], Suite::Classic, 79).devices.remove(0));
    let link = world.invite(1);
    // A device that begins anew knows what it knew.
    world.crash(0);
    world.restart(0);
    world.connect(0);
    world.settle();
    world.join(2, &link);
    let old = world.invite(0);
    world.join(3, &old);
    let who = |world: &World, i: usize| world.devices[i].profile.identity.fingerprint();
    let (eve, dan) = (who(&world, 2), who(&world, 3));
    let by = |world: &World, i: usize, joiner| {
        let joined = world.devices[i].events.iter().find_map(|event| match event {
            Event::MemberJoined { who, by } if who.fingerprint == joiner => by.clone(),
            _ => None,
        });
        joined.map(|by| (by.name, by.fingerprint))
    };
    let (ann, bob) = (("ann".to_owned(), who(&world, 0)), ("bob".to_owned(), who(&world, 1)));
    assert_eq!([by(&world, 0, eve), by(&world, 1, eve)], [Some(bob.clone()), Some(bob)]);
    assert_eq!([by(&world, 0, dan), by(&world, 1, dan)], [Some(ann.clone()), Some(ann)]);
}

#[test]
fn restart_resumes_where_it_was() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 7);
    world.crash(1);
    world.say(0, "one");
    world.say(0, "two");
    world.settle();
    world.now += 2 * 3_600_000;
    world.restart(1);
    world.connect(1);
    world.settle();
    world.say(1, "three");
    world.settle();
    assert_eq!(world.texts(0), ["one", "two", "three"]);
    assert_eq!(world.texts(1), ["one", "two", "three"]);
    world.assert_agreed(&[0, 1]);
}

#[test]
fn what_is_said_on_the_way_in_is_not_lost() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 8);
    let link = world.invite(0);
    world.devices.push(World::new(&["eve"], Suite::Classic, 78).devices.remove(0));
    world.devices[2].engine = Some(Engine::join(&world.devices[2].profile, &link, world.now).unwrap());
    world.say(2, "may I come in?");
    world.crash(2);
    world.restart(2);
    world.connect(2);
    world.settle();
    world.assert_agreed(&[0, 1, 2]);
    assert_eq!(world.texts(0), ["may I come in?"]);
}

#[test]
fn restored_profile_goes_on_behind_what_it_said_already() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 9);
    world.say(1, "before the backup");
    world.settle();
    let backup = world.devices[1].rows.clone();
    world.say(1, "after it");
    world.say(1, "and more");
    world.settle();
    world.put_back(1, backup);
    world.connect(1);
    world.settle();
    assert_eq!(world.alarms(1), [AlarmKind::Rollback; 2]);
    world.say(1, "from the backup");
    world.settle();
    assert_eq!(world.texts(0), ["before the backup", "after it", "and more", "from the backup"]);
    assert_eq!(world.alarms(0), [], "{:?}", world.devices[0].events);
}

#[test]
fn commit_that_is_only_late_drops_nothing_and_alarms_nobody() {
    let mut world = three(31);
    world.command(ANN, Command::Rename("anna".to_owned()));
    // Bob's device slept with its stream open, and has not read what came.
    world.now += 60_000;
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    world.assert_agreed(&[ANN, BOB, EVE]);
    for i in [ANN, BOB, EVE] {
        assert!(!world.errors(i).contains(&"taken_back"), "device {i}: {}", world.story(i));
    }
}
