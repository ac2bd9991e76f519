//! What a room's slots take of the bytes that it may keep.

use super::*;
use crate::policy::limits::Retention;

/// Bytes that a room may keep.
const MOST: u64 = 4000;

/// Bytes of the log that are left of many entries beside a slot.
async fn log_beside(slot: usize) -> u64 {
    let directory = TempDir::new().unwrap();
    let retention = Retention { bytes: MOST, ..Retention::default() };
    let backend = Redb::open(directory.path(), &Limits { retention, ..Limits::default() }).unwrap();
    let slot = vec![5; slot];
    backend.create(ROOM, Opening { slot: slot.into(), ..opening() }, Right::Anybody, 0).await.unwrap();
    for number in 0..60 {
        append(&backend, number, 100).await.unwrap();
    }
    let overview = backend.overview().await.unwrap();
    assert!(backend.survey().unwrap().is_whole());
    overview.bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn slot_takes_its_bytes_from_the_log_but_never_more_than_half() {
    let entry = 200;
    for (slot, most) in [(0, MOST), (1000, MOST - 1000), (100_000, MOST / 2)] {
        let kept = log_beside(slot).await;
        assert!((most - entry..=most).contains(&kept), "{kept} beside {slot}");
    }
}
