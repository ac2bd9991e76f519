//! Handing newcomers what was said, where the room's policy shares it; and members who lie about it.

use super::{
    hostile::{ANN, BOB, EVE},
    world::World,
};
use crate::{
    content::{self, content::Body},
    crypto::suite::Suite,
    file::{FileKey, Manifest},
    message::timeline::Line,
    room::{Command, Event, Message, MessageBody, Policy},
};

/// Ann made a room that shares `past_lines`; bob is in, eve is not.
fn sharing(past_lines: u32, seed: u64) -> (World, crate::invite::link::Link) {
    let mut world = World::new(&["ann", "bob", "eve"], Suite::Classic, seed);
    world.create_with(ANN, Policy { past_lines, ..Policy::default() });
    let link = world.invite(ANN);
    world.join(BOB, &link);
    answer(&mut world);
    (world, link)
}

/// Does what a runtime does when an engine asks for lines. Returns how many asked.
fn answer(world: &mut World) -> usize {
    let mut asked = 0;
    for i in 0..world.devices.len() {
        let is_asking = |event: &mut Event| matches!(event, Event::HandOver { .. });
        let asking: Vec<Event> = world.devices[i].events.extract_if(.., is_asking).collect();
        for event in asking {
            let Event::HandOver { joiner, before, lines } = event else { continue };
            asked += 1;
            let said = world.devices[i].events.iter().filter_map(|event| match event {
                Event::Message(message) if message.seq < before => Some(Line::from(message.clone())),
                _ => None,
            });
            let said: Vec<Line> = said.collect();
            let lines = said[said.len().saturating_sub(lines as usize)..].to_vec();
            world.command(i, Command::HandOver { joiner, lines });
        }
    }
    world.settle();
    asked
}

fn handed(world: &World, i: usize) -> Vec<(String, Message)> {
    let mut found = Vec::new();
    for event in &world.devices[i].events {
        if let Event::Handed { by, lines } = event {
            found.extend(lines.iter().map(|line| (by.name.clone(), line.message.clone())));
        }
    }
    found
}

#[test]
fn newcomer_is_handed_files_with_their_lines() {
    let (mut world, link) = sharing(2, 953);
    let file = Manifest {
        id: [1; 16],
        key: FileKey::from_bytes([2; 32]),
        size: 5,
        name: "cat.jpg".to_owned(),
        media_type: "image/jpeg".to_owned(),
        parts: [3; 32],
        preview: vec![4; 9],
        duration_ms: 0,
    };
    let said = MessageBody::Text { text: String::new(), reply_to: None, file: Some(Box::new(file.clone())) };
    world.command(ANN, Command::Say { token: String::new(), body: said });
    world.settle();
    world.join(EVE, &link);
    answer(&mut world);
    let handed = handed(&world, EVE);
    let expected = Manifest { preview: Vec::new(), ..file };
    assert_eq!(handed.len(), 1);
    assert_eq!(handed[0].1.file.as_deref(), Some(&expected));
}

#[test]
fn newcomer_is_handed_the_last_lines_once() {
    let (mut world, link) = sharing(2, 941);
    for text in ["one", "two", "three"] {
        world.say(ANN, text);
        world.settle();
    }
    world.join(EVE, &link);
    assert!(answer(&mut world) >= 1);
    let lines = handed(&world, EVE);
    let texts: Vec<_> = lines.iter().map(|(_, line)| line.text.as_str()).collect();
    assert_eq!(texts, ["two", "three"]);
    assert!(lines.iter().all(|(_, line)| line.from.name == "ann" && !line.mine));
    assert_eq!(handed(&world, BOB), []);
    // Nobody asked for that, so nobody is told that it was sent.
    let sent = |event: &&Event| matches!(event, Event::Sent { .. });
    assert_eq!(world.devices[ANN].events.iter().filter(sent).count(), 3);
    world.assert_agreed(&[ANN, BOB, EVE]);
}

#[test]
fn what_was_said_while_the_newcomer_came_in_is_handed_by_whoever_wakes_first() {
    let (mut world, link) = sharing(10, 942);
    world.say(BOB, "good night");
    world.settle();
    world.disconnect(ANN);
    world.disconnect(BOB);
    world.join(EVE, &link);
    assert_eq!(answer(&mut world), 0);
    world.connect(BOB);
    world.settle();
    assert_eq!(answer(&mut world), 1);
    assert_eq!(handed(&world, EVE).len(), 1);
    // Ann sees that it was done.
    world.connect(ANN);
    world.settle();
    assert_eq!(answer(&mut world), 0);
}

#[test]
fn room_that_does_not_share_hands_over_nothing() {
    let (mut world, link) = sharing(0, 943);
    world.say(ANN, "between us");
    world.settle();
    world.join(EVE, &link);
    assert_eq!(answer(&mut world), 0);
    // Nor is it taken from a member who does not ask.
    let joiner = world.devices[EVE].engine.as_ref().unwrap().unique();
    let lie = past(joiner, vec![line(1, "made up")]);
    said_by(&mut world, BOB, Body::Past(lie));
    assert_eq!(handed(&world, EVE), []);
}

#[test]
fn lines_of_after_the_join_are_refused() {
    let (mut world, link) = sharing(10, 944);
    world.join(EVE, &link);
    let (joiner, head) = (world.devices[EVE].engine.as_ref().unwrap().unique(), world.head());
    let lie = past(joiner, vec![line(head + 1, "you said this")]);
    said_by(&mut world, BOB, Body::Past(lie));
    assert_eq!(handed(&world, EVE), []);
    assert!(world.errors(EVE).contains(&"forged"));
}

#[test]
fn lines_of_somebody_whose_name_deceives_are_refused() {
    let (mut world, link) = sharing(10, 946);
    world.say(ANN, "hello");
    world.settle();
    world.join(EVE, &link);
    let joiner = world.devices[EVE].engine.as_ref().unwrap().unique();
    for name in ["ann: yes", "* ann"] {
        let lie = past(joiner.clone(), vec![content::PastLine { name: name.to_owned(), ..line(1, "no") }]);
        said_by(&mut world, BOB, Body::Past(lie));
    }
    assert_eq!(handed(&world, EVE), []);
    assert!(world.errors(EVE).contains(&"forged"));
}

#[test]
fn more_lines_than_the_policy_shares_are_refused() {
    let (mut world, link) = sharing(3, 945);
    world.say(ANN, "hello");
    world.settle();
    world.join(EVE, &link);
    let joiner = world.devices[EVE].engine.as_ref().unwrap().unique();
    let lie = past(joiner, (0..4).map(|_| line(1, "flood")).collect());
    said_by(&mut world, BOB, Body::Past(lie));
    assert_eq!(handed(&world, EVE), []);
    assert!(world.errors(EVE).contains(&"forged"));
}

fn past(joiner: Vec<u8>, lines: Vec<content::PastLine>) -> content::Past {
    content::Past { joiner: joiner.into(), lines, last: true }
}

fn line(seq: u64, text: &str) -> content::PastLine {
    content::PastLine {
        seq,
        id: vec![7; 16].into(),
        at_ms: 1,
        author: vec![9; 32].into(),
        name: "ann".to_owned(),
        body: text.to_owned(),
        ..content::PastLine::default()
    }
}

fn said_by(world: &mut World, i: usize, body: Body) {
    let counter = world.devices[i].engine.as_ref().unwrap().meta.next_counter;
    let content = content::Content { body: Some(body), ..world.content(i, counter, "") };
    let envelope = world.said(i, &mut world.hostile(i), &content);
    world.disconnect(i);
    world.inject(envelope, None);
    world.settle();
}
