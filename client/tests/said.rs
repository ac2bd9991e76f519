//! Replies, edits, reactions, marks, typing, disappearing lines and a shared past: real people at a real relay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use client::{
    runtime::{Event, Past, RoomEvent},
    store::Query,
};
use shared::{
    message::timeline::Line,
    room::{self as engine, Alteration, Command, MessageBody, MessageId, Policy},
};
use support::{Person, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

/// Ann made a room with this policy, bob is in.
async fn pair(dir: &TempDir, relay: &relay::Relay, policy: Policy) -> (Person, Person) {
    let ann = Person::enter(dir.path(), "ann", relay, Past::Nothing).await;
    let bob = Person::enter(dir.path(), "bob", relay, Past::Nothing).await;
    ann.runtime.create(ROOM, None, policy).await.unwrap();
    let mut pair = (ann, bob);
    let link = pair.0.link(ROOM).await;
    pair.1.runtime.join(&link).await.unwrap();
    pair.1.joined().await;
    pair.0.is_among(2).await;
    pair
}

async fn say(person: &Person, said: MessageBody) {
    person.runtime.tell(ROOM, Command::Say { token: String::new(), body: said }).await.unwrap();
}

async fn act(person: &Person, target: MessageId, change: Alteration) {
    say(person, MessageBody::Act { target, change }).await;
}

/// The line as it is once somebody changed it.
async fn changed(person: &mut Person) -> Line {
    person
        .until(|event| match event {
            Event::Room { event: RoomEvent::Changed { line, .. }, .. } => Some(line),
            _ => None,
        })
        .await
}

async fn found(person: &Person, words: &str) -> Vec<String> {
    let hits = person.runtime.search(None, &Query::new(words, None), 10).await.unwrap();
    hits.into_iter().map(|hit| hit.line.message.text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_answered_edited_signed_and_deleted() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay, Policy::default()).await;
    ann.say(ROOM, "", "lunch at noon?").await;
    let line = bob.hears("lunch at noon?").await;
    say(&bob, MessageBody::Text { text: "yes".to_owned(), reply_to: Some(line.id), file: None }).await;
    let answer = ann.hears("yes").await;
    assert_eq!(answer.reply_to, Some(line.id));
    let answered = ann.runtime.line(ROOM, line.id).await.unwrap().unwrap();
    assert_eq!(answered.message.text, "lunch at noon?");

    act(&ann, line.id, Alteration::Edit("lunch at one?".to_owned())).await;
    let edited = changed(&mut bob).await;
    assert_eq!(edited.message.text, "lunch at one?");
    assert_eq!(found(&bob, "LUNCH one").await, ["lunch at one?"]);
    assert_eq!(found(&bob, "noon").await, [""; 0]);

    act(&bob, line.id, Alteration::React { emoji: "👍".to_owned(), withdrawn: false }).await;
    changed(&mut ann).await;
    let signed = changed(&mut ann).await;
    assert_eq!(signed.reactions[0].people[0].name, "bob");

    act(&ann, line.id, Alteration::Delete).await;
    changed(&mut bob).await;
    assert!(changed(&mut bob).await.deleted);
    assert_eq!(found(&bob, "lunch").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_line_is_not_changed_and_the_attempt_is_told() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay, Policy::default()).await;
    ann.say(ROOM, "", "I said this").await;
    let line = bob.hears("I said this").await;
    for change in [Alteration::Edit("I never said this".to_owned()), Alteration::Delete] {
        act(&bob, line.id, change).await;
        let told = ann.until(|event| match event {
            Event::Room { event: RoomEvent::Notice { notice, .. }, .. } => {
                Some(client::failure::Failure::from(&notice))
            }
            Event::Room { event: RoomEvent::Changed { line, .. }, .. } => panic!("changed to {line:?}"),
            _ => None,
        });
        let told = told.await;
        assert_eq!(told.code, "forged");
        assert!(told.message.starts_with("bob tried to change a message of somebody else"), "{told}");
    }
    let stored = ann.runtime.line(ROOM, line.id).await.unwrap().unwrap();
    assert_eq!((stored.message.text.as_str(), stored.edited, stored.deleted), ("I said this", None, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_and_read_marks_come_through_the_relay() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay, Policy::default()).await;
    ann.say(ROOM, "", "are you there?").await;
    let line = bob.hears("are you there?").await;
    bob.runtime.tell(ROOM, Command::Typing { stopped: false }).await.unwrap();
    let typing = |event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::Typing { who, stopped }), .. } => {
            Some((who.name, stopped))
        }
        _ => None,
    };
    assert_eq!(ann.until(typing).await, ("bob".to_owned(), false));
    say(&bob, MessageBody::Seen(line.seq)).await;
    let seen = |event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::Seen { who, seq, .. }), .. } => {
            Some((who.name, seq))
        }
        _ => None,
    };
    assert_eq!(ann.until(seen).await, ("bob".to_owned(), line.seq));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_disappear_everywhere_also_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay, Policy { disappear_s: 1, ..Policy::default() }).await;
    ann.say(ROOM, "", "gone in a second").await;
    let line = bob.hears("gone in a second").await;
    let gone = |event| match event {
        Event::Room { event: RoomEvent::Gone(seqs), .. } => Some(seqs),
        _ => None,
    };
    assert_eq!(ann.until(gone).await, [line.seq]);
    assert_eq!(bob.until(gone).await, [line.seq]);
    assert_eq!(found(&ann, "gone").await, [""; 0]);

    // What comes in while nobody looks is not kept either: bob reads it when its time is over.
    bob.runtime.shutdown().await;
    ann.say(ROOM, "", "gone before you came").await;
    ann.hears("gone before you came").await;
    ann.until(gone).await;
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.joined().await;
    assert_eq!(bob.runtime.history(ROOM, 0, 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn newcomer_is_handed_the_past_where_the_room_shares_it() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay, Policy { past_lines: 2, ..Policy::default() }).await;
    for text in ["one", "two", "three"] {
        ann.say(ROOM, "", text).await;
        bob.hears(text).await;
    }
    act(
        &ann,
        bob.runtime.history(ROOM, 0, 10).await.unwrap()[2].message.id,
        Alteration::Edit("3".to_owned()),
    )
    .await;
    changed(&mut bob).await;
    let mut eve = Person::enter(dir.path(), "eve", &relay, Past::Nothing).await;
    eve.runtime.join(&ann.link(ROOM).await).await.unwrap();
    let handed = |event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::Handed { lines, .. }), .. } => Some(lines),
        _ => None,
    };
    eve.until(handed).await;
    let lines = eve.runtime.history(ROOM, 0, 10).await.unwrap();
    let texts: Vec<_> = lines.iter().map(|line| line.message.text.as_str()).collect();
    assert_eq!(texts, ["two", "3"]);
    assert!(lines.iter().all(|line| line.handed_by.is_some() && line.message.from.name == "ann"));
    // They are where they were, so what is said now comes after them.
    ann.say(ROOM, "", "welcome").await;
    let now = eve.hears("welcome").await;
    assert!(lines.iter().all(|line| line.message.seq < now.seq));
}

#[tokio::test(flavor = "multi_thread")]
async fn draft_outlives_the_program_and_its_room_does_not_leave_one() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (ann, _bob) = pair(&dir, &relay, Policy::default()).await;
    ann.runtime.set_draft(ROOM, "half a sent").await.unwrap();
    ann.runtime.shutdown().await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    let draft = ann.runtime.draft(ROOM).await.unwrap();
    assert_eq!(draft.as_deref().map(String::as_str), Some("half a sent"));
    ann.runtime.set_draft(ROOM, "").await.unwrap();
    assert_eq!(ann.runtime.draft(ROOM).await.unwrap(), None);
    ann.joined().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_sign_are_told_and_kept_for_rooms_to_come() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (ann, mut bob) = pair(&dir, &relay, Policy::default()).await;
    ann.runtime.describe("on the train", "🚆").await.unwrap();
    let changed = |event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::Epoch(view)), .. } => {
            let ann = view.members.into_iter().find(|member| member.person.name == "ann")?;
            (!ann.status.is_empty()).then_some((ann.status, ann.glyph))
        }
        _ => None,
    };
    assert_eq!(bob.until(changed).await, ("on the train".to_owned(), "🚆".to_owned()));
    ann.runtime.shutdown().await;
    let ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    assert_eq!(ann.runtime.description(), ("on the train".to_owned(), "🚆".to_owned()));
    assert!(ann.runtime.describe(&"x".repeat(65), "").await.is_err());
}
