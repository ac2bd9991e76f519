//! What is done at one device of an account holds at the other: what was read, pinned and verified, online and later.

use std::path::Path;

use integration_tests::{
    group::{ROOM, found},
    linking::link,
    relay::Relay,
    schat::{self, Schat, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The room as a device lists it that runs.
fn listed(device: &mut Schat) -> Value {
    let mark = device.mark();
    device.tell(json!({"cmd": "rooms"}));
    let rooms = device.wait_after(mark, "rooms", |event| event["event"] == "rooms")["rooms"].clone();
    rooms.as_array().unwrap().iter().find(|room| room["room"] == ROOM).unwrap().clone()
}

/// The same of a device that does not run.
fn stored(dir: &Path, name: &str) -> Value {
    let output = run(schat::command(dir, name).args(["rooms", "--json"]), b"");
    let rooms: Value = serde_json::from_slice(&output.stdout).unwrap();
    rooms["rooms"].as_array().unwrap().iter().find(|room| room["room"] == ROOM).unwrap().clone()
}

#[test]
fn what_is_read_and_pinned_at_one_device_is_so_at_the_other() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let [ann, bob] = &mut people[..] else { panic!() };
    assert_eq!(link(ann, dir.path(), "ann2", &relay.address).code, Some(0));
    let mut second = Schat::start(dir.path(), "ann2", &relay.address);
    second.event("joined");
    bob.say(ROOM, "one", "1");
    let seq = ann.hears("one");
    second.hears("one");
    assert_eq!(listed(&mut second)["unread"], json!(1));
    // Both online: it is told at once, and only to the other device.
    ann.tell(json!({"cmd": "read", "room": ROOM, "seq": seq}));
    ann.tell(json!({"cmd": "pin", "room": ROOM}));
    second.wait("that it was read", |event| event["event"] == "read" && event["seq"] == seq);
    // Before anything is asked there: who shows a list draws it anew.
    second.wait("that it is pinned", |event| event["event"] == "listed" && event["pinned"] == true);
    let room = listed(&mut second);
    assert_eq!((&room["unread"], &room["pinned"]), (&json!(0), &json!(true)), "{room}");
    bob.settle();
    assert!(!bob.seen.iter().any(|event| event["event"] == "read"), "{:?}", bob.seen);
    // One is away: it learns of it when it is back.
    assert_eq!(second.quit().code, Some(0));
    bob.say(ROOM, "two", "2");
    let seq = ann.hears("two");
    ann.tell(json!({"cmd": "read", "room": ROOM, "seq": seq}));
    ann.tell(json!({"cmd": "pin", "room": ROOM, "withdrawn": true}));
    ann.settle();
    // It is said when the first device is back, if it goes before that.
    ann.event("joined");
    let mut second = Schat::start(dir.path(), "ann2", &relay.address);
    second.wait("that it was read", |event| event["event"] == "read" && event["seq"] == seq);
    assert_eq!(second.quit().code, Some(0));
    assert_eq!(stored(dir.path(), "ann2")["unread"], json!(0));
}
