//! What becomes of files that were sent: kept, fetched by themselves, dropped with their message, and refused by a limit.
//!
//! `SCHAT_FILES` changes how many go in one command.

use std::{fs, time::Instant};

use integration_tests::{
    PATIENCE, count,
    files::{done, file, names, pair, schat},
    group::{ROOM, found},
    relay::{Relay, command as operator},
    schat::{Schat, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The beginning of a picture is all that anybody looks at.
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes of files that the relay keeps of its only room.
fn kept(relay: &Relay) -> u64 {
    let top = done(operator(relay.dir()).args(["top", "--json"]));
    let top: Value = serde_json::from_slice(&top.stdout).unwrap();
    top["rooms"][0]["file_bytes"].as_u64().unwrap()
}

fn waits_until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "in vain: {what}");
    }
}

#[test]
fn export_brings_all_files_of_a_room_and_none_of_them_twice() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    pair(dir.path(), &relay);
    let one = file(dir.path(), "notes.txt", b"one");
    done(&mut schat(dir.path(), "ann", &["file", "send", ROOM, one.to_str().unwrap()]));
    file(dir.path(), "notes.txt", b"another of that name");
    done(&mut schat(dir.path(), "ann", &["file", "send", ROOM, one.to_str().unwrap()]));
    let got = dir.path().join("got");
    let export =
        || schat(dir.path(), "bob", &["export", ROOM, "--format", "text", "--files", got.to_str().unwrap()]);
    // What was said while nobody was here is read first.
    done(&mut schat(
        dir.path(),
        "bob",
        &["file", "get", ROOM, "last", "-o", dir.path().join("x").to_str().unwrap()],
    ));
    let shown = done(&mut export());
    assert_eq!(text(&shown.stdout).matches("notes.txt").count(), 2, "{}", text(&shown.stdout));
    let there = names(&got);
    assert!(there.len() == 2 && there.iter().all(|name| name.ends_with(" notes.txt")), "{there:?}");
    let mut contents: Vec<_> = there.iter().map(|name| fs::read(got.join(name)).unwrap()).collect();
    contents.sort();
    assert_eq!(contents, [&b"another of that name"[..], b"one"]);
    // Somebody changed one meanwhile: it is theirs.
    fs::write(got.join(&there[0]), b"mine").unwrap();
    done(&mut export());
    assert_eq!((names(&got), fs::read(got.join(&there[0])).unwrap()), (there, b"mine".to_vec()));
}

#[test]
fn only_what_is_a_small_picture_is_fetched_by_itself() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    pair(dir.path(), &relay);
    let got = dir.path().join("got");
    fs::create_dir(&got).unwrap();
    let settings = format!("[files]\ndownloads = {got:?}\nfetch_images = true\n");
    let config = file(dir.path(), "config.toml", settings.as_bytes());
    let mut bob = schat(dir.path(), "bob", &["--relay", &relay.address]);
    bob.env("SCHAT_CONFIG", &config);
    let mut bob = Schat::spawn(bob, dir.path(), "bob");
    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    let large = [GIF, &vec![0; 2 << 20]].concat();
    let sent = [
        ("fake.gif", &b"MZ: a program"[..]),
        ("fake.png", GIF),
        ("drawing.svg", b"<svg/>"),
        ("notes.txt", b"notes"),
        ("large.gif", &large),
        ("cat.gif", GIF),
    ];
    for (name, content) in sent {
        let path = file(dir.path(), name, content);
        let keeps = name == "large.gif";
        ann.tell(json!({"cmd": "file_send", "room": ROOM, "path": path, "id": name, "keep_metadata": keeps}));
        ann.sent(name);
    }
    let ended = |name: &'static str, state: &'static str| {
        move |event: &Value| event["event"] == "transfer" && event["name"] == name && event["state"] == state
    };
    bob.wait("the picture", ended("cat.gif", "done"));
    for name in ["fake.gif", "fake.png"] {
        // Nobody asked, so nobody has to decide what becomes of it.
        let refused = bob.wait("a refusal", ended(name, "cancelled"));
        assert_eq!(refused["code"], "file_forged", "{refused}");
        assert!(!bob.seen.iter().any(ended(name, "stopped")));
    }
    assert_eq!(names(&got), ["cat.gif"]);
    let asked: Vec<_> =
        bob.seen.iter().filter(|event| event["event"] == "transfer").map(|event| &event["name"]).collect();
    assert!(
        !asked.iter().any(|name| ["drawing.svg", "notes.txt", "large.gif"].contains(&name.as_str().unwrap()))
    );
}

#[test]
fn deleted_and_disappeared_messages_take_their_files_from_the_relay() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let path = file(dir.path(), "secret.bin", &vec![7; 100_000]);
    let send = |people: &mut Vec<Schat>, id: &str| {
        people[0].tell(json!({"cmd": "file_send", "room": ROOM, "path": path, "text": id, "id": id}));
        people[0].sent(id);
        people[1].hears(id);
        people[1].wait("the file", |event| event["text"] == id)["id"].clone()
    };
    let message = send(&mut people, "deleted");
    assert!(kept(&relay) > 100_000);
    people[0].tell(json!({"cmd": "delete", "room": ROOM, "target": message}));
    waits_until("a file that is deleted goes", || kept(&relay) == 0);
    people[0].tell(json!({"cmd": "disappear", "room": ROOM, "seconds": 2}));
    for person in &mut people {
        person.wait("the new time", |event| event["event"] == "disappearing" && event["seconds"] == 2);
    }
    send(&mut people, "disappears");
    waits_until("a file whose time is over goes", || kept(&relay) == 0);
    for person in &mut people {
        assert_eq!(person.alarms(), Vec::<Value>::new());
    }
}

#[test]
fn limit_that_refuses_a_file_is_named_and_the_chat_goes_on() {
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"));
    pair(dir.path(), &relay);
    let large = file(dir.path(), "large.bin", &vec![7; 3_400_000]);
    let small = file(dir.path(), "small.bin", &vec![7; 700_000]);
    for (options, path, code, message, remedy) in [
        (&["--max-file-mib", "1"][..], &large, "too_large", "a single file may not have", "--max-file-mib."),
        (&["--room-files-mib", "2"], &large, "no_space", "the files of this room", "--room-files-mib, or"),
        (&["--room-files-mib", "4"], &large, "no_space", "your files take your part", "--room-files-mib."),
        (
            &["--opener-files-mib", "1"],
            &large,
            "no_space",
            "as many bytes of files today",
            "--opener-files-mib.",
        ),
        (&["--max-files-mib", "1"], &large, "no_space", "take all that they may", "--max-files-mib."),
    ] {
        relay.terminate();
        relay.set_options(&[&["--rate", "1000000"], options].concat());
        relay.restart();
        let output = run(
            &mut schat(dir.path(), "ann", &["file", "send", ROOM, path.to_str().unwrap(), "--timeout", "5"]),
            b"",
        );
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{options:?}: {errors}");
        assert!(errors.contains(message) && errors.contains(remedy), "{options:?}: {errors}");
        let listed = text(&done(&mut schat(dir.path(), "ann", &["file", "transfers"])).stdout);
        let number = listed.split(' ').next().unwrap().to_owned();
        let told = text(&done(&mut schat(dir.path(), "ann", &["--json", "file", "transfers"])).stdout);
        assert!(told.contains("large.bin"), "{code}: {told}");
        // The chat goes on.
        done(&mut schat(dir.path(), "ann", &["send", ROOM, &options.join(" ")]));
        done(&mut schat(dir.path(), "ann", &["file", "cancel", &number]));
    }
    relay.terminate();
    relay.set_options(&["--rate", "1000000"]);
    relay.restart();
    done(&mut schat(dir.path(), "ann", &["file", "send", ROOM, small.to_str().unwrap()]));
}

#[test]
fn hundreds_of_small_files_go_in_one_command() {
    many(count("SCHAT_FILES", 1_100));
}

#[test]
#[ignore = "takes an hour"]
fn a_hundred_thousand_small_files_go_in_one_command() {
    many(100_000);
}

fn many(number: usize) {
    let dir = TempDir::new().unwrap();
    let options = ["--rate", "1000000", "--room-rate", "1000000", "--files-per-address", "1000000"];
    let more = ["--files-per-room", "1000000", "--room-files-mib", "100000", "--opener-files-mib", "100000"];
    let relay = Relay::with(&dir.path().join("relay"), &[&options[..], &more].concat(), None);
    pair(dir.path(), &relay);
    let from = dir.path().join("from");
    fs::create_dir(&from).unwrap();
    let names: Vec<String> = (0..number).map(|nth| format!("{nth}")).collect();
    names.iter().for_each(|name| fs::write(from.join(name), name).unwrap());
    let mut send = schat(dir.path(), "ann", &["file", "send", ROOM, "--timeout", "300"]);
    done(send.args(&names).current_dir(&from));
    // The last of them by bob, the first as well, and as many as there are.
    let place = dir.path().join("there");
    done(&mut schat(dir.path(), "bob", &["file", "get", ROOM, "last", "-o", place.to_str().unwrap()]));
    let limit = (number + 9).to_string();
    let listed = done(&mut schat(dir.path(), "bob", &["file", "list", ROOM, "--limit", &limit, "--json"]));
    let lines: Vec<Value> =
        text(&listed.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut told: Vec<usize> =
        lines.iter().map(|line| line["file"]["name"].as_str().unwrap().parse().unwrap()).collect();
    told.sort_unstable();
    assert!(told.iter().copied().eq(0..number), "{} of {number}", told.len());
    let first = lines.iter().find(|line| line["file"]["name"] == "0").unwrap()["id"].as_str().unwrap();
    let place = dir.path().join("first");
    done(&mut schat(dir.path(), "bob", &["file", "get", ROOM, first, "-o", place.to_str().unwrap()]));
    assert_eq!(fs::read(place).unwrap(), b"0");
}
