//! Whatever comes from the keyboard, a script, a file or another member: a clear answer with a remedy, the right
//! exit code, nothing lost, no panic (the harness looks for that after each process).

use std::{fs, net::UdpSocket};

use integration_tests::{
    group::{ROOM, found, join},
    output::{HOSTILE, failed, harmless},
    relay::Relay,
    schat::{self, Schat, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

#[test]
fn room_that_is_not_in_the_profile_is_not_found() {
    let dir = TempDir::new().unwrap();
    failed(&run(schat::command(dir.path(), "ann").args(["send", "nowhere", "hi"]), b""), 5, &["no profile"]);
    assert_eq!(run(schat::command(dir.path(), "ann").arg("--json"), b"").status.code(), Some(0));
    for command in [&["send", "nowhere", "hi"][..], &["tail", "nowhere"], &["invite", "nowhere"]] {
        failed(&run(schat::command(dir.path(), "ann").args(command), b""), 5, &["no room nowhere", "/rooms"]);
    }
    let hostile = HOSTILE.to_owned();
    failed(&run(schat::command(dir.path(), "ann").args(["send", &hostile, "hi"]), b""), 5, &["no room"]);
}

#[test]
fn absent_relay_is_a_network_error_and_the_message_is_sent_later() {
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    assert_eq!(people.remove(0).quit().code, Some(0));
    relay.kill();
    let sending = ["send", ROOM, "said to nobody", "--timeout", "3"];
    let output = run(schat::command(dir.path(), "ann").args(sending), b"");
    failed(&output, 3, &["relay", "kept and sent at the next start"]);
    relay.restart();
    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    ann.hears("said to nobody");
    people[0].hears("said to nobody");
    assert_eq!(people[0].heard().len(), 1);
}

#[test]
fn names_that_are_too_long_or_hostile_are_refused() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    for name in [HOSTILE, &"x".repeat(100_000), "  "] {
        let mut command = schat::command(dir.path(), "ann");
        failed(&run(command.args(["--name", name, "--json"]), b""), 2, &["name"]);
    }
    let (mut people, _) = found(dir.path(), &relay.address, &["bob"]);
    let bob = &mut people[0];
    let huge = "x".repeat(10 << 20);
    for (cmd, code) in [
        (json!({"cmd": "nick", "name": HOSTILE}), "usage"),
        (json!({"cmd": "nick", "name": huge}), "usage"),
        (json!({"cmd": "create", "room": HOSTILE}), "usage"),
        (json!({"cmd": "create", "room": huge}), "usage"),
        (json!({"cmd": "send", "room": HOSTILE, "text": "x"}), "not_found"),
        (json!({"cmd": "send", "room": ROOM, "text": huge}), "usage"),
        (json!({"cmd": "send", "room": ROOM, "text": "x".repeat(40 << 10)}), "too_long"),
        (json!({"cmd": "send", "room": ROOM, "text": ""}), "empty"),
    ] {
        error(bob, &format!("{cmd}\n"), code);
    }
    bob.say(ROOM, &"x".repeat(40 << 10), "a2");
    bob.wait("the error of a2", |event| event["code"] == "too_long" && event["id"] == "a2");
    bob.say(ROOM, "goes on", "1");
    bob.hears("goes on");
    assert_eq!(bob.heard().len(), 1);
}

#[test]
fn malformed_lines_are_answered_and_the_next_one_is_obeyed() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    let ann = &mut people[0];
    let deep = format!("{}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!("{{\"cmd\":{}1{}}}\n", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    for line in [
        "hello\n",
        "{\n",
        "{}\n",
        "[]\n",
        "null\n",
        "{\"cmd\":\"dance\"}\n",
        "{\"cmd\":\"send\"}\n",
        "{\"cmd\":\"send\",\"room\":7,\"text\":\"x\"}\n",
        "{\"v\":9,\"cmd\":\"rooms\"}\n",
        "{\"cmd\":\"ack\",\"room\":\"team\",\"seq\":-1}\n",
        "{\"cmd\":\"ack\",\"room\":\"team\",\"seq\":1e99}\n",
        "{\"cmd\":\"join\"}\n",
        "{\"cmd\":\"join\",\"link\":\"schat://x\"}\n",
        "{\"cmd\":\"remove\",\"room\":\"team\",\"member\":\"ann\"}\n",
        "{\"cmd\":\"\\ud800\"}\n",
        "\u{1b}[2J\n",
        "\0\0\0\n",
        &deep,
        &nested,
        &format!("{}\n", "{\"cmd\":\"send\",".repeat(1 << 20)),
    ] {
        error(ann, line, "usage");
    }
    let mark = ann.mark();
    ann.raw(b"\xff\xfe{\"cmd\"\n\n   \n");
    ann.wait_after(mark, "an error", |event| event["event"] == "error");
    ann.say(ROOM, "goes on", "1");
    ann.sent("1");
    let ended = people.remove(0).quit();
    assert_eq!(ended.code, Some(2), "the first line that was refused says how it ends");
    harmless(ended.errors.as_bytes());
}

/// Gives the line and waits for its error.
#[track_caller]
fn error(person: &mut Schat, line: &str, code: &str) {
    let mark = person.mark();
    person.raw(line.as_bytes());
    let error = person.wait_after(mark, "an error", |event| event["event"] == "error");
    let start: String = line.chars().take(60).collect();
    assert_eq!(error["code"], code, "{start}: {error}");
    for field in ["message", "remedy"] {
        let text = error[field].as_str().unwrap();
        assert!(!text.is_empty() && text.len() < 1000, "{start}: {error}");
    }
}

#[test]
fn hostile_text_of_others_never_reaches_the_terminal() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, link) = found(dir.path(), &relay.address, &["eve"]);
    let bob = join(dir.path(), "bob", &relay.address, &link);
    assert_eq!(bob.quit().code, Some(0));
    people[0].say(ROOM, HOSTILE, "1");
    people[0].say(ROOM, "line one\nann: I never said that", "2");
    people[0].say(ROOM, "the end", "3");
    people[0].sent("3");

    // Once to have it, once more to see it as the past; then by `tail`, which sees only what is stored.
    for _ in 0..2 {
        let mut command = schat::command(dir.path(), "bob");
        let mut child = command
            .arg("--plain")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = Vec::new();
        let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
        while !lines.ends_with(b"the end\n") {
            assert!(std::io::BufRead::read_until(&mut stdout, b'\n', &mut lines).unwrap() > 0);
        }
        drop(child.stdin.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        harmless(&output.stderr);
        harmless(&lines);
        let text = String::from_utf8(lines).unwrap();
        assert!(text.contains("evil") && text.contains("eve: "), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("ann:")), "a faked speaker: {text}");
    }

    // A program gets it as it was, in a spelling that is harmless on a terminal, too.
    let mut bob = Schat::start(dir.path(), "bob", &relay.address);
    bob.hears(HOSTILE);
}

#[test]
fn profile_that_cannot_be_used_is_left_alone_and_explained() {
    let dir = TempDir::new().unwrap();
    let fingerprint = |name: &str| run(schat::command(dir.path(), name).arg("--json"), b"");
    fs::write(dir.path().join("file"), "not a directory").unwrap();
    failed(&fingerprint("file"), 1, &["profile", "it is no directory", "another directory"]);

    assert_eq!(fingerprint("ann").status.code(), Some(0));
    let profile = dir.path().join("ann");
    let files: Vec<_> = fs::read_dir(&profile).unwrap().map(|entry| entry.unwrap().path()).collect();
    let database = files.iter().find(|path| fs::read(path).unwrap().starts_with(b"SQLite")).unwrap();
    let key = profile.join("key");
    let (good, good_key) = (fs::read(database).unwrap(), fs::read(&key).unwrap());
    for file in &files {
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.ends_with("-wal") || name.ends_with("-shm") {
            fs::remove_file(file).unwrap();
        }
    }

    fs::write(database, "somebody's file").unwrap();
    failed(&fingerprint("ann"), 1, &["damaged", "Restore a backup"]);
    assert_eq!(fs::read(database).unwrap(), b"somebody's file", "it was written over");
    fs::write(database, &good).unwrap();

    let mut wrong = good_key.clone();
    wrong[3] ^= 1;
    fs::write(&key, wrong).unwrap();
    failed(&fingerprint("ann"), 1, &["key", "Put the file"]);
    fs::write(&key, "short").unwrap();
    failed(&fingerprint("ann"), 1, &["key"]);
    fs::remove_file(&key).unwrap();
    failed(&fingerprint("ann"), 1, &["key", "Put the file"]);
    fs::write(&key, good_key).unwrap();
    assert_eq!(fingerprint("ann").status.code(), Some(0), "nothing was lost");

    // In use by another process.
    let mut ann = Schat::start(dir.path(), "ann", "127.0.0.1:1");
    ann.settle();
    failed(&fingerprint("ann"), 1, &["in use by another schat", "--profile"]);
}

#[test]
fn port_in_use_is_a_network_error_with_a_remedy() {
    let dir = TempDir::new().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = socket.local_addr().unwrap().to_string();
    let output = run(schat::command(dir.path(), "ann").args(["host", "--listen", &taken]), b"");
    failed(&output, 3, &["in use", "--listen"]);
    let output = integration_tests::relay::command(dir.path()).args(["--listen", &taken]).output().unwrap();
    failed(&output, 3, &["in use", "--listen"]);
}

#[test]
fn full_disk_of_the_relay_refuses_clearly_keeps_what_was_said_and_lets_read() {
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let bob = people.pop().unwrap();
    assert_eq!(bob.quit().code, Some(0));
    people[0].say(ROOM, "while there was space", "1");
    people[0].sent("1");
    assert_eq!(people.remove(0).quit().code, Some(0));

    // More has to stay free than any disk has.
    relay.kill();
    relay.set_options(&["--rate", "1000000", "--reserve-mib", "1073741824"]);
    relay.restart();
    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    ann.event("joined");
    ann.say(ROOM, "while there was none", "2");
    let error = ann.wait("no_space", |event| event["code"] == "no_space");
    assert!(error["message"].as_str().unwrap().contains("full"), "{error}");
    assert!(error["remedy"].as_str().unwrap().contains("relay's operator"), "{error}");
    let mut bob = Schat::start(dir.path(), "bob", &relay.address);
    bob.hears("while there was space");
    bob.event("joined");

    relay.kill();
    relay.set_options(&["--rate", "1000000"]);
    relay.restart();
    ann.sent("2");
    bob.hears("while there was none");
    let texts: Vec<String> = bob.heard().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["while there was space", "while there was none"]);
    assert_eq!(bob.alarms(), Vec::<Value>::new());
}
