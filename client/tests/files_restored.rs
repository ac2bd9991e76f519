//! A profile that was brought back from an older copy, while a file of it was under way: nobody knows what was sent since.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use ::relay::Relay;
use client::runtime::{Past, Steer, Transfer, Way};
use support::{
    Person,
    files::{LONG, ROOM, bytes, ended, fetch, file, is_paused, offered, outgoing, pair, stands},
    relay,
};
use tempfile::TempDir;

/// The profile as it is now, and what it was comes back later.
fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let there = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copied(&entry.path(), &there),
            false => drop(fs::copy(entry.path(), there).unwrap()),
        }
    }
}

/// A profile of ann's of the time when a file of hers was under way to a room that bob is in.
async fn with_older_copy(dir: &TempDir, relay: &Relay) -> (Person, Person, PathBuf, Transfer) {
    let (mut ann, mut bob) = pair(dir, relay).await;
    let (path, begun) = loop {
        let path = file(dir.path(), "big", &bytes(LONG));
        let begun = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap();
        if is_paused(&mut ann, begun.number).await {
            break (path, begun);
        }
        offered(&mut bob).await;
    };
    ann.runtime.shutdown().await;
    copied(&dir.path().join("ann"), &dir.path().join("older"));
    let ann = Person::enter(dir.path(), "ann", relay, Past::Nothing).await;
    (ann, bob, path, begun)
}

/// That copy comes back, and goes on with the file.
async fn brought_back(dir: &TempDir, relay: &Relay, number: i64) -> Person {
    fs::remove_dir_all(dir.path().join("ann")).unwrap();
    copied(&dir.path().join("older"), &dir.path().join("ann"));
    let ann = Person::enter(dir.path(), "ann", relay, Past::Nothing).await;
    ann.runtime.steer_file(number, Steer::Run).await.unwrap();
    ann
}

#[tokio::test(flavor = "multi_thread")]
async fn older_copy_of_a_profile_whose_file_has_changed_leaves_the_room_the_one_that_was_sent() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob, path, begun) = with_older_copy(&dir, &relay).await;
    ann.runtime.steer_file(begun.number, Steer::Run).await.unwrap();
    ended(&mut ann, begun.number).await.unwrap();
    let first = offered(&mut bob).await;
    ann.runtime.shutdown().await;
    let changed: Vec<u8> = bytes(LONG).into_iter().map(|byte| !byte).collect();
    fs::write(&path, &changed).unwrap();
    let mut ann = brought_back(&dir, &relay, begun.number).await;
    ended(&mut ann, begun.number).await.unwrap();
    let second = offered(&mut bob).await;
    assert_ne!(first.file.as_ref().unwrap().id, second.file.as_ref().unwrap().id);
    for (message, content) in [(&second, changed), (&first, bytes(LONG))] {
        let there = fetch(&mut bob, message, &dir.path().join("there")).await.unwrap().unwrap();
        assert!(fs::read(&there).unwrap() == content);
        fs::remove_file(there).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn older_copy_of_a_profile_seals_nothing_under_a_key_of_which_the_relay_has_nothing() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob, _, begun) = with_older_copy(&dir, &relay).await;
    // More was sealed under it than the copy knows, perhaps; then all of it was dropped.
    ann.runtime.steer_file(begun.number, Steer::Cancel).await.unwrap();
    stands(&mut ann, begun.number, |transfer| transfer.state.is_final()).await;
    let deadline = tokio::time::Instant::now() + support::PATIENCE;
    while relay.files().files > 0 {
        assert!(tokio::time::Instant::now() < deadline, "it is not dropped");
        tokio::task::yield_now().await;
    }
    ann.runtime.shutdown().await;
    let mut ann = brought_back(&dir, &relay, begun.number).await;
    ended(&mut ann, begun.number).await.unwrap();
    let message = offered(&mut bob).await;
    assert_ne!(Way::Up(message.file.as_ref().unwrap().id), begun.way);
    let there = fetch(&mut bob, &message, &dir.path().join("there")).await.unwrap().unwrap();
    assert!(fs::read(there).unwrap() == bytes(LONG));
}
