//! `schat backup` and `schat restore` as people call them.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::{
    files::{done, schat},
    group::ROOM,
    schat::run,
};

/// `schat backup` into `target`, with the phrase in a file.
pub fn backup(dir: &Path, name: &str, target: &Path, more: &[&str]) -> Command {
    let phrase = dir.join("phrase");
    let mut command = schat(dir, name, &["backup", target.to_str().unwrap(), "--phrase-file"]);
    command.arg(phrase).args(more);
    command
}

/// `schat restore` of `source` into the profile `name`.
pub fn restore(dir: &Path, name: &str, source: &Path, more: &[&str]) -> Command {
    let mut command = crate::programs::program("schat");
    command.arg("--profile").arg(dir.join(name)).args(["--trust-first-use", "restore"]);
    command.arg(source).arg("--phrase-file").arg(dir.join("phrase")).args(more);
    command
}

/// How a command failed: its exit code and what it said.
pub fn failed(command: &mut Command) -> (Option<i32>, String) {
    let output = run(command, b"");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What a profile has of the room, without when it was exported.
pub fn past(dir: &Path, name: &str) -> Vec<Value> {
    let said = done(&mut schat(dir, name, &["export", ROOM, "--json"])).stdout;
    String::from_utf8(said).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The texts of those lines.
pub fn texts(dir: &Path, name: &str) -> Vec<String> {
    past(dir, name).iter().filter_map(|line| Some(line["text"].as_str()?.to_owned())).collect()
}
