//! Somebody has a device of a person, or a copy of one: what it does not give them, and what the person is told. A device that was
//! taken out becomes one of the account again where the person says so.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use integration_tests::{
    PATIENCE, copy,
    devices::{are_known, devices, ends, two},
    group::{ROOM, found},
    linking::{compared, device, link, state},
    relay::Relay,
    schat::{self, Schat, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Links the profile in `dir/name`, which had an account, by the code that it shows.
fn link_anew(old: &mut Schat, dir: &Path, name: &str, relay: &str) -> schat::Ended {
    link_next(old, dir, name, (relay, &["--new"]))
}

/// Links one more.
fn link_next(old: &mut Schat, dir: &Path, name: &str, (relay, more): (&str, &[&str])) -> schat::Ended {
    let mut new = device(dir, name, relay, more);
    let code = state(&mut new, "code");
    assert_eq!(code["new"], json!(true), "it is no new device: {code}");
    let mark = old.mark();
    old.tell(json!({"cmd": "link", "code": code["link"]}));
    let at_new = state(&mut new, "compare");
    old.wait_after(mark, "compare", |event| event["event"] == "link" && event["state"] == "compare");
    old.tell(json!({"cmd": "link_confirm", "digits": at_new["digits"]}));
    old.wait_after(mark, "done", |event| event["event"] == "link" && event["state"] == "done");
    new.finish()
}

#[test]
fn words_that_replace_the_key_are_with_no_device_that_is_linked() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let (ann, second, _bob) = two(dir, &relay);
    assert_eq!((ann.quit().code, second.quit().code), (Some(0), Some(0)));
    let file = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let (words, stolen, other) = (file("words"), file("stolen words"), file("other words"));
    // Whoever has the second device asks it for them, before and after they were written down.
    let steal = || ends(dir, "ann2", &["backup", &file("loot"), "--phrase-file", &stolen]);
    let is_empty_handed = |(code, said): (Option<i32>, String)| {
        assert!(code != Some(0) && said.contains("another device"), "{code:?} {said}");
        assert!(!Path::new(&stolen).exists() && !Path::new(&file("loot")).exists(), "it gave them away");
    };
    is_empty_handed(steal());
    let (code, said) = ends(dir, "ann", &["backup", &file("backup"), "--phrase-file", &words]);
    assert!(code == Some(0) && said.contains("no other device"), "{code:?} {said}");
    is_empty_handed(steal());
    // Words of anybody's are not taken for them, and do not replace the key.
    fs::write(&other, "legal winner thank year wave sausage worth useful legal winner thank yellow\n")
        .unwrap();
    let (code, said) = ends(dir, "ann2", &["backup", &file("loot"), "--phrase-file", &other]);
    assert!(code == Some(6) && !Path::new(&file("loot")).exists(), "{code:?} {said}");
    let fresh = file("fresh");
    let (code, said) =
        ends(dir, "ann2", &["devices", "replace-key", "--phrase-file", &other, "--new-phrase-file", &fresh]);
    assert!(code == Some(6) && !Path::new(&fresh).exists(), "{code:?} {said}");
    // Their owner seals with them there as well.
    let (code, said) = ends(dir, "ann2", &["backup", &file("second"), "--phrase-file", &words]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn device_that_was_taken_out_is_linked_anew_in_its_profile() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let (mut ann, mut second, mut bob) = two(dir, &relay);
    devices(&mut ann, are_known(&[("laptop", 2), ("phone", 2)]));
    bob.say(ROOM, "before", "1");
    second.hears("before");
    ann.tell(json!({"cmd": "device_remove", "device": "phone"}));
    let told = second.event("closed");
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains("another device of yours") && reason.contains("schat link"), "{reason}");
    devices(&mut ann, |all| all.len() == 2);
    second.settle();
    let (code, said) = (second.quit().code, ends(dir, "ann2", &["devices"]).1);
    assert!(code == Some(0) && said.contains("schat link"), "{said}");
    // A script that does not say so leaves it as it is, and is told how.
    let mut silent = device(dir, "ann2", &relay.address, &[]);
    let ended = silent.finish();
    let told = format!("{:?} {}", ended.seen, ended.errors);
    assert!(ended.code == Some(4) && told.contains("--new"), "{told}");
    let ended = link_anew(&mut ann, dir, "ann2", &relay.address);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut second = Schat::start(dir, "ann2", &relay.address);
    second.event("joined");
    second.say(ROOM, "here again", "2");
    ann.hears("here again");
    bob.hears("here again");
    assert_eq!(second.quit().code, Some(0));
    // What it had of the room is still there, once.
    let (_, past) = ends(dir, "ann2", &["export", ROOM]);
    assert_eq!(past.matches("before").count(), 1, "{past}");
    assert_eq!(bob.alarms(), Vec::<Value>::new());
}

#[test]
fn device_that_was_away_when_it_was_taken_out_is_told_and_linked_anew() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let (mut ann, second, mut bob) = two(dir, &relay);
    devices(&mut ann, are_known(&[("laptop", 2), ("phone", 2)]));
    assert_eq!(second.quit().code, Some(0));
    ann.tell(json!({"cmd": "device_remove", "device": "phone"}));
    devices(&mut ann, |all| all.len() == 2);
    let mut second = Schat::start(dir, "ann2", &relay.address);
    let told = second.event("closed");
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains("another device of yours") && reason.contains("schat link"), "{reason}");
    // The room of the devices says so as well, to the program alone.
    let end = Instant::now() + PATIENCE;
    loop {
        let mark = second.mark();
        second.tell(json!({"cmd": "link"}));
        let answer = second.wait_after(mark, "an answer", |event| {
            event["event"] == "error" || (event["event"] == "link" && event["state"] == "code")
        });
        if answer["code"] == "taken_out" {
            break;
        }
        assert!(Instant::now() < end, "it gives away an account that took it out: {answer}");
        second.tell(json!({"cmd": "link_cancel"}));
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(second.quit().code, Some(4), "what it asked for was refused");
    let ended = link_anew(&mut ann, dir, "ann2", &relay.address);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut second = Schat::start(dir, "ann2", &relay.address);
    second.event("joined");
    second.say(ROOM, "here again", "2");
    bob.hears("here again");
}

#[test]
fn device_that_becomes_one_of_an_account_takes_its_name() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let (people, _) = found(dir, &relay.address, &["ann", "bob"]);
    let [mut ann, mut bob] = people.try_into().unwrap_or_else(|_| panic!());
    // It is started with --name ann2.
    assert_eq!(link(&mut ann, dir, "ann2", &relay.address).code, Some(0));
    bob.event("device_joined");
    // It has said which it is: no stranger in the list, without a chat there.
    devices(&mut ann, |all| all.len() == 4 && all.iter().all(|one| one["of"].is_string()));
    ann.say(ROOM, "still ann", "1");
    bob.hears("still ann");
    let is_new = |event: &&Value| event.to_string().contains("ann2");
    bob.mark();
    assert_eq!(bob.seen.iter().find(is_new), None);
    let output = run(
        integration_tests::programs::program("schat")
            .arg("--profile")
            .arg(dir.join("ann2"))
            .args(["--json", "fingerprint"]),
        b"",
    );
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["name"], "ann");
}

/// The thief makes the second device link one of theirs.
#[test]
fn device_that_another_one_links_is_an_alarm_for_the_owner_and_what_they_do_themselves_is_none() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let (mut ann, mut second, mut bob) = two(dir, &relay);
    devices(&mut ann, are_known(&[("laptop", 2), ("phone", 2)]));
    devices(&mut second, are_known(&[("laptop", 2), ("phone", 2)]));
    assert_eq!((ann.alarms(), second.alarms()), (Vec::new(), Vec::new()), "a normal day");
    assert_eq!(link(&mut second, dir, "ann3", &relay.address).code, Some(0));
    let alarm = ann.event("alarm");
    let told = alarm.to_string();
    assert_eq!(alarm["kind"], "device", "{told}");
    assert!(told.contains("devices remove") && told.contains("replace-key"), "{told}");
    let mut third = Schat::start(dir, "ann3", &relay.address);
    third.event("joined");
    // A room that comes to all of them later rings nothing.
    ann.tell(json!({"cmd": "create", "room": "club"}));
    for other in [&mut second, &mut third] {
        other.wait("the club", |event| event["event"] == "joined" && event["room"] == "club");
    }
    ann.say("club", "all here", "1");
    second.hears("all here");
    third.hears("all here");
    ann.settle();
    let alarms = ann.alarms();
    assert_eq!(alarms.len(), 1, "once for one device: {alarms:#?}");
    assert_eq!((second.alarms(), third.alarms(), bob.alarms()), (Vec::new(), Vec::new(), Vec::new()));
}

#[test]
fn devices_of_one_name_are_told_apart_by_a_short_id() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let (mut ann, mut second, _bob) = two(dir, &relay);
    assert_eq!(link_next(&mut ann, dir, "ann3", (&relay.address, &[])).code, Some(0));
    let mut third = Schat::start(dir, "ann3", &relay.address);
    third.event("joined");
    third.tell(json!({"cmd": "device_rename", "name": "phone"}));
    devices(&mut ann, are_known(&[("laptop", 2), ("phone", 4)]));
    devices(&mut second, are_known(&[("laptop", 2), ("phone", 4)]));
    assert_eq!(ann.quit().code, Some(0));
    let (_, listed) = ends(dir, "ann", &["devices"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 3, "{listed}");
    let short = |line: &str| {
        let (_, behind) = line.split_once(", id ").unwrap_or_else(|| panic!("no short id: {line}"));
        behind.split_once(':').unwrap().0.to_owned()
    };
    let ids: Vec<String> = lines.iter().map(|line| short(line)).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids.iter().all(|id| id.len() >= 6), "{listed}");
    // Checked before it asks to be told once more.
    let plain = |line: &str| {
        let output =
            run(schat::command(dir, "ann").arg("--plain"), format!("/join {ROOM}\n{line}\n").as_bytes());
        String::from_utf8(output.stderr).unwrap()
    };
    let said = plain("/devices remove phone");
    assert!(!said.contains("once more") && ids[1..].iter().all(|id| said.contains(id)), "{said}");
    let said = plain("/devices remove laptop");
    assert!(!said.contains("once more") && said.contains("this device"), "{said}");
    let (code, said) = ends(dir, "ann", &["devices", "remove", &ids[1]]);
    assert_eq!(code, Some(0), "{said}");
    let (_, left) = ends(dir, "ann", &["devices"]);
    assert!(!left.contains(&ids[1]) && left.contains(&ids[2]), "{left}");
    // The only one of a person.
    let said = run(
        schat::command(dir, "carl").args(["--trust-first-use", "--relay", &relay.address, "--plain"]),
        b"/create den\n/devices remove carl\n",
    );
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(!said.contains("once more"), "{said}");
}

/// A thief has seen the code, and was faster.
#[test]
fn code_that_another_device_has_used_is_said_for_what_it_is() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let (mut people, _) = found(dir, &relay.address, &["ann"]);
    let ann = &mut people[0];
    ann.tell(json!({"cmd": "link"}));
    let code = state(ann, "code")["link"].as_str().unwrap().to_owned();
    let mut thief = device(dir, "eve", &relay.address, &[&code]);
    compared(ann, &mut thief);
    let mut new = device(dir, "ann2", &relay.address, &[&code]);
    let ended = new.finish();
    let told = format!("{:?} {}", ended.seen, ended.errors);
    assert!(ended.code != Some(0) && told.contains("Another device has used this code"), "{told}");
    assert!(told.contains("/link cancel"), "{told}");
    ann.tell(json!({"cmd": "link_refuse"}));
    assert_ne!(thief.finish().code, Some(0));
}

/// Ann and Bob, and Ann has her twelve words and a backup.
fn backed_up(dir: &Path, relay: &Relay) -> Schat {
    let (mut people, _) = found(dir, &relay.address, &["ann", "bob"]);
    let bob = people.pop().unwrap();
    assert_eq!(people.pop().unwrap().quit().code, Some(0));
    let (code, said) =
        ends(dir, "ann", &["backup", &file(dir, "backup"), "--phrase-file", &file(dir, "words")]);
    assert_eq!(code, Some(0), "{said}");
    bob
}

/// Ann's key is replaced; then she is there with other keys, and the relay has the old one no more.
fn replaced(dir: &Path, relay: &Relay, bob: &mut Schat) -> Schat {
    let (words, fresh) = (file(dir, "words"), file(dir, "fresh words"));
    let replace = ["devices", "replace-key", "--phrase-file", &words, "--new-phrase-file", &fresh];
    let mark = bob.mark();
    let (code, said) = ends(dir, "ann", &replace);
    assert_eq!(code, Some(0), "{said}");
    let mut ann = Schat::start(dir, "ann", &relay.address);
    ann.event("joined");
    let epoch = |event: &Value| event["epoch"].as_u64().filter(|_| event["event"] == "epoch");
    bob.wait_after(mark, "the change", |event| event["event"] == "key_changed");
    let first = bob.wait_after(mark, "its epoch", |event| epoch(event).is_some())["epoch"].as_u64();
    bob.wait_after(mark, "the old key goes", |event| epoch(event) > first);
    ann
}

fn file(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().unwrap().to_owned()
}

#[test]
fn backup_of_a_key_that_was_replaced_is_no_way_back_and_that_is_said() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let mut bob = backed_up(dir, &relay);
    let ann = replaced(dir, &relay, &mut bob);
    let (backup, words) = (file(dir, "backup"), file(dir, "words"));
    let restore = ["--trust-first-use", "restore", &backup, "--phrase-file", &words, "--timeout", "20"];
    let (code, said) = ends(dir, "old", &restore);
    assert!(
        code == Some(4) && said.contains("key was replaced") && said.contains("schat link --new"),
        "{code:?} {said}"
    );
    assert_eq!(ann.quit().code, Some(0));
}

#[test]
fn copy_of_a_device_in_use_is_said_to_be_a_theft_perhaps() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let (mut people, _) = found(dir, &relay.address, &["ann", "bob"]);
    let bob = people.pop().unwrap();
    let ann = people.pop().unwrap();
    assert_eq!(ann.quit().code, Some(0));
    copy(&dir.join("ann"), &dir.join("stolen"));
    let mut ann = Schat::start(dir, "ann", &relay.address);
    ann.event("joined");
    let mut thief = Schat::start(dir, "stolen", &relay.address);
    thief.event("joined");
    let reason = ann.event("closed")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("copy") && reason.contains("replace-key"), "{reason}");
    drop((thief, bob));
}

/// Somebody copied the profile, and the key is replaced at that very device, the only one of its owner.
#[test]
fn copy_of_a_device_reads_and_says_nothing_more_once_the_key_was_replaced_at_that_device() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let relay = Relay::start(&dir.join("relay"));
    let mut bob = backed_up(dir, &relay);
    copy(&dir.join("ann"), &dir.join("stolen"));
    let mut ann = replaced(dir, &relay, &mut bob);
    ann.say(ROOM, "back", "1");
    bob.hears("back");
    bob.say(ROOM, "the secret", "2");
    ann.hears("the secret");
    let mut thief = Schat::start(dir, "stolen", &relay.address);
    thief.tell(json!({"cmd": "send", "room": ROOM, "text": "a lie", "id": "3"}));
    thief.event("closed");
    ann.say(ROOM, "still here", "4");
    bob.hears("still here");
    bob.say(ROOM, "so am I", "5");
    ann.hears("so am I");
    let has_seen = |one: &Schat, what: &str| one.seen.iter().any(|event| event.to_string().contains(what));
    thief.mark();
    assert!(!has_seen(&thief, "the secret") && !has_seen(&thief, "so am I"), "{:#?}", thief.seen);
    assert!(!has_seen(&ann, "a lie") && !has_seen(&bob, "a lie"), "a copy speaks as its owner");
}
