//! A profile that was put back from an old copy, with the programs themselves: it is told in words that it is out, and that
//! it is back, and nobody does anything for it.

use std::{fs, path::Path};

use integration_tests::{
    group::{ROOM, found},
    relay::Relay,
    schat::Schat,
};
use serde_json::{Value, json};
use tempfile::TempDir;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else if kind.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// What is told with this code, and the remedy.
fn told(person: &mut Schat, code: &str) -> (String, String) {
    let told = person.wait(code, |event| event["event"] == "error" && event["code"] == code);
    let text = |field: &str| told[field].as_str().unwrap().to_owned();
    assert_eq!(told["room"], ROOM);
    (text("message"), text("remedy"))
}

#[test]
fn profile_put_back_from_an_old_copy_is_told_that_it_is_out_and_then_back() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob", "eve"]);
    assert_eq!(people.remove(1).quit().code, Some(0));
    let (profile, backup) = (dir.path().join("bob"), dir.path().join("backup"));
    copy(&profile, &backup);

    // What the copy knows nothing of: a change of the room, and a line.
    let mut bob = Schat::start(dir.path(), "bob", &relay.address);
    bob.event("joined");
    bob.tell(json!({"cmd": "nick", "name": "rob"}));
    for person in &mut people {
        person.wait("the other name", |event| {
            event["event"] == "profile_changed" && event["member"]["name"] == "rob"
        });
    }
    bob.say(ROOM, "since the copy", "1");
    people[0].hears("since the copy");
    assert_eq!(bob.quit().code, Some(0));
    fs::remove_dir_all(&profile).unwrap();
    copy(&backup, &profile);

    let mut bob = Schat::start(dir.path(), "bob", &relay.address);
    let (message, remedy) = told(&mut bob, "out");
    assert_eq!(
        message,
        "This room has seen more of this device than this profile knows, so it is out: the profile is an older copy, or a copy or backup \
         of it is in use elsewhere. It asks to be let back in; what you say meanwhile waits."
    );
    assert!(remedy.starts_with("Wait until another member is online"), "{remedy}");
    bob.say(ROOM, "waits until then", "2");
    let (message, _) = told(&mut bob, "back");
    assert!(message.starts_with("This device follows the room again."), "{message}");
    bob.sent("2");
    for person in &mut people {
        person.event("device_back");
        person.hears("waits until then");
        assert_eq!(person.alarms(), Vec::<Value>::new(), "{}", person.name);
    }
    people[1].say(ROOM, "welcome back", "3");
    bob.hears("welcome back");
    assert!(bob.seen.iter().all(|event| event["event"] != "closed"), "it needed no invite");
}
