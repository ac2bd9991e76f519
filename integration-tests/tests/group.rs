//! Several members are one group: the same keys, the same messages, the same order.

use integration_tests::{
    count,
    group::{ROOM, agree, fingerprint, found, join, link, same_authenticators, same_order},
    relay::Relay,
    schat::Schat,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Everybody says `rounds` things at once.
fn all_talk(people: &mut [Schat], rounds: usize, from: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for round in from..from + rounds {
        for person in people.iter_mut() {
            let text = format!("{} says {round}", person.name);
            person.say(ROOM, &text, &text);
            texts.push(text);
        }
    }
    texts
}

#[test]
fn three_members_never_differ_in_keys_messages_or_order() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, link) = found(dir.path(), &relay.address, &["ann", "bob", "eve"]);
    let mut texts = all_talk(&mut people, 10, 0);
    same_order(&mut people, &texts);

    // A change while everybody talks: another name, and somebody who joins and goes.
    texts.extend(all_talk(&mut people, 5, 10));
    people[1].tell(json!({"cmd": "nick", "name": "robert"}));
    let mut guest = join(dir.path(), "guest", &relay.address, &link);
    texts.extend(all_talk(&mut people, 5, 15));
    guest.say(ROOM, "hello from a guest", "g");
    texts.push("hello from a guest".to_owned());
    guest.sent("g");
    guest.tell(json!({"cmd": "leave", "room": ROOM}));
    guest.event("closed");
    same_order(&mut people, &texts);
    for person in &mut people {
        person.event("member_left");
    }
    agree(&mut people, 3);
    for person in &mut people {
        let alarms = person.alarms();
        assert!(alarms.is_empty(), "{}: {alarms:?}", person.name);
    }
}

#[test]
fn ten_members_never_differ_in_keys_messages_or_order() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let names: Vec<String> = (0..10).map(|i| format!("member{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut people, _) = found(dir.path(), &relay.address, &names);
    let rounds = count("SCHAT_ROUNDS", 5);
    let texts = all_talk(&mut people, rounds, 0);
    let order = same_order(&mut people, &texts);
    for person in &mut people {
        for round in 0..rounds {
            let text = format!("{} says {round}", person.name);
            let heard = order.iter().find(|(_, heard)| *heard == text).unwrap();
            assert_eq!(person.sent(&text), heard.0, "the position that the sender was told");
        }
    }

    // Removing one of them changes the keys of all others.
    let (before, authenticator) = agree(&mut people, 10);
    let gone = fingerprint(&mut people[9]);
    people[0].tell(json!({"cmd": "remove", "room": ROOM, "member": gone}));
    people[9].event("closed");
    let mut removed = people.pop().unwrap();
    // Nine were here once before, on the way to ten.
    for person in &mut people {
        person.wait("the removal", |event| event["epoch"].as_u64() > Some(before));
    }
    let (after, other) = agree(&mut people, 9);
    assert!(after > before && authenticator != other);
    let more = all_talk(&mut people, 1, rounds);
    same_order(&mut people, &[texts.clone(), more].concat());
    assert_eq!(removed.heard().len(), texts.len(), "the removed member read on");
}

#[test]
fn joining_while_all_members_are_offline_works() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (people, link) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let names: Vec<String> = people.iter().map(|person| person.name.clone()).collect();
    for person in people {
        assert_eq!(person.quit().code, Some(0));
    }
    let mut eve = join(dir.path(), "eve", &relay.address, &link);
    eve.say(ROOM, "is anybody here?", "e");
    eve.sent("e");
    let mut zoe = join(dir.path(), "zoe", &relay.address, &link);
    zoe.say(ROOM, "I am", "z");
    zoe.sent("z");
    let mut people: Vec<Schat> =
        names.iter().map(|name| Schat::start(dir.path(), name, &relay.address)).collect();
    for person in &mut people {
        person.hears("is anybody here?");
        person.hears("I am");
    }
    people.extend([eve, zoe]);
    agree(&mut people, 4);
}

#[test]
fn two_clients_joining_at_the_same_instant_end_in_one_group() {
    join_at_once(2);
}

#[test]
fn eight_clients_joining_at_the_same_instant_end_in_one_group() {
    join_at_once(8);
}

fn join_at_once(count: usize) {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, link) = found(dir.path(), &relay.address, &["ann"]);
    let mut joiners: Vec<Schat> =
        (0..count).map(|i| Schat::start(dir.path(), &format!("joiner{i}"), &relay.address)).collect();
    // All are up and wait for this line.
    joiners.iter_mut().for_each(Schat::settle);
    for joiner in &mut joiners {
        joiner.tell(json!({"cmd": "join", "link": link}));
    }
    for joiner in &mut joiners {
        joiner.event("joined");
    }
    people.append(&mut joiners);
    agree(&mut people, count + 1);
    // Who joined early must not have been told of the same person twice.
    let told: Vec<&Value> = people[0].seen.iter().filter(|event| event["event"] == "member_joined").collect();
    assert_eq!(told.len(), count, "{told:?}");
    for (i, person) in people.iter_mut().enumerate() {
        person.say(ROOM, &format!("I am {i}"), "");
    }
    for person in &mut people {
        for i in 0..=count {
            person.hears(&format!("I am {i}"));
        }
    }
    same_authenticators(&mut people);
}

#[test]
fn two_clients_opening_the_same_open_room_at_the_same_instant_end_in_one_group() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let mut people: Vec<Schat> =
        ["ann", "bob"].map(|name| Schat::start(dir.path(), name, &relay.address)).into_iter().collect();
    people.iter_mut().for_each(Schat::settle);
    for person in &mut people {
        person.tell(json!({"cmd": "join", "room": "lobby"}));
    }
    agree(&mut people, 2);
    people[0].say("lobby", "hello", "");
    people[1].hears("hello");
    assert_eq!(people[1].event("joined")["open"], true);
}

#[test]
fn removed_member_is_told_so_and_can_neither_read_nor_speak_nor_come_back() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, old) = found(dir.path(), &relay.address, &["ann", "bob", "eve"]);
    let eve = fingerprint(&mut people[2]);
    people[0].tell(json!({"cmd": "remove", "room": ROOM, "member": eve}));
    let mut removed = people.pop().unwrap();
    let closed = removed.event("closed");
    assert_eq!(closed["was_member"], true);
    assert!(closed["reason"].as_str().unwrap().contains("removed"), "{closed}");
    removed.say(ROOM, "still here", "x");
    removed.wait("error", |event| event["event"] == "error" && event["id"] == "x");
    agree(&mut people, 2);
    people[0].say(ROOM, "between us", "1");
    people[1].hears("between us");

    // Not with a fresh start, and not by the old link, with the old profile or a new one.
    assert_eq!(removed.quit().code, Some(5), "what it said was refused");
    let mut removed = Schat::start(dir.path(), "eve", &relay.address);
    removed.say(ROOM, "still here", "y");
    removed.wait("error", |event| event["event"] == "error" && event["id"] == "y");
    for name in ["eve", "eve2"] {
        let mut again = if name == "eve" {
            removed.settle();
            let ended = std::mem::replace(&mut removed, Schat::start(dir.path(), "other", &relay.address));
            assert_eq!(ended.quit().code, Some(5), "what it said was refused");
            Schat::start(dir.path(), name, &relay.address)
        } else {
            Schat::start(dir.path(), name, &relay.address)
        };
        again.tell(json!({"cmd": "join", "link": old}));
        let refused =
            again.wait("the refusal", |event| event["event"] == "error" && event["code"] == "closed");
        assert!(refused["message"].as_str().unwrap().contains("new one"), "{refused}");
        assert!(again.heard().iter().all(|(_, text)| text != "between us"), "the removed member reads on");
    }
    // A new link works, for whoever is given it.
    let fresh = link(&mut people[0]);
    assert_ne!(fresh, old);
    people.push(join(dir.path(), "zoe", &relay.address, &fresh));
    agree(&mut people, 3);
    assert!(people.iter_mut().all(|person| person.heard().iter().all(|(_, text)| text != "still here")));
}
