//! What is sent changes while it is sent: no two texts are sealed under one key, and nobody gets half of one and half of another.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use client::runtime::{Past, Steer, Transfer, Way};
use support::{
    Person,
    files::{LONG, ROOM, bytes, ended, fetch, file, is_paused, offered, outgoing, pair, stands},
    relay,
};
use tempfile::TempDir;

/// As if nobody had written to it since.
fn written_at(path: &Path, at: SystemTime) {
    File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

/// As long as the former, and so many bytes at its beginning are others.
fn changed(number: usize) -> Vec<u8> {
    let mut bytes = bytes(LONG);
    bytes.iter_mut().take(number).for_each(|byte| *byte = !*byte);
    bytes
}

/// A file of ann's that is on its way to bob, and paused there.
async fn under_way(
    dir: &Path,
    ann: &mut Person,
    bob: &mut Person,
    at: Option<SystemTime>,
) -> (PathBuf, Transfer) {
    loop {
        let path = file(dir, "big", &bytes(LONG));
        if let Some(at) = at {
            written_at(&path, at);
        }
        let begun = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap();
        if is_paused(ann, begun.number).await {
            return (path, begun);
        }
        offered(bob).await;
    }
}

/// Bob gets exactly this, under another key than what was begun.
async fn comes_through(dir: &Path, ann: &mut Person, bob: &mut Person, begun: &Transfer, content: &[u8]) {
    assert_eq!(ended(ann, begun.number).await, Ok(None));
    let message = offered(bob).await;
    assert_ne!(Way::Up(message.file.as_ref().unwrap().id), begun.way, "another text under the same key");
    let there = fetch(bob, &message, &dir.join("there")).await.unwrap().unwrap();
    assert!(fs::read(&there).unwrap() == content, "half of one and half of another");
    fs::remove_file(there).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_changed_under_the_same_size_and_time_begins_anew() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    for at in [None, Some(UNIX_EPOCH)] {
        let (path, begun) = under_way(dir.path(), &mut ann, &mut bob, at).await;
        let at = modified(&path);
        // What is another one is at the relay already, and would not be sent again.
        fs::write(&path, changed(1)).unwrap();
        written_at(&path, at);
        ann.runtime.steer_file(begun.number, Steer::Run).await.unwrap();
        comes_through(dir.path(), &mut ann, &mut bob, &begun, &changed(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn profile_from_an_older_copy_seals_nothing_under_a_key_that_it_used() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let (path, begun) = under_way(dir.path(), &mut ann, &mut bob, None).await;
    ann.runtime.shutdown().await;
    // The copy is from before anything was sealed.
    let store = rusqlite::Connection::open(dir.path().join("ann").join(client::store::DATABASE)).unwrap();
    assert!(store.execute("DELETE FROM transfer_parts", []).unwrap() > 0);
    drop(store);
    let at = modified(&path);
    fs::write(&path, changed(LONG)).unwrap();
    written_at(&path, at);
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.runtime.steer_file(begun.number, Steer::Run).await.unwrap();
    comes_through(dir.path(), &mut ann, &mut bob, &begun, &changed(LONG)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_written_to_while_it_is_sent_comes_as_it_was_or_as_it_is() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    for at in [None, Some(UNIX_EPOCH)] {
        loop {
            let before = bytes(LONG);
            let mut after = before.clone();
            for end in [0, LONG - 1] {
                after[end] ^= 0xff;
            }
            let path = file(dir.path(), "big", &before);
            if let Some(at) = at {
                written_at(&path, at);
            }
            let begun = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap();
            let moves = |transfer: &Transfer| transfer.done > 0 || transfer.state.is_final();
            let stands = stands(&mut ann, begun.number, moves).await;
            let mut open = File::options().write(true).open(&path).unwrap();
            for end in [0, LONG - 1] {
                open.seek(SeekFrom::Start(end as u64)).unwrap();
                open.write_all(&after[end..=end]).unwrap();
            }
            if let Some(at) = at {
                written_at(&path, at);
            }
            if !stands.state.is_final() {
                assert_eq!(ended(&mut ann, begun.number).await, Ok(None));
            }
            let message = offered(&mut bob).await;
            let there = fetch(&mut bob, &message, &dir.path().join("there")).await.unwrap().unwrap();
            let got = fs::read(&there).unwrap();
            fs::remove_file(there).unwrap();
            assert!(got == before || got == after, "half of one and half of another");
            if got == after {
                break;
            }
        }
    }
}
