//! What whoever runs the relay sees of files, and does with them.

use std::process::Output;

use proto::relay::{
    client_frame,
    refused::{Code, Limit as Named},
    relay_frame::Frame,
};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::program::{Program, run};

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A program with room 1, in which are a file of three parts, a small one, and one that is not whole.
async fn with_files(directory: &TempDir) -> (Program, Client) {
    let program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    drop(client.create(room(1), &key(1), vec![]).await);
    client.sent(1, 1, &key(1), 2 * P + 5).await;
    client.sent(1, 2, &key(1), 5).await;
    let (mut stream, _) = client.sends(client.blob_open(1, 3, &key(1), 2 * P)).await;
    stream.part(1, part(2 * P, 1)).await;
    stream.have().await;
    (program, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn status_top_and_numbers_tell_of_files() {
    let directory = TempDir::new().unwrap();
    let (_program, client) = with_files(&directory).await;
    let status = json(&run(directory.path(), &["status", "--json"]));
    let counted = 2 * P + 5 + (64 << 10) + 2 * P;
    assert_eq!((&status["files"], &status["file_bytes"]), (&3.into(), &counted.into()));
    let text = run(directory.path(), &["status"]);
    assert!(String::from_utf8(text.stdout).unwrap().contains("Files       3, 4.1 MiB"));
    let (_held, _) = client.sends(client.blob_open(1, 4, &key(1), 2 * P)).await;
    let top = json(&run(directory.path(), &["top", "--json"]));
    assert_eq!((&top["transfers"], &top["rooms"][0]["file_bytes"]), (&1.into(), &(counted + 2 * P).into()));
    let text = String::from_utf8(run(directory.path(), &["top", "--once"]).stdout).unwrap();
    assert!(text.contains("1 files under way"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_damaged_on_the_disk_is_named_and_never_given() {
    let directory = TempDir::new().unwrap();
    let (mut program, client) = with_files(&directory).await;
    let found = json(&run(directory.path(), &["check", "--json"]));
    assert_eq!((&found["files"], &found["damaged_files"]), (&3.into(), &Value::Array(vec![])));
    let large = on_disk(directory.path()).into_iter().find(|(_, bytes)| *bytes == 2 * P + 5).unwrap().0;
    let path = directory.path().join("blobs").join(&large[14..]).join(&large);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[PART + 3] ^= 1;
    std::fs::write(&path, bytes).unwrap();

    let (mut stream, answer) =
        client.asked(client_frame::Frame::BlobGet(client.blob_get(1, 1, &key(1)))).await;
    assert!(matches!(answer, Frame::BlobHave(_)));
    let Frame::BlobPart(first) = stream.next().await else { panic!("the first part is as it was") };
    assert_parts(2 * P + 5, 0, &[first]);
    let refused = stream.refusal().await;
    assert_eq!((refused.code(), refused.limit()), (Code::NoSpace, Named::Damaged));
    for is_running in [true, false] {
        let output = run(directory.path(), &["check"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text.contains(&format!("Damaged  {}  file {}", "01".repeat(32), "01".repeat(16))), "{text}");
        assert!(text.contains("Whole    1 room, 0 entries, 2 files"), "{text}");
        if is_running {
            program.terminate();
            program.child.wait().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_in_a_backup_that_asks_for_them_and_come_back() {
    let directory = TempDir::new().unwrap();
    let (mut program, _client) = with_files(&directory).await;
    let place = TempDir::new().unwrap();
    let file = |name: &str| place.path().join(name).display().to_string();
    let plain = json(&run(directory.path(), &["backup", &file("plain"), "--json"]));
    assert_eq!(plain["room_files"], 0);
    let online = json(&run(directory.path(), &["backup", &file("online"), "--files", "--json"]));
    assert_eq!((&online["room_files"], &online["room_file_bytes"]), (&2.into(), &(2 * P + 10).into()));
    program.terminate();
    program.child.wait().unwrap();
    let offline = json(&run(directory.path(), &["backup", &file("offline"), "--files", "--json"]));
    assert_eq!(offline["room_files"], 2);
    for (name, files) in [("plain", 0), ("online", 2), ("offline", 2)] {
        let restored = TempDir::new().unwrap();
        assert!(run(restored.path(), &["restore", &file(name), "--verify"]).status.success());
        let output = run(restored.path(), &["restore", &file(name)]);
        assert!(output.status.success(), "{output:?}");
        let program = Program::start(restored.path());
        let client = Client::connect(program.address, restored.path()).await;
        let get = client.blob_get(1, 1, &key(1));
        if files == 0 {
            assert_eq!(client.no(client_frame::Frame::BlobGet(get)).await.code(), Code::NoBlob);
            // Whoever sent it can send it again.
            client.sent(1, 1, &key(1), 2 * P + 5).await;
            continue;
        }
        let (_, found) = client.fetched(get).await;
        assert_eq!(found.len(), 3, "{name}");
        assert_parts(2 * P + 5, 0, &found);
        let (_, found) = client.fetched(client.blob_get(1, 2, &key(1))).await;
        assert_parts(5, 0, &found);
        assert_eq!(
            client.drops(client.blob_drop(1, 2, &key(1), &[])).await,
            Frame::BlobDropped(Default::default())
        );
        client.sent(1, 5, &key(1), 9).await;
        assert_eq!(on_disk(restored.path()).len(), 2);
    }
    // One that was changed is no backup.
    let path = place.path().join("online");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(!run(directory.path(), &["restore", &file("online"), "--verify"]).status.success());
    assert!(run(directory.path(), &["compact"]).status.success());
}
