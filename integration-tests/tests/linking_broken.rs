//! Linking that breaks off: a device is killed, a relay is away, nobody is online at the same moment. What was begun goes on,
//! and no profile is left half somebody's.

use std::{path::Path, time::Instant};

use integration_tests::{
    PATIENCE,
    group::{ROOM, found},
    linking::{compared, device, state},
    relay::Relay,
    schat::{self, Schat, run},
};
use serde_json::json;
use tempfile::TempDir;

fn fingerprint(dir: &Path, name: &str) -> (Option<i32>, String) {
    let output = run(schat::command(dir, name).arg("fingerprint"), b"");
    // What it says beside the answer is the same person's notice of a name.
    let said = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.code(), String::from_utf8(said).unwrap().trim().to_owned())
}

/// Until both show the phrase.
fn begun(dir: &Path, relay: &str) -> (Schat, Schat, String) {
    let (mut people, _) = found(dir, relay, &["ann"]);
    let mut ann = people.remove(0);
    let mut new = device(dir, "new", relay, &[]);
    let code = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
    ann.tell(json!({"cmd": "link", "code": code}));
    let digits = compared(&mut ann, &mut new);
    (ann, new, digits)
}

/// Entries of a room's log that one more device of a person costs, at most.
const STEPS: u64 = 8;

/// Entries that the relay took since its start.
fn published(relay: &Relay) -> u64 {
    let top = run(integration_tests::relay::command(relay.dir()).args(["top", "--json"]), b"");
    serde_json::from_slice::<serde_json::Value>(&top.stdout).unwrap()["published"].as_u64().unwrap()
}

/// While it is nobody's, no other command makes it somebody's.
#[test]
fn new_device_that_is_killed_goes_on_and_is_nobodys_meanwhile() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut ann, new, digits) = begun(dir.path(), &relay.address);
    new.kill();
    let (code, said) = fingerprint(dir.path(), "new");
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("being linked") && said.contains("--cancel"), "{said}");
    // The old device is confirmed and posts while the new one is away, and may go.
    ann.tell(json!({"cmd": "link_confirm", "digits": digits}));
    assert_eq!(state(&mut ann, "posted")["rooms"], json!(1));
    assert_eq!(ann.quit().code, Some(0));
    let ended = device(dir.path(), "new", &relay.address, &[]).finish();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.seen.iter().any(|event| event["state"] == "room" && event["room"] == ROOM));
    assert_eq!(fingerprint(dir.path(), "new"), fingerprint(dir.path(), "ann"));
    // The old one learns of it when it comes back, and nothing is left of it.
    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    state(&mut ann, "done");
}

#[test]
fn code_of_a_killed_device_is_shown_again_and_the_linking_can_be_given_up() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let mut new = device(dir.path(), "new", &relay.address, &[]);
    let before = state(&mut new, "code")["link"].clone();
    new.kill();
    let mut new = device(dir.path(), "new", &relay.address, &[]);
    assert_eq!(state(&mut new, "code")["link"], before);
    new.kill();
    let ended = device(dir.path(), "new", &relay.address, &["--cancel"]).finish();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // Now it is whoever's who uses it.
    assert_eq!(fingerprint(dir.path(), "new").0, Some(0));
}

/// Each of the two is killed right after each step that the other one or itself tells of.
#[test]
fn old_device_that_is_killed_after_it_was_confirmed_hands_over_when_it_is_back() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut ann, mut new, digits) = begun(dir.path(), &relay.address);
    ann.tell(json!({"cmd": "link_confirm", "digits": digits}));
    ann.settle();
    ann.kill();
    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    state(&mut ann, "done");
    let ended = new.finish();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(fingerprint(dir.path(), "new"), {
        drop(ann);
        fingerprint(dir.path(), "ann")
    });
}

#[test]
fn old_device_that_is_killed_before_it_was_confirmed_asks_again() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (ann, mut new, digits) = begun(dir.path(), &relay.address);
    ann.kill();
    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    assert_eq!(state(&mut ann, "compare")["digits"], json!(digits));
    ann.tell(json!({"cmd": "link_confirm", "digits": digits}));
    state(&mut ann, "done");
    assert_eq!(new.finish().code, Some(0));
}

#[test]
fn relay_that_goes_away_in_between_only_delays() {
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"));
    let (mut ann, mut new, digits) = begun(dir.path(), &relay.address);
    relay.kill();
    ann.tell(json!({"cmd": "link_confirm", "digits": digits}));
    relay.restart();
    state(&mut ann, "done");
    assert_eq!(new.finish().code, Some(0));
}

/// Killed while it enters its rooms, it is the account's device already, and enters the rest with its next start.
#[test]
fn device_that_is_killed_while_it_enters_its_rooms_enters_the_rest_later() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    let mut ann = people.remove(0);
    for room in 0..5 {
        ann.tell(json!({"cmd": "create", "room": format!("room {room}")}));
    }
    for room in 0..5 {
        ann.wait("a room", |event| event["event"] == "joined" && event["room"] == format!("room {room}"));
    }
    let mut new = device(dir.path(), "new", &relay.address, &[]);
    let code = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
    ann.tell(json!({"cmd": "link", "code": code}));
    let digits = compared(&mut ann, &mut new);
    ann.tell(json!({"cmd": "link_confirm", "digits": digits}));
    state(&mut new, "received");
    new.kill();
    let mut new = Schat::start(dir.path(), "new", &relay.address);
    for room in (0..5).map(|room| format!("room {room}")).chain([ROOM.to_owned()]) {
        new.wait(&room, |event| event["event"] == "joined" && event["room"] == room);
    }
    drop(new);
    drop(ann);
    assert_eq!(fingerprint(dir.path(), "new"), fingerprint(dir.path(), "ann"));
}

/// What is said of a room on the old device holds on the new one: where it was read to, what is muted and pinned. And twenty
/// rooms take no more steps than one waits for.
#[test]
fn twenty_rooms_come_with_what_was_done_with_them() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let [ann, bob] = &mut people[..] else { panic!() };
    bob.say(ROOM, "read by ann", "1");
    let seq = ann.hears("read by ann");
    ann.tell(json!({"cmd": "read", "room": ROOM, "seq": seq}));
    ann.tell(json!({"cmd": "pin", "room": ROOM}));
    for room in 1..20 {
        ann.tell(json!({"cmd": "create", "room": format!("room {room}")}));
    }
    for room in 1..20 {
        ann.wait("a room", |event| event["event"] == "joined" && event["room"] == format!("room {room}"));
    }
    ann.settle();
    let before = published(&relay);
    let ended = integration_tests::linking::link(ann, dir.path(), "new", &relay.address);
    // Nothing of it grows faster than the number of rooms: an invite, a join, who takes them, and a greeting.
    let steps = published(&relay) - before;
    eprintln!("{steps} entries for twenty rooms");
    assert!(steps <= 20 * STEPS + 60, "{steps}");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let entered = ended.seen.iter().filter(|event| event["event"] == "link" && event["state"] == "room");
    assert_eq!(entered.count(), 20);
    let output = run(schat::command(dir.path(), "new").args(["rooms", "--json"]), b"");
    let rooms: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let team = rooms["rooms"].as_array().unwrap().iter().find(|room| room["room"] == ROOM).unwrap();
    assert_eq!((&team["pinned"], &team["unread"]), (&json!(true), &json!(0)), "{team}");
    assert_eq!(rooms["rooms"].as_array().unwrap().len(), 20, "{rooms}");
    // They are of use at once: something is said in each, and heard.
    let mut new = Schat::start(dir.path(), "new", &relay.address);
    for room in (1..20).map(|room| format!("room {room}")).chain([ROOM.to_owned()]) {
        new.wait(&room, |event| event["event"] == "joined" && event["room"] == room);
        let text = format!("here in {room}");
        new.say(&room, &text, &room);
        new.sent(&room);
        ann.hears(&text);
    }
}

/// Ids of the live invites into the room.
fn invites(device: &mut Schat) -> Vec<serde_json::Value> {
    let mark = device.mark();
    device.tell(json!({"cmd": "invites", "room": ROOM}));
    let told = device.wait_after(mark, "invites", |event| event["event"] == "invites");
    told["invites"].as_array().unwrap().iter().map(|invite| invite["id"].clone()).collect()
}

/// Whoever confirmed by mistake gives it up: the account may be gone, the rooms are shut, and the sentence says what is so.
#[test]
fn hand_over_that_is_given_up_shuts_the_rooms_and_says_that_the_account_may_be_gone() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut ann, new, digits) = begun(dir.path(), &relay.address);
    new.kill();
    let before = invites(&mut ann);
    ann.tell(json!({"cmd": "link_confirm", "digits": digits}));
    state(&mut ann, "posted");
    let handed: Vec<_> = invites(&mut ann).into_iter().filter(|id| !before.contains(id)).collect();
    assert_eq!(handed.len(), 1, "an invite for the new device");
    ann.tell(json!({"cmd": "link_cancel"}));
    let ended = state(&mut ann, "ended");
    assert_eq!(ended["code"], "handed_over", "{ended}");
    assert!(ended["message"].as_str().unwrap().contains("may have your account"), "{ended}");
    let end = Instant::now() + PATIENCE;
    while invites(&mut ann).contains(&handed[0]) {
        assert!(Instant::now() < end, "the invite never ends");
        ann.settle();
    }
    // The new device finds the end beside what was handed over, and takes nothing.
    let ended = device(dir.path(), "new", &relay.address, &[]).finish();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert_eq!(ann.quit().code, Some(0));
    assert_ne!(fingerprint(dir.path(), "new"), fingerprint(dir.path(), "ann"));
}

/// A room whose relay is away when a linking is given up shuts with the next connection, of a later run as well.
#[test]
fn invites_end_after_a_restart_where_the_relay_was_away() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let mut other = Relay::start(&dir.path().join("other"));
    let (mut people, _) = found(dir.path(), &other.address, &["ann"]);
    let mut ann = people.remove(0);
    let mut new = device(dir.path(), "new", &relay.address, &[]);
    let code = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
    ann.tell(json!({"cmd": "link", "code": code}));
    let digits = compared(&mut ann, &mut new);
    new.kill();
    let before = invites(&mut ann);
    ann.tell(json!({"cmd": "link_confirm", "digits": digits}));
    state(&mut ann, "posted");
    let handed: Vec<_> = invites(&mut ann).into_iter().filter(|id| !before.contains(id)).collect();
    assert_eq!(handed.len(), 1);
    other.kill();
    ann.tell(json!({"cmd": "link_cancel"}));
    state(&mut ann, "ended");
    ann.kill();
    other.restart();
    let mut ann = Schat::start(dir.path(), "ann", &other.address);
    ann.event("joined");
    let end = Instant::now() + PATIENCE;
    while invites(&mut ann).contains(&handed[0]) {
        assert!(Instant::now() < end, "the invite never ends");
        ann.settle();
    }
}

/// Also one that had an account before: until the linking is over nobody uses that, or what is to come would find rooms.
#[test]
fn profile_that_had_an_account_is_nobodys_while_it_is_linked() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    assert_eq!(Schat::start(dir.path(), "new", &relay.address).quit().code, Some(0));
    let (code, before) = fingerprint(dir.path(), "new");
    assert_eq!(code, Some(0), "{before}");
    let mut new = device(dir.path(), "new", &relay.address, &[]);
    assert_eq!(state(&mut new, "code")["new"], json!(true));
    new.kill();
    let (code, said) = fingerprint(dir.path(), "new");
    assert_eq!(code, Some(4), "{said}");
    assert_eq!(device(dir.path(), "new", &relay.address, &["--cancel"]).finish().code, Some(0));
    assert_eq!(fingerprint(dir.path(), "new"), (Some(0), before));
}

/// Rooms that were forgotten, or people who were met, say that somebody uses the account: it is not replaced unasked.
#[test]
fn account_that_was_used_is_given_up_by_nobody_who_was_not_asked() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    let mut ann = people.remove(0);
    ann.tell(json!({"cmd": "leave", "room": ROOM}));
    ann.wait("the end", |event| event["event"] == "closed");
    assert_eq!(ann.quit().code, Some(0));
    let in_rooms = device(dir.path(), "ann", &relay.address, &["--new"]).finish();
    assert_eq!(in_rooms.code, Some(4), "{in_rooms:?}");
    assert!(run(schat::command(dir.path(), "ann").args(["forget", ROOM, "--yes"]), b"").status.success());
    let mine = fingerprint(dir.path(), "ann");
    let mut shown = device(dir.path(), "ann", &relay.address, &[]);
    assert_eq!(state(&mut shown, "code")["new"], json!(false), "it is an old device, of this account");
    drop(shown);
    assert_eq!(device(dir.path(), "ann", &relay.address, &["--cancel"]).finish().code, Some(0));
    let mut shown = device(dir.path(), "ann", &relay.address, &["--new"]);
    assert_eq!(state(&mut shown, "code")["new"], json!(true));
    drop(shown);
    assert_eq!(device(dir.path(), "ann", &relay.address, &["--cancel"]).finish().code, Some(0));
    assert_eq!(fingerprint(dir.path(), "ann"), mine, "nothing came of it");
}
