//! Dropping rooms.

use super::*;
use crate::policy::limits::TRIM_ROUND;

const OTHER: RoomId = RoomId([2; 32]);

async fn filled(directory: &Path, entries: u32) -> Redb {
    let backend = Redb::open(directory, &Limits::default()).unwrap();
    for room in [ROOM, OTHER] {
        backend.create(room, opening(), Right::Anybody, 5).await.unwrap();
    }
    let mut tickets = Vec::new();
    for number in 0..entries {
        tickets.push(backend.append(author(), publish(number, 100)).await);
    }
    for ticket in &mut tickets {
        ticket.wait().await.unwrap();
    }
    backend
}

async fn rows(backend: &Redb) -> u64 {
    let count = |transaction: &redb::ReadTransaction| {
        use redb::ReadableTableMetadata;
        let all = tables::Snapshot::open(transaction)?;
        let rows = [all.rooms.len()?, all.slots.len()?, all.keys.len()?, all.entries.len()?, all.ids.len()?];
        let more = [all.access.len()?, all.steps.len()?, all.votes.len()?, all.invites.len()?];
        Ok(rows.iter().chain(&more).sum::<u64>() + all.tombstones.len()?)
    };
    backend.read_with(count).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_room_leaves_nothing_behind_and_takes_no_other_with_it() {
    let directory = TempDir::new().unwrap();
    // More than one step, so that the middle of the way is passed.
    let backend = filled(directory.path(), TRIM_ROUND as u32 + 10).await;
    let mut feed = backend.follow(ROOM);
    assert_eq!(backend.hold_room(ROOM, dropped(5)).await, Ok(true));
    feed.changed().await;
    assert_eq!(backend.hold_room(ROOM, dropped(5)).await, Ok(false), "twice");
    assert_eq!(backend.view(author()).await, Ok(None));
    assert_eq!(rows(&backend).await, 4, "a row, its access, a slot and a key of the other room");
    assert!(backend.view(Author { room: OTHER, ..author() }).await.unwrap().is_some());
    assert_eq!(backend.hold_room(ROOM, Hold::Thaw(0)).await, Ok(true));
    backend.create(ROOM, opening(), Right::Anybody, 0).await.unwrap();
    assert_eq!(append(&backend, 1, 10).await.unwrap().seq, 1, "a new room under the old id begins anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_half_way_through_a_drop_leaves_nothing_readable_and_is_finished_later() {
    let directory = TempDir::new().unwrap();
    let backend = filled(directory.path(), 2 * TRIM_ROUND as u32).await;
    let (answer, dropped) = oneshot::channel();
    let hold = super::super::holds::RoomHold::Drop(Notice::default());
    backend.queue(Job::Hold { rooms: vec![ROOM], hold, answer }).await.unwrap();
    assert_eq!(dropped.await.unwrap(), Ok(1));
    let (answer, more) = oneshot::channel();
    backend.queue(Job::Purge { answer }).await.unwrap();
    assert!(more.await.unwrap(), "only a part of it goes in one step");
    backend.close().await;

    let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
    assert_eq!(backend.view(author()).await, Ok(None));
    assert!(backend.slot(ROOM, false, usize::MAX).await.unwrap().is_none());
    let Ok(Measured::Ready(batch)) = backend.read(author(), 0, usize::MAX).await else { panic!() };
    assert_eq!((batch.standing, batch.entries.len()), (None, 0));
    let last = publish(2 * TRIM_ROUND as u32 - 1, 100);
    assert_eq!(backend.published(author(), &last).await, Ok(None));
    assert_eq!(append(&backend, 1, 10).await, Err(AppendError::Dropped(Reason::default())));
    assert_eq!(backend.hold_room(ROOM, Hold::Thaw(0)).await, Ok(true), "forgotten, and purged all the same");
    assert_eq!(append(&backend, 1, 10).await, Err(AppendError::NotAllowed));
    assert_eq!(backend.create(ROOM, opening(), Right::Anybody, 0).await, Err(CreateError::BeingDropped));
    assert_eq!(backend.rooms(None, 10).await.unwrap().len(), 1);
    assert_eq!(backend.overview().await.unwrap().tombstones, 1);

    backend.trim(5).await;
    assert_eq!(rows(&backend).await, 4);
    backend.create(ROOM, opening(), Right::Anybody, 0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_listed_page_by_page_and_none_twice() {
    let directory = TempDir::new().unwrap();
    let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
    for number in 0..25 {
        backend.create(RoomId([number; 32]), opening(), Right::Anybody, 7).await.unwrap();
    }
    append(&backend, 1, 100).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = backend.rooms(after, 10).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page);
    }
    let ids: Vec<_> = seen.iter().map(|room| room.id).collect();
    assert_eq!(ids, (0..25).map(|number| RoomId([number; 32])).collect::<Vec<_>>());
    let written = &seen[1];
    assert_eq!(
        (written.entries, written.head, written.keys, written.slot_bytes),
        (1, 1, 1, 8),
        "a count of no names and four bytes"
    );
    assert!(written.bytes > 100 && written.last_commit == 0);
    assert_eq!((seen[2].entries, seen[2].bytes, seen[2].last_at_ms), (0, 0, 7));
    let sum = backend.overview().await.unwrap();
    assert_eq!((sum.rooms, sum.entries, sum.bytes, sum.keys), (25, 1, written.bytes, 25));
    assert_eq!(sum.slot_bytes, 25 * 8);
    assert!(sum.file_bytes > 0);
}
