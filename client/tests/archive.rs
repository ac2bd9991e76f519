//! `schat search` and `schat export`, through the program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::process::{Command, Output};

use client::store::{Batch, Entry, OpenProfile, ProfileDir, RoomRecord, Where};
use proto::RoomId;
use shared::{
    engine::{Message, Person},
    identity::Fingerprint,
    timeline::Line,
};
use support::random;
use tempfile::TempDir;

/// More than a page of lines: `line 1` to `line 2500`, and one of eve's with an escape in it.
fn profile() -> TempDir {
    let dir = TempDir::new().unwrap();
    let home = ProfileDir::choose(Some(dir.path().join("p"))).unwrap();
    let profile = OpenProfile::open(home, Some("ann"), random()).unwrap();
    let line = |seq: u64, name: &str, text: String| {
        let from = Person { name: name.to_owned(), fingerprint: Fingerprint([1; 32]) };
        let id = [u8::try_from(seq % 251).unwrap(); 16];
        let at = 1_700_000_000_000 + seq;
        Line::from(Message { seq, id, at, from, text, mine: false, reply_to: None, disappears: None })
    };
    let mut entries: Vec<_> =
        (1..=2_500).map(|seq| Entry::Line(line(seq, "bob", format!("line {seq}")))).collect();
    entries.push(Entry::Line(line(2_501, "eve", "Über \u{1b}[2J lunch".to_owned())));
    let id = RoomId([7; 32]);
    let record = RoomRecord { id, label: "team".to_owned(), place: Where::Own, acked: 0, closed: None };
    let batch = Batch { entries, ..Batch::default() };
    profile.vault.now(|store| store.commit(id, Some(&record), &batch)).unwrap();
    dir
}

fn schat(dir: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_schat"))
        .env_clear()
        .env("SCHAT_PROFILE", dir.path().join("p"))
        .args(arguments)
        .output()
        .unwrap()
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn words_are_found_however_they_are_written_and_harmlessly_shown() {
    let dir = profile();
    let found = lines(&schat(&dir, &["search", "ÜBER", "Lunch"]));
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("[team] eve: Über \\u{1b}[2J lunch"), "{found:?}");
    let newest = lines(&schat(&dir, &["search", "line", "--limit", "2"]));
    assert!(newest[0].ends_with("line 2500") && newest[1].ends_with("line 2499"), "{newest:?}");
    // In the oldest page.
    let deep = ["search", "line 17", "--from", "bo", "--room", "team", "--limit", "500"];
    let expected = (1..=2_500).filter(|seq| seq.to_string().contains("17")).count();
    assert_eq!(lines(&schat(&dir, &deep)).len(), expected);
    assert_eq!(schat(&dir, &["search", "line", "--from", "carol"]).status.code(), Some(5));
    assert_eq!(schat(&dir, &["search", "supper"]).status.code(), Some(5));
    assert_eq!(schat(&dir, &["search", "x", "--room", "nowhere"]).status.code(), Some(5));
    assert_eq!(schat(&dir, &["search", " "]).status.code(), Some(2));
}

#[test]
fn export_holds_every_line_once_in_both_forms() {
    let dir = profile();
    let text = lines(&schat(&dir, &["export", "team"]));
    assert_eq!(text.len(), 2_501);
    assert!(text[0].ends_with("bob: line 1") && text[2_500].contains("\\u{1b}"), "{}", text[2_500]);
    let json = lines(&schat(&dir, &["export", "team", "--format", "json"]));
    let seqs = json.iter().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["event"], "message");
        line["seq"].as_u64().unwrap()
    });
    assert!(seqs.eq(1..=2_501));
}

#[test]
fn export_overwrites_no_file_unasked_and_keeps_it_private() {
    let dir = profile();
    let file = dir.path().join("team.txt");
    let path = file.to_str().unwrap();
    assert_eq!(schat(&dir, &["export", "team", "--output", path]).status.code(), Some(0));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(&file, "mine").unwrap();
    let again = schat(&dir, &["export", "team", "--output", path]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--force"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(schat(&dir, &["export", "team", "--output", path, "--force"]).status.code(), Some(0));
    assert_ne!(std::fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(schat(&dir, &["export", "nowhere"]).status.code(), Some(5));
}
