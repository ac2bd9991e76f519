//! What is the newest: of one's own messages, of a room's log, of what is known of its members.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use client::{
    faces::{execute::execute, lines, pending::Pending, words::ON_ITS_WAY},
    failure::Failure,
    runtime::{Event, Past, RoomEvent},
    store::Cursor,
};
use shared::room::{self as engine, Policy};
use support::{Person, address, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

/// Ann made a room, bob is in.
async fn pair(dir: &TempDir, relay: &relay::Relay) -> (Person, Person) {
    let mut ann = Person::enter(dir.path(), "ann", relay, Past::Nothing).await;
    let mut bob = Person::enter(dir.path(), "bob", relay, Past::Nothing).await;
    ann.runtime.create(ROOM, None, Policy::default()).await.unwrap();
    let link = ann.link(ROOM).await;
    bob.runtime.join(&link).await.unwrap();
    bob.joined().await;
    ann.is_among(2).await;
    (ann, bob)
}

async fn types(person: &Person, line: &str) -> Result<Vec<String>, Failure> {
    let line = lines::parse(line).unwrap();
    execute(&person.runtime, &Pending::default(), Some(ROOM), line).await.map(|done| done.notes)
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_newest_message_waits_no_older_one_is_edited_or_deleted() {
    let dir = TempDir::new().unwrap();
    let place = dir.path().join("relay");
    let gone = relay(&place, 0).await;
    let (mut ann, mut bob) = pair(&dir, &gone).await;
    let port = address(&gone).port;
    types(&ann, "the first").await.unwrap();
    let first = bob.hears("the first").await;
    ann.hears("the first").await;
    gone.shutdown().await;

    types(&ann, "the second").await.unwrap();
    for line in ["/delete", "/edit the 2nd"] {
        assert_eq!(types(&ann, line).await.unwrap_err().message, ON_ITS_WAY, "{line}");
    }
    let _back = relay(&place, port).await;
    bob.hears("the second").await;
    // What was asked for after it would have come by now, at bob before this.
    types(&ann, "the third").await.unwrap();
    bob.hears("the third").await;
    let line = bob.runtime.line(ROOM, first.id).await.unwrap().unwrap();
    assert_eq!((line.message.text.as_str(), line.edited, line.deleted), ("the first", None, false));
    ann.hears("the third").await;
    types(&ann, "/delete").await.unwrap();
    bob.until(|event| match event {
        Event::Room { event: RoomEvent::Changed { line, .. }, .. } => {
            assert!(line.deleted && line.message.text.is_empty());
            Some(())
        }
        _ => None,
    })
    .await;
    let texts = bob.runtime.history(ROOM, 0, 10).await.unwrap();
    let living: Vec<_> = texts.iter().filter(|line| !line.deleted).map(|line| &*line.message.text).collect();
    assert_eq!(living, ["the first", "the second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_here_yet_cannot_be_acknowledged_and_comes_all_the_same() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (ann, mut bob) = pair(&dir, &relay).await;
    ann.say(ROOM, "", "one").await;
    let one = bob.hears("one").await.seq;
    let named = Cursor::named(Some("mail")).unwrap();
    for cursor in [Cursor::default(), named.clone(), Cursor::read()] {
        let refused = bob.runtime.ack_at(ROOM, &cursor, 999_999).await.unwrap_err();
        let refused = Failure::from(refused);
        assert!(refused.code == "usage" && !refused.remedy.is_empty(), "{refused}");
        assert!(refused.message.contains("999999 cannot be acknowledged: the newest of team"), "{refused}");
        assert_eq!(bob.runtime.acked(ROOM, &cursor).await.unwrap(), 0);
        bob.runtime.ack_at(ROOM, &cursor, one).await.unwrap();
    }
    bob.runtime.shutdown().await;
    ann.say(ROOM, "", "two").await;
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Unacknowledged).await;
    let two = bob.hears("two").await.seq;
    assert_eq!(bob.runtime.history(ROOM, one, 10).await.unwrap().len(), 1);
    // The place of one's own is told when the relay has it, before it is read there.
    bob.say(ROOM, "t", "three").await;
    let three = bob.sent("t").await;
    assert!(three > two);
    bob.runtime.ack_at(ROOM, &named, three).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_a_first_word_is_heard_at_once() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let mut dan = Person::enter(dir.path(), "dan", &relay, Past::Nothing).await;
    dan.runtime.join(&ann.link(ROOM).await).await.unwrap();
    dan.joined().await;
    // Of the three who were here before, one may have said nothing since eve came.
    let mut eve = Person::enter(dir.path(), "eve", &relay, Past::Nothing).await;
    eve.runtime.join(&ann.link(ROOM).await).await.unwrap();
    eve.joined().await;
    for person in [&mut ann, &mut bob, &mut dan] {
        person.is_among(4).await;
    }
    for (person, text) in [(&ann, "a first word"), (&bob, "and mine"), (&dan, "and mine as well")] {
        person.say(ROOM, "", text).await;
        eve.hears(text).await;
    }
    let view = eve.runtime.room(ROOM).unwrap().view.unwrap();
    assert!(view.members.iter().all(|member| member.heard), "{:?}", view.members);
    let shown = types(&eve, "/members").await.unwrap();
    assert!(!shown.join("\n").contains("silent"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn command_that_nothing_else_tells_of_is_answered() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, _bob) = pair(&dir, &relay).await;
    let invite = hex::encode(ann.runtime.room(ROOM).unwrap().view.unwrap().invites[0].id);
    for (line, answer) in [
        ("/policy seats=3 invite=moderators", "only moderators invite, 3 devices for each person"),
        ("/moderator bob", "bob becomes a moderator"),
        (&format!("/revoke {invite}"), "/invites shows the live ones"),
    ] {
        let notes = types(&ann, line).await.unwrap();
        assert!(notes.len() == 1 && notes[0].contains(answer), "{line}: {notes:?}");
    }
    ann.until(|event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::Epoch(view)), .. } => {
            (view.seats == 3 && view.moderators_invite).then_some(())
        }
        _ => None,
    })
    .await;
}
