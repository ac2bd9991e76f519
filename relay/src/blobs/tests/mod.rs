//! Blobs on a real disk, under a time that tests pass in.

mod backup;
mod day;
mod failing;
mod power;
pub(super) mod tape;

use std::{fs, time::Duration};

use proto::{
    PublicKey,
    blob::{Layout, PART},
};
use tempfile::TempDir;

use super::*;
use crate::policy::files::{EMPTY_AGE, FileLimits};

const ROOM: RoomId = RoomId([1; 32]);
const NOW: u64 = 1_000_000_000_000;
const DAY: u64 = 24 * 3600 * 1000;
const MINUTE: u64 = 60_000;

impl Blobs {
    /// Opens a blob as its one sender.
    async fn opened(&self, wanted: Wanted) -> Result<Draft, BlobError> {
        let Wanted { room, blob, sender, .. } = wanted;
        let transfer = self.transfers.begin(room, blob, sender, &FileLimits::default()).unwrap();
        let pen = transfer.take_pen(Duration::from_secs(20)).await.expect("the draft before is still held");
        self.open_blob(wanted, &pen).await
    }

    /// Deletes it, as its sender.
    async fn dropped(&self, id: u8) {
        let by = wanted(id, 1, NOW).sender;
        let unwanted = Unwanted { room: ROOM, blob: BlobId([id; 16]), by, shown: None };
        self.discard(unwanted).await.unwrap();
    }
}

fn wanted(id: u8, size: u64, now_ms: u64) -> Wanted {
    Wanted {
        room: ROOM,
        blob: BlobId([id; 16]),
        sender: PublicKey([2; 32]),
        opener: [3; 16],
        layout: Layout::of(size).unwrap(),
        keep_s: None,
        drop_hash: None,
        now_ms,
    }
}

/// One of many.
fn numbered(number: u16) -> Wanted {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    Wanted { blob: BlobId(id), ..wanted(0, 5, NOW) }
}

fn bytes(number: u32) -> Bytes {
    vec![u8::try_from(number).unwrap(); PART].into()
}

/// A whole blob of one part.
async fn put(blobs: &Blobs, id: u8, size: u64, now_ms: u64) {
    let draft = blobs.opened(wanted(id, size, now_ms)).await.unwrap();
    let part = bytes(1).slice(..usize::try_from(size).unwrap());
    let sum = blobs.write(&draft, 0, part).await.unwrap();
    assert!(blobs.keep(&draft, vec![(0, sum)], now_ms).await.unwrap().parts.is_whole());
}

async fn is_there(blobs: &Blobs, id: u8, now_ms: u64) -> bool {
    blobs.find(ROOM, BlobId([id; 16]), now_ms).await.is_ok()
}

/// As a power cut would leave it: what is on the disk now, while nobody closed anything.
fn cut(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => cut(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn what_a_crash_left_is_counted_when_it_is_whole_and_durable_and_nothing_else_is() {
    let (directory, after) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
    let size = 5 * PART as u64 + 9;
    let draft = blobs.opened(wanted(9, size, NOW)).await.unwrap();
    let sum = blobs.write(&draft, 0, bytes(0)).await.unwrap();
    blobs.write(&draft, 1, bytes(1)).await.unwrap();
    blobs.keep(&draft, vec![(0, sum)], NOW).await.unwrap();
    for number in [2, 3] {
        blobs.write(&draft, number, bytes(number)).await.unwrap();
    }
    // Its mark was not written any more.
    draft.file.file.write_at(&bytes(4), draft.row.layout.offset(4)).unwrap();
    // One of which nothing was kept: only its file may be there.
    let _begun = blobs.opened(wanted(8, 5, NOW)).await.unwrap();
    cut(directory.path(), after.path());
    // And the power took a sector of one of them.
    let file = Files::open(after.path()).unwrap().open_or_make(draft.row.number, true).unwrap();
    file.write_at(&[0; 512], draft.row.layout.offset(3) + 512).unwrap();

    let blobs = Blobs::open(after.path(), &Limits::default()).unwrap();
    assert!(!is_there(&blobs, 9, NOW).await, "not whole, so nobody's");
    let before = blobs.files.tape.len();
    let draft = blobs.opened(wanted(9, size, NOW)).await.unwrap();
    assert_eq!(draft.row.parts.missing().collect::<Vec<_>>(), [3, 4, 5]);
    let done = blobs.files.tape.all().split_off(before);
    assert!(
        matches!(done[..], [tape::Done::Wrote(..), tape::Done::Wrote(..), tape::Done::Synced(_)]),
        "they are written once more, and then synced: {} things",
        done.len()
    );
    let part = |number: u32| if number < 5 { bytes(number) } else { bytes(number).slice(..9) };
    let mut kept = Vec::new();
    for number in [3, 4, 5] {
        kept.push((number, blobs.write(&draft, number, part(number)).await.unwrap()));
    }
    blobs.keep(&draft, kept, NOW).await.unwrap();
    let whole = blobs.find(ROOM, BlobId([9; 16]), NOW).await.unwrap();
    for number in 0..6 {
        assert_eq!(blobs.read(&whole, number).await.unwrap(), part(number));
    }
    assert_eq!(whole.file.metadata().unwrap().len(), size, "no mark is left");
    // What was promised to the other one is not counted any more, or is there to be gone on with.
    put(&blobs, 8, 5, NOW).await;
    assert_eq!(blobs.totals().files, 2);
    assert!(blobs.shelf().survey().damaged.is_empty());
}

#[tokio::test]
async fn file_that_is_nobodys_goes_at_the_start_and_its_number_is_nobody_elses() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join(FOLDER).join("05");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{:016x}", 5)), b"left by a crash").unwrap();
    let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
    assert!(!folder.join(format!("{:016x}", 5)).exists());
    for id in 0..7 {
        put(&blobs, id, 3, NOW).await;
    }
    let numbers: std::collections::HashSet<u64> = {
        let mut found = Vec::new();
        for id in 0..7 {
            found.push(blobs.find(ROOM, BlobId([id; 16]), NOW).await.unwrap().row.number);
        }
        found.into_iter().collect()
    };
    assert_eq!(numbers.len(), 7);
}

#[tokio::test]
async fn time_ends_what_is_whole_after_a_month_and_what_is_not_after_a_day() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
    put(&blobs, 1, 5, NOW).await;
    let draft = blobs.opened(wanted(2, 2 * PART as u64, NOW)).await.unwrap();
    let _short = blobs.opened(Wanted { keep_s: Some(60), ..wanted(3, 5, NOW) }).await.unwrap();
    blobs.purge(NOW + 60_000).await;
    assert_eq!(blobs.totals().files, 2, "it was wanted for a minute");
    // A part that comes gives it a day.
    let sum = blobs.write(&draft, 0, bytes(0)).await.unwrap();
    blobs.keep(&draft, vec![(0, sum)], NOW + 5 * MINUTE).await.unwrap();
    blobs.purge(NOW + DAY).await;
    assert_eq!(blobs.totals().files, 2);
    blobs.purge(NOW + DAY + 5 * MINUTE).await;
    assert_eq!(blobs.totals().files, 1);
    assert_eq!(blobs.keep(&draft, vec![(1, 0)], NOW + 2 * DAY).await.unwrap_err(), BlobError::NoBlob);
    assert!(is_there(&blobs, 1, NOW + 30 * DAY - 1).await);
    assert!(!is_there(&blobs, 1, NOW + 30 * DAY).await, "nobody gets it, even before it is swept");
    blobs.purge(NOW + 30 * DAY).await;
    assert_eq!(blobs.totals(), FileTotals::default());
    assert!((0..4).all(|number| blobs.files.read(number).is_err()), "nor does it take any of the disk");
}

#[tokio::test]
async fn oldest_files_go_where_a_bound_was_lowered() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
    for id in [3, 1, 2] {
        put(&blobs, id, 70_000, NOW + u64::from(id)).await;
    }
    let mut limits = Limits::default();
    limits.files.room_files = 140_000;
    blobs.reload(&limits);
    blobs.trim(NOW + 9).await;
    let mut left = Vec::new();
    for id in 1..4 {
        if is_there(&blobs, id, NOW + 9).await {
            left.push(id);
        }
    }
    assert_eq!(left, [2, 3]);
    assert_eq!(blobs.of_room(&ROOM), (2, 140_000));
}

#[tokio::test]
async fn pen_is_down_when_the_last_write_is_over_and_not_before() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
    let transfer =
        blobs.transfers.begin(ROOM, BlobId([1; 16]), wanted(1, 5, NOW).sender, &FileLimits::default());
    let transfer = transfer.unwrap();
    let pen = transfer.take_pen(Duration::from_secs(20)).await.unwrap();
    let draft = blobs.open_blob(wanted(1, 5, NOW), &pen).await.unwrap();
    // As a write that nobody waits for any more.
    let under_way = draft.file.clone();
    drop((draft, pen));
    assert!(transfer.take_pen(Duration::ZERO).await.is_none());
    drop(under_way);
    assert!(transfer.take_pen(Duration::from_secs(20)).await.is_some());
}

#[tokio::test]
async fn bound_that_was_lowered_is_met_in_steps_however_many_are_over_it() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
    for number in 0..600_u16 {
        blobs.opened(numbered(number)).await.unwrap();
    }
    let mut limits = Limits::default();
    limits.files.files_per_room = 10;
    blobs.reload(&limits);
    let more = blobs.ask(|answer| Job::Purge(NOW, true, answer)).await.unwrap();
    assert!(more && blobs.totals().files > 300, "others have their turn between");
    blobs.trim(NOW).await;
    assert_eq!(blobs.totals().files, 10);
}

#[tokio::test]
async fn rooms_that_are_no_more_take_all_of_theirs_along_however_many() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
    // More than one transaction deletes.
    for number in 0..300_u16 {
        blobs.opened(numbered(number)).await.unwrap();
    }
    put(&blobs, 0xee, 5, NOW).await;
    assert_eq!(blobs.rooms(), [ROOM]);
    blobs.drop_rooms(vec![RoomId([9; 32]), ROOM]).await;
    assert_eq!((blobs.totals(), blobs.rooms().len()), (FileTotals::default(), 0));
}
