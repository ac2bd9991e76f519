//! Data on a file system that is mounted read-only, as Linux leaves one whose disk fails. Needs the right to mount; says so
//! where it is not given.

use std::{fs, path::Path, process::Output};

use tempfile::TempDir;

use crate::{
    common::*,
    full_disk::Mount,
    program::{Program, run},
};

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A relay with a room, on a file system that is read-only now; killed, or stopped in order.
async fn rested(in_order: bool) -> Option<Mount> {
    let mount = Mount::new()?;
    let data_dir = mount.path().join("data");
    let mut program = Program::with(&data_dir, &["--reserve-mib", "0"]);
    let client = Client::connect(program.address, &data_dir).await;
    let mut stream = client.create(room(1), &key(1), vec![]).await;
    stream.publish([1; 16], b"kept", None).await;
    stream.published().await;
    if in_order {
        program.terminate();
        assert!(program.child.wait().unwrap().success());
    }
    drop(program);
    mount.read_only();
    Some(mount)
}

/// Restores it elsewhere and reads what was said.
async fn assert_kept(backup: &Path) {
    let new = TempDir::new().unwrap();
    let data_dir = new.path().join("data");
    let restored = run(&data_dir, &["restore", backup.to_str().unwrap()]);
    assert!(restored.status.success(), "{}", stderr(&restored));
    let program = Program::start(&data_dir);
    let client = Client::connect(program.address, &data_dir).await;
    let (mut stream, joined) = client.join(room(1), &key(1), 0).await;
    assert_eq!(joined.head, 1);
    assert_eq!(stream.delivered().await.envelope, b"kept"[..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_data_is_told_as_that_and_can_be_carried_away() {
    let Some(mount) = rested(true).await else { return skipped("no right to mount a file system here") };
    let (data_dir, elsewhere) = (mount.path().join("data"), TempDir::new().unwrap());
    let doctor = String::from_utf8(run(&data_dir, &["doctor"]).stdout).unwrap();
    assert!(doctor.contains("mounted read-only") && !doctor.contains("chown"), "{doctor}");
    assert!(doctor.contains("whole: 1 room, 1 entry"), "{doctor}");
    let refused = run(&data_dir, &["--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(4));
    assert!(stderr(&refused).contains("mounted read-only"), "{}", stderr(&refused));

    assert!(run(&data_dir, &["check"]).status.success());
    for (name, before) in [("backup", &["backup"][..]), ("salvaged", &["check", "--salvage"])] {
        let file = elsewhere.path().join(name);
        let output = run(&data_dir, &[before, &[file.to_str().unwrap()]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        assert_kept(&file).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_data_of_a_relay_that_was_killed_says_what_to_do_first() {
    let Some(mount) = rested(false).await else { return skipped("no right to mount a file system here") };
    let (data_dir, elsewhere) = (mount.path().join("data"), TempDir::new().unwrap());
    let backup = elsewhere.path().join("backup");
    let refused = run(&data_dir, &["backup", backup.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(4), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("name the copy with --data-dir"), "{}", stderr(&refused));
    assert!(!backup.exists());
    // As it says.
    let copy = elsewhere.path().join("copy");
    assert!(std::process::Command::new("cp").arg("-r").args([&data_dir, &copy]).status().unwrap().success());
    let _ = fs::remove_file(copy.join("admin.sock"));
    assert!(run(&copy, &["backup", backup.to_str().unwrap()]).status.success());
    assert_kept(&backup).await;
}
