//! Settings that follow a person, and drafts where they want that: handed over to a new device, and told both ways from then on.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use integration_tests::{
    PATIENCE,
    group::{ROOM, found},
    linking::{compared, link, state},
    relay::Relay,
    schat::{self, Schat, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A settings file of this device, with what is of one machine in it as well.
fn says(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(format!("{name}.toml"));
    fs::write(&path, text).unwrap();
    path
}

fn with(dir: &Path, name: &str, config: &Path) -> std::process::Command {
    let mut command = schat::command(dir, name);
    command.arg("--config").arg(config);
    command
}

fn start(dir: &Path, name: &str, relay: &str, config: &Path) -> Schat {
    let mut command = with(dir, name, config);
    command.args(["--trust-first-use", "--relay", relay]);
    let mut device = Schat::spawn(command, dir, name);
    device.event("joined");
    device
}

/// A setting as it is in force, and where that comes from.
fn set(dir: &Path, name: &str, config: &Path, setting: &str) -> (Value, String) {
    let output = run(with(dir, name, config).args(["config", "--json"]), b"");
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = all["settings"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == setting).unwrap();
    (row["value"].clone(), row["origin"].as_str().unwrap().to_owned())
}

/// Waits until a setting is so there.
fn becomes(dir: &Path, name: &str, config: &Path, setting: &str, value: &Value) {
    let end = Instant::now() + PATIENCE;
    loop {
        let (now, origin) = set(dir, name, config, setting);
        if now == *value {
            return;
        }
        assert!(Instant::now() < end, "{name}: {setting} is {now}, of {origin}");
        std::thread::yield_now();
    }
}

#[test]
fn settings_follow_a_person_both_ways_and_the_later_one_counts() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let (people, _) = found(dir, &relay.address, &["ann"]);
    people.into_iter().for_each(|person| assert_eq!(person.quit().code, Some(0)));
    let at_one =
        says(dir, "ann", "[privacy]\nseen = true\n[screen]\ntheme = 'dark'\n[files]\ndownloads = '/one'\n");
    let at_two = says(dir, "ann2", "[screen]\ntimes = '12h'\n[privacy]\nseen = false\n");
    let mut one = start(dir, "ann", &relay.address, &at_one);
    assert_eq!(link(&mut one, dir, "ann2", &relay.address).code, Some(0));
    // Handed over; what is of the machine is not.
    assert_eq!(set(dir, "ann2", &at_two, "privacy.seen"), (json!(true), "device".to_owned()));
    assert_eq!(set(dir, "ann2", &at_two, "screen.theme").1, "default");
    assert_eq!(set(dir, "ann2", &at_two, "files.downloads").1, "default");
    // What only the new device says is told, with its next start.
    assert_eq!(set(dir, "ann2", &at_two, "screen.times"), (json!("12h"), "file".to_owned()));
    let two = start(dir, "ann2", &relay.address, &at_two);
    becomes(dir, "ann", &at_one, "screen.times", &json!("12h"));
    assert_eq!(set(dir, "ann", &at_one, "screen.times").1, "device");
    // A change in a file is the later one, here as there.
    assert_eq!(one.quit().code, Some(0));
    says(dir, "ann", "[privacy]\nseen = true\ntyping = false\n[screen]\ntimes = '24h'\n");
    assert_eq!(set(dir, "ann", &at_one, "screen.times"), (json!("24h"), "file".to_owned()));
    let one = start(dir, "ann", &relay.address, &at_one);
    becomes(dir, "ann2", &at_two, "screen.times", &json!("24h"));
    becomes(dir, "ann2", &at_two, "privacy.typing", &json!(false));
    assert_eq!(two.quit().code, Some(0));
    // And taking it out of the file is one as well.
    says(dir, "ann2", "[screen]\ntimes = '12h'\n");
    let two = start(dir, "ann2", &relay.address, &at_two);
    becomes(dir, "ann", &at_one, "privacy.seen", &json!(false));
    assert_eq!(set(dir, "ann", &at_one, "screen.times").0, json!("24h"));
    // A program with another file, or none, changes nothing for anybody.
    let other = says(dir, "other", "[screen]\ntimes = '12h'\n");
    assert_eq!(two.quit().code, Some(0));
    assert_eq!(start(dir, "ann2", &relay.address, &other).quit().code, Some(0));
    assert_eq!(set(dir, "ann2", &other, "screen.times"), (json!("24h"), "device".to_owned()));
    assert_eq!(one.quit().code, Some(0));
}

fn types(device: &mut Schat, text: &str) {
    device.tell(json!({"cmd": "draft", "room": ROOM, "text": text}));
    device.settle();
}

fn typed(device: &mut Schat, mark: usize, text: &str) {
    device.wait_after(mark, text, |event| event["event"] == "draft" && event["text"] == text);
}

#[test]
fn drafts_go_to_the_other_devices_only_where_a_person_wants_that() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let (people, _) = found(dir, &relay.address, &["ann"]);
    people.into_iter().for_each(|person| assert_eq!(person.quit().code, Some(0)));
    let nothing = says(dir, "nothing", "");
    let mut one = start(dir, "ann", &relay.address, &nothing);
    assert_eq!(link(&mut one, dir, "ann2", &relay.address).code, Some(0));
    let mut two = start(dir, "ann2", &relay.address, &nothing);
    types(&mut one, "for nobody");
    // Something that is told, behind what is not.
    one.tell(json!({"cmd": "pin", "room": ROOM}));
    let end = Instant::now() + PATIENCE;
    loop {
        let mark = two.mark();
        two.tell(json!({"cmd": "rooms"}));
        let rooms = two.wait_after(mark, "rooms", |event| event["event"] == "rooms");
        if rooms["rooms"][0]["pinned"] == json!(true) {
            break;
        }
        assert!(Instant::now() < end);
    }
    assert!(!two.seen.iter().any(|event| event["event"] == "draft"), "{:?}", two.seen);
    assert_eq!(one.quit().code, Some(0));
    assert_eq!(two.quit().code, Some(0));
    // Wanted at one of them, it holds at both from their next start on.
    let wanted = says(dir, "wanted", "[devices]\ndrafts = true\n");
    let mut one = start(dir, "ann", &relay.address, &wanted);
    let two = start(dir, "ann2", &relay.address, &nothing);
    becomes(dir, "ann2", &nothing, "devices.drafts", &json!(true));
    assert_eq!(two.quit().code, Some(0));
    let mut two = start(dir, "ann2", &relay.address, &nothing);
    types(&mut one, "half a sent");
    typed(&mut two, 0, "half a sent");
    let mark = one.mark();
    types(&mut two, "half a sentence");
    typed(&mut one, mark, "half a sentence");
    let mark = two.mark();
    types(&mut one, "");
    typed(&mut two, mark, "");
    // A third one gets what is typed now.
    types(&mut one, "for the third");
    let mut new = integration_tests::linking::device(dir, "ann3", &relay.address, &[]);
    let code = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
    one.tell(json!({"cmd": "link", "code": code}));
    let digits = compared(&mut one, &mut new);
    one.tell(json!({"cmd": "link_confirm", "digits": digits}));
    assert_eq!(new.finish().code, Some(0));
    let mut three = start(dir, "ann3", &relay.address, &nothing);
    three.tell(json!({"cmd": "draft", "room": ROOM}));
    typed(&mut three, 0, "for the third");
    drop((one, two));
}
