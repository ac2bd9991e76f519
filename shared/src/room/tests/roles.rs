//! Who may do what: by the engine's words, and against members whose program asks nobody.

use mls_rs::ExtensionList;

use proto::relay::AccessChange;

use super::{
    hostile::{ANN, BOB, EVE, extensions, nothing, three},
    world::World,
};
use crate::{
    content::{self, room::InvitePolicy},
    crypto::suite::Suite,
    invite::InviteSecret,
    mls::group::ROOM_EXTENSION,
    mls::rules::Violation,
    room::{CloseReason, Command, Event},
};

fn who(world: &World, i: usize) -> crate::identity::Fingerprint {
    world.devices[i].profile.identity.fingerprint()
}

fn list(room: &content::Room) -> ExtensionList {
    extensions(ROOM_EXTENSION, room)
}

/// Device `i` commits the room that `change` makes; the others do not take it.
fn room_is_refused(seed: u64, i: usize, violation: Violation, change: impl Fn(&World, &mut content::Room)) {
    let mut world = three(seed);
    let epoch = world.epoch(ANN);
    let mut room = world.room(i);
    change(&world, &mut room);
    let (message, _) = world.hostile(i).commit(|b| b.set_group_context_ext(list(&room)).unwrap());
    world.disconnect(i);
    world.inject_commit(i, message, nothing());
    world.settle();
    let others: Vec<usize> = [ANN, BOB, EVE].into_iter().filter(|other| *other != i).collect();
    world.assert_violates(&others, epoch, violation);
}

/// Eve commits bob's removal with this note; it is taken or not.
fn removal_with(seed: u64, note: impl Fn(&World) -> content::CommitNote, is_taken: bool) {
    let mut world = three(seed);
    let (epoch, bob) = (world.epoch(ANN), world.leaf(BOB));
    let room = content::Room { invites: Vec::new(), ..world.room(EVE) };
    let mut eve = world.hostile(EVE);
    eve.1.leaves = note(&world).leaves;
    let (message, _) =
        eve.commit(|b| b.remove_member(bob).unwrap().set_group_context_ext(list(&room)).unwrap());
    world.disconnect(EVE);
    world.disconnect(BOB);
    let mut removed: Vec<_> =
        world.room(EVE).invites.iter().map(|invite| invite.access_key.clone()).collect();
    removed.push(world.access_key(BOB).key);
    world.inject_commit(EVE, message, AccessChange { added: Vec::new(), removed });
    world.settle();
    match is_taken {
        true => assert_eq!(world.members(ANN), 2, "{}", world.story(ANN)),
        false => world.assert_violates(&[ANN], epoch, Violation::NotModerator),
    }
}

fn proof(world: &World, of: usize, at: u32) -> content::CommitNote {
    let proof = content::LeaveProof { leaf: at, signature: world.leave_proof(of).into() };
    content::CommitNote { leaves: vec![proof], ..content::CommitNote::default() }
}

#[test]
fn removal_by_somebody_who_is_no_moderator_is_refused() {
    removal_with(601, |_| content::CommitNote::default(), false);
}

#[test]
fn removal_with_somebody_elses_word_of_leaving_is_refused() {
    removal_with(602, |world| proof(world, EVE, world.leaf(BOB)), false);
    removal_with(603, |world| proof(world, BOB, world.leaf(ANN)), false);
}

#[test]
fn word_of_leaving_from_another_room_is_refused() {
    let sign = |world: &World| {
        let engine = world.devices[BOB].engine.as_ref().unwrap();
        engine.signer().sign_leave(&[9; 32]).unwrap().to_vec()
    };
    removal_with(
        604,
        |world| {
            let proof = content::LeaveProof { leaf: world.leaf(BOB), signature: sign(world).into() };
            content::CommitNote { leaves: vec![proof], ..content::CommitNote::default() }
        },
        false,
    );
}

#[test]
fn whoever_said_that_they_leave_is_let_go_by_anybody() {
    removal_with(605, |world| proof(world, BOB, world.leaf(BOB)), true);
}

#[test]
fn note_that_nobody_can_read_is_refused() {
    let mut world = three(606);
    let epoch = world.epoch(ANN);
    let (message, _) = world.hostile(EVE).commit(|b| b.authenticated_data(vec![0xff; 7]));
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, Violation::Note);
}

#[test]
fn newcomer_by_a_link_does_not_take_the_room_over() {
    let mut world = three(607);
    let link = world.invite(ANN);
    let dan = world.newcomer("mallory", 911);
    world.join(dan, &link);
    for i in [ANN, BOB, EVE] {
        let who = who(&world, i);
        world.command(dan, Command::Remove(who));
        world.command(dan, Command::Moderator { who, is_moderator: true });
    }
    world.command(dan, Command::Policy { moderators_invite: Some(true), seats: None });
    world.command(dan, Command::Disappear(1));
    world.command(dan, Command::Topic("mine".to_owned()));
    world.settle();
    assert_eq!(world.errors(dan), ["not_moderator"; 9]);
    assert_eq!((world.members(dan), world.members(ANN)), (4, 4));
    world.assert_agreed(&[ANN, BOB, EVE, dan]);
}

#[test]
fn policy_changed_by_somebody_who_is_no_moderator_is_refused() {
    room_is_refused(610, EVE, Violation::NotModerator, |_, room| room.disappear_s = 1);
    room_is_refused(611, EVE, Violation::NotModerator, |_, room| room.seats_per_account = 32);
    room_is_refused(612, EVE, Violation::NotModerator, |_, room| {
        room.set_invite_policy(InvitePolicy::Moderators);
    });
    room_is_refused(610, EVE, Violation::NotModerator, |_, room| room.topic = "free beer".to_owned());
    room_is_refused(613, EVE, Violation::NotModerator, |world, room| {
        room.moderators.push(who(world, EVE).0.to_vec().into());
    });
    room_is_refused(614, EVE, Violation::NotModerator, |world, room| {
        room.moderators = vec![who(world, EVE).0.to_vec().into()];
    });
}

#[test]
fn room_without_a_moderator_or_with_an_absent_one_is_refused() {
    room_is_refused(615, ANN, Violation::Room, |_, room| room.moderators.clear());
    room_is_refused(616, ANN, Violation::Moderators, |_, room| room.moderators.push(vec![9; 32].into()));
    room_is_refused(617, ANN, Violation::Room, |_, room| room.moderators.push(vec![9; 31].into()));
    room_is_refused(618, ANN, Violation::Room, |world, room| {
        room.moderators.push(who(world, ANN).0.to_vec().into());
    });
    room_is_refused(619, ANN, Violation::Room, |_, room| room.seats_per_account = 0);
    room_is_refused(620, ANN, Violation::Room, |_, room| room.invite_policy = 7);
}

#[test]
fn topic_that_is_no_clean_line_is_refused_from_a_moderator_too() {
    for topic in [
        "two\nlines",
        "\u{1b}[2J",
        "a\u{202e}b",
        "a\u{200b}b",
        " blank at the ends ",
        "cafe\u{301}",
        &"x".repeat(513),
    ] {
        room_is_refused(635, ANN, Violation::Room, |_, room| room.topic = topic.to_owned());
    }
}

#[test]
fn topic_is_told_once_to_everybody_and_to_who_comes_later() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 636);
    let topics = |world: &World, i: usize| -> Vec<(String, String)> {
        let events = world.devices[i].events.iter();
        let told = events.filter_map(|event| match event {
            Event::Topic { by, text } => Some((by.name.clone(), text.clone())),
            _ => None,
        });
        told.collect()
    };
    let shown = |world: &World, i: usize| world.devices[i].engine.as_ref().unwrap().view().unwrap().topic;
    world.command(ANN, Command::Topic("  soup,\u{a0} at  eight ".to_owned()));
    world.settle();
    let told = ("ann".to_owned(), "soup, at eight".to_owned());
    assert_eq!((topics(&world, ANN), topics(&world, BOB)), (vec![told.clone()], vec![told.clone()]));
    // The same once more is nothing new, and costs no commit.
    let epoch = world.epoch(ANN);
    world.command(ANN, Command::Topic("soup, at eight".to_owned()));
    world.settle();
    assert_eq!((world.epoch(ANN), topics(&world, BOB).len()), (epoch, 1));
    let link = world.invite(ANN);
    let dan = world.newcomer("dan", 912);
    world.join(dan, &link);
    assert_eq!((shown(&world, dan), topics(&world, dan)), ("soup, at eight".to_owned(), vec![]));
    // Whoever sleeps through it is told when they wake.
    world.disconnect(BOB);
    world.command(ANN, Command::Topic(String::new()));
    world.settle();
    world.connect(BOB);
    world.settle();
    assert_eq!(topics(&world, BOB), [told, ("ann".to_owned(), String::new())]);
    assert_eq!((shown(&world, BOB), shown(&world, dan)), (String::new(), String::new()));
}

#[test]
fn longest_topic_is_taken_and_a_longer_one_is_not() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 637);
    world.command(ANN, Command::Topic("é".repeat(257)));
    world.command(ANN, Command::Topic("a\u{200b}b".to_owned()));
    world.settle();
    assert_eq!(world.errors(ANN), ["bad_topic"; 2]);
    world.command(ANN, Command::Topic("é".repeat(256)));
    world.settle();
    assert_eq!(world.devices[BOB].engine.as_ref().unwrap().view().unwrap().topic.len(), 512);
}

#[test]
fn invite_that_is_not_its_makers_own_is_refused() {
    // Eve lists an invite of which ann's name is the maker, and ann's true signature cannot be made by her.
    room_is_refused(621, EVE, Violation::Invite, |world, room| {
        let mut stolen = world.listed(EVE, &InviteSecret::from_bytes([1; 20]), (0, 0));
        stolen.maker = world.devices[ANN].profile.identity.public_key().to_vec().into();
        room.invites.push(stolen);
    });
    // Bob's own true invite, in eve's commit.
    room_is_refused(622, EVE, Violation::Invite, |world, room| {
        room.invites.push(world.listed(BOB, &InviteSecret::from_bytes([1; 20]), (0, 0)));
    });
    // Ann's invite with more uses than ann gave it.
    room_is_refused(623, EVE, Violation::Invite, |_, room| room.invites[0].max_uses = 0);
    // Eve's invite in the place of ann's, with its keys.
    room_is_refused(624, EVE, Violation::Invite, |world, room| {
        let secret = world.first_link(ANN);
        room.invites = vec![world.listed(EVE, &secret, (0, 0))];
    });
}

#[test]
fn invite_revoked_by_somebody_who_may_not_is_refused() {
    room_is_refused(625, EVE, Violation::NotModerator, |_, room| room.invites.clear());
}

#[test]
fn invite_of_a_member_where_moderators_invite_is_refused() {
    let mut world = three(626);
    world.command(ANN, Command::Policy { moderators_invite: Some(true), seats: None });
    world.settle();
    world.command(BOB, Command::INVITE);
    assert_eq!(world.errors(BOB), ["not_moderator"]);
    let epoch = world.epoch(ANN);
    let mut room = world.room(EVE);
    room.invites.push(world.listed(EVE, &InviteSecret::from_bytes([1; 20]), (0, 0)));
    let (message, _) = world.hostile(EVE).commit(|b| b.set_group_context_ext(list(&room)).unwrap());
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, Violation::NotModerator);
}

#[test]
fn last_moderator_leaves_only_after_naming_another() {
    let mut world = three(630);
    world.command(ANN, Command::Leave);
    world.settle();
    assert_eq!(world.errors(ANN), ["last_moderator"]);
    assert_eq!(world.members(BOB), 3);
    world.command(ANN, Command::Moderator { who: who(&world, ANN), is_moderator: false });
    world.settle();
    assert_eq!(world.errors(ANN), ["last_moderator"; 2]);
    world.make_moderators(&[BOB]);
    world.command(ANN, Command::Leave);
    world.settle();
    assert!(world.closed(ANN) && world.members(BOB) == 2, "{}", world.story(ANN));
    assert_eq!(world.room(EVE).moderators, [who(&world, BOB).0.to_vec()]);
    // The new one has the right.
    world.command(BOB, Command::Remove(who(&world, EVE)));
    world.settle();
    assert_eq!(world.members(BOB), 1);
}

#[test]
fn last_moderator_who_leaves_all_the_same_is_not_let_go() {
    let mut world = three(631);
    let commits = |world: &World| world.relay.log.iter().filter(|entry| entry.is_commit).count();
    let before = commits(&world);
    world.devices[ANN].engine.as_mut().unwrap().leave();
    world.input(ANN, crate::room::Input::Tick);
    world.settle();
    assert_eq!(world.members(BOB), 3, "{}", world.story(BOB));
    assert_eq!(commits(&world), before, "nobody commits a removal that may not be");
    world.assert_talks(&[BOB, EVE]);
}

#[test]
fn last_moderator_closes_the_room_by_removing_everybody_and_leaving() {
    let mut world = three(633);
    let links = [world.invite(ANN), world.invite(BOB)];
    for i in [BOB, EVE] {
        world.command(ANN, Command::Remove(who(&world, i)));
    }
    world.settle();
    assert_eq!(world.members(ANN), 1, "{}", world.story(ANN));
    world.command(ANN, Command::Leave);
    world.settle();
    let left = Event::Closed { reason: CloseReason::Left, was_member: true };
    assert!(world.devices[ANN].events.contains(&left), "{}", world.story(ANN));
    // Nobody is in, and nobody gets in: neither by a link of before, nor as who was removed.
    for i in [BOB, EVE] {
        assert!(world.closed(i), "{}", world.story(i));
        world.crash(i);
        world.restart(i);
        world.connect(i);
    }
    let log = world.relay.log.len();
    for (n, link) in links.iter().enumerate() {
        let i = world.newcomer("dan", 634 + n as u64);
        world.join(i, link);
        let dead = Event::Closed { reason: CloseReason::InviteDead, was_member: false };
        assert!(world.devices[i].events.contains(&dead), "{}", world.story(i));
    }
    world.settle();
    assert!(world.relay.log[log..].iter().all(|entry| !entry.is_commit), "somebody changed the room");
}

#[test]
fn moderator_who_is_removed_is_none_any_more() {
    let mut world = three(632);
    world.make_moderators(&[BOB]);
    world.command(BOB, Command::Remove(who(&world, ANN)));
    world.settle();
    assert_eq!(world.room(BOB).moderators, [who(&world, BOB).0.to_vec()]);
    let link = world.invite(BOB);
    world.join(ANN, &link);
    assert_eq!(world.members(BOB), 3);
    world.command(ANN, Command::Remove(who(&world, BOB)));
    assert!(world.errors(ANN).contains(&"not_moderator"), "{}", world.story(ANN));
}

#[test]
fn everybody_removes_their_own_other_device() {
    let mut world = three(633);
    let link = world.invite(ANN);
    let second = world.newcomer("bob", 633);
    world.devices[second].profile.identity = world.devices[BOB].profile.identity.clone();
    world.join(second, &link);
    assert_eq!(world.members(ANN), 4);
    world.command(second, Command::Remove(who(&world, BOB)));
    world.settle();
    assert!(world.closed(BOB) && !world.closed(second), "{}", world.story(second));
    world.assert_talks(&[ANN, EVE, second]);
}

#[test]
fn roles_are_told_to_everybody() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 634);
    world.make_moderators(&[BOB]);
    world.command(BOB, Command::Policy { moderators_invite: Some(true), seats: Some(2) });
    world.settle();
    for i in [ANN, BOB] {
        let views = world.devices[i].events.iter().rev();
        let view = views.filter_map(|event| match event {
            Event::Epoch(view) => Some(view),
            _ => None,
        });
        let view = view.into_iter().next().unwrap();
        assert!(view.members.iter().all(|member| member.is_moderator), "device {i}");
        assert_eq!((view.moderators_invite, view.seats), (true, 2));
    }
}
