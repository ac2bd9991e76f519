//! Whoever was away reads what was missed in few transactions: each of them waits for the disk.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

#[path = "daemon/programs.rs"]
#[allow(dead_code, reason = "another test uses another part")]
mod programs;
mod support;

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    time::Duration,
};

use client::runtime::Past;
use programs::{Bot, schat};
use relay::{Limits, Rate};
use support::{Person, relay};
use tempfile::TempDir;

/// Messages that were missed.
const MISSED: usize = 600;

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_come_at_once_are_few_transactions() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let fast = Rate { burst: 1_000_000, interval: Duration::from_secs(60) };
    relay.reload(Limits { publish: fast, room_publish: fast, ..Limits::default() });
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.runtime.create("team", None, shared::room::Policy::default()).await.unwrap();
    let link = ann.link("team").await.to_string();
    let profile = dir.path().join("bob");
    let mut bob = Bot::start(&profile, &["--name", "bob", &link]);
    bob.next("joined");
    ann.is_among(2).await;
    assert_eq!(bob.end(), 0);
    for number in 1..=MISSED {
        ann.say("team", &number.to_string(), &format!("line {number}")).await;
        ann.sent(&number.to_string()).await;
    }
    let mut command = schat(&profile);
    command.env("SCHAT_LOG", "client=debug").args(["tail", "team"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let said = child.stderr.take().unwrap();
    let steps = std::thread::spawn(move || {
        let lines = BufReader::new(said).lines().map_while(Result::ok);
        let read = lines.filter(|line| line.contains(" step ") && !line.contains(" lines=0 "));
        read.collect::<Vec<_>>()
    });
    let last = format!("ann: line {MISSED}");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == last), "it ended");
    child.kill().unwrap();
    child.wait().unwrap();
    let steps = steps.join().unwrap();
    // One for each packet would be 250, one for each message 600.
    assert!(!steps.is_empty() && steps.len() <= MISSED / 5, "{}: {steps:#?}", steps.len());
}
