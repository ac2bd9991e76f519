//! Files through the built programs: sent, fetched, killed on the way, and gone on with.
//!
//! `SCHAT_KILLS` changes how often each end is killed.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};

use integration_tests::{
    PATIENCE, count,
    files::{bytes, done, file, names, pair, schat_file},
    group::{ROOM, found},
    network::Network,
    relay::Relay,
    schat::{Schat, command, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

#[test]
fn two_commands_bring_a_file_through() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    pair(dir.path(), &relay);
    let (small, large) = (bytes(5, 1), bytes(3_000_000, 2));
    let one = file(dir.path(), "small.txt", &small);
    let two = file(dir.path(), "large file.bin", &large);
    let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());
    done(&mut schat_file(dir.path(), "ann", &["send", ROOM, one, two, "--text", "two of them"]));
    let got = dir.path().join("got");
    fs::create_dir(&got).unwrap();
    let got_it = got.to_str().unwrap();
    let fetched = done(&mut schat_file(dir.path(), "bob", &["get", ROOM, "last", "--output", got_it]));
    let there = PathBuf::from(String::from_utf8(fetched.stdout).unwrap().trim_end());
    let last = there.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(last == "small.txt" || last == "large file.bin", "{last}");

    let listed = done(&mut schat_file(dir.path(), "bob", &["list", ROOM, "--json"]));
    let listed: Vec<Value> = String::from_utf8(listed.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(listed.len(), 2);
    for (name, content) in [("small.txt", &small), ("large file.bin", &large)] {
        let line = listed.iter().find(|line| line["file"]["name"] == name).unwrap();
        assert_eq!(line["file"]["size"], content.len());
        assert_eq!(line["text"], if name == "small.txt" { "two of them" } else { "" });
        let id = &line["id"].as_str().unwrap()[..8];
        let place = dir.path().join(format!("by id {name}"));
        done(&mut schat_file(dir.path(), "bob", &["get", ROOM, id, "--output", place.to_str().unwrap()]));
        assert_eq!(&fs::read(&place).unwrap(), content);
        let again =
            run(&mut schat_file(dir.path(), "bob", &["get", ROOM, id, "-o", place.to_str().unwrap()]), b"");
        assert_eq!(again.status.code(), Some(2), "what is there is not overwritten");
    }
    let shown = done(&mut schat_file(dir.path(), "bob", &["list", ROOM]));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("\"large file.bin\", 3.0 MB"), "{shown}");
    let none = run(&mut schat_file(dir.path(), "bob", &["get", ROOM, "ffffffff"]), b"");
    assert_eq!(none.status.code(), Some(5));

    // By `send`, and into the directory of the settings.
    let config = file(dir.path(), "config.toml", format!("[files]\ndownloads = {got_it:?}\n").as_bytes());
    let mut send = command(dir.path(), "bob");
    done(send.args(["--trust-first-use", "send", ROOM, "here", "--file", one]));
    let mut get = schat_file(dir.path(), "ann", &["get", ROOM, "last"]);
    done(get.env("SCHAT_CONFIG", &config));
    assert!(
        names(&got).contains(&"small.txt".to_owned()) || names(&got).contains(&"small (1).txt".to_owned())
    );

    let mut export = command(dir.path(), "ann");
    let shown = done(export.args(["export", ROOM, "--format", "text"]));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("(file small.txt, 5 B): here"), "{shown}");
}

#[test]
fn a_daemon_and_a_bot_send_and_fetch() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let content = bytes(2_500_000, 3);
    let path = file(dir.path(), "cat.bin", &content);
    people[0].tell(json!({"cmd": "file_send", "room": ROOM, "path": path, "text": "look", "id": "f1"}));
    people[0].sent("f1");
    let done_at = people[0].wait("done", |event| event["event"] == "transfer" && event["state"] == "done");
    assert_eq!((&done_at["direction"], &done_at["done"]), (&json!("up"), &json!(content.len())));
    people[1].hears("look");
    let message = people[1].wait("look", |event| event["text"] == "look");
    assert_eq!(message["file"]["name"], "cat.bin");
    assert!(message["file"].get("key").is_none(), "{message}");

    let bob = people.pop().unwrap();
    assert_eq!(bob.quit().code, Some(0));
    let mut daemon = command(dir.path(), "bob");
    let mut daemon = daemon.arg("--trust-first-use").arg("daemon").stderr(Stdio::null()).spawn().unwrap();
    let status = || {
        let mut status = command(dir.path(), "bob");
        status.args(["daemon", "status"]).output().unwrap().status.success()
    };
    let end = Instant::now() + PATIENCE;
    while !status() {
        assert!(Instant::now() < end, "the daemon does not begin");
    }
    // From another directory than the daemon's.
    let mut get = schat_file(dir.path(), "bob", &["get", ROOM, "last", "-o", "here.bin"]);
    done(get.current_dir(dir.path()));
    assert_eq!(fs::read(dir.path().join("here.bin")).unwrap(), content);
    let mut bot = Schat::start(dir.path(), "bob", &relay.address);
    let place = dir.path().join("bot.bin");
    bot.tell(json!({"cmd": "file_get", "room": ROOM, "target": message["id"], "output": place}));
    let there = bot.wait("done", |event| event["event"] == "transfer" && event["state"] == "done");
    assert_eq!((&there["path"], &there["id"]), (&json!(place), &message["id"]));
    assert_eq!(fs::read(place).unwrap(), content);
    bot.tell(json!({"cmd": "transfers"}));
    assert_eq!(bot.event("transfers")["transfers"], json!([]));
    drop(bot);
    done(command(dir.path(), "bob").args(["daemon", "stop"]));
    assert!(daemon.wait().unwrap().success());
}

#[test]
fn whoever_is_killed_goes_on_where_it_was() {
    let kills = count("SCHAT_KILLS", 3);
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"));
    pair(dir.path(), &relay);
    let content = bytes(64 << 20, 4);
    let path = file(dir.path(), "big.bin", &content);
    let place = dir.path().join("there.bin");
    let sends = ["send", ROOM, path.to_str().unwrap(), "--json"];
    let gets = ["get", ROOM, "last", "--json", "-o", place.to_str().unwrap()];
    for (name, arguments) in [("ann", &sends[..]), ("bob", &gets[..])] {
        let mut is_through = false;
        for nth in 0..kills {
            // Somewhere on the way, another place each time.
            let far = (nth as u64 + 1) * (content.len() as u64) / (kills as u64 + 2);
            is_through = killed_behind(&mut schat_file(dir.path(), name, arguments), far);
            if is_through {
                println!("{name} was too fast to be killed more than {nth} times");
                break;
            }
            assert!(!place.exists(), "half a file is shown as a whole one");
            if nth % 2 == 0 {
                relay.kill();
                relay.restart();
            }
        }
        if !is_through {
            done(&mut schat_file(dir.path(), name, arguments));
        }
    }
    assert!(fs::read(&place).unwrap() == content);
    let listed = done(&mut schat_file(dir.path(), "bob", &["list", ROOM]));
    assert_eq!(String::from_utf8(listed.stdout).unwrap().lines().count(), 1, "it was offered once");
}

/// Kills a command (SIGKILL) as soon as it tells of so many bytes. True: it was through before.
fn killed_behind(command: &mut Command, far: u64) -> bool {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let told = BufReader::new(child.stdout.take().unwrap());
    for line in told.lines().map_while(Result::ok) {
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["state"] == "done" {
            return child.wait().unwrap().success();
        }
        if event["done"].as_u64().is_some_and(|done| done >= far) {
            break;
        }
    }
    child.kill().unwrap();
    // Its last words may have been written in the meantime.
    child.wait().unwrap().success()
}

#[test]
fn a_relay_that_dies_on_the_way_is_waited_for() {
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let content = bytes(24 << 20, 5);
    let path = file(dir.path(), "big.bin", &content);
    people[0].tell(json!({"cmd": "file_send", "room": ROOM, "path": path, "id": "f1"}));
    let moves = |event: &Value| event["event"] == "transfer" && event["done"].as_u64() > Some(2 << 20);
    people[0].wait("bytes that go", moves);
    relay.kill();
    // The chat goes on meanwhile, as soon as there is a relay.
    people[0].say(ROOM, "still here", "m1");
    relay.restart();
    people[0].sent("m1");
    people[0].sent("f1");
    let message = people[1].wait("the file", |event| event["file"]["name"] == "big.bin");
    let place = dir.path().join("there.bin");
    people[1].tell(json!({"cmd": "file_get", "room": ROOM, "target": message["id"], "output": place}));
    people[1].wait("bytes that go", moves);
    relay.terminate();
    relay.restart();
    people[1].wait("done", |event| event["event"] == "transfer" && event["state"] == "done");
    assert!(fs::read(&place).unwrap() == content);
    for person in &mut people {
        assert_eq!(person.alarms(), Vec::<Value>::new());
    }
}

#[test]
fn a_file_goes_on_over_tcp_when_udp_dies_and_over_quic_when_it_is_back() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::with(&dir.path().join("relay"), &["--rate", "1000000", "--tcp"], None);
    let network = Network::with_tcp(&relay.address);
    let set_udp = |works: bool| {
        network.set_up(works);
        network.set_down(works);
    };
    let (mut people, _) = found(dir.path(), &network.address, &["ann", "bob"]);
    let content = bytes(48 << 20, 7);
    let path = file(dir.path(), "big.bin", &content);
    let place = dir.path().join("there.bin");
    let moves = |event: &Value| event["event"] == "transfer" && event["done"].as_u64() > Some(0);
    let by = |carrier: &'static str| {
        move |event: &Value| event["event"] == "connected" && event["transport"] == carrier
    };

    people[0].tell(json!({"cmd": "file_send", "room": ROOM, "path": path, "id": "f1"}));
    people[0].wait("bytes that go", moves);
    set_udp(false);
    people[0].sent("f1");
    let message = people[1].wait("the file", |event| event["file"]["name"] == "big.bin");
    for person in &mut people {
        person.wait("TCP", by("tcp"));
    }
    let mark = people[1].mark();
    people[1].tell(json!({"cmd": "file_get", "room": ROOM, "target": message["id"], "output": place}));
    people[1].wait_after(mark, "bytes that go", moves);
    set_udp(true);
    people[1].wait("done", |event| event["event"] == "transfer" && event["state"] == "done");
    people[1].wait_after(mark, "QUIC again", by("quic"));
    assert!(fs::read(&place).unwrap() == content);
    for person in &mut people {
        assert_eq!(person.alarms(), Vec::<Value>::new());
    }
}

/// A file system in memory of so many MiB; unmounted on drop.
struct Mount(TempDir);

impl Mount {
    fn new(size: u32) -> Option<Self> {
        let directory = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}m"), "tmpfs"]).arg(directory.path());
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(directory))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_stops_the_file_and_not_the_chat() {
    let Some(disk) = Mount::new(6) else { return println!("skipped: nothing can be mounted here") };
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let content = bytes(9 << 20, 6);
    let path = file(dir.path(), "big.bin", &content);
    people[0].tell(json!({"cmd": "file_send", "room": ROOM, "path": path, "id": "f1"}));
    people[0].sent("f1");
    let message = people[1].wait("the file", |event| event["file"]["name"] == "big.bin");
    let place = disk.0.path().join("there.bin");
    people[1].tell(json!({"cmd": "file_get", "room": ROOM, "target": message["id"], "output": place}));
    let stopped =
        people[1].wait("stopped", |event| event["event"] == "transfer" && event["state"] == "stopped");
    assert_eq!(stopped["code"], "disk_full", "{stopped}");
    assert!(!place.exists());
    people[0].say(ROOM, "and still we talk", "m1");
    people[1].hears("and still we talk");
    let larger = Command::new("mount").args(["-o", "remount,size=64m"]).arg(disk.0.path()).status();
    assert!(larger.unwrap().success());
    people[1].tell(json!({"cmd": "transfer", "transfer": stopped["transfer"], "steer": "resume"}));
    people[1].wait("done", |event| event["event"] == "transfer" && event["state"] == "done");
    assert!(fs::read(&place).unwrap() == content);
}
