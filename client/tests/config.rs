//! `schat config`, and what a settings file that is wrong stops, through the program.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as tests")]

use std::{path::Path, process::Command};

use tempfile::TempDir;

/// The program with this settings file. Exit code, standard output, standard error.
fn schat(dir: &Path, text: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let file = dir.join("config.toml");
    std::fs::write(&file, text).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_schat"))
        .args(arguments)
        .arg("--profile")
        .arg(dir.join("profile"))
        .env("SCHAT_CONFIG", &file)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[test]
fn settings_are_shown_with_what_the_file_says() {
    let dir = TempDir::new().unwrap();
    let (code, out, _) = schat(dir.path(), "[screen]\nmouse = false\n", &["config"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("mouse = false"), "{out}");
    assert!(out.contains("config.toml:2"), "where it comes from: {out}");
}

#[test]
fn the_example_is_a_file_that_is_taken() {
    let dir = TempDir::new().unwrap();
    let (_, example, _) = schat(dir.path(), "", &["config", "--example"]);
    let (code, _, err) = schat(dir.path(), &example, &["fingerprint"]);
    assert_eq!(code, Some(0), "{err}");
}

#[test]
fn misspelled_key_stops_the_program_and_names_the_nearest() {
    let dir = TempDir::new().unwrap();
    let (code, out, err) = schat(dir.path(), "[screen]\n\nmuose = false\n", &["fingerprint"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("mouse") && err.contains("config.toml:3"), "{err}");
    assert!(!dir.path().join("profile").exists(), "nothing was begun");
}
