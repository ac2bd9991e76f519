//! Several clients in one room, and what they must agree on.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use crate::schat::Schat;

/// The room of most tests.
pub const ROOM: &str = "team";

/// A room with these people, the first of whom made it; and its link.
pub fn found(dir: &Path, relay: &str, names: &[&str]) -> (Vec<Schat>, String) {
    let mut first = Schat::start(dir, names[0], relay);
    first.tell(json!({"cmd": "create", "room": ROOM}));
    first.event("joined");
    let link = link(&mut first);
    let mut people = vec![first];
    for name in &names[1..] {
        people.push(join(dir, name, relay, &link));
    }
    agree(&mut people, names.len());
    (people, link)
}

/// A link to the room.
pub fn link(of: &mut Schat) -> String {
    let mark = of.mark();
    of.tell(json!({"cmd": "invite", "room": ROOM}));
    let invite = of.wait_after(mark, "invite", |event| event["event"] == "invite");
    invite["link"].as_str().unwrap().to_owned()
}

/// Somebody new, who joined by the link.
pub fn join(dir: &Path, name: &str, relay: &str, link: &str) -> Schat {
    let mut person = Schat::start(dir, name, relay);
    person.tell(json!({"cmd": "join", "link": link}));
    person.event("joined");
    person
}

/// Waits until all are at the same epoch with this many members. The authenticators of that epoch, and of all
/// before that two of them have seen, are the same.
pub fn agree(people: &mut [Schat], members: usize) -> (u64, String) {
    let has_all = |event: &Value| {
        is_state(event) && event["members"].as_array().is_some_and(|list| list.len() == members)
    };
    for person in people.iter_mut() {
        person.wait(&format!("{members} members"), has_all);
    }
    loop {
        let newest = people.iter_mut().map(|person| state(person).0).max().unwrap();
        for person in people.iter_mut() {
            person.wait(&format!("epoch {newest}"), |event| {
                is_state(event) && event["epoch"].as_u64() >= Some(newest)
            });
        }
        same_authenticators(people);
        let states: Vec<_> = people.iter_mut().map(state).collect();
        if states.iter().all(|state| *state == states[0]) {
            return states[0].clone();
        }
    }
}

/// At every epoch, everybody who was there has the same authenticator.
pub fn same_authenticators(people: &mut [Schat]) {
    let mut known: BTreeMap<u64, (String, String)> = BTreeMap::new();
    for person in people {
        person.mark();
        for event in person.seen.iter().filter(|event| is_state(event)) {
            let epoch = event["epoch"].as_u64().unwrap();
            let authenticator = event["authenticator"].as_str().unwrap();
            let (first, other) =
                known.entry(epoch).or_insert_with(|| (person.name.clone(), authenticator.to_owned()));
            assert_eq!(other, authenticator, "{first} and {} differ at epoch {epoch}", person.name);
            assert_eq!(authenticator.len() % 2, 0);
            assert!(authenticator.len() >= 64, "an authenticator has 256 bits or more");
        }
    }
}

/// Everybody heard exactly these texts, each once, in one and the same order. Returns that order.
pub fn same_order(people: &mut [Schat], texts: &[String]) -> Vec<(u64, String)> {
    for person in people.iter_mut() {
        for text in texts {
            person.hears(text);
        }
    }
    let mut order: Option<Vec<(u64, String)>> = None;
    for person in people {
        let heard = person.heard();
        assert!(heard.is_sorted_by(|a, b| a.0 < b.0), "{} heard out of order: {heard:?}", person.name);
        let mut expected = texts.to_vec();
        let mut told: Vec<String> = heard.iter().map(|(_, text)| text.clone()).collect();
        expected.sort();
        told.sort();
        assert_eq!(told, expected, "{} heard something twice, or something else", person.name);
        assert_eq!(*order.get_or_insert_with(|| heard.clone()), heard, "{} heard another order", person.name);
    }
    order.unwrap_or_default()
}

/// The person's fingerprint.
pub fn fingerprint(of: &mut Schat) -> String {
    let joined = of.event("joined");
    let me = joined["members"].as_array().unwrap().iter().find(|member| member["me"] == true);
    me.unwrap()["fingerprint"].as_str().unwrap().to_owned()
}

fn is_state(event: &Value) -> bool {
    event["event"] == "joined" || event["event"] == "epoch"
}

fn state(person: &mut Schat) -> (u64, String) {
    person.mark();
    let last = person.seen.iter().rev().find(|event| is_state(event)).unwrap();
    (last["epoch"].as_u64().unwrap(), last["authenticator"].as_str().unwrap().to_owned())
}
