//! A long past that is handed over: lines and files.

use std::path::Path;

use integration_tests::{
    files::{done, file, schat_file},
    group::{ROOM, found},
    linking::{compared, device, state},
    relay::Relay,
    schat::{self, Schat},
};
use serde_json::{Value, json};

use super::{directory, spent::Spent};

/// Lines that are said ahead of what the relay has: less than an outbox holds.
const AHEAD: usize = 500;

/// Bytes of a file.
const FILE: usize = 8 << 10;

pub fn run(lines: usize, files: usize) {
    let dir = directory();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let (mut people, _) = found(dir, &relay.address, &["ann", "bob"]);
    let bob = people.pop().expect("bob");
    let mut ann = people.pop().expect("ann");
    assert_eq!(bob.quit().code, Some(0));
    let mut said = 0;
    while said < lines {
        let next = (said + AHEAD).min(lines);
        (said + 1..=next).for_each(|line| ann.say(ROOM, &text(line), &line.to_string()));
        ann.sent(&next.to_string());
        said = next;
    }
    for number in 1..=files {
        let name = format!("file {number}");
        let path = file(dir, &name, &integration_tests::files::bytes(FILE, number));
        let path = path.to_str().expect("a path");
        ann.tell(json!({"cmd": "file_send", "room": ROOM, "path": path, "id": name}));
        ann.sent(&name);
    }
    // The last of all, by which everybody knows that it is all.
    ann.say(ROOM, "the end", "end");
    ann.sent("end");

    // A member who missed it.
    let spent = Spent::begin(&[relay.pid(), ann.pid()]);
    let mut bob = Schat::start(dir, "bob", &relay.address);
    hears(&mut bob, "the end");
    let missed = spent.end(&[bob.pid()]);
    assert_eq!(bob.quit().code, Some(0));

    let mut new = device(dir, "ann2", &relay.address, &[]);
    let code = state(&mut new, "code")["link"].as_str().expect("a link").to_owned();
    let spent = Spent::begin(&[relay.pid(), ann.pid()]);
    ann.tell(json!({"cmd": "link", "code": code}));
    let digits = compared(&mut ann, &mut new);
    ann.tell(json!({"cmd": "link_confirm", "digits": digits, "history": "all"}));
    let ended = new.finish();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let handed = spent.end(&[]);
    complete(dir, lines, files);

    println!("{lines} lines and {files} files in one room");
    println!("handed over to a new device: {handed}");
    println!("caught up by a member who missed them: {missed}");
    println!(
        "÷ that: {:.2}, by processors {:.2}",
        handed.clock / missed.clock,
        handed.processors / missed.processors
    );
}

/// As long as people's lines are.
fn text(line: usize) -> String {
    format!("line {line} of a room in which people say a good deal to each other")
}

/// It is waited for as long as it takes.
fn hears(of: &mut Schat, text: &str) {
    of.wait(text, |event| event["event"] == "message" && event["text"] == text);
}

/// Each line is there, and what a file is fetched by.
fn complete(dir: &Path, lines: usize, files: usize) {
    let output = schat::run(schat::command(dir, "ann2").args(["export", ROOM, "--format", "json"]), b"");
    let there = String::from_utf8(output.stdout).expect("text");
    let rows: Vec<Value> = there.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let said =
        rows.iter().filter(|row| row["text"].as_str().is_some_and(|text| text.starts_with("line "))).count();
    let named = rows.iter().filter(|row| row["file"].is_object()).count();
    assert_eq!((said, named), (lines, files), "not all of it came");
    if files > 0 {
        let target = dir.join("fetched");
        let place = target.to_str().expect("a path");
        done(&mut schat_file(dir, "ann2", &["get", ROOM, "last", "--output", place]));
        let fetched = std::fs::read(&target).expect("a file");
        assert!(fetched == integration_tests::files::bytes(FILE, files), "other bytes came");
    }
}
