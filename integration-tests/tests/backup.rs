//! Backups of a relay, with the people who use it: taken while they talk, restored under them.

use std::{fs, path::Path};

use integration_tests::{
    group::{ROOM, agree, found, join, link},
    relay::{Relay, command},
    schat::Schat,
};
use serde_json::{Value, json};
use tempfile::TempDir;

fn relay(data_dir: &Path, arguments: &[&str]) -> String {
    let output = command(data_dir).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}");
    text
}

fn say(person: &mut Schat, text: &str) {
    person.say(ROOM, text, text);
    person.sent(text);
}

#[test]
fn people_go_on_after_a_restore_as_if_nothing_had_happened() {
    let dir = TempDir::new().unwrap();
    let data_dir = dir.path().join("relay");
    let file = dir.path().join("backup");
    let file = file.to_str().unwrap();
    let mut server = Relay::start(&data_dir);
    let (mut people, _) = found(dir.path(), &server.address, &["ann", "bob"]);
    say(&mut people[0], "before the backup");
    people[1].hears("before the backup");
    relay(&data_dir, &["backup", file]);
    let said = relay(&data_dir, &["restore", file, "--verify"]);
    assert!(said.contains("Whole: 1 room,"), "{said}");

    server.kill();
    // The disk died, and a new one is in its place.
    fs::remove_dir_all(&data_dir).unwrap();
    relay(&data_dir, &["restore", file]);
    let marks: Vec<usize> = people.iter_mut().map(Schat::mark).collect();
    server.restart();
    for (person, mark) in people.iter_mut().zip(marks) {
        person.wait_after(mark, "the relay again", |event| event["event"] == "connected");
    }
    say(&mut people[1], "after the restore");
    people[0].hears("after the restore");
    let link = link(&mut people[0]);
    people.push(join(dir.path(), "eve", &server.address, &link));
    agree(&mut people, 3);
    say(&mut people[2], "a newcomer");
    for person in &mut people {
        person.hears("a newcomer");
        assert_eq!(person.alarms(), Vec::<Value>::new());
    }
}

#[test]
fn restore_of_an_old_backup_is_told_and_people_go_on_when_they_agree() {
    let dir = TempDir::new().unwrap();
    let data_dir = dir.path().join("relay");
    let file = dir.path().join("backup");
    let file = file.to_str().unwrap();
    let mut server = Relay::start(&data_dir);
    let (mut people, _) = found(dir.path(), &server.address, &["ann", "bob"]);
    say(&mut people[0], "in the backup");
    relay(&data_dir, &["backup", file]);
    say(&mut people[0], "not in the backup");
    people[1].hears("not in the backup");

    server.kill();
    let said = relay(&data_dir, &["restore", file, "--force"]);
    assert!(said.contains("relay_restored") && said.contains("before-restore-"), "{said}");
    server.restart();
    for person in &mut people {
        person.wait("that it was restored", |event| event["code"] == "relay_restored");
        // What they had read they keep.
        person.hears("not in the backup");
        assert_eq!(person.alarms(), Vec::<Value>::new());
        person.tell(json!({"cmd": "accept", "room": ROOM}));
    }
    say(&mut people[0], "after the restore");
    people[1].hears("after the restore");
}
