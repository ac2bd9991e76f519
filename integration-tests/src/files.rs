//! What the tests of files have in common: bytes, commands that have to work, two people with a room.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{
    group::found,
    relay::Relay,
    schat::{command, run},
};

/// Bytes that no two places have alike.
pub fn bytes(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|i| ((i + seed).wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// Writes a file.
pub fn file(dir: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    path
}

/// `schat` with these arguments for a person whose profile is there.
pub fn schat(dir: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = command(dir, name);
    command.arg("--trust-first-use").args(arguments);
    command
}

/// `schat file …` for a person whose profile is there.
pub fn schat_file(dir: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = schat(dir, name, &["file"]);
    command.args(arguments);
    command
}

/// Runs a command that has to work.
pub fn done(command: &mut Command) -> Output {
    let output = run(command, b"");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Two people who have a room, and whose programs have ended.
pub fn pair(dir: &Path, relay: &Relay) {
    let (people, _) = found(dir, &relay.address, &["ann", "bob"]);
    for person in people {
        assert_eq!(person.quit().code, Some(0));
    }
}

/// What is in a directory, in order.
pub fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
