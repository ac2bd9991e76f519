//! Rooms that a relay's operator freezes and drops, with both real programs from end to end.

use std::{path::Path, process::Output};

use integration_tests::{
    group::{ROOM, agree, found},
    output::failed,
    relay::{self, Relay},
    schat::{self, Schat, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The operator's command, which must succeed, and what it prints.
fn operator(relay: &Relay, arguments: &[&str]) -> String {
    let output = relay::command(relay.dir()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The id of the only room.
fn id(relay: &Relay) -> String {
    let listed: Value = serde_json::from_str(&operator(relay, &["rooms", "--json"])).unwrap();
    listed["id"].as_str().unwrap().to_owned()
}

/// The next error of this code.
fn told(person: &mut Schat, mark: usize, code: &str) -> String {
    let error = person.wait_after(mark, code, |event| event["event"] == "error" && event["code"] == code);
    format!("{} {}", error["message"].as_str().unwrap(), error["remedy"].as_str().unwrap())
}

fn says(dir: &Path, name: &str, arguments: &[&str]) -> Output {
    run(schat::command(dir, name).args(arguments), b"")
}

#[test]
fn frozen_room_says_why_and_what_was_said_meanwhile_is_sent_when_it_goes_on() {
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"));
    let (mut people, link) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let id = id(&relay);
    people[0].say(ROOM, "before", "0");
    people[1].hears("before");
    let marks: Vec<_> = people.iter_mut().map(Schat::mark).collect();
    operator(&relay, &["freeze", &id[..16], "--reason", "a court asked for it, until Friday"]);
    for (person, mark) in people.iter_mut().zip(&marks) {
        let said = told(person, *mark, "frozen");
        let expected = "The relay's operator froze this room: “a court asked for it, until Friday”.";
        assert!(said.starts_with(expected), "{said}");
    }
    people[0].say(ROOM, "meanwhile from ann", "1");
    people[1].say(ROOM, "meanwhile from bob", "2");
    people.iter_mut().for_each(Schat::settle);

    // A command that is run beside waits in vain, says why, and the message is kept.
    let ended = people.remove(1).quit();
    assert_eq!(ended.code, Some(3), "messages are still under way");
    let send = says(dir.path(), "bob", &["send", ROOM, "and this", "--timeout", "3"]);
    failed(&send, 3, &["froze this room: “a court asked for it, until Friday”"]);
    // Nobody comes in by a link either.
    let mut eve = Schat::start(dir.path(), "eve", &relay.address);
    eve.tell(json!({"cmd": "join", "link": link}));
    assert!(told(&mut eve, 0, "frozen").contains("until Friday”. Nobody comes in meanwhile."));

    // It lasts longer than the relay's process.
    relay.terminate();
    relay.restart();
    let mut bob = Schat::start(dir.path(), "bob", &relay.address);
    told(&mut bob, 0, "frozen");
    let rooms = operator(&relay, &["rooms"]);
    assert!(rooms.contains(": a court asked for it, until Friday\n"), "{rooms}");
    let entries = |relay: &Relay| {
        let row: Value = serde_json::from_str(&operator(relay, &["rooms", "--json"])).unwrap();
        row["entries"].as_u64().unwrap()
    };
    let before = entries(&relay);

    operator(&relay, &["thaw", &id[..16]]);
    people.push(bob);
    for person in &mut people {
        for text in ["meanwhile from ann", "meanwhile from bob", "and this"] {
            person.hears(text);
        }
        told(person, 0, "thawed");
    }
    assert!(entries(&relay) >= before + 3);
    eve.tell(json!({"cmd": "join", "link": link}));
    eve.event("joined");
    people.push(eve);
    agree(&mut people, 3);
    assert!(people.iter_mut().all(|person| person.alarms().is_empty()));
}

#[test]
fn dropped_room_becomes_an_archive_that_says_why() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    people[0].say(ROOM, "to be kept", "0");
    people[1].hears("to be kept");
    operator(&relay, &["drop-room", &id(&relay), "--reason", "spam", "--yes"]);
    let sentence = "The relay's operator dropped this room: “spam”";
    for person in &mut people {
        let closed = person.event("closed");
        assert!(closed["reason"].as_str().unwrap().starts_with(sentence), "{closed}");
        assert_eq!(closed["was_member"], true);
    }
    drop(people);

    let rooms: Value = serde_json::from_slice(&says(dir.path(), "bob", &["rooms", "--json"]).stdout).unwrap();
    assert!(rooms["rooms"][0]["closed"].as_str().unwrap().starts_with(sentence), "{rooms}");
    let export = says(dir.path(), "bob", &["export", ROOM]);
    assert!(String::from_utf8(export.stdout).unwrap().contains("to be kept"));
    failed(&says(dir.path(), "bob", &["send", ROOM, "anybody?"]), 5, &[sentence]);
}

#[test]
fn founder_who_is_alone_does_not_bring_back_what_the_operator_dropped() {
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    people[0].say(ROOM, "a note", "0");
    people[0].sent("0");
    drop(people);
    operator(&relay, &["drop-room", &id(&relay), "--reason", "not here", "--yes"]);
    relay.terminate();
    relay.restart();
    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    let closed = ann.event("closed");
    assert!(closed["reason"].as_str().unwrap().contains("dropped this room: “not here”"), "{closed}");
    drop(ann);
    assert_eq!(operator(&relay, &["rooms", "--json"]), "", "and it is not there again");
    // Others are opened as ever.
    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    ann.tell(json!({"cmd": "create", "room": "another"}));
    ann.wait("another", |event| event["event"] == "joined" && event["room"] == "another");
}

#[test]
fn opener_who_is_frozen_opens_no_room_and_is_told_why() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    let top: Value = serde_json::from_str(&operator(&relay, &["top", "--json"])).unwrap();
    let opener = top["openers"][0]["id"].as_str().unwrap();
    operator(&relay, &["freeze", "--opener", opener, "--reason", "too many rooms"]);
    let ann = &mut people[0];
    told(ann, 0, "frozen");
    let mark = ann.mark();
    ann.tell(json!({"cmd": "create", "room": "more"}));
    let said = told(ann, mark, "opener_frozen");
    assert!(said.contains("open no rooms: “too many rooms”"), "{said}");
    let closed = ann.wait_after(mark, "closed", |event| event["event"] == "closed");
    assert_eq!((&closed["room"], &closed["was_member"]), (&json!("more"), &json!(false)));
    operator(&relay, &["thaw", "--opener", opener]);
    told(ann, mark, "thawed");
    ann.tell(json!({"cmd": "create", "room": "third"}));
    ann.wait("third", |event| event["event"] == "joined" && event["room"] == "third");
}
