//! Standard output that cannot be written, and standard input of every kind.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

#[path = "support/archive.rs"]
mod archive;
mod support;

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Command, Output, Stdio},
};

use archive::profile;
use tempfile::TempDir;

fn schat(dir: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schat"));
    command.env_clear().env("SCHAT_PROFILE", dir.path().join("p")).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Where not a byte more fits.
fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn with_input(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// The same with `redirection` of a shell.
fn redirected(command: &Command, redirection: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(format!("exec \"$0\" \"$@\" {redirection}"));
    shell.arg(command.get_program()).args(command.get_args()).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdin(Stdio::null()).stdout(Stdio::null());
    shell
}

/// What only a program prints that was built with it.
const GENERATED: &[&[&str]] =
    if cfg!(feature = "manual") { &[&["completions", "bash"], &["man"]] } else { &[] };

/// What prints.
const PRINTING: &[&[&str]] = &[
    &["export", "team"] as &[&str],
    &["export", "team", "--format", "json"],
    &["tail", "team", "--from", "1"],
    &["tail", "team", "--ack"],
    &["rooms"],
    &["--json", "rooms"],
    &["search", "line"],
    &["fingerprint"],
    &["--json", "fingerprint"],
    &["lock", "--status"],
    &["config"],
    &["config", "--example"],
    &["config", "--path"],
    &["--help"],
    &["send", "--help"],
    &["--version"],
];

#[test]
fn output_that_cannot_be_written_is_a_failure_with_its_reason() {
    let dir = profile();
    for arguments in PRINTING.iter().chain(GENERATED) {
        let output = schat(&dir, arguments).env("HOME", dir.path()).stdout(full()).output().unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains("cannot be written: No space left"), "{arguments:?}: {told}");
    }
}

#[test]
fn output_that_is_closed_is_a_failure_with_its_reason() {
    let dir = profile();
    for arguments in PRINTING.iter().chain(GENERATED) {
        let mut command = schat(&dir, arguments);
        command.env("HOME", dir.path());
        let output = redirected(&command, ">&-").output().unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains("cannot be written: it is closed"), "{arguments:?}: {told}");
        // What is thrown away on purpose: as shells open it, and as Python and Node do.
        // Whoever follows a room ends by that alone.
        for redirection in [">/dev/null", "1<>/dev/null"].iter().filter(|_| arguments[0] != "tail") {
            let output = redirected(&command, redirection).output().unwrap();
            let told = (output.status.code(), text(&output.stderr));
            assert_eq!(told, (Some(0), String::new()), "{arguments:?} {redirection}");
        }
    }
}

#[test]
fn faces_whose_output_cannot_be_written_end_with_a_failure() {
    let dir = profile();
    for (face, input) in [("--json", "{\"cmd\":\"rooms\"}\n"), ("--plain", "/rooms\n")] {
        let mut command = schat(&dir, &[face]);
        let mut child = command.stdin(Stdio::piped()).stdout(full()).stderr(Stdio::piped()).spawn().unwrap();
        // The input stays open: what ends the face is its output.
        let mut theirs = child.stdin.take().unwrap();
        let _ = theirs.write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        drop(theirs);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{face}: {told}");
        assert!(told.contains("cannot be written"), "{face}: {told}");
    }
}

#[test]
fn face_whose_output_is_closed_ends_with_a_failure() {
    let dir = profile();
    let output = with_input(redirected(&schat(&dir, &["--json"]), ">&-"), "{\"cmd\":\"rooms\"}\n");
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("cannot be written: it is closed"), "{told}");
}

#[test]
fn reader_that_has_enough_is_no_failure() {
    let dir = profile();
    for arguments in [&["export", "team"] as &[&str], &["search", "line"]].iter().chain(GENERATED) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = schat(&dir, arguments).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{arguments:?}");
    }
}

/// As a program leaves it that shares its terminal or socket with us.
fn not_blocking() -> (UnixStream, Stdio) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    (ours, OwnedFd::from(theirs).into())
}

#[test]
fn input_that_does_not_block_is_waited_for() {
    let dir = profile();
    // So that `tail` has nothing to show.
    with_input(
        schat(&dir, &["--json"]),
        "{\"cmd\":\"ack\",\"room\":\"team\",\"seq\":2501}\n{\"cmd\":\"quit\"}\n",
    );
    for (arguments, line, answer, end) in [
        (&["--json"] as &[&str], "{\"cmd\":\"rooms\"}", "\"rooms\"", &[0] as &[_]),
        (&["--plain"], "/rooms", "team  ", &[0, 3]),
        (&["tail", "team", "--ack=told"], "{\"cmd\":\"rooms\"}", "nothing but ack", &[2]),
    ] {
        let (mut input, theirs) = not_blocking();
        let (answers, writer) = std::io::pipe().unwrap();
        let mut command = schat(&dir, arguments);
        command.stdin(theirs).stdout(writer.try_clone().unwrap()).stderr(writer);
        let mut child = command.spawn().unwrap();
        drop(command);
        let mut answers = BufReader::new(answers).lines().map(Result::unwrap);
        // It has to wait for each of these.
        for _ in 0..5 {
            writeln!(input, "{line}").unwrap();
            assert!(answers.any(|line| line.contains(answer)), "{arguments:?}");
        }
        drop(input);
        // 3 where it was quicker than the room, which cannot be read: that was waited for.
        assert!(end.contains(&child.wait().unwrap().code().unwrap()), "{arguments:?}");
    }
}

/// A slow reader at the other end of a stream that others made one that does not block.
#[test]
fn output_that_does_not_block_loses_nothing() {
    let dir = profile();
    let (ours, theirs) = not_blocking();
    let mut child = schat(&dir, &["export", "team"]).stdout(theirs).spawn().unwrap();
    assert_eq!(BufReader::new(ours).lines().count(), 2_501);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn input_with_lines_that_were_refused_does_not_end_well() {
    let dir = profile();
    let run = |face, input: &str| with_input(schat(&dir, &[face]), input).status.code();
    let send = "{\"cmd\":\"send\",\"room\":\"nowhere\",\"text\":\"hi\"}\n";
    let rooms = "{\"cmd\":\"rooms\"}\n";
    assert_eq!(run("--json", rooms), Some(0));
    assert_eq!(run("--json", &format!("{send}{rooms}")), Some(5));
    assert_eq!(run("--json", &format!("hello\n{send}")), Some(2), "the first counts");
    assert_eq!(run("--json", &format!("{send}{{\"cmd\":\"quit\"}}\n")), Some(0), "it has read the error");
    assert_eq!(run("--plain", "/nonsense\n/rooms\n"), Some(2));
}

#[test]
fn mark_of_the_encoding_is_no_part_of_the_first_line() {
    let dir = profile();
    let output = with_input(schat(&dir, &["--json"]), "\u{feff}{\"cmd\":\"rooms\"}\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn mark_of_the_encoding_is_no_part_of_a_token() {
    let dir = profile();
    let file = dir.path().join("token");
    std::fs::write(&file, format!("\u{feff}{}\r\n", "A".repeat(43))).unwrap();
    let mut command = schat(&dir, &["--json", "--relay", "127.0.0.1:1"]);
    command.env("SCHAT_TOKEN_FILE", &file);
    let output = with_input(command, "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
