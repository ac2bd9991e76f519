//! `--log FILE`: what a user can send us, and what never stands in it.

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

use std::{fs, path::Path, process::Stdio};

use programs::{Bot, refused, run, schat, text};
use serde_json::{Value, json};
use support::relay;
use tempfile::TempDir;

/// Enters a room by what is told first, says something and waits for it.
fn talks(profile: &Path, log: &Path, name: &str, enter: &Value, room: &str, text: &str) -> (Bot, Value) {
    let mut bot = Bot::start(profile, &["--name", name, "--log", log.to_str().unwrap(), "--trust-first-use"]);
    bot.tell(enter);
    let joined = bot.next("joined");
    bot.tell(&json!({"cmd": "send", "room": room, "text": text, "id": "a"}));
    bot.next("sent");
    (bot, joined)
}

#[tokio::test(flavor = "multi_thread")]
async fn log_says_what_happened_and_nothing_of_whom_where_or_what() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let address = support::address(&relay).to_string();
    let (at_ann, at_bob) = (dir.path().join("a"), dir.path().join("b"));
    let (log_of_ann, log_of_bob) = (dir.path().join("ann.log"), dir.path().join("bob.log"));
    let room = "Zimmer der Geheimnisse";
    let create = json!({"cmd": "create", "room": room, "relay": address});
    let (mut ann, joined) = talks(&at_ann, &log_of_ann, "Annabella", &create, room, "Erdbeerkuchen");
    ann.tell(&json!({"cmd": "invite", "room": room}));
    let link = ann.next("invite")["link"].as_str().unwrap().to_owned();
    let join = json!({"cmd": "join", "link": link});
    let (mut bob, _) = talks(&at_bob, &log_of_bob, "Bartholomew", &join, room, "Kartoffelsalat");
    // What goes wrong names things as well.
    for wrong in [
        json!({"cmd": "join", "link": format!("{link}x")}),
        json!({"cmd": "send", "room": "Kellerraum", "text": "Bohnensuppe"}),
        json!({"cmd": "search", "text": "Erdbeerkuchen"}),
        json!({"cmd": "nick", "name": "Bartimaeus"}),
        json!({"cmd": "describe", "status": "Mittagspause", "glyph": "🚆"}),
        json!({"cmd": "remove", "room": room, "member": joined["members"][0]["fingerprint"]}),
    ] {
        bob.tell(&wrong);
    }
    // Bob is no moderator: the room says no.
    let refused = |event: &Value| event["event"] == "error" && event["code"] == "not_moderator";
    bob.until(refused);
    ann.until(|event| event["event"] == "profile_changed" && event["member"]["name"] == "Bartimaeus");
    bob.end();
    ann.end();

    let fingerprint = joined["members"][0]["fingerprint"].as_str().unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    let secrets = link.split_once('#').unwrap().1;
    for path in [&log_of_ann, &log_of_bob] {
        let log = fs::read_to_string(path).unwrap();
        for said in
            ["begins", "command=\"chat\"", "connected", "carrier=\"quic\"", "in the room", "message sent"]
        {
            assert!(log.contains(said), "{said}:\n{log}");
        }
        assert!(log.contains("room{n=") && log.contains("relay{n=") && log.contains("ends exit="), "{log}");
        // Without the time, whose digits may be anybody's.
        let said = log.lines().map(|line| line.split_once(' ').unwrap_or_default().1);
        let lower = said.collect::<Vec<_>>().join("\n").to_lowercase();
        for never in [
            room,
            "Zimmer",
            "Annabella",
            "Bartholomew",
            "Bartimaeus",
            "Erdbeerkuchen",
            "Kartoffelsalat",
            "Bohnensuppe",
            "Kellerraum",
            "Mittagspause",
            "🚆",
            "schat://",
            host,
            port,
            &fingerprint[..8],
            &secrets[..8],
            dir.path().to_str().unwrap(),
        ] {
            assert!(!lower.contains(&never.to_lowercase()), "{never} stands in it:\n{log}");
        }
    }
    let bobs = fs::read_to_string(&log_of_bob).unwrap();
    assert!(bobs.contains("code=\"not_moderator\""), "{bobs}");
}

#[test]
fn log_is_added_to_and_only_when_it_is_asked_for() {
    let dir = TempDir::new().unwrap();
    let (profile, log) = (dir.path().join("p"), dir.path().join("log"));
    fs::write(&log, "# schat log\nbefore\n").unwrap();
    assert!(run(&profile, &["--name", "ann", "fingerprint"]).status.code().is_some());
    assert_eq!(fs::read_to_string(&log).unwrap(), "# schat log\nbefore\n");
    run(&profile, &["--log", log.to_str().unwrap(), "rooms"]);
    let written = fs::read_to_string(&log).unwrap();
    assert!(
        written.starts_with("# schat log\nbefore\n") && written.contains("command=\"rooms\""),
        "{written}"
    );
}

#[test]
fn log_that_cannot_be_written_is_told_before_anything_is_done() {
    let dir = TempDir::new().unwrap();
    let profile = dir.path().join("p");
    let output = schat(&profile).args(["--log", dir.path().to_str().unwrap(), "rooms"]).output().unwrap();
    refused(&output, 2, "--log");
    assert!(!profile.exists());
}

#[test]
fn log_does_not_touch_a_key() {
    let dir = TempDir::new().unwrap();
    let profile = dir.path().join("p");
    assert!(run(&profile, &["--json"]).status.success());
    let fingerprint = run(&profile, &["fingerprint"]);
    let key = profile.join("key");
    let before = fs::read(&key).unwrap();
    refused(&run(&profile, &["--log", key.to_str().unwrap(), "rooms"]), 2, "no log of schat");
    assert_eq!(fs::read(&key).unwrap(), before);
    assert_eq!(run(&profile, &["fingerprint"]).stdout, fingerprint.stdout);
}

#[test]
fn new_log_is_one_that_is_added_to() {
    let dir = TempDir::new().unwrap();
    let (profile, log) = (dir.path().join("p"), dir.path().join("log"));
    assert!(run(&profile, &["--json"]).status.success());
    for _ in 0..2 {
        let output = run(&profile, &["--log", log.to_str().unwrap(), "fingerprint"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(!text(&output.stderr).contains("log"), "{output:?}");
    }
    let written = fs::read_to_string(&log).unwrap();
    assert!(written.starts_with("# schat log\n"), "{written}");
    assert_eq!((written.matches("# schat").count(), written.matches("begins").count()), (1, 2), "{written}");
}

#[cfg(unix)]
#[test]
fn log_waits_for_no_reader_of_a_pipe() {
    let dir = TempDir::new().unwrap();
    let (profile, pipe) = (dir.path().join("p"), dir.path().join("pipe"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut command = schat(&profile);
    command.args(["--log", pipe.to_str().unwrap(), "rooms"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = std::time::Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed().as_secs() >= 60 {
            child.kill().unwrap();
            panic!("it waits for a reader");
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    refused(&child.wait_with_output().unwrap(), 2, "no file that a log can be added to");
}

#[cfg(target_os = "linux")]
#[test]
fn log_that_could_not_be_written_is_told_at_the_end() {
    let dir = TempDir::new().unwrap();
    let profile = dir.path().join("p");
    assert!(run(&profile, &["--json"]).status.success());
    let output = run(&profile, &["--log", "/dev/full", "fingerprint"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = text(&output.stderr);
    assert_eq!(said.matches("The log is not complete").count(), 1, "{said}");
    let output = run(&profile, &["--log", "/dev/null", "fingerprint"]);
    assert!(!text(&output.stderr).contains("log"), "{output:?}");
}
