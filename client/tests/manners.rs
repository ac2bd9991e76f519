//! What `schat` says, word by word: help, usage errors, what it does without a room, a profile or a relay.
//!
//! The words are in `tests/cmd/*.trycmd`. After a change of words: `TRYCMD=overwrite cargo test --workspace --test manners`,
//! and read the difference.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as tests")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

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
