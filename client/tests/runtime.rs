//! The runtime against a real relay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use client::{
    failure::Exit,
    runtime::{Event, Past, RelayState, RoomEvent},
};
use shared::{
    invite::InviteSecret,
    message::timeline::Line,
    room::{self as engine, Command, Policy},
};
use support::{Person, address, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

async fn pair(dir: &TempDir, relay: &relay::Relay) -> (Person, Person) {
    let mut ann = Person::enter(dir.path(), "ann", relay, Past::Nothing).await;
    let mut bob = Person::enter(dir.path(), "bob", relay, Past::Nothing).await;
    ann.runtime.create_own(ROOM).await.unwrap();
    let link = ann.link(ROOM).await;
    bob.runtime.join(&link).await.unwrap();
    bob.joined().await;
    ann.is_among(2).await;
    (ann, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn change_of_network_in_mid_chat_loses_no_message_and_no_connection() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    for round in 0..3 {
        bob.runtime.rebind().unwrap();
        let text = format!("from bob, {round}");
        bob.say(ROOM, "", &text).await;
        ann.hears(&text).await;
        let text = format!("from ann, {round}");
        ann.say(ROOM, "", &text).await;
        bob.until(|event| match event {
            Event::Relay { state: RelayState::Lost { reason, .. }, .. } => panic!("not migrated: {reason}"),
            Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. }
                if message.text == text =>
            {
                Some(())
            }
            _ => None,
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_of_the_relay_loses_nothing_that_was_said_meanwhile() {
    let dir = TempDir::new().unwrap();
    let home = dir.path().join("relay");
    let first = relay(&home, 0).await;
    let port = first.addresses()[0].port();
    let (mut ann, mut bob) = pair(&dir, &first).await;
    first.shutdown().await;
    let retry = ann
        .until(|event| match event {
            Event::Relay { state: RelayState::Lost { retry, .. }, .. } => Some(retry),
            _ => None,
        })
        .await;
    assert!(retry.is_some());
    ann.say(ROOM, "t1", "said while the relay was away").await;

    let _second = relay(&home, port).await;
    ann.sent("t1").await;
    bob.hears("said while the relay was away").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn message_said_before_a_crash_is_sent_after_it_once() {
    let dir = TempDir::new().unwrap();
    let home = dir.path().join("relay");
    let first = relay(&home, 0).await;
    let port = first.addresses()[0].port();
    let (mut ann, mut bob) = pair(&dir, &first).await;
    first.shutdown().await;
    ann.until(|event| matches!(event, Event::Relay { state: RelayState::Lost { .. }, .. }).then_some(()))
        .await;
    ann.say(ROOM, "t1", "said before the crash").await;
    ann.runtime.shutdown().await;

    let second = relay(&home, port).await;
    let mut ann = Person::enter(dir.path(), "ann", &second, Past::Nothing).await;
    ann.sent("t1").await;
    ann.say(ROOM, "t2", "and after").await;
    let once = bob.hears("said before the crash").await;
    assert_eq!(bob.hears("and after").await.seq, once.seq + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unacknowledged_messages_are_delivered_again_and_acknowledged_ones_are_not() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (ann, mut bob) = pair(&dir, &relay).await;
    for text in ["one", "two", "three"] {
        ann.say(ROOM, "", text).await;
    }
    let one = bob.hears("one").await;
    bob.hears("three").await;
    bob.runtime.ack(ROOM, one.seq).await.unwrap();
    bob.runtime.shutdown().await;

    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Unacknowledged).await;
    let mut past = Vec::new();
    bob.until(|event| match event {
        Event::Room { event: RoomEvent::Past(Line { message, .. }), .. } => {
            past.push(message.text);
            (past.len() == 2).then_some(())
        }
        Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. } => {
            panic!("{} came twice", message.text)
        }
        _ => None,
    })
    .await;
    assert_eq!(past, ["two", "three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_in_a_room_that_was_left_stays_until_somebody_forgets_it() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    ann.say(ROOM, "", "before").await;
    bob.hears("before").await;
    assert_eq!(bob.runtime.forget(ROOM).await.unwrap_err().code(), "still_in");
    bob.runtime.tell(ROOM, Command::Leave).await.unwrap();
    let closed = |event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::Closed { was_member, .. }), .. } => {
            Some(was_member)
        }
        _ => None,
    };
    assert!(bob.until(closed).await);
    ann.until(|event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::MemberLeft { .. }), .. } => Some(()),
        _ => None,
    })
    .await;
    bob.runtime.shutdown().await;
    let bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    let rooms = bob.runtime.rooms();
    assert!(rooms.len() == 1 && rooms[0].is_left() && rooms[0].view.is_none(), "{rooms:?}");
    let texts =
        |lines: Vec<Line>| -> Vec<String> { lines.into_iter().map(|line| line.message.text).collect() };
    assert_eq!(texts(bob.runtime.history(ROOM, 0, 10).await.unwrap()), ["before"]);
    bob.runtime.forget(ROOM).await.unwrap();
    assert!(bob.runtime.rooms().is_empty());
    assert_eq!(bob.runtime.forget(ROOM).await.unwrap_err().exit(), Exit::NotFound);
    bob.runtime.shutdown().await;
    let bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    assert!(bob.runtime.rooms().is_empty() && bob.runtime.history(ROOM, 0, 10).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_was_left_makes_way_for_another_of_its_name() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (ann, mut bob) = pair(&dir, &relay).await;
    ann.say(ROOM, "", "before").await;
    bob.hears("before").await;
    bob.runtime.tell(ROOM, Command::Leave).await.unwrap();
    bob.until(|event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::Closed { .. }), .. } => Some(()),
        _ => None,
    })
    .await;
    // Whoever means the room that was private must not end up in one that everybody can read.
    let opened = bob.runtime.open(ROOM, Some(address(&relay))).await.unwrap_err();
    assert_eq!((opened.code(), opened.exit()), ("left_private", Exit::Refused));
    assert_eq!(bob.runtime.create(ROOM, Some(address(&relay)), Policy::default()).await.unwrap(), ROOM);
    let left = format!("{ROOM} (left)");
    assert_eq!(bob.runtime.history(&left, 0, 10).await.unwrap().len(), 1);
    assert!(bob.runtime.history(ROOM, 0, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_member_keeps_the_history_and_is_not_let_in_again() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    ann.say(ROOM, "", "before").await;
    bob.hears("before").await;
    ann.hears("before").await;
    ann.runtime.tell(ROOM, Command::Remove(bob.runtime.me().1)).await.unwrap();
    bob.until(|event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::Closed { .. }), .. } => Some(()),
        _ => None,
    })
    .await;
    assert!(bob.runtime.room(ROOM).unwrap().over.is_some());
    assert_eq!(bob.runtime.history(ROOM, 0, 10).await.unwrap()[0].message.text, "before");
    let said = bob.runtime.tell(ROOM, Command::INVITE).await.unwrap_err();
    assert_eq!(said.code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn open_room_joins_strangers_of_the_name_and_says_that_it_is_open() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    ann.runtime.open("lobby", None).await.unwrap();
    assert!(ann.joined().await.open);
    bob.runtime.open("lobby", None).await.unwrap();
    let view = bob.joined().await;
    assert!(view.open && view.members.len() == 2);
    bob.say("lobby", "", "hello").await;
    ann.hears("hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_refuses_is_no_room_and_the_reason_names_the_remedy() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, _bob) = pair(&dir, &relay).await;
    let mut invite = ann.link(ROOM).await;
    invite.link.secret = InviteSecret::from_bytes([7; 20]);
    let eve = Person::enter(dir.path(), "eve", &relay, Past::Nothing).await;
    let why = eve.runtime.join(&invite).await.unwrap_err();
    assert_eq!((why.code(), why.exit()), ("closed", Exit::Refused));
    let why = client::failure::Failure::from(why);
    assert!(why.message.contains("Ask for a new one"), "the reason names the remedy: {why:?}");
    assert!(eve.runtime.rooms().is_empty(), "it is not listed");
    assert!(eve.runtime.is_empty());
}
