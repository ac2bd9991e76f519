//! Standard output that is a full disk, or that nobody reads: never a panic.

use std::{
    fs::File,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::program::{Program, command, run};

/// Runs it where every write fails for want of space.
fn full(data_dir: &Path, arguments: &[&str]) -> Output {
    let full = File::options().write(true).open("/dev/full").unwrap();
    command(data_dir).args(arguments).stdout(full).stderr(Stdio::piped()).output().unwrap()
}

/// Runs it where the reader has gone.
fn closed(data_dir: &Path, arguments: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command(data_dir).args(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap()
}

/// Runs it with this redirection of a shell.
fn redirected(data_dir: &Path, arguments: &[&str], redirection: &str) -> Output {
    let command = command(data_dir);
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(format!("exec \"$0\" \"$@\" {redirection}"));
    shell.arg(command.get_program()).args(command.get_args()).args(arguments);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stderr(Stdio::piped()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn tokens(data_dir: &Path) -> usize {
    let list = run(data_dir, &["token", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    list["tokens"].as_array().unwrap().len()
}

/// What prints, beside a running relay.
const BESIDE: [&[&str]; 7] = [
    &["status"],
    &["status", "--json"],
    &["rooms"],
    &["doctor", "--json"],
    &["check"],
    &["reload"],
    &["clock", "accept"],
];

/// What prints without one.
const ALONE: [&[&str]; 9] = [
    &["check", "--json"],
    &["compact"],
    &["token", "list"],
    &["config"],
    &["config", "--example"],
    &["completions", "bash"],
    &["man"],
    &["--help"],
    &["--version"],
];

#[test]
fn full_output_is_told_in_a_sentence_and_closed_output_is_no_failure() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path();
    let backup = data_dir.join("backup");
    let told = |arguments: &[&str]| {
        let output = full(data_dir, arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("standard output cannot be written"), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        let output = closed(data_dir, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", self::said(&output));
        assert!(!self::said(&output).contains("panicked"), "{arguments:?}");
        let output = redirected(data_dir, arguments, ">&-");
        let said = self::said(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("standard output cannot be written: it is closed"), "{arguments:?}: {said}");
        // As Python and Node give it to their children, and mean it.
        let output = redirected(data_dir, arguments, "1<>/dev/null");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", self::said(&output));
    };
    let program = Program::start(data_dir);
    BESIDE.iter().for_each(|arguments| told(arguments));
    drop(program);
    assert!(run(data_dir, &["token", "create"]).status.success());
    ALONE.iter().for_each(|arguments| told(arguments));
    told(&["backup", backup.to_str().unwrap()]);
    told(&["restore", "--verify", backup.to_str().unwrap()]);
}

#[test]
fn token_whose_text_nobody_saw_is_taken_back() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path();
    let create = |arguments: &[&str]| {
        let none = redirected(data_dir, arguments, ">&-");
        for output in [full(data_dir, arguments), closed(data_dir, arguments), none] {
            let said = said(&output);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains("it was taken back") && !said.contains("panicked"), "{said}");
        }
        assert_eq!(tokens(data_dir), 0);
    };
    let program = Program::start(data_dir);
    create(&["token", "create"]);
    create(&["token", "create", "--json"]);
    drop(program);
    create(&["token", "create"]);
    assert!(run(data_dir, &["token", "create"]).status.success());
    assert_eq!(tokens(data_dir), 1);
}
