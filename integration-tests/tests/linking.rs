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

/// The person at the old device says no, or says other digits: nothing is handed over, and the room is over on both sides.
#[test]
fn device_that_was_not_confirmed_gets_nothing() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    let ann = &mut people[0];
    for refusal in [json!({"cmd": "link_refuse"}), json!({"cmd": "link_confirm", "digits": "0000 0000 000"})]
    {
        let mark = ann.mark();
        let mut new = device(dir.path(), "thief", &relay.address, &[]);
        let code = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
        ann.tell(json!({"cmd": "link", "code": code}));
        compared_after(ann, mark, &mut new);
        ann.tell(refusal);
        let ended = ann.wait_after(mark, "the end", |event| event["state"] == "ended");
        assert_eq!(ended["code"], "refused");
        let ended = new.finish();
        assert_eq!(ended.code, Some(4), "{ended:?}");
        let last = ended.seen.iter().find(|event| event["state"] == "ended").unwrap();
        assert!(last["message"].as_str().unwrap().contains("not confirmed on the other device"), "{last}");
        let got = |event: &Value| matches!(event["state"].as_str(), Some("taking" | "received"));
        assert!(!ended.seen.iter().any(got), "{:?}", ended.seen);
        // The same code leads nowhere now.
        ann.tell(json!({"cmd": "link", "code": code}));
        ann.wait_after(mark, "an error", |event| event["event"] == "error");
    }
    // And the profile is nobody's: it can be linked again, or be somebody's own.
    drop(people);
    assert_ne!(fingerprint(dir.path(), "thief"), fingerprint(dir.path(), "ann"));
}

fn compared_after(old: &mut Schat, mark: usize, new: &mut Schat) -> String {
    let at_new = state(new, "compare");
    let at_old = old.wait_after(mark, "compare", |event| event["state"] == "compare");
    assert_eq!(at_old["digits"], at_new["digits"]);
    at_old["digits"].as_str().unwrap().to_owned()
}

/// A photographed code: somebody else comes first. What they show is not what the person holds, and after a refusal the code is
/// of no use; and whoever comes second does not get in at all.
#[test]
fn whoever_comes_first_with_a_photographed_code_is_seen_and_the_second_does_not_get_in() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    let ann = &mut people[0];
    ann.tell(json!({"cmd": "link"}));
    let code = state(ann, "code")["link"].as_str().unwrap().to_owned();
    let mut thief = device(dir.path(), "thief", &relay.address, &[&code]);
    let at_thief = compared(ann, &mut thief);
    // The person's own new device is too late, and says so.
    let late = device(dir.path(), "ann2", &relay.address, &[&code]).finish();
    assert_ne!(late.code, Some(0), "{late:?}");
    assert!(!late.seen.iter().any(|event| event["state"] == "compare"), "{:?}", late.seen);
    assert!(!at_thief.is_empty());
    ann.tell(json!({"cmd": "link_refuse"}));
    state(ann, "ended");
    let ended = thief.finish();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(!ended.seen.iter().any(|event| event["state"] == "taking"), "{:?}", ended.seen);
}

#[test]
fn codes_that_are_none_or_of_the_wrong_kind_are_told_apart() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, room) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let [ann, bob] = &mut people[..] else { panic!() };
    bob.tell(json!({"cmd": "link"}));
    let of_bob = state(bob, "code")["link"].as_str().unwrap().to_owned();
    for (command, says) in [
        (json!({"cmd": "link", "code": "nonsense"}), "no code of a device"),
        (json!({"cmd": "link", "code": room}), "leads into a room"),
        (json!({"cmd": "link", "code": of_bob}), "has an account, as this one does"),
        (json!({"cmd": "join", "link": of_bob}), "code of a device"),
        (json!({"cmd": "link_confirm", "digits": "1"}), "No device is being linked"),
    ] {
        let mark = ann.mark();
        ann.tell(command.clone());
        let told = ann.wait_after(mark, says, |event| event["event"] == "error");
        assert!(told["message"].as_str().unwrap().contains(says), "{command}: {told}");
    }
    let new = device(dir.path(), "new", &relay.address, &["not a code"]).finish();
    assert_eq!(new.code, Some(2), "{new:?}");
    bob.tell(json!({"cmd": "link_cancel"}));
    assert_eq!(state(bob, "ended")["code"], "given_up");
}

/// What was said before comes along, as a file at the relay, and is marked as handed over by one's own device.
#[test]
fn past_of_the_rooms_comes_along_as_far_as_it_is_wanted() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let [ann, bob] = &mut people[..] else { panic!() };
    for number in 0..10 {
        bob.say(ROOM, &format!("line {number}"), &number.to_string());
        ann.hears(&format!("line {number}"));
    }
    let export = |name: &str| {
        let output = run(schat::command(dir.path(), name).args(["export", ROOM]), b"");
        String::from_utf8(output.stdout).unwrap()
    };
    for (name, history, lines) in [("all", "all", 10), ("some", "3", 3), ("none", "none", 0)] {
        let mark = ann.mark();
        let mut new = device(dir.path(), name, &relay.address, &[]);
        let code = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
        ann.tell(json!({"cmd": "link", "code": code}));
        let digits = compared_after(ann, mark, &mut new);
        ann.tell(json!({"cmd": "link_confirm", "digits": digits, "history": history}));
        let ended = new.finish();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.seen.iter().any(|event| event["state"] == "no_past"), "{:?}", ended.seen);
        ann.wait_after(mark, "done", |event| event["state"] == "done");
        let past = export(name);
        let here = (0..10).filter(|number| past.contains(&format!("line {number}"))).count();
        assert_eq!(here, lines, "{name}: {past}");
        assert_eq!(past.contains("line 9"), lines > 0);
    }
}
