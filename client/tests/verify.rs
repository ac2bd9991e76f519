//! Marks and the alarms that follow from them, against a real relay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use client::{
    runtime::{Event, Namesake, Past, RoomEvent},
    store::Notice,
};
use shared::room::{self as engine, AlarmKind, Command};
use support::{Person, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

/// Who somebody is in the room.
fn who(person: &Person) -> engine::Person {
    let (name, fingerprint) = person.runtime.me();
    engine::Person { name, fingerprint }
}

async fn alarm(person: &mut Person) -> (AlarmKind, String) {
    person
        .until(|event| match event {
            Event::Room { event: RoomEvent::Notice { notice: Notice::Alarm(alarm), .. }, .. } => {
                Some((alarm.kind(), client::faces::words::alarm(&alarm)))
            }
            _ => None,
        })
        .await
}

async fn room(dir: &TempDir, relay: &relay::Relay) -> (Person, Person) {
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
async fn mark_is_kept_and_makes_the_room_verified_until_it_is_taken_back() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (ann, bob) = room(&dir, &relay).await;
    let (me, him) = (who(&ann), who(&bob));

    let unseen = ann.runtime.verify(&him).await.unwrap_err();
    assert_eq!(unseen.code(), "not_compared", "a number that nobody has seen was compared by nobody");
    assert_eq!(ann.runtime.compare(&him.fingerprint), bob.runtime.compare(&me.fingerprint));
    assert!(!ann.runtime.is_verified(&him.fingerprint) && !ann.runtime.room(ROOM).unwrap().is_verified);
    ann.runtime.verify(&him).await.unwrap();
    assert!(ann.runtime.is_verified(&him.fingerprint) && ann.runtime.room(ROOM).unwrap().is_verified);
    assert_eq!(ann.runtime.mark(&me, true).await.unwrap_err().code(), "usage", "that is ourselves");
    ann.runtime.shutdown().await;

    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.joined().await;
    assert!(ann.runtime.room(ROOM).unwrap().is_verified);
    let known = ann.runtime.person(&him.fingerprint).await.unwrap().unwrap();
    assert_eq!(known.names, ["bob"]);
    ann.runtime.mark(&him, false).await.unwrap();
    assert!(!ann.runtime.is_verified(&him.fingerprint) && !ann.runtime.room(ROOM).unwrap().is_verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn stranger_and_impostor_are_alarms_that_outlive_a_restart() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = room(&dir, &relay).await;
    let him = who(&bob);
    ann.runtime.mark(&him, true).await.unwrap();

    // By a link of bob's, under bob's name.
    let link = bob.link(ROOM).await;
    let profile = dir.path().join("eve");
    let mut eve = Person::enter(&profile, "bob", &relay, Past::Nothing).await;
    eve.runtime.join(&link).await.unwrap();
    eve.joined().await;
    let key = eve.runtime.me().1.to_string();
    let (kind, text) = alarm(&mut ann).await;
    assert_eq!(kind, AlarmKind::Stranger, "{text}");
    assert!(text.contains(&key) && text.contains("\"bob\" (") && text.contains(&him.fingerprint.to_string()));
    let (kind, text) = alarm(&mut ann).await;
    assert_eq!(kind, AlarmKind::Impostor, "{text}");
    assert!(text.contains(&key) && text.contains(&him.fingerprint.to_string()) && text.contains("VERIFIED"));

    // Nobody said that they were shown.
    ann.runtime.shutdown().await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    let mut again = Vec::new();
    ann.until(|event| {
        if let Event::Room {
            event: RoomEvent::Notice { notice: Notice::Alarm(alarm), again: true, .. },
            ..
        } = event
        {
            again.push(alarm.kind());
        }
        (again.len() == 2).then_some(())
    })
    .await;
    assert_eq!(again, [AlarmKind::Stranger, AlarmKind::Impostor]);

    // And by another name, and then by renaming.
    eve.runtime.tell(ROOM, Command::Rename("eve".to_owned())).await.unwrap();
    let renamed = |event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::ProfileChanged { who, was }), .. } => {
            Some((who, was))
        }
        _ => None,
    };
    let (who, was) = ann.until(renamed).await;
    assert_eq!((who.name.as_str(), was.as_str()), ("eve", "bob"));
    eve.runtime.tell(ROOM, Command::Rename("\u{410}nn".to_owned())).await.unwrap();
    let (kind, text) = alarm(&mut ann).await;
    assert_eq!(kind, AlarmKind::Impostor, "{text}");
    assert!(text.contains("YOUR name"), "{text}");
}

/// Who has whose name, as somebody is told; an alarm or an error before that is too much.
async fn namesake(person: &mut Person) -> Namesake {
    person
        .until(|event| match event {
            Event::Room { event: RoomEvent::Notice { notice, .. }, .. } => panic!("{notice:?}"),
            Event::Room { event: RoomEvent::Namesake(namesake), .. } => Some(namesake),
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_never_chose_a_name_are_no_alarm_to_each_other() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let mut one = Person::enter(&dir.path().join("one"), "guest", &relay, Past::Nothing).await;
    let mut other = Person::enter(&dir.path().join("other"), "guest", &relay, Past::Nothing).await;
    one.runtime.create_own(ROOM).await.unwrap();
    let link = one.link(ROOM).await;
    other.runtime.join(&link).await.unwrap();
    let (first, second) = (who(&one), who(&other));
    let told = namesake(&mut one).await;
    assert_eq!(told, Namesake { who: second.clone(), owner: first.clone(), is_me: true });
    let told = namesake(&mut other).await;
    assert_eq!(told, Namesake { who: first, owner: second, is_me: true });
    one.say(ROOM, "1", "hello").await;
    other.hears("hello").await;
}

/// `schat verify` on a profile that nobody else has.
fn program(dir: &TempDir, arguments: &[&str]) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_schat"))
        .env_clear()
        .env("SCHAT_PROFILE", dir.path().join("ann"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn program_without_a_relay_shows_the_same_number_and_marks_no_mere_name() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (ann, bob) = room(&dir, &relay).await;
    let him = who(&bob);
    let number = bob.runtime.compare(&ann.runtime.me().1);
    ann.runtime.shutdown().await;
    bob.runtime.shutdown().await;
    relay.shutdown().await;

    let shown = program(&dir, &["verify", ROOM, "bob"]);
    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    let shown = text(&shown.stdout);
    assert!(shown.contains(&number.digits()), "{shown}");
    let key = him.fingerprint.to_string();
    let command = ["verify", ROOM, &key, "--yes"];
    assert!(shown.contains(&format!("schat {}", command.join(" "))), "{shown}");

    let named = program(&dir, &["verify", ROOM, "bob", "--yes"]);
    assert_eq!(named.status.code(), Some(2), "{named:?}");
    assert!(text(&named.stderr).contains(&command.join(" ")));
    let verified = |output: std::process::Output| {
        let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&line["event"], &line["room"]), (&"safety".into(), &ROOM.into()));
        assert_eq!(line["digits"], number.digits());
        assert_eq!(line["member"]["fingerprint"], key.as_str());
        line["verified"].as_bool().unwrap()
    };
    assert!(!verified(program(&dir, &["--json", "verify", ROOM, "bob"])));
    assert!(verified(program(&dir, &[&["--json"], command.as_slice()].concat())));
    assert!(text(&program(&dir, &["verify", ROOM, "bob"]).stdout).contains("verified already"));
    assert!(!verified(program(&dir, &["--json", "verify", ROOM, "bob", "--undo"])));
    assert!(!verified(program(&dir, &["--json", "verify", ROOM, "bob"])), "it is stored");

    for (arguments, code) in [
        (["verify", ROOM, "ann"].as_slice(), 2),
        (&["verify", ROOM, "carol"], 5),
        (&["verify", "nowhere", "bob"], 5),
        (&["verify", ROOM, "bob", "--yes", "--undo"], 2),
    ] {
        let output = program(&dir, arguments);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(code), String::new()), "{output:?}");
    }
}
