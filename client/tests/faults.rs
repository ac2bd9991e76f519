//! An environment that is not as usual: users, limits, directories, signals, what came while nobody looked.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

#[path = "daemon/programs.rs"]
#[allow(dead_code, reason = "another test uses another part")]
mod programs;
mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::{Command, Output, Stdio},
};

use programs::{Bot, Daemon, run, schat, text};
use serde_json::json;
use support::{Person, relay};
use tempfile::TempDir;

use client::runtime::Past;

/// Somebody who owns nothing here.
const NOBODY: u32 = 65_534;

/// Runs it as somebody else. None, said aloud, where that cannot be: only root may, and nobody must reach the program.
fn as_nobody(command: &mut Command) -> Option<Output> {
    let output = command.uid(NOBODY).gid(NOBODY).output();
    output.inspect_err(|error| eprintln!("skipped: nothing runs as another user: {error}")).ok()
}

#[test]
fn directory_that_is_none_is_no_settings_and_no_error() {
    let dir = TempDir::new().unwrap();
    let output = schat(&dir.path().join("p")).env("XDG_CONFIG_HOME", "/dev/null").arg("fingerprint").output();
    let output = output.unwrap();
    assert_eq!(
        (output.status.code(), text(&output.stderr).contains("settings")),
        (Some(5), false),
        "{output:?}"
    );
    let output = schat(&dir.path().join("p"))
        .envs([("XDG_CONFIG_HOME", "/dev/null"), ("SCHAT_NAME", "ann")])
        .args(["config", "--path"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn room_over_the_limit_is_refused_with_the_limit() {
    let dir = TempDir::new().unwrap();
    // Nobody listens there: rooms are rooms before their relay is reached.
    let mut bot = Bot::start(&dir.path().join("p"), &["--name", "ann", "--relay", "127.0.0.1:1"]);
    for number in 0..65 {
        bot.tell(&json!({"cmd": "create", "room": format!("room {number}")}));
    }
    let error =
        bot.until(|event| event["event"] == "error" && event["code"] == "too_many_rooms").pop().unwrap();
    assert_eq!(error["room"], "room 64");
    assert!(error["message"].as_str().unwrap().contains("64"), "{error}");
    bot.tell(&json!({"cmd": "rooms"}));
    assert_eq!(bot.next("rooms")["rooms"].as_array().unwrap().len(), 64);
}

#[test]
fn profile_of_another_user_is_called_that() {
    let dir = TempDir::new().unwrap();
    let profile = dir.path().join("p");
    assert_eq!(Bot::start(&profile, &["--name", "ann"]).end(), 0);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let Some(output) = as_nobody(schat(&profile).arg("rooms")) else { return };
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("another user") && !told.contains("daemon"), "{told}");
}

#[test]
fn directory_that_nobody_writes_in_can_be_looked_at() {
    let dir = TempDir::new().unwrap();
    let profile = dir.path().join("p");
    let mut bot = Bot::start(&profile, &["--name", "ann", "--relay", "127.0.0.1:1"]);
    bot.tell(&json!({"cmd": "create", "room": "team"}));
    bot.tell(&json!({"cmd": "rooms"}));
    bot.next("rooms");
    // Its relay is nowhere.
    assert_eq!(bot.end(), 3);
    let all: Vec<_> = fs::read_dir(&profile).unwrap().map(|entry| entry.unwrap().path()).collect();
    for path in all.iter().chain([&profile]) {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap_or_default();
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&profile, fs::Permissions::from_mode(0o555)).unwrap();
    for gone in ["none", "lock"] {
        fs::remove_file(profile.join(gone)).unwrap_or_default();
        let Some(output) = as_nobody(schat(&profile).arg("rooms")) else { return };
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(text(&output.stdout).starts_with("team"), "{output:?}");
        let Some(output) = as_nobody(schat(&profile).args(["send", "team", "hi"])) else { return };
        let told = text(&output.stderr);
        assert!(told.contains("read-only") && told.contains("make it writable"), "{told}");
    }
    fs::set_permissions(&profile, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn room_whose_pages_are_damaged_is_called_that() {
    let dir = TempDir::new().unwrap();
    let profile = dir.path().join("p");
    let mut bot = Bot::start(&profile, &["--name", "ann", "--relay", "127.0.0.1:1"]);
    bot.tell(&json!({"cmd": "create", "room": "team"}));
    bot.tell(&json!({"cmd": "rooms"}));
    bot.next("rooms");
    // Its relay is nowhere.
    assert_eq!(bot.end(), 3);
    let path = profile.join("schat.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    let select = "SELECT rootpage FROM sqlite_schema WHERE name = 'rows'";
    let page: usize = database.query_row(select, [], |row| row.get(0)).unwrap();
    drop(database);
    let mut bytes = fs::read(&path).unwrap();
    let at = (page - 1) * 4096;
    bytes[at..at + 64].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    // What the room says of itself and what the line is answered race: both name the room.
    for _ in 0..5 {
        let output = schat(&profile).args(["send", "team", "hi", "--timeout", "1"]).output().unwrap();
        let told = text(&output.stderr);
        assert!(told.contains("The room team cannot be read from this device"), "{told}");
        assert!(told.contains("damaged") && !told.contains("Free some space"), "{told}");
    }
}

#[test]
fn machine_without_a_thread_to_spare_is_told_and_nothing_panics() {
    let mut command = Command::new("/bin/bash");
    command.env_clear().args(["-c", "ulimit -u 1 && exec \"$0\" rooms", env!("CARGO_BIN_EXE_schat")]);
    let Some(output) = as_nobody(&mut command) else { return };
    let told = text(&output.stderr);
    if told.contains("Permission denied") {
        return eprintln!("skipped: nobody cannot reach the program: {told}");
    }
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("No threads") && !told.contains("panicked"), "{told}");
}

#[test]
fn program_that_is_asked_to_end_says_nothing_of_connections() {
    // What is being closed must not be told as lost; it was, once in forty times.
    for round in 0..10 {
        let dir = TempDir::new().unwrap();
        let mut command = schat(&dir.path().join("p"));
        command.args(["host", "--name", "ann", "--listen", "127.0.0.1:0", "--plain"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("You are in") {
            line.clear();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended");
        }
        let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        assert!(child.wait().unwrap().code().is_some(), "it ended by itself");
        assert!(!rest.contains("dialled") && !rest.contains("Trying again"), "{round}: {rest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_only_a_daemon_was_there_is_unread() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.runtime.create("team", None, shared::room::Policy::default()).await.unwrap();
    let link = ann.link("team").await.to_string();
    let profile = dir.path().join("bob");
    let mut bot = Bot::start(&profile, &["--name", "bob", &link]);
    bot.next("joined");
    ann.is_among(2).await;
    bot.end();
    let _daemon = Daemon::start(&profile);
    let mut bot = Bot::start(&profile, &[]);
    for text in ["one", "two, bob", "three"] {
        ann.say("team", "", text).await;
    }
    // A program that reads them is nobody who has read them.
    let seen = bot.until(|event| event["event"] == "message" && event["text"] == "three");
    let seq = &seen.last().unwrap()["seq"];
    bot.tell(&json!({"cmd": "ack", "room": "team", "seq": seq}));
    let unread = |output: &Output| {
        let rooms: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        rooms["rooms"][0]["unread"].clone()
    };
    assert_eq!(unread(&run(&profile, &["--json", "rooms"])), 3);
    bot.tell(&json!({"cmd": "read", "room": "team", "seq": seq}));
    bot.tell(&json!({"cmd": "rooms"}));
    assert_eq!(bot.next("rooms")["rooms"][0]["unread"], 0);
    assert_eq!(unread(&run(&profile, &["--json", "rooms"])), 0);
}

#[test]
fn empty_variable_is_none() {
    let dir = TempDir::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_schat"))
        .env_clear()
        .env("HOME", dir.path())
        .envs(
            ["PROFILE", "NAME", "RELAY", "CA", "CONFIG", "PASSPHRASE_FILE"]
                .map(|name| (format!("SCHAT_{name}"), "")),
        )
        .args(["fingerprint"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(dir.path().join(".local/share/schat/key").exists(), "{output:?}");
}

#[test]
fn small_stack_is_none_of_the_programs_business() {
    let dir = TempDir::new().unwrap();
    for kib in ["64", "256", "1024"] {
        let mut command = Command::new("/bin/bash");
        let profile = dir.path().join(kib);
        command.env_clear().env("SCHAT_PROFILE", profile).env("SCHAT_NAME", "ann");
        command.args(["-c", "ulimit -s $1 && exec \"$0\" --json", env!("CARGO_BIN_EXE_schat"), kib]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{kib}: {}", text(&output.stderr));
    }
}

#[test]
fn machine_without_files_to_spare_is_told_and_nothing_panics() {
    for files in ["6", "12", "20"] {
        let mut command = Command::new("/bin/bash");
        command.env_clear().args([
            "-c",
            "ulimit -n $1 && exec \"$0\" rooms",
            env!("CARGO_BIN_EXE_schat"),
            files,
        ]);
        let output = command.output().unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{files}: {told}");
        assert!(told.contains("Too many open files") && told.contains("ulimit -n"), "{files}: {told}");
        assert!(!told.contains("panicked"), "{files}: {told}");
    }
}

#[test]
fn profile_that_can_be_none_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for (profile, why) in [(file.clone(), "no directory"), (file.join("within"), "Not a directory")] {
        for command in ["rooms", "fingerprint", "--json"] {
            let output = schat(&profile).arg(command).stdin(Stdio::null()).output().unwrap();
            // A program reads what failed where it reads everything else.
            let told = text(if command == "--json" { &output.stdout } else { &output.stderr });
            assert_eq!(output.status.code(), Some(1), "{command}: {told}");
            assert!(told.contains(profile.to_str().unwrap()) && told.contains(why), "{command}: {told}");
        }
    }
}

/// Waits until a program has read all of its input.
fn is_read(input: &std::process::ChildStdin) {
    while rustix::io::ioctl_fionread(input).unwrap() > 0 {
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn program_that_the_system_stops_ends_in_order_and_keeps_what_it_read() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let profile = dir.path().join("ann");
    let mut bot = Bot::start(
        &profile,
        &["--name", "ann", "--relay", &support::address(&relay).to_string(), "--trust-first-use"],
    );
    bot.tell(&json!({"cmd": "create", "room": "team"}));
    bot.next("joined");
    bot.end();
    for signal in ["-TERM", "-HUP"] {
        let mut child = schat(&profile)
            .args(["--json", "send", "team", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut sent = BufReader::new(child.stdout.take().unwrap()).lines();
        std::io::Write::write_all(&mut input, b"first\n").unwrap();
        assert!(sent.next().unwrap().unwrap().contains("\"sent\""));
        std::io::Write::write_all(&mut input, format!("last words{signal}\n").as_bytes()).unwrap();
        is_read(&input);
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "send {signal}");
    }
    let mut tail = Bot::start(&profile, &["tail", "team", "--from", "0"]);
    for signal in ["-TERM", "-HUP"] {
        let seen = tail.until(|event| event["event"] == "message" && event["text"] != "first");
        assert_eq!(seen.last().unwrap()["text"], format!("last words{signal}"));
    }
    assert_eq!(tail.stop("-TERM"), Some(130), "tail");
}
