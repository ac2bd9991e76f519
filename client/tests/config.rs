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
    let (code, _, err) = schat(dir.path(), &example, &["--json"]);
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

#[test]
fn path_and_json_say_where_the_settings_are_and_what_they_are() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("config.toml");
    let (code, out, _) = schat(dir.path(), "", &["config", "--path"]);
    assert_eq!((code, out.trim_end()), (Some(0), file.to_str().unwrap()));
    let (code, out, err) = schat(dir.path(), "[history]\nlines = 500\n", &["config", "--json"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("500") && out.starts_with('{'), "{out}");
}

#[cfg(unix)]
#[test]
fn edit_begins_with_the_example_and_looks_at_what_was_written() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("new").join("config.toml");
    let edit = |editor: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_schat"));
        command
            .args(["config", "--edit"])
            .env("SCHAT_CONFIG", &file)
            .env("EDITOR", editor)
            .env_remove("VISUAL");
        command.output().unwrap()
    };
    let script = dir.path().join("editor");
    // The example ends with [history].
    std::fs::write(&script, "echo 'lnies = 500' >> \"$1\"\n").unwrap();
    let done = edit(&format!("sh {}", script.display()));
    let err = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{err}");
    assert!(err.contains("lnies") && err.contains("lines"), "what is wrong in it is told: {err}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("# lines = ") && text.contains("lnies"), "{text}");
    assert_eq!(edit("no-such-editor").status.code(), Some(1));
    assert_eq!(edit("false").status.code(), Some(1));
}
