//! What `schat` says, word by word: help, usage errors, what it does without a room, a profile or a relay.
//!
//! The words are in `tests/cmd/*.trycmd`. After a change of words: `TRYCMD=overwrite cargo test --workspace --test manners`,
//! and read the difference.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as tests")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

const SCHAT: &str = env!("CARGO_BIN_EXE_schat");

fn schat(profile: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(SCHAT);
    command.env_clear().env("SCHAT_PROFILE", profile).env("SCHAT_NAME", "tester").stdin(Stdio::null());
    let done = command.args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

/// A profile that has nothing in it yet.
fn profile(dir: &TempDir) -> PathBuf {
    let profile = dir.path().join("profile");
    assert_eq!(schat(&profile, &["--json"]).0, 0);
    profile
}

/// Each file has a profile of its own: only one program at a time may have one.
fn says(cases: &str) {
    let dir = TempDir::new().unwrap();
    let profile = profile(&dir);
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "").unwrap();
    trycmd::TestCases::new()
        .register_bin("schat", Path::new(SCHAT))
        .env("SCHAT_PROFILE", profile.to_str().unwrap())
        .env("SCHAT_CONFIG", config.to_str().unwrap())
        .env("SCHAT_NAME", "tester")
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .insert_var("[DIR]", dir.path().to_str().unwrap().to_owned())
        .unwrap()
        .case(format!("tests/cmd/{cases}.trycmd"))
        .run();
}

#[test]
fn help_is_what_was_reviewed() {
    says("help");
}

#[test]
fn usage_errors_are_what_was_reviewed() {
    says("usage");
}

#[test]
fn links_that_make_no_sense_are_answered_as_was_reviewed() {
    says("links");
}

#[test]
fn settings_are_shown_as_was_reviewed() {
    says("config");
}

#[test]
fn profile_without_rooms_answers_as_was_reviewed() {
    says("rooms");
}

#[test]
fn lock_daemon_and_marks_of_a_new_profile_answer_as_was_reviewed() {
    says("profile");
}

#[test]
fn misspelled_directory_becomes_no_profile() {
    let dir = TempDir::new().unwrap();
    let missing = dir.path().join("mispelled");
    for arguments in [
        ["send", "team", "hi"].as_slice(),
        &["send", "team", "-"],
        &["tail", "team"],
        &["invite", "team"],
        &["rooms"],
        &["rooms", "--json"],
        &["fingerprint"],
        &["search", "word"],
        &["export", "team"],
    ] {
        let (code, out, err) = schat(&missing, arguments);
        let (told, nothing) = if arguments.contains(&"--json") { (out, err) } else { (err, out) };
        assert_eq!((code, nothing.as_str()), (5, ""), "{arguments:?}: {told}");
        assert!(
            told.contains("There is no profile in") && told.contains("--profile"),
            "{arguments:?}: {told}"
        );
        assert!(!missing.exists(), "{arguments:?} made it");
    }
    // These may begin.
    assert_eq!(schat(&missing, &["--json"]).0, 0);
    assert_eq!(schat(&missing, &["rooms"]).0, 0);
}

#[test]
fn fingerprint_is_the_first_thing_that_somebody_may_ask_for_on_a_new_machine() {
    let home = TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(SCHAT);
        command.env_clear().env("HOME", home.path()).stdin(Stdio::null());
        command.args(arguments).output().unwrap()
    };
    assert_eq!(run(&["rooms"]).status.code(), Some(5));
    let first = run(&["fingerprint"]);
    assert!(first.status.success());
    assert_eq!(run(&["fingerprint"]).stdout, first.stdout);
}

#[test]
fn rooms_and_fingerprint_are_told_to_programs() {
    let dir = TempDir::new().unwrap();
    let profile = profile(&dir);
    let (_, plain, _) = schat(&profile, &["fingerprint"]);
    let (code, out, _) = schat(&profile, &["--json", "fingerprint"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    let wanted = json!({"v": 1, "event": "fingerprint", "name": "tester", "fingerprint": plain.trim_end()});
    assert_eq!((code, told), (0, wanted));
    let (code, out, _) = schat(&profile, &["--json", "rooms"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, told), (0, json!({"v": 1, "event": "rooms", "rooms": []})));
}

#[test]
fn send_says_what_it_waits_for_before_it_gives_up() {
    use std::io::{BufRead, BufReader};
    let dir = TempDir::new().unwrap();
    let profile = profile(&dir);
    // A port that nobody listens on.
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut joining = Command::new(SCHAT);
    joining.env_clear().env("SCHAT_PROFILE", &profile).args(["--json", "--relay", &nobody]);
    let mut child =
        joining.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"{\"cmd\":\"join\",\"room\":\"lobby\"}\n")
        .unwrap();
    child.wait().unwrap();

    let mut sending = Command::new(SCHAT);
    sending.env_clear().env("SCHAT_PROFILE", &profile).args(["send", "lobby", "hi", "--timeout", "4"]);
    let mut child = sending.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    let lines: Vec<String> =
        BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap).collect();
    let waits: Vec<_> = lines.iter().filter(|line| line.starts_with("Waiting for")).collect();
    assert!(waits.len() == 1 && waits[0].contains(&nobody), "{lines:?}");
    assert!(lines.last().unwrap().contains("kept"), "{lines:?}");
    assert_eq!(child.wait().unwrap().code(), Some(3), "after {:?}", began.elapsed());
    // As asked, and not after the 30 s that are usual.
    let took = began.elapsed();
    assert!(took > Duration::from_secs(4) && took < Duration::from_secs(30), "{took:?}");
}
