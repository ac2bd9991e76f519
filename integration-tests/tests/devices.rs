//! The devices of a person as programs: listed once each, taken out for good, and the key of the account replaced, over kills and relays
//! that are away.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use integration_tests::{
    PATIENCE,
    devices::{are_known, devices, ends, two},
    group::{ROOM, link as invite},
    relay::Relay,
    schat::{self, Schat},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Both devices have told which they are in both rooms.
const BOTH: &[(&str, usize)] = &[("laptop", 2), ("phone", 2)];

fn schat(dir: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = schat::command(dir, name);
    command.args(arguments);
    command
}

/// Starts it, and kills it as soon as it has said a line that ends so.
fn killed_after(dir: &Path, name: &str, arguments: &[&str], line: &str) {
    let mut child: Child = schat(dir, name, arguments).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said: Vec<String> = Vec::new();
    for told in lines.map_while(Result::ok) {
        said.push(told);
        if said.last().unwrap().contains(line) {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.last().is_some_and(|last| last.contains(line)), "it never says {line:?}: {said:#?}");
}

#[test]
fn device_is_one_row_over_all_rooms() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut ann, mut second, _bob) = two(dir.path(), &relay);
    for device in [&mut ann, &mut second] {
        let were_seen = |all: &[Value]| all.iter().all(|one| one["seen"].as_u64() > Some(0));
        devices(device, |all| all.len() == 4 && are_known(BOTH)(all) && were_seen(all));
    }
    // A third room, made at one of them, comes to the other.
    ann.tell(json!({"cmd": "create", "room": "club"}));
    second.wait("the club", |event| event["event"] == "joined" && event["room"] == "club");
    for device in [&mut ann, &mut second] {
        devices(device, |all| all.len() == 6 && all.iter().all(|one| one["of"].is_string()));
    }
    assert_eq!(second.quit().code, Some(0));
    assert_eq!(ann.quit().code, Some(0));
    let (code, said) = ends(dir.path(), "ann", &["devices"]);
    let [laptop, phone] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
    assert_eq!(code, Some(0));
    assert!(laptop.starts_with("laptop (this one), since ") && laptop.ends_with(": club, team"), "{said}");
    assert!(phone.starts_with("phone, since ") && phone.contains(", in use last on "), "{said}");
    assert!(phone.ends_with(": club, team"), "{said}");
}

#[test]
fn room_that_is_entered_or_left_at_one_device_is_so_at_the_other() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut ann, second, mut bob) = two(dir.path(), &relay);
    devices(&mut ann, |all| all.len() == 4 && are_known(BOTH)(all));
    // While the other one is away.
    assert_eq!(second.quit().code, Some(0));
    bob.tell(json!({"cmd": "create", "room": "den"}));
    bob.wait("the den", |event| event["event"] == "joined" && event["room"] == "den");
    let mark = bob.mark();
    bob.tell(json!({"cmd": "invite", "room": "den", "uses": 1}));
    let link = bob.wait_after(mark, "invite", |event| event["event"] == "invite")["link"].clone();
    ann.tell(json!({"cmd": "join", "link": link}));
    ann.wait("the den", |event| event["event"] == "joined" && event["room"] == "den");
    bob.wait("ann", |event| event["event"] == "member_joined" && event["room"] == "den");
    let mut second = Schat::start(dir.path(), "ann2", &relay.address);
    second.wait("the den", |event| event["event"] == "joined" && event["room"] == "den");
    bob.wait("ann's phone", |event| event["event"] == "device_joined" && event["room"] == "den");
    bob.say("den", "welcome", "1");
    ann.hears("welcome");
    second.hears("welcome");
    // Left at one of them, by the person.
    second.tell(json!({"cmd": "leave", "room": "den"}));
    bob.wait("that ann left", |event| event["event"] == "member_left" && event["room"] == "den");
    ann.wait("that it is over", |event| event["event"] == "closed" && event["room"] == "den");
    let is_listed = |of: &mut Schat| {
        let mark = of.mark();
        of.tell(json!({"cmd": "rooms"}));
        let told = of.wait_after(mark, "rooms", |event| event["event"] == "rooms");
        told["rooms"].as_array().unwrap().iter().any(|room| room["room"] == "den")
    };
    let end = Instant::now() + PATIENCE;
    while is_listed(&mut ann) || is_listed(&mut second) {
        assert!(Instant::now() < end, "the den stays listed");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    bob.say(ROOM, "still here", "2");
    ann.hears("still here");
    second.hears("still here");
    assert_eq!((ann.alarms(), second.alarms()), (Vec::new(), Vec::new()));
}

#[test]
fn device_is_removed_over_a_kill_and_does_not_come_back_by_what_it_knew() {
    let dir = TempDir::new().unwrap();
    let (dir, mut relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    let (mut ann, mut thief, mut bob) = two(dir, &relay);
    devices(&mut ann, |all| all.len() == 4 && are_known(BOTH)(all));
    // Invites that it made, and that it was given by others.
    let known = [invite(&mut thief), invite(&mut ann), invite(&mut bob)];
    let live = |event: &Value| event["event"] == "invites" && event["invites"].as_array().unwrap().len() >= 3;
    thief.tell(json!({"cmd": "invites", "room": ROOM}));
    thief.wait("three invites", live);
    assert_eq!(ann.quit().code, Some(0));
    relay.kill();
    // Nothing can be done now, and that is said for each room; then it is killed in the middle.
    let (code, said) = ends(dir, "ann", &["devices", "remove", "phone", "--timeout", "2"]);
    assert_eq!(code, Some(3), "{said}");
    for room in [ROOM, "your devices among themselves"] {
        assert!(said.contains(&format!("{room}: not yet")), "{said}");
    }
    let (_, said) = ends(dir, "ann", &["devices"]);
    assert!(said.contains("phone") && said.contains("; is being removed"), "{said}");
    killed_after(dir, "ann", &["devices", "remove", "phone", "--timeout", "600"], "as soon as it is.");
    relay.restart();
    let mut ann = Schat::start(dir, "ann", &relay.address);
    let gone = bob.event("device_left");
    assert_eq!((&gone["device"], &gone["by"]["name"]), (&json!("phone"), &json!("ann")));
    thief.event("closed");
    let all = devices(&mut ann, |all| all.len() == 2);
    assert!(all.iter().all(|one| one["name"] == "laptop"), "{all:#?}");
    // It has the account, and all links that it knew.
    for link in known {
        let mark = thief.mark();
        thief.tell(json!({"cmd": "join", "link": link}));
        let answer = thief.wait_after(mark, "a refusal", |event| {
            ["error", "closed", "joined"].contains(&event["event"].as_str().unwrap())
        });
        assert_ne!(answer["event"], "joined", "{answer}");
    }
    bob.say(ROOM, "between us", "1");
    ann.hears("between us");
    thief.settle();
    assert!(thief.heard().iter().all(|(_, text)| text != "between us"));
    assert_eq!((ann.alarms(), bob.alarms()), (Vec::new(), Vec::new()));
}

/// The relay alone says so, and the room is asked for again; but no list shows it as one that the device is in.
#[test]
fn device_that_was_taken_out_while_it_was_off_says_so_once_it_asked() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let (mut ann, mut second, _bob) = two(dir, &relay);
    devices(&mut ann, |all| all.len() == 4 && are_known(BOTH)(all));
    second.settle();
    assert_eq!(second.quit().code, Some(0));
    let (code, said) = ends(dir, "ann2", &["rooms"]);
    assert!(code == Some(0) && said.contains(ROOM) && !said.contains("over"), "{said}");
    ann.tell(json!({"cmd": "device_remove", "device": "phone"}));
    devices(&mut ann, |all| all.len() == 2);
    let (code, said) = ends(dir, "ann2", &["send", ROOM, "hello"]);
    assert!(code == Some(4) && said.contains("schat link"), "{code:?} {said}");
    let (code, said) = ends(dir, "ann2", &["rooms"]);
    assert!(code == Some(0) && said.contains("over: ") && said.contains("schat link"), "{said}");
    // It asks for the room of its devices as well, in its own time.
    let mut second = Schat::start(dir, "ann2", &relay.address);
    devices(&mut second, <[Value]>::is_empty);
    assert_eq!(second.quit().code, Some(0));
    let (code, said) = ends(dir, "ann2", &["devices"]);
    assert!(code == Some(0) && said.contains("`schat link` makes it one of yours again"), "{said}");
}

/// Ann's twelve words, as she wrote them down.
fn phrase(dir: &Path) -> String {
    let file = dir.join("words");
    let (target, file) = (dir.join("backup"), file.to_str().unwrap().to_owned());
    let (code, said) = ends(dir, "ann", &["backup", target.to_str().unwrap(), "--phrase-file", &file]);
    assert_eq!(code, Some(0), "{said}");
    file
}

#[test]
fn key_is_replaced_over_a_kill_between_two_rooms() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let (first, mut second) = (Relay::start(&dir.join("relay")), Relay::start(&dir.join("relay 2")));
    let (mut ann, thief, mut bob) = two(dir, &first);
    // Another room, at another relay.
    ann.tell(json!({"cmd": "create", "room": "club", "relay": second.address}));
    ann.wait("the club", |event| event["event"] == "joined" && event["room"] == "club");
    let mark = ann.mark();
    ann.tell(json!({"cmd": "invite", "room": "club"}));
    let link = ann.wait_after(mark, "invite", |event| event["event"] == "invite")["link"].clone();
    bob.tell(json!({"cmd": "join", "link": link}));
    bob.wait("the club", |event| event["event"] == "joined" && event["room"] == "club");
    bob.say("club", "here", "1");
    ann.hears("here");
    assert_eq!(ann.quit().code, Some(0));
    assert_eq!(thief.quit().code, Some(0));
    let words = phrase(dir);
    let fresh = dir.join("new words").to_str().unwrap().to_owned();
    let replace = |words: &str, more: &[&str]| {
        let arguments = ["devices", "replace-key", "--phrase-file", words, "--new-phrase-file", &fresh];
        [&arguments[..], more].concat().iter().map(|&one| one.to_owned()).collect::<Vec<_>>()
    };
    let with = |words: &str, more: &[&str]| {
        let arguments = replace(words, more);
        ends(dir, "ann", &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    // Words of somebody else's, and words that are none.
    let wrong = dir.join("wrong");
    fs::write(&wrong, "legal winner thank year wave sausage worth useful legal winner thank yellow\n")
        .unwrap();
    let (code, said) = with(wrong.to_str().unwrap(), &[]);
    assert!(code == Some(6) && said.contains("not the twelve words of this account"), "{code:?} {said}");
    fs::write(&wrong, "legal winner\n").unwrap();
    let (code, said) = with(wrong.to_str().unwrap(), &[]);
    assert!(code == Some(2) && said.contains("2 words"), "{code:?} {said}");
    assert!(!Path::new(&fresh).exists(), "new words were drawn for nothing");

    second.kill();
    let arguments = replace(&words, &["--timeout", "600"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    killed_after(dir, "ann", &arguments, &format!("{ROOM}: has the new key"));
    let changed = |room: &str, event: &Value| event["event"] == "key_changed" && event["room"] == room;
    let told = bob.wait("another key", |event| changed(ROOM, event));
    let new = told["member"]["fingerprint"].clone();
    // Another one now would be one that the club cannot follow.
    let newer = dir.join("newer words").to_str().unwrap().to_owned();
    let again = ["devices", "replace-key", "--phrase-file", &fresh, "--new-phrase-file", &newer];
    let (code, said) = ends(dir, "ann", &again);
    assert!(code == Some(4) && said.contains("club has not taken"), "{code:?} {said}");
    second.restart();
    let mut ann = Schat::start(dir, "ann", &first.address);
    let told = bob.wait("another key in the club", |event| changed("club", event));
    assert_eq!((&told["member"]["fingerprint"], told["was"] != new), (&new, true));
    ann.say("club", "still me", "2");
    bob.hears("still me");
    assert_eq!(ann.quit().code, Some(0));
    // The thief's device is out everywhere, and its own phrase, which is the old one, is of no use any more.
    let mut thief = Schat::start(dir, "ann2", &first.address);
    thief.event("closed");
    assert_eq!(thief.quit().code, Some(0));
    let (code, said) = with(&words, &[]);
    assert_eq!(code, Some(6), "{said}");
    let (code, said) = ends(dir, "ann", &again);
    assert_eq!(code, Some(0), "{said}");
    for room in [ROOM, "club", "your devices among themselves"] {
        assert!(said.contains(&format!("{room}: has the new key")), "{said}");
    }
    for file in [&words, &fresh, &newer] {
        let words = fs::read_to_string(file).unwrap();
        assert!(!said.contains(words.trim()), "what is secret was said");
    }
}
