//! A data directory of which one half is gone: the database, or the identity. Never a new relay in its place.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, run, run_soon},
};

/// A stopped relay with a room.
async fn stopped() -> TempDir {
    let directory = TempDir::new().unwrap();
    let mut program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    drop(client.create(room(1), &key(1), vec![]).await);
    program.terminate();
    assert!(program.child.wait().unwrap().success());
    directory
}

/// What `relay doctor` finds.
fn doctor(data_dir: &Path) -> String {
    String::from_utf8(run(data_dir, &["doctor"]).stdout).unwrap()
}

/// Refused with exit code 4. Returns why.
fn refused(data_dir: &Path, arguments: &[&str]) -> String {
    let output = run_soon(data_dir, arguments);
    assert_eq!(output.status.code(), Some(4), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_without_its_database_is_no_new_relay() {
    let directory = stopped().await;
    let database = directory.path().join("relay.redb");
    let whole = fs::read(&database).unwrap();
    fs::remove_file(&database).unwrap();
    for missing in [true, false] {
        if !missing {
            fs::write(&database, "").unwrap();
        }
        let why = refused(directory.path(), &["--listen", "127.0.0.1:0"]);
        assert!(why.contains("whose log is gone") && why.contains("relay restore FILE --force"), "{why}");
        refused(directory.path(), &["token", "list"]);
        for command in [&["check"][..], &["backup", "/nonexistent/backup"], &["compact"]] {
            let why = refused(directory.path(), command);
            assert!(why.contains("whose log is gone"), "{command:?}: {why}");
        }
        let found = doctor(directory.path());
        assert!(found.contains("fail  database          the log is gone"), "{found}");
        assert!(found.contains("relay restore FILE --force"), "{found}");
        assert_eq!(database.exists(), !missing, "nothing is made in its place");
    }
    fs::write(&database, whole).unwrap();
    let program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    client.join(room(1), &key(1), 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_without_their_identity_get_no_new_pin() {
    let directory = stopped().await;
    let (identity, aside) = (directory.path().join("identity"), directory.path().join("aside"));
    fs::rename(&identity, &aside).unwrap();
    let why = refused(directory.path(), &["--listen", "127.0.0.1:0"]);
    assert!(why.contains("identity/ca.key") && why.contains("relay restore FILE --force"), "{why}");
    let gone = "fail  identity          the key that clients pin is gone";
    let found = doctor(directory.path());
    assert!(found.contains(gone) && found.contains("put the directory `identity` back"), "{found}");
    assert!(!identity.join("ca.key").exists(), "no new one is made");
    fs::rename(&aside, &identity).unwrap();
    let (key, away) = (identity.join("ca.key"), directory.path().join("key"));
    fs::rename(&key, &away).unwrap();
    assert!(doctor(directory.path()).contains(gone), "the key alone");
    let why = refused(directory.path(), &["--listen", "127.0.0.1:0"]);
    assert!(
        why.contains("put the directory `identity` back"),
        "no remedy that the next start refuses: {why}"
    );
    fs::rename(&away, &key).unwrap();
    assert!(!doctor(directory.path()).contains(gone));
    drop(Program::start(directory.path()));
}

#[test]
fn half_that_is_taken_away_under_a_running_relay_is_found() {
    let directory = TempDir::new().unwrap();
    let _program = Program::start(directory.path());
    fs::remove_file(directory.path().join("relay.redb")).unwrap();
    let found = doctor(directory.path());
    assert!(
        found.contains("the log is gone: `relay.redb` is missing; the running relay still has it"),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn same_pin_without_the_rooms_is_had_as_the_refusal_says() {
    let directory = stopped().await;
    let pin = |program: &Program| {
        let line: serde_json::Value = serde_json::from_str(&program.line).unwrap();
        line["pin"].as_str().unwrap().to_owned()
    };
    let before = pin(&Program::start(directory.path()));
    let at = |name: &str| directory.path().join(name);
    fs::rename(at("identity"), at("old")).unwrap();
    fs::remove_file(at("relay.redb")).unwrap();
    let mut program = Program::start(directory.path());
    assert_ne!(pin(&program), before);
    program.terminate();
    program.child.wait().unwrap();
    fs::remove_dir_all(at("identity")).unwrap();
    fs::rename(at("old"), at("identity")).unwrap();
    assert_eq!(pin(&Program::start(directory.path())), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_of_another_relay_is_refused_until_it_is_accepted() {
    let (mine, other) = (stopped().await, stopped().await);
    let identity = |of: &TempDir| of.path().join("identity");
    fs::remove_dir_all(identity(&mine)).unwrap();
    fs::rename(identity(&other), identity(&mine)).unwrap();
    let why = refused(mine.path(), &["--listen", "127.0.0.1:0"]);
    assert!(why.contains("the identity of another") && why.contains("relay accept-identity"), "{why}");
    let found = doctor(mine.path());
    assert!(found.contains("fail  identity          the identity is another relay's"), "{found}");
    let accepted = run(mine.path(), &["accept-identity"]);
    assert!(accepted.status.success(), "{accepted:?}");
    let program = Program::start(mine.path());
    let client = Client::connect(program.address, mine.path()).await;
    client.join(room(1), &key(1), 0).await;
}
