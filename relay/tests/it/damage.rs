//! Bytes that changed on the disk: never served as good, told to those whose they are, and nobody else's trouble.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proto::relay::{
    refused::{Code, Limit},
    relay_frame::Frame,
};
use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, command, run},
};

/// What is said in a room: bytes that are found on the disk.
fn line(room: u8, line: u8) -> Vec<u8> {
    [[room; 100], [line; 100]].concat()
}

/// Three rooms of 50 lines each, stopped.
async fn stopped() -> TempDir {
    let directory = TempDir::new().unwrap();
    let mut program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    for number in 1..=3 {
        let mut stream = client.create(room(number), &key(number), vec![]).await;
        for said in 0..50 {
            stream.publish([said; 16], &line(number, said), None).await;
            stream.published().await;
        }
    }
    program.terminate();
    assert!(program.child.wait().unwrap().success());
    directory
}

/// Turns a bit in each copy of a line of room 1.
fn damage(data_dir: &Path, said: u8) {
    let path = data_dir.join("relay.redb");
    let mut bytes = fs::read(&path).unwrap();
    let needle = line(1, said);
    let mut found = 0;
    for at in 0..bytes.len() - needle.len() {
        if bytes[at..at + needle.len()] == needle {
            bytes[at + 100] ^= 4;
            found += 1;
        }
    }
    assert!(found > 0);
    fs::write(path, bytes).unwrap();
}

fn stdout(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Reads a room to its end, or to where the relay says that it is damaged. Returns how many entries came, and whether.
async fn read(client: &Client, number: u8) -> (u64, bool) {
    let (mut stream, joined) = client.join(room(number), &key(number), 0).await;
    let mut last = 0;
    loop {
        if last == joined.head {
            return (last, false);
        }
        match stream.next().await {
            Frame::Deliver(entry) => {
                let said = u8::try_from(entry.seq - 1).unwrap();
                assert_eq!(entry.envelope, line(number, said), "served as good");
                last = entry.seq;
            }
            Frame::Refused(refused) => {
                assert_eq!((refused.code(), refused.limit()), (Code::NoSpace, Limit::Damaged));
                return (last, true);
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_entry_is_told_and_other_rooms_go_on() {
    let directory = stopped().await;
    damage(directory.path(), 20);
    let program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    assert_eq!(read(&client, 1).await, (20, true));
    for number in [2, 3] {
        assert_eq!(read(&client, number).await, (50, false));
    }
    // Whoever has read further goes on, and so does who publishes.
    let (mut stream, _) = client.join(room(1), &key(1), 21).await;
    stream.publish([77; 16], b"still here", None).await;
    assert_eq!(stream.published().await.seq, 51);
    // The same id again cannot be compared with what is there.
    stream.publish([20; 16], &line(1, 20), None).await;
    assert_eq!(stream.refusal().await.limit(), Limit::Damaged);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_names_the_room_and_salvage_brings_the_others() {
    let directory = stopped().await;
    let data_dir = directory.path();
    let whole = run(data_dir, &["check"]);
    assert_eq!((whole.status.code(), &*stdout(&whole)), (Some(0), "Whole    3 rooms, 150 entries\n"));
    damage(data_dir, 20);

    let checked = run(data_dir, &["check"]);
    let told = format!("Damaged  {}  an entry is damaged\n", "01".repeat(32));
    assert_eq!(checked.status.code(), Some(1));
    assert_eq!(stdout(&checked), format!("{told}Whole    2 rooms, 100 entries\n"));
    let doctor = run(data_dir, &["doctor"]);
    assert!(stdout(&doctor).contains("fail  database          1 room is not whole"), "{}", stdout(&doctor));

    let backup = data_dir.join("backup");
    let refused = run(data_dir, &["backup", backup.to_str().unwrap()]);
    assert!(!refused.status.success() && !backup.exists(), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("an entry is damaged") && stderr(&refused).contains("--salvage"));
    {
        let _program = Program::start(data_dir);
        assert_eq!(stdout(&run(data_dir, &["check"])), stdout(&checked), "the same beside a running relay");
        assert!(!run(data_dir, &["backup", backup.to_str().unwrap()]).status.success() && !backup.exists());
        assert_eq!(run(data_dir, &["check", "--salvage", backup.to_str().unwrap()]).status.code(), Some(4));
    }
    let salvaged: PathBuf = data_dir.join("salvaged");
    let output = run(data_dir, &["check", "--salvage", salvaged.to_str().unwrap()]);
    assert!(output.status.success() && stderr(&output).contains("2 rooms with 100 entries"), "{output:?}");

    let new = TempDir::new().unwrap();
    let restored = run(&new.path().join("data"), &["restore", salvaged.to_str().unwrap()]);
    assert!(restored.status.success(), "{}", stderr(&restored));
    let program = Program::start(&new.path().join("data"));
    let client = Client::connect(program.address, &new.path().join("data")).await;
    for number in [2, 3] {
        assert_eq!(read(&client, number).await, (50, false));
    }
    assert!(client.refused(client.join_frame(room(1), &key(1), 0, None)).await == Code::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_that_was_killed_is_looked_at_when_it_comes_back() {
    let directory = stopped().await;
    {
        let program = Program::start(directory.path());
        assert!(!program.log().contains("did not end in order"));
        // Killed here.
    }
    let program = Program::start(directory.path());
    program.logs("the last relay here did not end in order; its database is whole").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn database_that_is_damaged_beyond_reading_is_told_without_a_panic() {
    let directory = stopped().await;
    let (data_dir, path) = (directory.path(), directory.path().join("relay.redb"));
    let whole = fs::read(&path).unwrap();
    let mut caught = 0;
    // Every page of some part of the file, by a byte that means something else wherever it stands.
    for (from, byte) in [(0, 0xff), (320, 0xff), (4096, 0x00), (4096, 0x02), (4096, 0xff)] {
        let mut bytes = whole.clone();
        bytes[from..].fill(byte);
        fs::write(&path, bytes).unwrap();
        for arguments in [&["check"][..], &["--listen", "127.0.0.1:0"], &["token", "list"]] {
            let output = command(data_dir).args(arguments).env("SCHAT_LOG", "debug").output().unwrap();
            let said = stderr(&output);
            assert!(!output.status.success(), "{from} {byte} {arguments:?}");
            assert!(
                !said.contains("panicked at") || said.contains("caught"),
                "{from} {byte} {arguments:?}: {said}"
            );
            caught += usize::from(said.contains("caught"));
            let quiet = stderr(&run(data_dir, arguments));
            assert!(!quiet.contains("panicked"), "{from} {byte} {arguments:?}: {quiet}");
        }
        let doctor = stdout(&run(data_dir, &["doctor"]));
        assert!(doctor.contains("fail  database"), "{from} {byte}: {doctor}");
    }
    assert!(caught > 0, "none of this makes redb panic any more");
}

/// Turns a bit in the index of publish ids of room 1: no entry is touched.
fn damage_id(data_dir: &Path, said: u8) {
    let path = data_dir.join("relay.redb");
    let mut bytes = fs::read(&path).unwrap();
    let needle = [[1; 32].as_slice(), &[said; 16]].concat();
    let places: Vec<_> =
        (0..bytes.len() - needle.len()).filter(|at| bytes[*at..].starts_with(&needle)).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| bytes[at + 47] ^= 4);
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_backup_is_made_of_what_check_calls_damaged() {
    let directory = stopped().await;
    damage_id(directory.path(), 20);
    let file = directory.path().join("backup");
    let arguments = ["backup", file.to_str().unwrap()];
    let checked = run(directory.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(1), "{}", stdout(&checked));
    let refused = |running: &str| {
        let output = run(directory.path(), &arguments);
        assert_eq!(output.status.code(), Some(1), "{running}: {}", stdout(&output));
        let why = stderr(&output);
        assert!(
            why.contains("no backup was made") && why.contains("relay check --salvage"),
            "{running}: {why}"
        );
        assert!(!file.exists(), "{running}");
    };
    refused("stopped");
    let _program = Program::start(directory.path());
    refused("running");
}
