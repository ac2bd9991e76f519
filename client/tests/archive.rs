//! `schat search` and `schat export`, through the program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};

use client::store::{Batch, Entry, Happening, OpenProfile, ProfileDir, RoomRecord, What, Where};
use proto::RoomId;
use shared::{
    identity::Fingerprint,
    message::timeline::Line,
    room::{Message, Person},
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

fn command(dir: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schat"));
    command.env_clear().env("SCHAT_PROFILE", dir.path().join("p")).args(arguments);
    command
}

fn schat(dir: &TempDir, arguments: &[&str]) -> Output {
    command(dir, arguments).output().unwrap()
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

#[test]
fn setting_of_history_lines_takes_effect() {
    let dir = profile();
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "[history]\nlines = 100\n").unwrap();
    let path = config.to_str().unwrap();
    let begun = schat(&dir, &["--json", "--config", path]);
    assert_eq!(begun.status.code(), Some(0), "{begun:?}");
    let left = lines(&schat(&dir, &["export", "team"]));
    assert_eq!(left.len(), 100);
    assert!(left[0].ends_with("bob: line 2402"), "the newest stay: {}", left[0]);
}

#[test]
fn who_came_and_went_is_exported_in_its_place() {
    let dir = profile();
    let home = ProfileDir::choose(Some(dir.path().join("p"))).unwrap();
    let opened = OpenProfile::open(home, None, random()).unwrap();
    let who = Person { name: "eve\u{1b}[2J".to_owned(), fingerprint: Fingerprint([1; 32]) };
    let by = Person { name: "bob".to_owned(), fingerprint: Fingerprint([2; 32]) };
    let happens = |seq, what| Happening { seq: Some(seq), at: 1_700_000_000_000, expires: None, what };
    let happenings = vec![
        happens(1_000, What::Joined { who: who.clone(), by: None }),
        happens(2_000, What::Renamed { who: who.clone(), was: "mallory".to_owned() }),
        happens(2_501, What::Left { who, by }),
    ];
    let batch = Batch { happenings, ..Batch::default() };
    opened.vault.now(|store| store.commit(RoomId([7; 32]), None, &batch)).unwrap();
    drop(opened);

    let text = lines(&schat(&dir, &["export", "team"]));
    assert_eq!(text.len(), 2_504);
    assert!(text[1_000].ends_with("* eve\\u{1b}[2J joined."), "{}", text[1_000]);
    assert!(text[2_503].ends_with("* eve\\u{1b}[2J was removed by bob."), "{}", text[2_503]);
    let json = lines(&schat(&dir, &["export", "team", "--format", "json"]));
    let told: serde_json::Value = serde_json::from_str(&json[1_000]).unwrap();
    assert_eq!((told["event"].as_str(), told["seq"].as_u64()), (Some("member_joined"), Some(1_000)));
    let told: serde_json::Value = serde_json::from_str(&json[2_503]).unwrap();
    assert_eq!((told["event"].as_str(), told["by"]["name"].as_str()), (Some("member_left"), Some("bob")));
    // Bots are given messages again, and nothing else.
    let mut bot = command(&dir, &["--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut again = Vec::new();
    for line in BufReader::new(bot.stdout.take().unwrap()).lines().map(Result::unwrap) {
        let is_last = line.contains("line 2500");
        again.push(line);
        if is_last {
            break;
        }
    }
    drop(bot.stdin.take());
    bot.wait().unwrap();
    assert!(again.last().unwrap().contains("line 2500"), "{:?}", again.last());
    assert!(!again.iter().any(|line| line.contains("member_") || line.contains("profile_changed")));
}
