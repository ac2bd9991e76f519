//! Backups: taken while it runs and while it does not, restored, and refused when anything is wrong with them.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Output,
};

use proto::relay::refused::Code;
use relay::backup::{self, RestoreError};
use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, run},
};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn ok(data_dir: &Path, arguments: &[&str]) -> String {
    let output = run(data_dir, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output));
    text(&output)
}

fn refused(data_dir: &Path, arguments: &[&str], because: &str) {
    let output = run(data_dir, arguments);
    // What is in the way of a command has a code of its own; what is wrong with a file has not.
    let in_the_way = ["not empty", "stop it first", "was interrupted"];
    let code = if in_the_way.iter().any(|what| because.contains(what)) { 4 } else { 1 };
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output));
    assert!(text(&output).contains(because), "{arguments:?}: {}", text(&output));
}

/// A relay with something in it, stopped, and its backup.
async fn backed_up(root: &Path) -> (PathBuf, PathBuf) {
    let (data_dir, file) = (root.join("data"), root.join("backup"));
    let program = Program::start(&data_dir);
    let client = Client::connect(program.address, &data_dir).await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2)), invite(&key(7), 0, 3)]).await;
    for number in 1..=20 {
        a.publish([number; 16], &vec![number; 20_000 * usize::from(number % 3)], None).await;
        assert_eq!(a.published().await.seq, u64::from(number));
    }
    let part = commit(0, vec![member(&key(3))], vec![&key(2)]);
    let part = with_pieces(part, &[b"piece", b"another"], &[b"another", b"piece"]);
    a.publish([21; 16], b"a commit", Some(part)).await;
    assert_eq!(a.published().await.seq, 21);
    drop(client.create(room(2), &key(1), vec![]).await);
    drop(program);
    ok(&data_dir, &["backup", file.to_str().unwrap()]);
    (data_dir, file)
}

async fn generation(data_dir: &Path) -> bytes::Bytes {
    let program = Program::start(data_dir);
    Client::connect(program.address, data_dir).await.join(room(2), &key(1), 0).await.1.generation
}

/// What members find: everything, under the same certificate.
async fn is_all_there(data_dir: &Path) {
    let program = Program::start(data_dir);
    let client = Client::connect(program.address, data_dir).await;
    let (mut a, joined) = client.join(room(1), &key(1), 0).await;
    assert_eq!((joined.head, joined.oldest, joined.last_commit), (21, 1, 21));
    for number in 1..=20u8 {
        let entry = a.delivered().await;
        let envelope = vec![number; 20_000 * usize::from(number % 3)];
        assert!(entry.seq == u64::from(number) && *entry.envelope == envelope, "entry {number}");
    }
    assert!(a.delivered().await.is_commit);
    // Access keys, idempotency and the slot.
    assert_eq!(client.join(room(1), &key(2), 0).await.1.suspended_by, 21);
    let (_, joined) = client.join(room(1), &key(7), 0).await;
    let slot = joined.slot.unwrap();
    assert_eq!(&*slot.sealed, b"slot after 0");
    assert_eq!(proto::split_pieces(&slot.pieces).unwrap(), [&b"piece"[..], b"another"]);
    a.publish([20; 16], &vec![20; 40_000], None).await;
    assert_eq!(a.published().await.seq, 20, "known");
    a.publish([22; 16], b"goes on", None).await;
    assert_eq!(a.published().await.seq, 22);
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_of_a_stopped_relay_is_the_relay() {
    let root = TempDir::new().unwrap();
    let (data_dir, file) = backed_up(root.path()).await;
    let path = file.to_str().unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "the owner's alone");
    let said = ok(&data_dir, &["restore", path, "--verify"]);
    assert!(said.contains("Whole: 2 rooms, 21 entries, 5 keys"), "{said}");

    let other = root.path().join("other");
    let said = ok(&other, &["restore", path]);
    assert!(said.contains("Restored") && said.contains("relay_restored"), "{said}");
    assert_eq!(fs::metadata(&other).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!other.join("restoring").exists());
    let authority = |dir: &Path| fs::read(dir.join("identity/ca.pem")).unwrap();
    assert_eq!(authority(&data_dir), authority(&other), "pins stay");
    is_all_there(&other).await;
    assert_ne!(
        generation(&data_dir).await,
        generation(&other).await,
        "another log: ballots are for one alone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_under_load_is_one_moment_of_it() {
    let root = TempDir::new().unwrap();
    let (data_dir, file) = (root.path().join("data"), root.path().join("backup"));
    let program = Program::start(&data_dir);
    let client = Client::connect(program.address, &data_dir).await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    let mut acknowledged = 0;
    let load = async {
        for number in 0u32.. {
            let id = u128::from(number).to_be_bytes();
            a.publish(id, &id, None).await;
            acknowledged = a.published().await.seq;
        }
    };
    let (arguments, source) = (["backup".to_owned(), file.to_str().unwrap().to_owned()], data_dir.clone());
    let backups = tokio::task::spawn_blocking(move || {
        for _ in 0..5 {
            ok(&source, &arguments.each_ref().map(String::as_str));
        }
    });
    tokio::select! {
        () = load => unreachable!(),
        done = backups => done.unwrap(),
    }
    let summary = backup::verify(&file).unwrap();
    assert!(
        summary.entries > 0 && summary.entries <= acknowledged + 1,
        "{} of {acknowledged}",
        summary.entries
    );

    let other = root.path().join("other");
    ok(&other, &["restore", file.to_str().unwrap()]);
    let program = Program::start(&other);
    let client = Client::connect(program.address, &other).await;
    let (mut a, joined) = client.join(room(1), &key(1), 0).await;
    assert_eq!(joined.head, summary.entries);
    for seq in 1..=joined.head {
        let entry = a.delivered().await;
        assert_eq!((entry.seq, &*entry.envelope), (seq, &u128::from(seq - 1).to_be_bytes()[..]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restore_never_touches_what_is_there_unless_told() {
    let root = TempDir::new().unwrap();
    let (data_dir, file) = backed_up(root.path()).await;
    let path = file.to_str().unwrap();
    let database = fs::read(data_dir.join("relay.redb")).unwrap();
    refused(&data_dir, &["restore", path], "not empty");
    assert_eq!(fs::read(data_dir.join("relay.redb")).unwrap(), database);

    let running = Program::start(&data_dir);
    refused(&data_dir, &["restore", path, "--force"], "stop it first");
    refused(&data_dir, &["compact"], "stop it first");
    drop(running);

    // A bad one leaves the good one usable.
    let bad = root.path().join("bad");
    let bytes = fs::read(&file).unwrap();
    fs::write(&bad, &bytes[..bytes.len() / 2]).unwrap();
    refused(&data_dir, &["restore", bad.to_str().unwrap(), "--force"], "ends too early");
    assert!(data_dir.join("relay.redb").exists() && !data_dir.join("restoring").exists());

    let said = ok(&data_dir, &["restore", path, "--force"]);
    let names = fs::read_dir(&data_dir).unwrap().map(|entry| entry.unwrap());
    let aside =
        names.into_iter().find(|entry| entry.file_name().to_string_lossy().starts_with("before-restore-"));
    let aside = aside.unwrap().path();
    assert!(said.contains(aside.to_str().unwrap()), "{said}");
    assert!(aside.join("relay.redb").exists() && aside.join("identity").exists());
    is_all_there(&data_dir).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_does_not_start_on_a_restore_that_was_interrupted() {
    let root = TempDir::new().unwrap();
    let (data_dir, file) = backed_up(root.path()).await;
    fs::create_dir(data_dir.join("restoring")).unwrap();
    refused(
        &data_dir,
        &["--listen", "127.0.0.1:0"],
        "was interrupted; run `relay restore FILE --force` again",
    );
    ok(&data_dir, &["restore", file.to_str().unwrap(), "--force"]);
    is_all_there(&data_dir).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_replaces_backups_and_nothing_else() {
    let root = TempDir::new().unwrap();
    let (data_dir, file) = backed_up(root.path()).await;
    ok(&data_dir, &["backup", file.to_str().unwrap()]);
    let other = root.path().join("letters");
    fs::write(&other, "dear").unwrap();
    refused(&data_dir, &["backup", other.to_str().unwrap()], "is no backup");
    assert_eq!(fs::read(&other).unwrap(), b"dear");
    refused(&root.path().join("nothing"), &["backup", file.to_str().unwrap()], "no relay's data");
    let names =
        fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert!(names.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_backup_is_refused_wherever_the_damage_is() {
    let root = TempDir::new().unwrap();
    let (_, file) = backed_up(root.path()).await;
    let good = fs::read(&file).unwrap();
    assert!(backup::verify_stream(&*good).is_ok());
    let step = good.len() / 97;
    for at in (0..good.len()).step_by(step).chain([8, 9, 10, 13, 14, 45, 46, good.len() - 1]) {
        assert!(backup::verify_stream(&good[..at]).is_err(), "cut at {at}");
        for bit in [1, 0x80] {
            let mut bad = good.clone();
            bad[at] ^= bit;
            assert!(backup::verify_stream(&*bad).is_err(), "bit {bit} flipped at {at}");
        }
    }
    let longer = [&good[..], b"x"].concat();
    assert!(backup::verify_stream(&*longer).is_err(), "trailing bytes");
    let twice = [&good[..], &good[..]].concat();
    assert!(backup::verify_stream(&*twice).is_err(), "two in one");
    let mut later = good.clone();
    later[9] = 5;
    assert!(matches!(backup::verify_stream(&*later), Err(RestoreError::Later(5))));
    let mut earlier = good.clone();
    earlier[9] = 1;
    assert!(matches!(backup::verify_stream(&*earlier), Err(RestoreError::Earlier(1))));
    assert!(matches!(backup::verify_stream(&b"a letter, not a backup"[..]), Err(RestoreError::NotABackup)));
    assert!(matches!(backup::verify_stream(&b""[..]), Err(RestoreError::NotABackup)));
    for (bytes, because) in [
        (&later[..], "later version"),
        (&earlier[..], "found the rooms anew"),
        (&good[..good.len() - 1], "ends too early"),
        (b"a letter, not a backup", "no backup of a relay"),
    ] {
        let bad = root.path().join("bad");
        fs::write(&bad, bytes).unwrap();
        refused(root.path(), &["restore", bad.to_str().unwrap(), "--verify"], because);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn restore_by_root_leaves_nothing_of_roots_in_a_services_directory() {
    use std::os::unix::fs::{MetadataExt, chown};
    const SERVICE: u32 = 12_345;
    if !rustix::process::geteuid().is_root() {
        return skipped("needs root");
    }
    let (root, home) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (_, file) = backed_up(root.path()).await;
    chown(home.path(), Some(SERVICE), Some(SERVICE)).unwrap();
    let owners = || {
        let names = ["relay.redb", "identity", "identity/ca.pem"];
        names.map(|name| fs::metadata(home.path().join(name)).map_or(0, |there| there.uid()))
    };
    ok(home.path(), &["restore", file.to_str().unwrap()]);
    assert_eq!(owners(), [SERVICE; 3]);
    let fresh = TempDir::new().unwrap();
    chown(fresh.path(), Some(SERVICE), Some(SERVICE)).unwrap();
    ok(fresh.path(), &["token", "create"]);
    for entry in fs::read_dir(fresh.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().uid(), SERVICE, "{:?} is another's", entry.file_name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_goes_to_standard_output_and_a_drained_relay_makes_one() {
    let root = TempDir::new().unwrap();
    let (data_dir, file) = backed_up(root.path()).await;
    let out = root.path().join("streamed");
    let streamed = |place: &str| {
        let output = run(&data_dir, &["backup", place]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("2 rooms with 2"), "{}", text(&output));
        fs::write(&out, &output.stdout).unwrap();
        backup::verify(&out).unwrap()
    };
    let saved = backup::verify(&file).unwrap();
    // Without a relay, and with one.
    assert_eq!(streamed("-").entries, saved.entries);
    let program = Program::start(&data_dir);
    let client = Client::connect(program.address, &data_dir).await;
    let (mut a, _) = client.join(room(1), &key(1), 21).await;
    a.publish([22; 16], b"accepted", None).await;
    a.published().await;
    assert!(ok(&data_dir, &["drain"]).contains("is drained"));
    assert_eq!(client.close_code().await, Some(proto::CloseCode::ShuttingDown));
    let endpoint = endpoint(&data_dir, proto::ALPN);
    // Refused, or not answered at all.
    let again = endpoint.connect(program.address, "localhost").unwrap();
    let again = tokio::time::timeout(std::time::Duration::from_secs(1), again).await;
    assert!(!matches!(again, Ok(Ok(_))), "nobody is let in any more");
    let status = ok(&data_dir, &["status"]);
    assert!(status.contains("it is drained and serves nobody"), "{status}");
    assert_eq!(streamed("/dev/stdout").entries, saved.entries + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_frozen_and_dropped_is_so_after_a_restore() {
    let root = TempDir::new().unwrap();
    let (data_dir, other, file) =
        (root.path().join("data"), root.path().join("other"), root.path().join("b"));
    let hex = |byte: u8| format!("{byte:02x}").repeat(32);
    let program = Program::start(&data_dir);
    let client = Client::connect(program.address, &data_dir).await;
    for byte in 1..=4 {
        drop(client.create(room(byte), &key(byte), vec![]).await);
    }
    ok(&data_dir, &["freeze", &hex(1), "--reason", "for itself"]);
    ok(&data_dir, &["drop-room", &hex(2), "--yes", "--reason", "gone"]);
    let top = run(&data_dir, &["top", "--json"]);
    let top: serde_json::Value = serde_json::from_slice(&top.stdout).unwrap();
    let opener = top["openers"][0]["id"].as_str().unwrap();
    ok(&data_dir, &["freeze", "--opener", opener, "--reason", "all of them"]);
    let dropped = ok(&data_dir, &["rooms", "--dropped", "--json"]);
    ok(&data_dir, &["backup", file.to_str().unwrap()]);
    drop(program);

    ok(&other, &["restore", file.to_str().unwrap()]);
    let program = Program::start(&other);
    let client = Client::connect(program.address, &other).await;
    for (byte, words) in [(1, "for itself"), (3, "all of them"), (4, "all of them")] {
        let (mut stream, joined) = client.join(room(byte), &key(byte), 0).await;
        assert_eq!(joined.frozen.unwrap().words, words, "{byte}");
        assert_eq!(stream.publish_refused([1; 16], None).await, Code::Frozen);
    }
    let create = client.join_frame(room(2), &key(2), 0, Some(opening(&key(2), vec![])));
    let refused = client.refusal(create).await;
    assert_eq!((refused.code(), &*refused.words), (Code::Dropped, "gone"));
    assert_eq!(ok(&other, &["rooms", "--dropped", "--json"]), dropped);
    assert!(ok(&other, &["thaw", "--opener", opener]).contains("Thawed 2 rooms"));
    assert!(client.join(room(3), &key(3), 0).await.1.frozen.is_none());
    assert!(ok(&other, &["check"]).contains("Whole "), "the database agrees with itself");
}
