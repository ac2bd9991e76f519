//! The index fails, and comes back as it was at its last fsync.

use redb::Database;

use super::*;
use crate::log::redb::tests::simdisk::{Fault, SimDisk};

/// Blobs whose index is on this disk.
fn on(directory: &TempDir, disk: &SimDisk) -> Blobs {
    let disk = disk.clone();
    let open = move || Database::builder().create_with_backend(disk.clone());
    let index = Index::open_with(Box::new(open), Duration::ZERO).unwrap();
    let files = Files::open(directory.path()).unwrap();
    Blobs::open_on(directory.path(), files, index, &Limits::default()).unwrap()
}

/// Until it answers again. Nothing of it is changed.
async fn recovers(blobs: &Blobs) {
    let unwanted = Unwanted { room: ROOM, blob: BlobId([9; 16]), by: wanted(9, 1, NOW).sender, shown: None };
    while blobs.discard(unwanted.clone()).await.is_err() {}
}

#[tokio::test]
async fn number_of_a_file_is_given_once_though_the_index_forgets_it() {
    let (directory, disk) = (TempDir::new().unwrap(), SimDisk::default());
    let blobs = on(&directory, &disk);
    put(&blobs, 1, 5, NOW).await;
    // Of this one a power cut may take the row: so does a failure.
    let lost = blobs.opened(wanted(2, PART as u64, NOW)).await.unwrap();
    disk.set_fault(Fault::NothingAfter(0));
    let sum = blobs.write(&lost, 0, bytes(0)).await.unwrap();
    let full = blobs.keep(&lost, vec![(0, sum)], NOW).await.unwrap_err();
    assert_eq!(full, BlobError::over(Limit::FilesReserve), "it says what is missing");
    disk.set_fault(Fault::None);
    recovers(&blobs).await;
    let other = blobs.opened(wanted(3, PART as u64, NOW)).await.unwrap();
    assert!(other.row.number > lost.row.number, "whoever had it may still write");
    let sum = blobs.write(&other, 0, bytes(3)).await.unwrap();
    blobs.write(&lost, 0, bytes(0)).await.unwrap();
    blobs.keep(&other, vec![(0, sum)], NOW).await.unwrap();
    let whole = blobs.find(ROOM, BlobId([3; 16]), NOW).await.unwrap();
    assert_eq!(blobs.read(&whole, 0).await.unwrap(), bytes(3));
    // Nobody dropped it: whoever sends it is told to come again, and not that it is gone.
    assert_eq!(blobs.keep(&lost, vec![(0, 0)], NOW).await.unwrap_err(), BlobError::Unavailable);
    drop(lost);
    let again = blobs.opened(wanted(2, PART as u64, NOW)).await.unwrap();
    assert_eq!(again.row.parts.count(), 0);
    blobs.dropped(2).await;
    assert_eq!(blobs.keep(&again, vec![(0, 0)], NOW).await.unwrap_err(), BlobError::NoBlob);
}

#[tokio::test]
async fn what_the_disk_did_not_take_is_written_anew_before_it_is_counted() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
    let (size, tape) = (2 * PART as u64, blobs.files.tape.clone());
    let draft = blobs.opened(wanted(1, size, NOW)).await.unwrap();
    let sum = blobs.write(&draft, 0, bytes(0)).await.unwrap();
    tape.fail_syncs(true);
    assert_eq!(blobs.keep(&draft, vec![(0, sum)], NOW).await.unwrap_err(), BlobError::Unavailable);
    drop(draft);
    assert_eq!(blobs.opened(wanted(1, size, NOW)).await.unwrap_err(), BlobError::Unavailable);
    tape.fail_syncs(false);
    // By now the system believes that nothing is left to be written.
    let before = tape.len();
    let draft = blobs.opened(wanted(1, size, NOW)).await.unwrap();
    assert_eq!(draft.row.parts.missing().collect::<Vec<_>>(), [1]);
    let done = tape.all().split_off(before);
    let [tape::Done::Wrote(_, written, 0), tape::Done::Synced(_)] = &done[..] else {
        panic!("it is not written before it is synced: {} things", done.len())
    };
    assert!(*written == bytes(0));
}

#[tokio::test]
async fn disk_that_failed_once_is_not_believed_before_all_is_written_anew() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
    let (size, tape) = (3 * PART as u64, blobs.files.tape.clone());
    let draft = blobs.opened(wanted(1, size, NOW)).await.unwrap();
    let first = blobs.write(&draft, 0, bytes(0)).await.unwrap();
    let second = blobs.write(&draft, 1, bytes(1)).await.unwrap();
    tape.fail_syncs(true);
    assert_eq!(blobs.keep(&draft, vec![(0, first)], NOW).await.unwrap_err(), BlobError::Unavailable);
    // It says that nothing is left to be written, and has lost it.
    tape.fail_syncs(false);
    let parts = vec![(0, first), (1, second)];
    assert_eq!(blobs.keep(&draft, parts, NOW).await.unwrap_err(), BlobError::Unavailable);
    drop(draft);
    let draft = blobs.opened(wanted(1, size, NOW)).await.unwrap();
    assert_eq!(draft.row.parts.missing().collect::<Vec<_>>(), [2], "both were written once more");
}

#[tokio::test]
async fn file_that_the_disk_does_not_take_leaves_no_row_and_costs_nothing() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
    let tape = blobs.files.tape.clone();
    tape.fail_syncs(true);
    for id in 1..4 {
        let failed = blobs.opened(wanted(id, 70_000, NOW)).await.unwrap_err();
        assert_eq!(failed, BlobError::Unavailable);
        assert_eq!(blobs.totals(), FileTotals::default(), "nothing is there, and it counts");
    }
    assert_eq!(blobs.files.remove_orphans(|_| false).unwrap(), 0, "half of it is left");
    tape.fail_syncs(false);
    put(&blobs, 1, 70_000, NOW).await;
    assert!(is_there(&blobs, 1, NOW).await);
}

#[tokio::test]
async fn nothing_is_counted_on_top_of_what_may_be_wrong() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
    put(&blobs, 1, 70_000, NOW).await;
    blobs.close().await;
    // A keeper that could not count again after a failure.
    let files = Files::open(directory.path()).unwrap();
    let index = Arc::new(Index::open(files.folder()).unwrap());
    let (jobs, waiting) = mpsc::channel(9);
    let (seen, policy) = (Arc::new(Seen::default()), Policy::from(&Limits::default()));
    let keeper = Keeper {
        files,
        index,
        usage: Default::default(),
        transfers: Transfers::default(),
        policy: Arc::new(Mutex::new(policy)),
        seen: seen.clone(),
        spent: Spent::default(),
        is_stale: true,
        forgotten: 0,
        jobs: waiting,
    };
    let (answer, answered) = oneshot::channel();
    jobs.send(Job::Open(Box::new(wanted(2, 80_000, NOW)), answer)).await.unwrap();
    drop(jobs);
    tokio::task::spawn_blocking(|| keeper.run()).await.unwrap();
    answered.await.unwrap().unwrap();
    assert_eq!(seen.totals(), FileTotals { files: 2, bytes: 150_000, missing: 80_000 });
}

#[tokio::test]
async fn what_is_counted_is_what_the_index_has_after_it_failed() {
    let (directory, disk) = (TempDir::new().unwrap(), SimDisk::default());
    let blobs = on(&directory, &disk);
    put(&blobs, 1, 70_000, NOW).await;
    put(&blobs, 2, 80_000, NOW).await;
    let before = (blobs.totals(), blobs.of_room(&ROOM));
    disk.set_fault(Fault::NothingAfter(0));
    // It cannot be read again now either.
    for (id, why) in [(1, BlobError::over(Limit::FilesReserve)), (2, BlobError::Unavailable)] {
        let by = wanted(id, 1, NOW).sender;
        let unwanted = Unwanted { room: ROOM, blob: BlobId([id; 16]), by, shown: None };
        assert_eq!(blobs.discard(unwanted).await, Err(why));
    }
    disk.set_fault(Fault::None);
    recovers(&blobs).await;
    assert_eq!((blobs.totals(), blobs.of_room(&ROOM)), before);
    assert!(is_there(&blobs, 1, NOW).await && is_there(&blobs, 2, NOW).await);
    // Files of rows that the failure took are not left until the next start.
    assert_eq!(blobs.files.remove_orphans(|number| number < 2).unwrap(), 0);
}
