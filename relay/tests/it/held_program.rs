//! `relay freeze`, `thaw` and `drop-room --reason`, and where what they did is shown.

use proto::relay::refused::Code;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, run},
    watching,
};

fn hex(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

/// What the command says on stdout; it must succeed.
fn said(directory: &TempDir, arguments: &[&str]) -> String {
    let output = run(directory.path(), arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(directory: &TempDir, arguments: &[&str], because: &str) {
    let output = run(directory.path(), arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}");
    assert!(error.contains(because), "{arguments:?}: {error}");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_frozen_and_dropped_is_shown_wherever_rooms_are() {
    let directory = TempDir::new().unwrap();
    let (program, watched) = watching::watched(directory.path(), &["--rate", "1000000"]);
    let client = Client::connect(program.address, directory.path()).await;
    for byte in [1, 2, 3] {
        drop(client.create(room(byte), &key(byte), vec![]).await);
    }
    let (prefix, id) = (&hex(1)[..8], hex(1));
    assert_eq!(said(&directory, &["freeze", prefix, "--reason", "a reason"]), format!("Froze {id}.\n"));
    assert_eq!(
        said(&directory, &["drop-room", &hex(2)[..8], "--reason", "spam", "--yes"]).lines().next(),
        Some(&*format!("Dropped {}.", hex(2)))
    );
    let join = client.join_frame(room(2), &key(2), 0, None);
    let gone = client.refusal(join).await;
    assert_eq!((gone.code(), &*gone.words), (Code::Dropped, "spam"));

    let row = said(&directory, &["rooms"]);
    assert!(row.contains("frozen for ") && row.contains(": a reason\n"), "{row}");
    let rows = said(&directory, &["rooms", "--json"]);
    let frozen = rows.lines().map(json).find(|row| row["id"] == id).unwrap();
    assert_eq!(
        (&frozen["frozen"]["reason"], &frozen["frozen"]["opener"]),
        (&"a reason".into(), &Value::Null)
    );
    let dropped = json(&said(&directory, &["rooms", "--dropped", "--json"]));
    assert_eq!((&dropped["id"], &dropped["reason"]), (&hex(2).into(), &"spam".into()));
    let table = said(&directory, &["rooms", "--dropped"]);
    assert!(table.contains("DROPPED") && table.contains(&hex(2)[..16]) && table.contains("spam"), "{table}");
    let top = said(&directory, &["top", "--once"]);
    let marked: Vec<_> = top.lines().filter(|line| line.ends_with("  frozen")).collect();
    assert!(matches!(&*marked, [line] if line.starts_with(&id[..16])), "{top}");

    // The opener of all of them, by the name that is shown.
    let top = json(&said(&directory, &["top", "--json"]));
    let opener = top["openers"][0]["id"].as_str().unwrap();
    let all = said(&directory, &["freeze", "--opener", opener]);
    assert_eq!(
        all,
        format!("Froze 1 room of {opener}, who opens no more.\n"),
        "the other one was frozen before"
    );
    let status = said(&directory, &["status"]);
    assert!(
        status.contains("Held        2 rooms frozen, 1 opener frozen, 1 room dropped of late\n"),
        "{status}"
    );
    let status = json(&said(&directory, &["status", "--json"]));
    assert_eq!((&status["frozen_rooms"], &status["dropped_rooms"]), (&2.into(), &1.into()));
    for line in ["frozen_rooms 2", "frozen_openers 1", "dropped_rooms 1"] {
        // Counted at most every five seconds.
        eventually(line, || {
            watching::get(watched, "/metrics", "localhost").contains(&format!("schat_relay_{line}\n"))
        })
        .await;
    }

    assert_eq!(
        said(&directory, &["thaw", "--opener", opener]),
        format!("Thawed 1 room of {opener}, who may open more.\n")
    );
    assert_eq!(said(&directory, &["thaw", prefix]), format!("Thawed: {id}.\n"));
    let again = said(&directory, &["thaw", &hex(2)]);
    assert_eq!(again, format!("It may be opened again: {}.\n", hex(2)));
    refused(&directory, &["thaw", prefix], "the room is not frozen");
    let said_then = said(&directory, &["status"]);
    assert!(!said_then.contains("Held"), "{said_then}");
    for action in ["freeze", "thaw", "drop-room"] {
        program.logs(&format!("action=\"{action}\"")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reason_that_hides_something_is_refused_and_so_is_what_names_nobody() {
    let directory = TempDir::new().unwrap();
    let program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    drop(client.create(room(1), &key(1), vec![]).await);
    let id = hex(1);
    for (reason, because) in [
        ("two\nlines", "one line"),
        ("\u{1b}[31mred", "one line"),
        ("left\u{202e}right", "U+202E"),
        ("zero\u{200b}width", "U+200B"),
        (&*"x".repeat(257), "at most 256 bytes"),
    ] {
        refused(&directory, &["freeze", &id, "--reason", reason], because);
        refused(&directory, &["drop-room", &id, "--yes", "--reason", reason], because);
    }
    for (arguments, because) in [
        (&["freeze"][..], "required"),
        (&["freeze", &id, "--opener", "0123456789"], "cannot be used with"),
        (&["freeze", "--opener", "0123456789"], "nobody of that name"),
        (&["freeze", "--opener", "../x"], "relay top"),
        (&["drop-room", "--opener", "0123456789", "--yes"], "nobody of that name"),
        (&["thaw", "ff"], "there is no such room"),
        (&["thaw", &id], "the room is not frozen"),
    ] {
        refused(&directory, arguments, because);
    }
    assert!(client.join(room(1), &key(1), 0).await.1.frozen.is_none(), "nothing was done");
    said(&directory, &["freeze", &id, "--reason", &"é".repeat(128)]);
    assert_eq!(client.join(room(1), &key(1), 0).await.1.frozen.unwrap().words, "é".repeat(128));
}
