//! A relay that was restored from a backup: the room stands still until a person agrees, and then goes on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{fs::File, path::Path};

use client::{
    faces::words,
    failure::Failure,
    runtime::{Event, Past, RoomEvent},
    store::{Cursor, Item, Notice, RoomLogItem},
};
use relay::{Limits, Relay, backup, log};
use shared::room::{self as engine, Command, Problem};
use support::{Person, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

/// Of a relay that does not run.
async fn back_up(home: &Path, file: &Path) {
    let backend = log::open(home, &Limits::default()).unwrap();
    backup::write(&*backend, home, 0, File::create(file).unwrap()).unwrap();
    backend.close().await;
}

/// What is told of the restore.
async fn told(person: &mut Person) -> Failure {
    person
        .until(|event| match event {
            Event::Room { event: RoomEvent::Notice { notice, again: false, .. }, .. } => match &notice {
                Notice::Problem(Problem::RelayRestored) => Some(Failure::from(&notice)),
                // A newcomer may have met a line that was under way.
                Notice::Problem(Problem::Unreadable) => None,
                _ => panic!("{notice:?}"),
            },
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn room_of_a_restored_relay_waits_for_a_person_who_says_accept() {
    let dir = TempDir::new().unwrap();
    let (home, file) = (dir.path().join("relay"), dir.path().join("backup"));
    let first = relay(&home, 0).await;
    let port = first.addresses()[0].port();
    let mut ann = Person::enter(dir.path(), "ann", &first, Past::Nothing).await;
    let mut bob = Person::enter(dir.path(), "bob", &first, Past::Nothing).await;
    ann.runtime.create_own(ROOM).await.unwrap();
    bob.runtime.join(&ann.link(ROOM).await).await.unwrap();
    bob.joined().await;
    ann.is_among(2).await;
    bob.say(ROOM, "", "before the backup").await;
    ann.hears("before the backup").await;
    first.shutdown().await;
    back_up(&home, &file).await;

    let second = relay(&home, port).await;
    ann.say(ROOM, "", "after the backup").await;
    bob.hears("after the backup").await;
    second.shutdown().await;
    backup::restore(&file, &home, true, 0).unwrap();

    let third = relay(&home, port).await;
    for person in [&mut ann, &mut bob] {
        let told = told(person).await;
        assert!(told.message.contains("restored from a backup"), "{told:?}");
        assert!(told.remedy.contains("/accept"), "the remedy names the command: {told:?}");
    }
    // Whoever starts again learns it again.
    bob.say(ROOM, "b", "are you there?").await;
    bob.runtime.shutdown().await;
    let mut bob = Person::enter(dir.path(), "bob", &third, Past::Nothing).await;
    told(&mut bob).await;
    for person in [&ann, &bob] {
        person.runtime.tell(ROOM, Command::Accept).await.unwrap();
    }
    bob.sent("b").await;
    ann.hears("are you there?").await;
    ann.say(ROOM, "", "as before").await;
    bob.hears("as before").await;
    // The numbers of what was lost come again in the log, and nobody loses a line by it.
    for person in [&ann, &bob] {
        let kept = person.runtime.history(ROOM, 0, 100).await.unwrap();
        let kept: Vec<&str> = kept.iter().map(|line| line.message.text.as_str()).collect();
        assert_eq!(kept, ["before the backup", "after the backup", "are you there?", "as before"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_on_the_other_log_is_kept_and_what_comes_then_is_new() {
    let dir = TempDir::new().unwrap();
    let (home, file) = (dir.path().join("relay"), dir.path().join("backup"));
    let first = relay(&home, 0).await;
    let port = first.addresses()[0].port();
    let mut people = three(dir.path(), &first).await;
    first.shutdown().await;
    back_up(&home, &file).await;
    let second = relay(&home, port).await;
    let [ann, bob, eve] = &mut people;
    for text in ["m4", "m5", "m6"] {
        ann.say(ROOM, "", text).await;
        bob.hears(text).await;
        eve.hears(text).await;
    }
    // Bob has read all of that.
    let read = bob.runtime.history(ROOM, 0, 100).await.unwrap().last().unwrap().message.seq;
    bob.runtime.ack_at(ROOM, &Cursor::read(), read).await.unwrap();
    second.shutdown().await;
    backup::restore(&file, &home, true, 0).unwrap();

    let _third = relay(&home, port).await;
    for person in &mut people {
        told(person).await;
        person.runtime.tell(ROOM, Command::Accept).await.unwrap();
    }
    let [ann, bob, eve] = &mut people;
    for text in ["n1", "n2", "n3"] {
        eve.say(ROOM, "", text).await;
        ann.hears(text).await;
        bob.hears(text).await;
    }
    for person in [&*ann, &*bob] {
        let kept = person.runtime.past_before(ROOM, u64::MAX, 100).await.unwrap();
        let told = |item: &Item| match item {
            Item::Line(line) => Some(line.message.text.clone()),
            Item::Happening(happening) if matches!(happening.what, RoomLogItem::Lost { .. }) => {
                Some(words::happening(&happening.what, None, None))
            }
            Item::Happening(_) => None,
        };
        let mut kept: Vec<String> = kept.iter().filter_map(told).collect();
        let mark = kept.remove(4);
        assert_eq!(kept, ["before the backup", "m4", "m5", "m6", "n1", "n2", "n3"]);
        assert!(mark.contains("3 messages above") && mark.contains("this device"), "{mark}");
    }
    // What is not read yet is what was said since.
    let unread = bob.runtime.history(ROOM, read, 100).await.unwrap();
    let unread: Vec<&str> = unread.iter().map(|line| line.message.text.as_str()).collect();
    assert_eq!(unread, ["n1", "n2", "n3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_read_nothing_of_what_is_lost_is_told_so_once_and_has_nothing_to_accept() {
    let dir = TempDir::new().unwrap();
    let (home, file) = (dir.path().join("relay"), dir.path().join("backup"));
    let first = relay(&home, 0).await;
    let port = first.addresses()[0].port();
    let [mut ann, mut bob, mut eve] = three(dir.path(), &first).await;
    ann.say(ROOM, "", "heard by all").await;
    eve.hears("heard by all").await;
    eve.runtime.shutdown().await;
    first.shutdown().await;
    back_up(&home, &file).await;
    let second = relay(&home, port).await;
    bob.say(ROOM, "", "m3").await;
    ann.hears("m3").await;
    for text in ["m4", "m5", "m6"] {
        ann.say(ROOM, "", text).await;
        bob.hears(text).await;
    }
    second.shutdown().await;
    backup::restore(&file, &home, true, 0).unwrap();

    let third = relay(&home, port).await;
    for person in [&mut ann, &mut bob] {
        told(person).await;
        person.runtime.tell(ROOM, Command::Accept).await.unwrap();
    }
    for text in ["n1", "n2"] {
        ann.say(ROOM, "", text).await;
        bob.hears(text).await;
    }
    let mut eve = Person::enter(dir.path(), "eve", &third, Past::Nothing).await;
    let mut notices = Vec::new();
    let mut see = |event: Event, text: Option<&str>| match event {
        Event::Room { event: RoomEvent::Notice { notice, .. }, .. } => {
            notices.push(notice.clone());
            text.is_none().then_some(())
        }
        Event::Room { event: RoomEvent::Engine(engine::Event::Accepted), .. } => panic!("there was nothing"),
        Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. } => {
            (text == Some(&*message.text)).then_some(())
        }
        _ => None,
    };
    eve.until(|event| see(event, Some("n2"))).await;
    eve.runtime.tell(ROOM, Command::Accept).await.unwrap();
    eve.until(|event| see(event, None)).await;
    ann.say(ROOM, "", "n3").await;
    eve.until(|event| see(event, Some("n3"))).await;
    let lost = Problem::LostAtRestore { from: "ann".to_owned(), missing: 3 };
    assert_eq!(notices, [Notice::Problem(lost), Notice::Problem(Problem::NothingToAccept)]);
}

/// Everybody is told, agrees, and hears everybody.
async fn all_go_on(people: &mut [Person], label: &str) {
    for person in people.iter_mut() {
        told(person).await;
    }
    for person in people.iter() {
        person.runtime.tell(ROOM, Command::Accept).await.unwrap();
    }
    for speaker in 0..people.len() {
        let text = format!("{label} {speaker}");
        people[speaker].say(ROOM, "", &text).await;
        for (_, hearer) in people.iter_mut().enumerate().filter(|(hearer, _)| *hearer != speaker) {
            hearer.hears(&text).await;
        }
    }
}

/// Ann's room with bob and eve, in which a line was said.
async fn three(dir: &Path, relay: &Relay) -> [Person; 3] {
    let mut ann = Person::enter(dir, "ann", relay, Past::Nothing).await;
    let mut bob = Person::enter(dir, "bob", relay, Past::Nothing).await;
    let mut eve = Person::enter(dir, "eve", relay, Past::Nothing).await;
    ann.runtime.create_own(ROOM).await.unwrap();
    for (person, members) in [(&mut bob, 2), (&mut eve, 3)] {
        person.runtime.join(&ann.link(ROOM).await).await.unwrap();
        person.joined().await;
        ann.is_among(members).await;
    }
    bob.say(ROOM, "", "before the backup").await;
    ann.hears("before the backup").await;
    eve.hears("before the backup").await;
    [ann, bob, eve]
}

/// Until somebody has another name in everybody's group.
async fn is_called(person: &mut Person, name: &str) {
    person
        .until(|event| match event {
            // Whoever has just started may take the commit before it is in the room again.
            Event::Room {
                event:
                    RoomEvent::Engine(shared::room::Event::Epoch(view) | shared::room::Event::Joined(view)),
                ..
            } => view.members.iter().any(|member| member.person.name == name).then_some(()),
            _ => None,
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_goes_on_after_a_restored_relay_lost_a_commit_that_all_had_taken() {
    let dir = TempDir::new().unwrap();
    let (home, file) = (dir.path().join("relay"), dir.path().join("backup"));
    let first = relay(&home, 0).await;
    let port = first.addresses()[0].port();
    let [mut ann, mut bob, mut eve] = three(dir.path(), &first).await;
    first.shutdown().await;
    back_up(&home, &file).await;

    let second = relay(&home, port).await;
    ann.runtime.tell(ROOM, Command::Rename("anna".to_owned())).await.unwrap();
    is_called(&mut bob, "anna").await;
    is_called(&mut eve, "anna").await;
    eve.say(ROOM, "", "in the epoch that is lost").await;
    ann.hears("in the epoch that is lost").await;
    bob.hears("in the epoch that is lost").await;
    second.shutdown().await;
    backup::restore(&file, &home, true, 0).unwrap();

    let _third = relay(&home, port).await;
    let mut people = [ann, bob, eve];
    all_go_on(&mut people, "on the new log").await;
    let [ann, bob, _] = &mut people;
    ann.runtime.tell(ROOM, Command::Rename("ann".to_owned())).await.unwrap();
    is_called(bob, "ann").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_goes_on_after_a_restored_relay_lost_a_commit_that_one_had_taken() {
    let dir = TempDir::new().unwrap();
    let (home, file) = (dir.path().join("relay"), dir.path().join("backup"));
    let first = relay(&home, 0).await;
    let port = first.addresses()[0].port();
    let [mut ann, mut bob, mut eve] = three(dir.path(), &first).await;
    // A commit of ann's takes the newcomers in for good, and what they say then is their word for it.
    ann.runtime.tell(ROOM, Command::Rename("an".to_owned())).await.unwrap();
    is_called(&mut bob, "an").await;
    is_called(&mut eve, "an").await;
    bob.say(ROOM, "", "the last line of the backup").await;
    ann.hears("the last line of the backup").await;
    bob.runtime.shutdown().await;
    eve.runtime.shutdown().await;
    first.shutdown().await;
    back_up(&home, &file).await;

    let second = relay(&home, port).await;
    ann.runtime.tell(ROOM, Command::Rename("anna".to_owned())).await.unwrap();
    is_called(&mut ann, "anna").await;
    second.shutdown().await;
    backup::restore(&file, &home, true, 0).unwrap();

    // Who saw nothing of what is lost is asked nothing.
    let third = relay(&home, port).await;
    let mut bob = Person::enter(dir.path(), "bob", &third, Past::Nothing).await;
    let mut eve = Person::enter(dir.path(), "eve", &third, Past::Nothing).await;
    told(&mut ann).await;
    ann.runtime.tell(ROOM, Command::Accept).await.unwrap();
    bob.say(ROOM, "", "still here").await;
    ann.hears("still here").await;
    eve.hears("still here").await;
    ann.say(ROOM, "", "as before").await;
    bob.hears("as before").await;
    eve.hears("as before").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn device_with_a_change_that_a_restored_relay_lost_says_that_it_is_out_and_comes_back() {
    let dir = TempDir::new().unwrap();
    let (home, file) = (dir.path().join("relay"), dir.path().join("backup"));
    let first = relay(&home, 0).await;
    let port = first.addresses()[0].port();
    let [mut ann, mut bob, mut eve] = three(dir.path(), &first).await;
    let mut dan = Person::enter(dir.path(), "dan", &first, Past::Nothing).await;
    dan.runtime.join(&ann.link(ROOM).await).await.unwrap();
    dan.joined().await;
    ann.is_among(4).await;
    ann.runtime.tell(ROOM, Command::Rename("an".to_owned())).await.unwrap();
    for person in [&mut bob, &mut eve, &mut dan] {
        is_called(person, "an").await;
    }
    bob.say(ROOM, "", "the last line of the backup").await;
    for person in [&mut ann, &mut eve, &mut dan] {
        person.hears("the last line of the backup").await;
    }
    // Eve and dan see nothing of what is lost.
    eve.runtime.shutdown().await;
    dan.runtime.shutdown().await;
    first.shutdown().await;
    back_up(&home, &file).await;

    let second = relay(&home, port).await;
    ann.runtime.tell(ROOM, Command::Rename("anna".to_owned())).await.unwrap();
    is_called(&mut bob, "anna").await;
    bob.say(ROOM, "", "it is confirmed").await;
    ann.hears("it is confirmed").await;
    ann.runtime.shutdown().await;
    bob.runtime.shutdown().await;
    second.shutdown().await;
    backup::restore(&file, &home, true, 0).unwrap();

    // They go on with another change in its place, and have it confirmed.
    let third = relay(&home, port).await;
    let mut eve = Person::enter(dir.path(), "eve", &third, Past::Nothing).await;
    let mut dan = Person::enter(dir.path(), "dan", &third, Past::Nothing).await;
    eve.runtime.tell(ROOM, Command::Rename("eva".to_owned())).await.unwrap();
    is_called(&mut dan, "eva").await;
    dan.say(ROOM, "", "in its place").await;
    eve.hears("in its place").await;

    let mut ann = Person::enter(dir.path(), "ann", &third, Past::Nothing).await;
    ann.told("relay_restored").await;
    ann.runtime.tell(ROOM, Command::Accept).await.unwrap();
    ann.told("out").await;
    ann.say(ROOM, "", "waits until then").await;
    ann.told("back").await;
    eve.hears("waits until then").await;
    dan.hears("waits until then").await;
    dan.say(ROOM, "", "welcome back").await;
    ann.hears("welcome back").await;
}
