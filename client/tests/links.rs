//! Links at the command line: to a relay, and dead ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{
    io::{Read, Write},
    path::Path,
    process::{Command, Output, Stdio},
};

use relay::Relay;
use serde_json::Value;
use shared::{invite::InviteSecret, invite::link::InviteLink};
use support::{address, relay};
use tempfile::TempDir;

fn link(relay: &Relay) -> String {
    relay.link(relay.addresses()[0])
}

/// Runs `schat` with these lines on its standard input.
fn run(profile: &Path, arguments: &[&str], lines: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schat"));
    command.env_clear().env("SCHAT_PROFILE", profile).env("SCHAT_NAME", "tester").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn events(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn event(events: &[Value], name: &str) -> Value {
    events
        .iter()
        .find(|event| event["event"] == name)
        .unwrap_or_else(|| panic!("no {name} in {events:#?}"))
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn link_that_the_relay_prints_is_taken_wherever_a_link_is() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (place, printed) = (address(&relay).to_string(), link(&relay));

    // At the command line, and remembered afterwards.
    let ann = dir.path().join("ann");
    let output = run(&ann, &[&printed], "/create team\n/invite\n");
    assert!(output.status.success(), "{output:?}");
    let said = text(&output.stderr);
    assert!(said.contains(&format!("your relay is {place}")) && said.contains("Now /join NAME"), "{said}");
    assert!(said.contains("the one that the link names"), "{said}");
    assert!(text(&output.stdout).starts_with("schat://"), "{output:?}");
    let seen = events(&run(&ann, &["--json"], "{\"cmd\":\"join\",\"room\":\"lobby\"}\n"));
    assert_eq!(event(&seen, "connected")["trust"], "pinned");
    assert_eq!(event(&seen, "joined")["v"], 1);

    // On standard input, in the chat, and by programs.
    for (name, arguments, lines) in [
        ("bob", vec!["-"], format!("{printed}\n/join lobby\n")),
        ("cat", vec![], format!("/join {printed}\n/join lobby\n")),
    ] {
        let output = run(&dir.path().join(name), &arguments, &lines);
        let said = text(&output.stderr);
        assert!(said.contains("your relay is") && said.contains("You are in lobby"), "{name}: {said}");
    }
    let lines =
        format!("{{\"cmd\":\"join\",\"link\":\"{printed}\"}}\n{{\"cmd\":\"join\",\"room\":\"lobby\"}}\n");
    let seen = events(&run(&dir.path().join("dan"), &["--json"], &lines));
    let chosen = event(&seen, "relay");
    assert_eq!((&chosen["relay"], &chosen["replaced"]), (&Value::from(place), &Value::from(false)));
    assert_eq!(chosen["pin"], relay.pin().to_string());
    assert_eq!(event(&seen, "connected")["trust"], "pinned");
}

#[tokio::test(flavor = "multi_thread")]
async fn link_with_another_pin_is_refused_by_the_relay_that_has_not_got_it() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let profile = dir.path().join("ann");
    let join = "{\"cmd\":\"join\",\"room\":\"lobby\"}\n";
    // First use remembers the right pin; the link says otherwise, and whoever gives a link means it.
    let place = address(&relay).to_string();
    let seen = events(&run(&profile, &["--json", "--trust-first-use", "--relay", &place], join));
    assert_eq!(event(&seen, "connected")["trust"], "first-use");
    let wrong = format!("schat://{place}/#relay=sha256:{}", "07".repeat(32));
    let say = "{\"cmd\":\"send\",\"room\":\"lobby\",\"text\":\"hi\"}\n";
    let output = run(&profile, &["--json", &wrong], say);
    let seen = events(&output);
    assert_eq!(event(&seen, "relay")["replaced"], true);
    assert_eq!(event(&seen, "alarm")["kind"], "certificate");
    assert_eq!(output.status.code(), Some(6));
    // The right link mends it, also for rooms that were there before.
    let output = run(&profile, &["--json", &link(&relay)], say);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    event(&events(&output), "sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn link_in_the_chat_ends_a_connection_that_has_not_got_its_pin() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let place = address(&relay).to_string();
    let wrong = format!("schat://{place}/#relay=sha256:{}", "07".repeat(32));
    let mut command = Command::new(env!("CARGO_BIN_EXE_schat"));
    command.env_clear().env("SCHAT_PROFILE", dir.path().join("ann")).args([
        "--trust-first-use",
        "--relay",
        &place,
    ]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "/join lobby\n/join {wrong}").unwrap();
    // It ends although the input goes on.
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(6), "{said}");
    assert!(said.contains("ALARM (certificate)"), "{said}");
}

#[test]
fn garbage_behind_a_relay_link_ends_with_2() {
    let dir = TempDir::new().unwrap();
    for (garbage, why) in [
        ("schat://h:1/#relay=", "sha256"),
        ("schat://h:1/#relay=sha256:12", "64 digits"),
        ("schat://h:0/#relay=sha256:00", "HOST:PORT"),
        ("http://h:1/#relay=sha256:00", "schat://"),
    ] {
        for output in [run(dir.path(), &[garbage], ""), run(dir.path(), &["-"], &format!("{garbage}\n"))] {
            assert_eq!(output.status.code(), Some(2), "{garbage}: {output:?}");
            assert!(text(&output.stderr).contains(why), "{garbage}: {output:?}");
        }
        let output = run(dir.path(), &[], &format!("/join {garbage}\n"));
        assert!(garbage.starts_with("http:") || text(&output.stderr).contains(why), "{garbage}: {output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_invite_ends_with_4() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let output = run(&dir.path().join("ann"), &[&link(&relay)], "/create team\n/invite\n");
    let mut invite: InviteLink = text(&output.stdout).trim().parse().unwrap();
    invite.link.secret = InviteSecret::from_bytes([7; 20]);
    let output = run(&dir.path().join("bob"), &["-"], &format!("{invite}\n"));
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(text(&output.stderr).contains("does not know this room"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn link_is_taken_in_several_lines_and_with_words_around_it_where_only_a_link_can_be_meant() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let printed = link(&relay);
    let lines = format!("{}\n{}\n{}", &printed[..30], &printed[30..60], &printed[60..]);
    for (name, arguments, input) in [
        ("lines", vec!["-"], format!("{lines}\n/join lobby\n")),
        ("letter", vec!["-"], format!("> {}\n/join lobby\n", lines.replace('\n', "\n> "))),
        ("markdown", vec![], format!("/join [come in]({printed})\n/join lobby\n")),
        ("words", vec![], format!("/join Here it is: {printed}, see you\n/join lobby\n")),
    ] {
        let output = run(&dir.path().join(name), &arguments, &input);
        let said = text(&output.stderr);
        assert!(said.contains("your relay is") && said.contains("You are in lobby"), "{name}: {said}");
    }
    let json = serde_json::json!({"cmd": "join", "link": format!("link:{printed}")}).to_string();
    event(&events(&run(&dir.path().join("bot"), &["--json"], &(json + "\n"))), "relay");
    // Of two nobody can say which is meant.
    let last = if printed.ends_with('A') { 'E' } else { 'A' };
    let other = format!("{}{last}", &printed[..printed.len() - 1]);
    let output = run(&dir.path().join("two"), &[&format!("{printed} or {other}")], "");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
