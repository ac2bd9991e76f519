//! `relay rooms` and `relay drop-room`.

use proto::relay::refused::Code;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, run},
};

fn hex(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

/// What the command says on stdout; it must succeed.
fn said(directory: &TempDir, arguments: &[&str]) -> String {
    let output = run(directory.path(), arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it says on stderr; it must fail.
fn refused(directory: &TempDir, arguments: &[&str]) -> String {
    let output = run(directory.path(), arguments);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_come_with_the_largest_first_and_page_by_page() {
    let directory = TempDir::new().unwrap();
    let program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    for (byte, size) in [(1, 10), (2, 3000), (3, 200)] {
        let mut stream = client.create(room(byte), &key(byte), vec![]).await;
        stream.publish([byte; 16], &vec![7; size], None).await;
        stream.published().await;
    }
    let rows: Vec<Value> = said(&directory, &["rooms", "--json"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [hex(2), hex(3), hex(1)]);
    assert_eq!((&rows[0]["entries"], &rows[0]["keys"], &rows[0]["v"]), (&1.into(), &1.into(), &1.into()));
    assert!(rows[0]["bytes"].as_u64().unwrap() >= 3000 && rows[0]["last_at_ms"].as_u64().unwrap() > 0);

    let all = said(&directory, &["rooms", "--all", "--json"]);
    let places: Vec<_> = [1, 2, 3].map(|byte| all.find(&hex(byte)).unwrap()).into();
    assert!(places.is_sorted(), "in the order of ids: {all}");

    let top = said(&directory, &["rooms", "--top", "1"]);
    assert!(top.contains(&hex(2)[..16]) && !top.contains(&hex(1)[..16]), "{top}");
    assert!(top.contains("The largest 1 of 3; --all shows all."), "{top}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_room_ends_its_members_streams_and_leaves_the_others_alone() {
    let directory = TempDir::new().unwrap();
    let program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    let mut gone = client.create(room(1), &key(1), vec![]).await;
    let mut stays = client.create(room(2), &key(2), vec![]).await;
    assert_eq!(said(&directory, &["drop-room", &hex(1)[..4], "--yes"]), format!("Dropped {}.\n", hex(1)));
    assert_eq!(gone.refusal().await.code(), Code::Dropped);
    gone.ended().await;
    assert_eq!(client.refused(client.join_frame(room(1), &key(1), 0, None)).await, Code::Dropped);
    stays.publish([2; 16], b"still here", None).await;
    assert_eq!(stays.published().await.seq, 1);
    let left = said(&directory, &["rooms", "--json"]);
    assert!(!left.contains(&hex(1)) && left.contains(&hex(2)), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_is_not_named_clearly_is_not_dropped() {
    let directory = TempDir::new().unwrap();
    let program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    let _streams =
        (client.create(room(0x11), &key(1), vec![]).await, client.create(room(0x12), &key(2), vec![]).await);
    for (arguments, expected) in [
        (&["drop-room", "1", "--yes"][..], "more than one room's id begins so"),
        (&["drop-room", "3", "--yes"], "there is no such room"),
        (&["drop-room", "../status", "--yes"], "0-9 and a-f"),
        (&["drop-room", "xyz", "--yes"], "0-9 and a-f"),
        (&["drop-room", "11"], "say --yes"),
    ] {
        let error = refused(&directory, arguments);
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    assert_eq!(said(&directory, &["rooms", "--json"]).lines().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn top_shows_what_is_going_on_by_room_and_by_opener_and_names_no_address() {
    let directory = TempDir::new().unwrap();
    let program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    let mut busy = client.create(room(1), &key(1), vec![]).await;
    drop(client.create(room(2), &key(1), vec![]).await);
    for number in 1..=30u8 {
        busy.publish([number; 16], &[number; 1000], None).await;
        busy.published().await;
    }
    assert_eq!(busy.publish_refused([1; 16], None).await, Code::Malformed);
    let text = said(&directory, &["top", "--json"]);
    let top: Value = serde_json::from_str(&text).unwrap();
    let (rooms, openers) = (top["rooms"].as_array().unwrap(), top["openers"].as_array().unwrap());
    assert_eq!((rooms.len(), openers.len()), (2, 1), "{text}");
    assert_eq!((&rooms[0]["id"], &rooms[0]["sessions"]), (&hex(1).into(), &1.into()), "{text}");
    assert_eq!((&rooms[0]["refused"], &top["published"]), (&1.into(), &30.into()), "{text}");
    assert!(rooms[0]["messages_per_s"].as_f64().unwrap() > 0.0, "{text}");
    assert!(rooms[0]["bytes"].as_u64().unwrap() > 30_000, "{text}");
    assert_eq!((&rooms[0]["opener"], &openers[0]["rooms"]), (&openers[0]["id"], &2.into()), "{text}");
    let table = said(&directory, &["top", "--once"]);
    assert!(table.contains(&hex(1)[..16]) && table.contains("MESSAGES/S"), "{table}");
    assert!(!text.contains("127.0.0.1") && !table.contains("127.0.0.1"), "{table}");
}
