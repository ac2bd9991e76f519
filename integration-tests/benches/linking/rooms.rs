//! From the code in the hand of the old device to rooms in which the new one has said a line and heard one.

use std::path::Path;

use integration_tests::{
    linking::{compared, device, state},
    relay::Relay,
    schat::Schat,
};
use serde_json::{Value, json};

use super::{directory, spent::Spent};

pub fn run(rooms: usize) {
    let dir = directory();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let relay_at = relay.address.clone();
    let names: Vec<String> = (1..=rooms).map(|number| format!("room {number}")).collect();
    let mut ann = Schat::start(dir, "ann", &relay_at);
    let mut bob = Schat::start(dir, "bob", &relay_at);
    for room in &names {
        ann.tell(json!({"cmd": "create", "room": room}));
        joined(&mut ann, room);
        let link = invited(&mut ann, room);
        bob.tell(json!({"cmd": "join", "link": link}));
        joined(&mut bob, room);
    }
    let links: Vec<String> = names.iter().map(|room| invited(&mut ann, room)).collect();

    // Somebody new, who has all links at hand.
    let spent = Spent::begin(&[relay.pid(), ann.pid(), bob.pid()]);
    let mut carol = Schat::start(dir, "carol", &relay_at);
    for link in &links {
        carol.tell(json!({"cmd": "join", "link": link}));
    }
    talk(&mut carol, &mut bob, &names);
    let joining = spent.end(&[carol.pid()]);

    let mut new = device(dir, "ann2", &relay_at, &[]);
    let code = state(&mut new, "code")["link"].as_str().expect("a link").to_owned();
    let spent = Spent::begin(&[relay.pid(), ann.pid(), bob.pid(), carol.pid()]);
    ann.tell(json!({"cmd": "link", "code": code}));
    let digits = compared(&mut ann, &mut new);
    let agreed = spent.end(&[]);
    ann.tell(json!({"cmd": "link_confirm", "digits": digits, "history": "none"}));
    assert_eq!(new.finish().code, Some(0));
    let entered = spent.end(&[]);
    let mut second = start(dir, &relay_at);
    talk(&mut second, &mut bob, &names);
    let usable = spent.end(&[second.pid()]);

    println!("{rooms} rooms of two people, at one relay");
    println!("both devices show the same: {agreed}");
    println!("the new device is in all rooms: {entered}");
    println!("it has said and heard a line in each: {usable}");
    println!("somebody new who had {rooms} links joins and does the same: {joining}");
    println!(
        "÷ that: {:.2}, by processors {:.2}",
        usable.clock / joining.clock,
        usable.processors / joining.processors
    );
}

fn start(dir: &Path, relay: &str) -> Schat {
    Schat::start(dir, "ann2", relay)
}

fn joined(of: &mut Schat, room: &str) {
    of.wait(room, |event| event["event"] == "joined" && event["room"] == room);
}

fn invited(of: &mut Schat, room: &str) -> String {
    let mark = of.mark();
    of.tell(json!({"cmd": "invite", "room": room, "uses": 0}));
    let invite = of.wait_after(mark, "invite", |event| event["event"] == "invite");
    invite["link"].as_str().expect("a link").to_owned()
}

/// One says a line in each room and the other hears it, and the other way round.
fn talk(one: &mut Schat, other: &mut Schat, rooms: &[String]) {
    for room in rooms {
        joined(one, room);
    }
    for room in rooms {
        let (said, heard) =
            (format!("{} in {room}", one.name), format!("{} to {} in {room}", other.name, one.name));
        one.say(room, &said, &said);
        other.say(room, &heard, &heard);
    }
    let is = |event: &Value, text: &str| event["event"] == "message" && event["text"] == text;
    for room in rooms {
        let (said, heard) =
            (format!("{} in {room}", one.name), format!("{} to {} in {room}", other.name, one.name));
        other.wait(&said, |event| is(event, &said));
        one.wait(&heard, |event| is(event, &heard));
    }
}
