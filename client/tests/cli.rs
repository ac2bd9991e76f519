//! The program's manners: exit codes, what goes where, and a chat in JSON.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use client::store::{Batch, Notice, OpenProfile, ProfileDir, RoomRecord, Where};
use serde_json::{Value, json};
use support::{address, random, relay};
use tempfile::TempDir;

fn schat(profile: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schat"));
    command.env_clear().env("SCHAT_PROFILE", profile).env("SCHAT_NAME", "tester").stdin(Stdio::null());
    command
}

fn run(profile: &Path, arguments: &[&str]) -> Output {
    schat(profile).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Ends with this code, says nothing on standard output, and says why on standard error.
fn refused(output: &Output, code: i32, why: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains(why), "{}", text(&output.stderr));
}

/// The same of a program: one object on standard output tells why, and nothing else is told.
fn told(output: &Output, code: i32, why: &str) {
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(code), String::new()), "{output:?}");
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&error["v"], &error["event"]), (&json!(1), &json!("error")), "{error}");
    assert!(error["code"].is_string() && !error["remedy"].as_str().unwrap().is_empty(), "{error}");
    assert!(error["message"].as_str().unwrap().contains(why), "{error}");
}

#[test]
fn every_command_tells_a_program_why_it_failed_by_an_object() {
    let dir = TempDir::new().unwrap();
    let (profile, none) = (dir.path().join("there"), dir.path().join("none"));
    assert!(run(&profile, &["--json"]).status.success());
    for arguments in [
        &["send", "nowhere", "hi"] as &[&str],
        &["send", "nowhere", "-"],
        &["send", "nowhere", "--file", "/no/such/file"],
        &["tail", "nowhere"],
        &["tail", "nowhere", "--cursor", "bot"],
        &["invite", "nowhere"],
        &["forget", "nowhere"],
        &["info", "nowhere"],
        &["verify", "nowhere", "bob"],
        &["search", "word"],
        &["export", "nowhere"],
        &["daemon", "status"],
        &["daemon", "stop"],
        &["file", "send", "nowhere", "/no/such/file"],
        &["file", "get", "nowhere", "last"],
        &["file", "list", "nowhere"],
        &["file", "pause", "7"],
        &["file", "resume", "7"],
        &["file", "cancel", "7"],
        &["config", "--config", "/no/such/config.toml"],
        &["--log", "/no/such/directory/log", "rooms"],
        &["schat://x", "rooms"],
        &["rooms", "--no-such"],
        &["no-link-and-no-command"],
        &["--ca", "/no/such/file.pem", "invite", "nowhere"],
    ] {
        let plain = run(&profile, arguments);
        let code = plain.status.code().unwrap();
        assert!(code != 0 && !plain.stderr.is_empty() && plain.stdout.is_empty(), "{arguments:?}: {plain:?}");
        told(&run(&profile, &[&["--json"], arguments].concat()), code, "");
        told(&run(&profile, &[arguments, &["--json"]].concat()), code, "");
    }
    told(&run(&none, &["--json", "rooms"]), 5, "There is no profile in");
}

#[test]
fn what_is_refused_makes_no_profile() {
    let dir = TempDir::new().unwrap();
    let none = dir.path().join("none");
    for arguments in [
        &["--name", "- x", "--json"] as &[&str],
        &["--name", "- x", "host"],
        &["--name", "- x", "daemon"],
        &["--ca", "/no/such/file.pem", "--json"],
        &["--ca", "/no/such/file.pem", "host"],
        &["--ca", "/no/such/file.pem", "daemon"],
        &["--config", "/no/such/config.toml", "--json"],
        &["schat://nonsense", "--json"],
    ] {
        let output = run(&none, arguments);
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!none.exists(), "{arguments:?} made a profile: {output:?}");
    }
    let token = schat(&none).args(["--json"]).env("SCHAT_TOKEN_FILE", "/no/such/token").output().unwrap();
    told(&token, 2, "SCHAT_TOKEN_FILE");
    assert!(!none.exists());
}

#[test]
fn wrong_usage_ends_with_2() {
    let dir = TempDir::new().unwrap();
    refused(&run(dir.path(), &["--no-such-flag"]), 2, "--no-such-flag");
    refused(&run(dir.path(), &["--insecure"]), 2, "--insecure");
    refused(&run(dir.path(), &["lobby"]), 2, "schat://");
    told(&run(dir.path(), &["--plain", "--json"]), 2, "--plain");
    refused(&run(dir.path(), &["--relay", "host:0", "rooms"]), 2, "port");
    told(&run(dir.path(), &["--name", "a\u{1b}[2J", "--json"]), 2, "control");
    told(&run(dir.path(), &["--name", "ann: hi", "--json"]), 2, "leave the : out");
    told(&run(dir.path(), &["--name", "* ann", "--json"]), 2, "leave the * out");
}

#[test]
fn end_of_a_pipe_before_anything_was_sent_ends_with_3() {
    let dir = TempDir::new().unwrap();
    // A port that nobody listens on.
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut child = schat(dir.path())
        .args(["--plain", "--relay", &nobody.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"/join lobby\nhello\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(text(&output.stderr).contains("Not everything was done"), "{}", text(&output.stderr));
}

#[test]
fn unknown_room_or_file_ends_with_5() {
    let dir = TempDir::new().unwrap();
    assert!(run(dir.path(), &["--json"]).status.success());
    refused(&run(dir.path(), &["send", "nowhere", "hi"]), 5, "nowhere");
    refused(&run(dir.path(), &["tail", "nowhere"]), 5, "nowhere");
    // Nothing is no message, wherever it was to go.
    for blank in ["", "   ", " \n\t"] {
        refused(&run(dir.path(), &["send", "nowhere", blank]), 2, "nothing to send");
    }
    // Text is text: it is not sent, and that is told.
    refused(&run(dir.path(), &["send", "nowhere", "-h"]), 5, "nowhere");
    refused(&run(dir.path(), &["send", "nowhere", "-5 degrees"]), 5, "nowhere");
    refused(&run(dir.path(), &["--ca", "/no/such/file", "invite", "x"]), 5, "--ca");
}

#[test]
fn data_goes_to_stdout_and_chatter_to_stderr() {
    let dir = TempDir::new().unwrap();
    let first = run(dir.path(), &["--json"]);
    assert!(first.status.success());
    let fingerprint = text(&run(dir.path(), &["fingerprint"]).stdout);
    assert!(
        fingerprint.trim_end().len() == 64 && fingerprint.trim_end().bytes().all(|b| b.is_ascii_hexdigit())
    );
    assert!(text(&first.stderr).contains("key"), "the first run says how the profile is protected");
    let second = run(dir.path(), &["fingerprint"]);
    assert_eq!((text(&second.stdout), text(&second.stderr)), (fingerprint, String::new()));
    assert_eq!(text(&run(dir.path(), &["rooms"]).stdout), "");
}

#[cfg(feature = "manual")]
#[test]
fn command_without_a_manual_page_is_found() {
    let dir = TempDir::new().unwrap();
    let pages = dir.path().join("man");
    assert!(run(dir.path(), &["man", pages.to_str().unwrap()]).status.success());
    for (page, part) in
        [("schat.1", "schat\\-host(1)"), ("schat-host.1", "\\-\\-advertise"), ("schat-tail.1", "SEQ")]
    {
        let text = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.starts_with(".TH \"SCHAT") && text.contains(part), "{page}: {text}");
    }
    let first = text(&run(dir.path(), &["man"]).stdout);
    assert_eq!(first, std::fs::read_to_string(pages.join("schat.1")).unwrap());
    refused(&run(dir.path(), &["man", "/dev/null/x"]), 1, "Name another directory");
}

#[test]
fn damaged_profile_ends_with_1_and_stays() {
    let dir = TempDir::new().unwrap();
    assert!(run(dir.path(), &["--json"]).status.success());
    let database = dir.path().join("schat.db");
    std::fs::write(&database, vec![b'x'; 8192]).unwrap();
    refused(&run(dir.path(), &["fingerprint"]), 1, "damaged");
    assert_eq!(std::fs::read(database).unwrap(), vec![b'x'; 8192]);
}

#[test]
fn profile_whose_database_is_gone_is_not_a_new_one() {
    let dir = TempDir::new().unwrap();
    assert!(run(dir.path(), &["--json"]).status.success());
    let database = dir.path().join("schat.db");
    std::fs::write(&database, b"").unwrap();
    for arguments in [&["--json"] as &[&str], &["rooms"], &["fingerprint"], &["daemon"]] {
        let output = run(dir.path(), arguments);
        match arguments == ["--json"] {
            true => told(&output, 1, "damaged: schat.db is empty"),
            false => refused(&output, 1, "damaged: schat.db is empty"),
        }
        assert!(text(&[output.stdout, output.stderr].concat()).contains("Restore a backup"));
    }
    assert_eq!(std::fs::read(&database).unwrap(), b"");
    std::fs::remove_file(&database).unwrap();
    told(&run(dir.path(), &["--json"]), 1, "damaged: schat.db is gone");
    assert!(!database.exists());
}

#[test]
fn key_that_others_can_read_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    assert!(!text(&run(dir.path(), &["--json"]).stderr).contains("WARNING"));
    let key = dir.path().join("key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let told = text(&run(dir.path(), &["fingerprint"]).stderr);
    assert!(told.contains("WARNING: others can read the key") && told.contains("chmod 600"), "{told}");
}

/// An arrow key on a terminal without line editing is an escape sequence; nobody means to say one.
#[test]
fn arrow_key_is_not_sent_as_a_message() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = schat(dir.path())
        .arg("--plain")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "\u{1b}[A").unwrap();
    let output = child.wait_with_output().unwrap();
    let told = text(&output.stderr);
    assert!(told.contains("control characters") && told.contains("not sent"), "{told}");
}

#[test]
fn name_that_reads_as_a_line_is_refused_and_the_old_one_stays() {
    let dir = TempDir::new().unwrap();
    let mut child = schat(dir.path())
        .args(["--plain", "--name", "ann"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"/nick bob: hi\n/nick * bob\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("leave the : out") && told.contains("leave the * out"), "{told}");
}

#[cfg(feature = "manual")]
#[test]
fn completions_name_the_commands() {
    let dir = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(dir.path(), &["completions", shell]);
        let script = text(&output.stdout);
        assert!(
            output.status.success() && script.contains("host") && script.contains("fingerprint"),
            "{shell}"
        );
    }
    assert!(!dir.path().join("schat.db").exists(), "completions need no profile");
}

#[test]
fn demo_holds_all_its_promises() {
    let dir = TempDir::new().unwrap();
    let output = run(dir.path(), &["demo"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}");
    assert!(!shown.contains("FAIL") && shown.contains("15 of 15"), "{shown}");
}

/// `schat --json`, spoken with line by line.
struct Bot {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Bot {
    fn start(profile: &Path, arguments: &[&str]) -> Self {
        let mut command = schat(profile);
        command
            .arg("--json")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn tell(&mut self, command: &Value) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{command}").unwrap();
    }

    /// The next event of that name; others are skipped.
    fn next(&mut self, event: &str) -> Value {
        let mut seen = Vec::new();
        for line in self.lines.by_ref() {
            let value: Value = serde_json::from_str(&line.unwrap()).unwrap();
            assert_eq!(value["v"], 1);
            if value["event"] == event {
                return value;
            }
            seen.push(value);
        }
        panic!("no {event} in {seen:#?}");
    }

    fn end(mut self) -> i32 {
        drop(self.child.stdin.take());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.child.kill();
        // Until it is gone, the profile is in use.
        let _ = self.child.wait();
    }
}

#[test]
fn hosted_room_outlives_its_host_and_bots_lose_no_message() {
    let dir = TempDir::new().unwrap();
    let (ann_dir, bob_dir) = (dir.path().join("ann"), dir.path().join("bob"));
    let mut ann = Bot::start(&ann_dir, &["host", "team", "--listen", "127.0.0.1:0"]);
    let link = ann.next("invite")["link"].as_str().unwrap().to_owned();
    let mut bob = Bot::start(&bob_dir, &[]);
    bob.tell(&json!({"v": 1, "cmd": "join", "link": link}));
    let joined = bob.next("joined");
    assert_eq!((&joined["room"], &joined["open"]), (&json!("team"), &json!(false)));
    assert_eq!(ann.next("epoch")["authenticator"], joined["authenticator"]);
    bob.tell(&json!({"cmd": "send", "room": "team", "text": "\u{1b}[2Jhi\n\u{202e}", "id": "b1"}));
    let (heard, sent) = (ann.next("message"), bob.next("sent"));
    assert_eq!(
        (&heard["text"], &heard["seq"], &sent["id"]),
        (&json!("\u{1b}[2Jhi\n\u{202e}"), &sent["seq"], &json!("b1"))
    );
    bob.tell(&json!({"cmd": "send", "room": "nowhere", "text": "x", "id": "b2"}));
    let error = bob.next("error");
    assert_eq!(
        (&error["code"], &error["id"], &error["room"]),
        (&json!("not_found"), &json!("b2"), &json!("nowhere"))
    );

    // The profile is taken while a bot runs.
    refused(&run(&bob_dir, &["fingerprint"]), 1, "in use");
    // Not 0: one of its lines was refused.
    assert_eq!((bob.end(), ann.end()), (5, 0));

    // The message was not acknowledged: it comes again, and then no more.
    let mut ann = Bot::start(&ann_dir, &["host", "team", "--listen", "127.0.0.1:0"]);
    let again = ann.next("message");
    assert_eq!((&again["text"], &again["again"]), (&heard["text"], &json!(true)));
    ann.tell(&json!({"cmd": "ack", "room": "team", "seq": again["seq"]}));
    assert_eq!(ann.next("joined")["members"].as_array().unwrap().len(), 2);
    assert_eq!(ann.end(), 0);
    assert!(text(&run(&ann_dir, &["rooms"]).stdout).starts_with("team\t"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_certificate_is_an_alarm_and_ends_with_6() {
    let dir = TempDir::new().unwrap();
    let first = relay(&dir.path().join("first"), 0).await;
    let place = address(&first).to_string();
    let profile = dir.path().join("bob");
    let mut bob = Bot::start(&profile, &["--trust-first-use", "--relay", &place]);
    bob.tell(&json!({"cmd": "join", "room": "lobby"}));
    assert_eq!(bob.next("connected")["trust"], "first-use");
    assert_eq!(bob.next("joined")["open"], true);
    assert_eq!(bob.end(), 0);
    first.shutdown().await;

    let _second = relay(&dir.path().join("second"), place.rsplit(':').next().unwrap().parse().unwrap()).await;
    let mut bob = Bot::start(&profile, &[]);
    assert_eq!(bob.next("alarm")["kind"], "certificate");
    assert_eq!(bob.child.wait().unwrap().code(), Some(6));
    refused(&run(&profile, &["send", "lobby", "hi"]), 6, "changed");
}

#[test]
fn alarm_that_a_crash_hid_is_shown_once_at_the_next_start() {
    let dir = TempDir::new().unwrap();
    let stored = |missing: u64| {
        let profile = ProfileDir::choose(Some(dir.path().to_owned())).unwrap();
        let profile = OpenProfile::open(profile, None, random()).unwrap();
        let room = proto::RoomId([7; 32]);
        let record = RoomRecord {
            id: room,
            label: "team".into(),
            place: Where::Own,
            acked: 0,
            closed: None,
            kind: Default::default(),
        };
        let alarm = Notice::Alarm(shared::room::Alarm::MessagesMissing { from: "bob".to_owned(), missing });
        let batch = Batch { notices: vec![alarm], ..Batch::default() };
        profile
            .vault
            .now(|store| {
                store.commit(room, Some(&record), &batch)?;
                store.forget_room(room)
            })
            .unwrap();
    };
    stored(1);
    let mut bot = Bot::start(dir.path(), &[]);
    let alarm = bot.next("alarm");
    assert_eq!(
        (&alarm["room"], &alarm["kind"], &alarm["message"], &alarm["again"]),
        (&json!("team"), &json!("gap"), &json!("1 message from bob is missing."), &json!(true))
    );
    bot.tell(&json!({"cmd": "rooms"}));
    bot.next("rooms");
    assert_eq!(bot.end(), 0);

    // A person is told as well, and what was shown before does not come again.
    stored(2);
    let mut child = schat(dir.path()).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("missing")).unwrap();
    assert!(
        line.starts_with("- From before the restart: ALARM (gap) in team: 2 messages from bob are missing."),
        "{line}"
    );
    writeln!(child.stdin.as_mut().unwrap(), "/why").unwrap();
    assert!(lines.next().unwrap().contains("2 messages from bob are missing"));
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn used_port_is_told_with_a_remedy() {
    let dir = TempDir::new().unwrap();
    let first = relay(&dir.path().join("first"), 0).await;
    let output = run(&dir.path().join("ann"), &["host", "--listen", &address(&first).to_string()]);
    refused(&output, 3, "in use");
    assert!(text(&output.stderr).contains("--listen"));
}

/// A profile in an open room at this relay.
fn enter(profile: &Path, place: &str) {
    let mut bot = Bot::start(profile, &["--trust-first-use", "--relay", place]);
    bot.tell(&json!({"cmd": "join", "room": "lobby"}));
    bot.next("joined");
    assert_eq!(bot.end(), 0);
}

/// `schat --json tail lobby`, which acknowledges what standard input says.
fn tail(profile: &Path, arguments: &[&str]) -> Bot {
    Bot::start(profile, &[&["tail", "lobby"], arguments].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn message_that_was_not_acknowledged_before_a_kill_comes_again_and_then_not() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let bob = dir.path().join("bob");
    enter(&bob, &address(&relay).to_string());
    assert!(run(&bob, &["send", "lobby", "first"]).status.success());

    let mut first = tail(&bob, &["--ack=told"]);
    let told = first.next("message");
    assert_eq!(told["text"], "first");
    first.child.kill().unwrap();
    first.child.wait().unwrap();

    let mut second = tail(&bob, &["--ack=told"]);
    assert_eq!(second.next("message")["text"], "first", "it was not acknowledged");
    second.tell(&json!({"cmd": "ack", "room": "lobby", "seq": told["seq"]}));
    assert_eq!(second.end(), 0);

    assert!(run(&bob, &["send", "lobby", "second"]).status.success());
    let mut third = tail(&bob, &["--ack"]);
    assert_eq!(third.next("message")["text"], "second", "the first is dealt with");
    drop(third);
    // Another program has a place of its own.
    let mut other = tail(&bob, &["--ack", "--cursor", "other"]);
    assert_eq!(other.next("message")["text"], "first");
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_of_lines_arrives_complete_and_in_order() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let bob = dir.path().join("bob");
    enter(&bob, &address(&relay).to_string());
    let mut child = schat(&bob)
        .args(["--json", "send", "lobby", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut sent = BufReader::new(child.stdout.take().unwrap()).lines();
    // A slow writer: the next line comes after the one before is on the relay's disk.
    let slow = ["one", "two", "three"];
    for line in slow {
        writeln!(input, "{line}").unwrap();
        assert!(sent.next().unwrap().unwrap().contains("\"sent\""));
    }
    let quick: Vec<String> = (0..10_000).map(|n| format!("line {n} of what a compiler says")).collect();
    input.write_all((quick.join("\n") + "\n").as_bytes()).unwrap();
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let count = 3 + sent.count();

    let mut heard = tail(&bob, &["--from", "0"]);
    let texts: Vec<String> =
        (0..count).map(|_| heard.next("message")["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts[..3], slow);
    assert_eq!(texts[3..].join("\n"), quick.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_to_a_relay_that_is_away_ends_with_3_and_is_sent_later() {
    let dir = TempDir::new().unwrap();
    let home = dir.path().join("relay");
    let first = relay(&home, 0).await;
    let port = first.addresses()[0].port();
    let bob = dir.path().join("bob");
    enter(&bob, &address(&first).to_string());
    first.shutdown().await;
    let mut child = schat(&bob)
        .args(["send", "lobby", "-", "--timeout", "3"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "kept").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("1 message is still queued"), "{}", text(&output.stderr));
    let _again = relay(&home, port).await;
    assert_eq!(tail(&bob, &["--from", "0"]).next("message")["text"], "kept");
}

/// A profile in the room lobby of a relay that is gone, with so many messages that are still to be sent.
async fn with_queued(dir: &Path, count: usize) -> std::path::PathBuf {
    let relay = relay(&dir.join("relay"), 0).await;
    let bob = dir.join("bob");
    enter(&bob, &address(&relay).to_string());
    relay.shutdown().await;
    let mut bot = Bot::start(&bob, &[]);
    for number in 0..count {
        bot.tell(&json!({"cmd": "send", "room": "lobby", "text": format!("line {number}")}));
    }
    // All were taken before this is read.
    bot.tell(&json!({"cmd": "info", "room": "lobby"}));
    bot.next("info");
    bot.child.kill().unwrap();
    bot.child.wait().unwrap();
    bob
}

#[tokio::test(flavor = "multi_thread")]
async fn command_of_a_profile_with_hundreds_of_messages_to_send_says_what_it_waits_for_and_ends() {
    let dir = TempDir::new().unwrap();
    let bob = with_queued(dir.path(), 600).await;
    let wait = |mut command: Command| {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let waiting = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap());
        tokio::time::timeout(support::PATIENCE, waiting)
    };
    for (arguments, exit, says) in [
        // The link of an open room is known here.
        (&["invite", "lobby"] as &[&str], 0, ""),
        (&["send", "lobby", "hi"], 3, "Waiting for the relay"),
        (&["send", "lobby", "-"], 3, "still queued"),
    ] {
        let mut command = schat(&bob);
        command.args(arguments).args(["--timeout", "4"]);
        if arguments.contains(&"-") {
            let (input, mut writer) = std::io::pipe().unwrap();
            writer.write_all(b"from a pipe\n").unwrap();
            command.stdin(input);
        }
        let output = wait(command).await.expect("it ends").unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {told}");
        assert!(told.contains(says), "{arguments:?}: {told}");
    }
}

/// What `schat rooms` says of the only room: to a program, and to a person the same.
fn unread(profile: &Path) -> (u64, u64) {
    let rooms: Value = serde_json::from_slice(&run(profile, &["--json", "rooms"]).stdout).unwrap();
    let [count, mentions] = ["unread", "mentions"].map(|key| rooms["rooms"][0][key].as_u64().unwrap());
    let told = text(&run(profile, &["rooms"]).stdout);
    let columns: Vec<&str> = told.trim_end().split('\t').collect();
    let column = match (count, mentions) {
        (0, _) => None,
        (_, 0) => Some(format!("{count} unread")),
        _ => Some(format!("{count} unread, {mentions} for you")),
    };
    assert_eq!(columns.get(2).copied(), column.as_deref(), "{told}");
    (count, mentions)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_brought_in_is_unread_until_somebody_reads_it() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let place = address(&relay).to_string();
    let (ann, bob) = (dir.path().join("ann"), dir.path().join("bob"));
    enter(&ann, &place);
    enter(&bob, &place);
    // Ann has to know of bob before he can read her.
    assert!(run(&ann, &["send", "lobby", "zero"]).status.success());
    assert!(run(&bob, &["send", "lobby", "there"]).status.success());
    let (before, named) = unread(&bob);
    for text in ["one", "two", "tester, three"] {
        assert!(run(&ann, &["send", "lobby", text]).status.success());
    }
    assert!(run(&bob, &["send", "lobby", "hi"]).status.success());
    let mut bot = Bot::start(&bob, &[]);
    let last = loop {
        let message = bot.next("message");
        if message["text"] == "tester, three" {
            break message["seq"].clone();
        }
    };
    assert_eq!(bot.end(), 0);
    assert_eq!(unread(&bob), (before + 3, named + 1));
    // A mark is a mark in all faces, and also of a daemon.
    let mut daemon = schat(&bob).arg("daemon").stderr(Stdio::piped()).spawn().unwrap();
    let mut ready = BufReader::new(daemon.stderr.take().unwrap()).lines();
    assert!(ready.any(|line| line.unwrap().contains("is ready")));
    assert_eq!(unread(&bob), (before + 3, named + 1));
    let mut bot = Bot::start(&bob, &[]);
    bot.tell(&json!({"cmd": "read", "room": "lobby", "seq": last}));
    bot.tell(&json!({"cmd": "rooms"}));
    assert_eq!(bot.next("rooms")["rooms"][0]["unread"], json!(0));
    assert_eq!(bot.end(), 0);
    assert!(run(&bob, &["daemon", "stop"]).status.success());
    daemon.wait().unwrap();
    assert_eq!(unread(&bob), (0, 0));
}
