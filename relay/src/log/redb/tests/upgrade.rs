//! A database as an earlier program left it: made by it, and not by what this one knows of it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::*;
use crate::log::redb::open::Found;

/// Three rooms with a member, an invite and four messages each, as format 6 had them.
const SIX: &[u8] = include_bytes!("upgrade/6.redb");

/// The key of the member of the room of that number.
fn member(number: u8) -> PublicKey {
    PublicKey(SigningKey::from_bytes(&[number; 32]).verifying_key().to_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_the_last_program_is_taken_over_whole_and_kept_beside() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join(DATABASE), SIX).unwrap();
    let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
    for number in 1..=3 {
        let reader = Author { room: RoomId([number; 32]), key: member(number), now_ms: 1 };
        let Ok(Measured::Ready(batch)) = backend.read(reader, 0, usize::MAX).await else { panic!() };
        let said: Vec<_> = batch.entries.iter().map(|entry| entry.envelope.to_vec()).collect();
        assert_eq!(said, (0..4).map(|byte| vec![byte; 30]).collect::<Vec<_>>());
        let view = backend.view(reader).await.unwrap().unwrap();
        assert_eq!(view.founder, Some(member(number)), "nobody else was ever there");
    }
    assert!(backend.survey().unwrap().is_whole());
    let overview = backend.overview().await.unwrap();
    assert!(overview.key_bytes > 6 * 64, "counted: {}", overview.key_bytes);
    backend.close().await;
    let kept = directory.path().join(format!("{DATABASE}.format-6"));
    // redb's mark; what follows it says that the file is open.
    assert!(
        std::fs::read(&kept).unwrap().starts_with(&SIX[..9]) && !kept.with_extension("format-6.new").exists()
    );
    // A program of before goes on with it.
    std::fs::rename(kept, directory.path().join(DATABASE)).unwrap();
    let again = Redb::open(directory.path(), &Limits::default()).unwrap();
    assert_eq!(again.overview().await.unwrap().entries, 12);
    again.close().await;
}

/// Names of what is in a directory.
fn names(directory: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(directory.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn who_only_looks_leaves_a_database_of_an_earlier_program_as_it_is() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join(DATABASE);
    std::fs::write(&file, SIX).unwrap();
    for _ in 0..2 {
        assert!(matches!(check(directory.path()), Err(OpenError::Earlier(6))));
        assert!(matches!(owner(directory.path()), Err(OpenError::Earlier(6))));
    }
    assert_eq!(names(&directory), [DATABASE]);
    assert!(std::fs::read(&file).unwrap() == SIX, "not a byte of it");
    assert!(check_to_copy(directory.path()).unwrap().is_whole(), "a backup has it taken over");
    assert!(check(directory.path()).unwrap().is_whole());
    assert_eq!(owner(directory.path()).unwrap(), None);
}

#[test]
fn disk_without_space_for_a_newer_format_leaves_the_database_as_it_was() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join(DATABASE);
    std::fs::write(&file, SIX).unwrap();
    std::fs::write(directory.path().join("relay.redb.format-6.new"), "left by a crash").unwrap();
    let limit = Arc::new(AtomicU64::new(SIX.len() as u64));
    let open = disk::full_disk(&directory, &limit);
    let opened = Store::open_with(directory.path(), open, &|_| Ok(Found::Nothing), Duration::ZERO);
    let Err(error) = opened else { panic!("there is space") };
    assert!(matches!(error, OpenError::NoRoom { format: 6, mib: 1.. }), "{error}");
    assert!(error.to_string().contains("free"), "{error}");
    assert_eq!(names(&directory), [DATABASE], "neither half a copy nor one that may soon be an old one");
    assert!(matches!(check(directory.path()), Err(OpenError::Earlier(6))));

    limit.store(u64::MAX, Ordering::SeqCst);
    let open = disk::full_disk(&directory, &limit);
    let store = Store::open_with(directory.path(), open, &|_| Ok(Found::Nothing), Duration::ZERO).unwrap();
    store.close();
    assert_eq!(names(&directory), [DATABASE, "relay.redb.format-6"]);
    assert!(check(directory.path()).unwrap().is_whole());
}
