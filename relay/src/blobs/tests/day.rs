//! What an opener's rooms may begin in a day, and what of it comes back.

use super::*;

#[tokio::test]
async fn day_of_an_opener_is_remembered_over_a_restart() {
    let directory = TempDir::new().unwrap();
    let mut limits = Limits::default();
    limits.files.opener_files = 100_000;
    let blobs = Blobs::open(directory.path(), &limits).unwrap();
    put(&blobs, 1, 60_000, NOW).await;
    blobs.close().await;
    let blobs = Blobs::open(directory.path(), &limits).unwrap();
    let over = blobs.opened(wanted(2, 60_000, NOW)).await.unwrap_err();
    assert!(matches!(over, BlobError::Over(Limit::OpenerFiles, _)), "{over:?}");
    put(&blobs, 2, 60_000, NOW + DAY).await;
}

/// Opens one of so many parts; `None` if the day has no more.
async fn opened(blobs: &Blobs, id: u8, parts: u64) -> Option<Draft> {
    match blobs.opened(wanted(id, parts * PART as u64, NOW)).await {
        Ok(draft) => Some(draft),
        Err(error) => {
            assert!(matches!(error, BlobError::Over(Limit::OpenerFiles, _)), "{error:?}");
            None
        }
    }
}

fn ten_parts_a_day() -> Limits {
    let mut limits = Limits::default();
    limits.files.opener_files = 10 * PART as u64;
    limits
}

#[tokio::test]
async fn blob_of_which_nothing_came_costs_nothing_of_the_day() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &ten_parts_a_day()).unwrap();
    for _ in 0..8 {
        drop(opened(&blobs, 1, 8).await.unwrap());
        blobs.dropped(1).await;
    }
    assert!(opened(&blobs, 2, 8).await.is_some(), "they were dropped");
    assert!(opened(&blobs, 3, 1).await.is_none());
    blobs.purge(NOW + u64::try_from(EMPTY_AGE.as_millis()).unwrap()).await;
    assert!(opened(&blobs, 3, 8).await.is_some(), "it went by itself");
    // Nor after a restart.
    blobs.dropped(3).await;
    blobs.close().await;
    let blobs = Blobs::open(directory.path(), &ten_parts_a_day()).unwrap();
    assert!(opened(&blobs, 4, 8).await.is_some());
}

#[tokio::test]
async fn bytes_that_were_written_are_of_the_day_whether_they_were_kept_or_not() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &ten_parts_a_day()).unwrap();
    // One part is kept, two are written and never kept, and then all of it is dropped.
    let draft = opened(&blobs, 1, 8).await.unwrap();
    let sum = blobs.write(&draft, 0, bytes(0)).await.unwrap();
    blobs.keep(&draft, vec![(0, sum)], NOW).await.unwrap();
    blobs.write(&draft, 1, bytes(1)).await.unwrap();
    blobs.write(&draft, 2, bytes(2)).await.unwrap();
    blobs.dropped(1).await;
    drop(draft);
    assert!(opened(&blobs, 2, 6).await.is_none(), "one member has eight of ten");
    assert!(opened(&blobs, 2, 5).await.is_some());
    // What is kept is counted once.
    blobs.dropped(2).await;
    let draft = opened(&blobs, 3, 5).await.unwrap();
    for number in 0..5 {
        let sum = blobs.write(&draft, number, bytes(number)).await.unwrap();
        blobs.keep(&draft, vec![(number, sum)], NOW).await.unwrap();
    }
    drop(draft);
    blobs.dropped(3).await;
    assert!(opened(&blobs, 4, 1).await.is_none(), "eight parts were written");
    assert!(blobs.opened(wanted(4, 8 * PART as u64, NOW + DAY)).await.is_ok(), "another day");
}

#[tokio::test]
async fn room_that_is_promised_and_not_used_is_there_again_soon() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
    let size = 2 * PART as u64;
    let empty_ms = u64::try_from(EMPTY_AGE.as_millis()).unwrap();
    drop(blobs.opened(wanted(1, size, NOW)).await.unwrap());
    // Whoever opens it once more has as much time again.
    let draft = blobs.opened(wanted(1, size, NOW + empty_ms - 1)).await.unwrap();
    blobs.purge(NOW + empty_ms).await;
    assert_eq!(blobs.totals().files, 1);
    let sum = blobs.write(&draft, 1, bytes(1)).await.unwrap();
    blobs.keep(&draft, vec![(1, sum)], NOW + empty_ms).await.unwrap();
    drop(blobs.opened(wanted(2, size, NOW + empty_ms)).await.unwrap());
    blobs.purge(NOW + 2 * empty_ms).await;
    assert_eq!((blobs.totals().files, blobs.totals().missing), (1, PART as u64), "one has a part");
    // And is begun anew where it was.
    assert!(blobs.opened(wanted(2, size, NOW + 2 * empty_ms)).await.is_ok());
}

#[tokio::test]
async fn member_has_four_fifths_of_a_day_and_the_others_the_same_of_the_rest() {
    let directory = TempDir::new().unwrap();
    let blobs = Blobs::open(directory.path(), &ten_parts_a_day()).unwrap();
    let bob = |id, parts| Wanted { sender: PublicKey([7; 32]), ..wanted(id, parts * PART as u64, NOW) };
    assert!(opened(&blobs, 1, 9).await.is_none());
    drop(opened(&blobs, 1, 8).await.unwrap());
    assert!(opened(&blobs, 2, 1).await.is_none());
    drop(blobs.opened(bob(3, 1)).await.unwrap());
    // What is still there is known to be hers after a restart, and what is left is shared by the same rule.
    blobs.close().await;
    let mut limits = ten_parts_a_day();
    limits.files.opener_files = 11 * PART as u64;
    let blobs = Blobs::open(directory.path(), &limits).unwrap();
    assert!(opened(&blobs, 2, 1).await.is_none());
    assert!(blobs.opened(bob(4, 1)).await.is_ok());
}
