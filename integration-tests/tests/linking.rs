//! One person, two devices: what `schat link` hands over, and what nobody gets who was not confirmed.

use std::path::Path;

use integration_tests::{
    group::{ROOM, found},
    linking::{compared, device, link, state},
    relay::Relay,
    schat::{self, Schat, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

fn fingerprint(dir: &Path, name: &str) -> String {
    let output = run(schat::command(dir, name).arg("fingerprint"), b"");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn rooms(ended: &[Value]) -> Vec<&str> {
    let entered = ended.iter().filter(|event| event["event"] == "link" && event["state"] == "room");
    entered.map(|event| event["room"].as_str().unwrap()).collect()
}

#[test]
fn new_device_shows_a_code_and_becomes_one_of_the_account_in_its_rooms() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let [ann, bob] = &mut people[..] else { panic!() };
    let ended = link(ann, dir.path(), "ann2", &relay.address);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(rooms(&ended.seen), [ROOM]);
    let mut second = Schat::start(dir.path(), "ann2", &relay.address);
    second.event("joined");
    second.say(ROOM, "from my other device", "1");
    second.sent("1");
    bob.hears("from my other device");
    let said = bob.wait("it", |event| event["text"] == "from my other device");
    let mine = ann.wait("it", |event| event["text"] == "from my other device");
    assert_eq!(said["from"], mine["from"]);
    drop(people);
    drop(second);
    assert_eq!(fingerprint(dir.path(), "ann"), fingerprint(dir.path(), "ann2"));
    assert_eq!(said["from"]["fingerprint"], fingerprint(dir.path(), "ann2"));
}

#[test]
fn device_with_the_account_shows_a_code_as_well() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    let ann = &mut people[0];
    ann.tell(json!({"cmd": "link"}));
    let code = state(ann, "code");
    assert_eq!(code["new"], json!(false));
    // The short form is of the relay that both use.
    let mut new = device(dir.path(), "ann2", &relay.address, &[code["code"].as_str().unwrap()]);
    let digits = compared(ann, &mut new);
    ann.tell(json!({"cmd": "link_confirm", "digits": digits}));
    state(ann, "done");
    let ended = new.finish();
    assert_eq!((ended.code, rooms(&ended.seen)), (Some(0), vec![ROOM]));
}
