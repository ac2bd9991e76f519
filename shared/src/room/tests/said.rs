//! Replies, edits, reactions, read marks, profiles, disappearing lines: what must work.

use super::{
    hostile::{ANN, BOB, EVE, three},
    world::World,
};
use crate::{
    message::timeline::Line,
    room::{Act, Alteration, Command, Event, MessageBody},
};

fn acts(world: &World, i: usize) -> Vec<Act> {
    let acts = world.devices[i].events.iter().filter_map(|event| match event {
        Event::Act(act) => Some(act.clone()),
        _ => None,
    });
    acts.collect()
}

/// What device `i` makes of its last chat line.
fn folded(world: &World, i: usize) -> Line {
    let mut line = Line::from(world.last(i));
    let id = line.message.id;
    for act in acts(world, i).iter().filter(|act| act.target == id) {
        line.apply(act).unwrap();
    }
    line
}

fn say(world: &mut World, i: usize, said: MessageBody) {
    world.command(i, Command::Say { token: "t".to_owned(), body: said });
    world.settle();
}

#[test]
fn a_line_becomes_the_same_for_everybody() {
    let mut world = three(901);
    world.say(ANN, "frist");
    world.settle();
    let id = world.last(ANN).id;
    world.act(ANN, id, Alteration::Edit("first".to_owned()));
    let reaction = |withdrawn| Alteration::React { emoji: "👍".to_owned(), withdrawn };
    world.act(BOB, id, reaction(false));
    world.act(EVE, id, reaction(false));
    world.act(EVE, id, reaction(true));
    world.settle();
    for i in [ANN, BOB, EVE] {
        let line = folded(&world, i);
        assert_eq!(line.message.text, "first");
        assert!(line.edited.is_some());
        let who: Vec<_> = line.reactions[0].people.iter().map(|person| person.name.as_str()).collect();
        assert_eq!((line.reactions.len(), who), (1, vec!["bob"]));
    }
    world.act(ANN, id, Alteration::Delete);
    world.settle();
    assert!([ANN, BOB, EVE].iter().all(|i| folded(&world, *i).deleted));
    world.assert_agreed(&[ANN, BOB, EVE]);
}

#[test]
fn a_reply_names_what_it_answers() {
    let mut world = three(902);
    world.say(ANN, "who is there?");
    world.settle();
    let id = world.last(BOB).id;
    say(&mut world, BOB, MessageBody::Text { text: "me".to_owned(), reply_to: Some(id), file: None });
    assert_eq!(world.last(ANN).reply_to, Some(id));
    assert_eq!(world.last(BOB).reply_to, Some(id));
}

#[test]
fn read_marks_reach_the_others() {
    let mut world = three(903);
    world.say(ANN, "read this");
    world.settle();
    let seq = world.last(BOB).seq;
    say(&mut world, BOB, MessageBody::Seen(seq));
    let marks: Vec<_> = world.devices[ANN]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Seen { who, seq, mine } => Some((who.name.as_str(), *seq, *mine)),
            _ => None,
        })
        .collect();
    assert_eq!(marks, [("bob", seq, false)]);
}

#[test]
fn a_line_is_queued_before_it_is_said_and_again_after_a_restart() {
    let mut world = three(904);
    world.disconnect(ANN);
    world.say(ANN, "later");
    let queued = |events: &[Event]| {
        let mut found = events.iter().filter_map(|event| match event {
            Event::Queued { id, text, .. } => Some((*id, text.clone())),
            _ => None,
        });
        found.next()
    };
    let first = queued(&world.devices[ANN].events).unwrap();
    world.crash(ANN);
    world.restart(ANN);
    let again = world.devices[ANN].engine.as_ref().unwrap().queued();
    assert_eq!(queued(&again), Some(first.clone()));
    world.connect(ANN);
    world.settle();
    assert_eq!((world.last(BOB).id, world.last(BOB).text), first);
    assert_eq!(world.devices[ANN].engine.as_ref().unwrap().queued(), []);
}

#[test]
fn status_and_sign_reach_members_and_newcomers() {
    let mut world = World::new(&["ann", "bob", "eve"], crate::crypto::suite::Suite::Classic, 905);
    world.create(ANN);
    let link = world.invite(ANN);
    world.join(BOB, &link);
    world.command(ANN, Command::Describe { status: "on the train".to_owned(), glyph: "🚆".to_owned() });
    world.settle();
    world.join(EVE, &link);
    for i in [ANN, BOB, EVE] {
        let view = world.devices[i].engine.as_ref().unwrap().view().unwrap();
        assert_eq!((view.members[0].status.as_str(), view.members[0].glyph.as_str()), ("on the train", "🚆"));
    }
    // It is told once the view that shows it is there.
    let shown = |event: &Event| matches!(event, Event::Epoch(view) if view.members.iter().any(|member| member.glyph == "🚆"));
    let events = &world.devices[BOB].events;
    let changed = |event: &Event| matches!(event, Event::ProfileChanged { was, .. } if was == "ann");
    let told = events.iter().position(changed).unwrap();
    assert!(events.iter().position(shown).unwrap() < told);
    world.assert_agreed(&[ANN, BOB, EVE]);
}

#[test]
fn picture_reaches_members_and_newcomers_and_goes_again() {
    let mut world = World::new(&["ann", "bob", "eve"], crate::crypto::suite::Suite::Classic, 907);
    world.create(ANN);
    let link = world.invite(ANN);
    world.join(BOB, &link);
    let avatar = crate::identity::Avatar { id: [1; 16], key: [2; 32], parts: [3; 32], size: 9_000 };
    world.command(ANN, Command::Picture(Some(Box::new(avatar.clone()))));
    world.settle();
    world.join(EVE, &link);
    let shown = |world: &World, i: usize| {
        world.devices[i].engine.as_ref().unwrap().view().unwrap().members[0].avatar.clone()
    };
    for i in [ANN, BOB, EVE] {
        assert_eq!(shown(&world, i), Some(avatar.clone()));
    }
    let told = |world: &World, gone: bool| {
        let is_told = |event: &&Event| matches!(event, Event::NewPicture { is_gone, .. } if *is_gone == gone);
        world.devices[BOB].events.iter().filter(is_told).count()
    };
    assert_eq!((told(&world, false), told(&world, true)), (1, 0));
    let renamed = |event: &Event| matches!(event, Event::ProfileChanged { .. });
    assert!(!world.devices[BOB].events.iter().any(renamed), "the name is the one of before");
    world.command(ANN, Command::Picture(None));
    world.settle();
    assert_eq!((shown(&world, BOB), told(&world, true)), (None, 1));
    world.assert_agreed(&[ANN, BOB, EVE]);
}

#[test]
fn lines_said_after_the_room_set_a_time_carry_it() {
    let mut world = three(906);
    world.say(ANN, "stays");
    world.settle();
    world.make_moderators(&[BOB, EVE]);
    world.command(BOB, Command::Disappear(60));
    world.settle();
    world.say(ANN, "goes");
    world.settle();
    for i in [ANN, BOB, EVE] {
        let last = world.last(i);
        assert_eq!((last.text.as_str(), last.disappears), ("goes", Some(last.at + 60_000)), "device {i}");
        let told =
            |event: &Event| matches!(event, Event::Disappearing { by, seconds: 60 } if by.name == "bob");
        assert_eq!(world.devices[i].events.iter().filter(|event| told(event)).count(), 1);
    }
    // Who asked for the time that was set already does not insist on it later.
    world.command(ANN, Command::Disappear(60));
    world.settle();
    world.command(EVE, Command::Disappear(0));
    world.settle();
    world.say(ANN, "stays as well");
    world.settle();
    assert_eq!(world.last(BOB).disappears, None);
    world.assert_agreed(&[ANN, BOB, EVE]);
}
