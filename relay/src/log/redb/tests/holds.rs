//! Rooms that are frozen or were dropped, as the database has them.

use redb::{ReadableTable, ReadableTableMetadata};

use super::{
    super::{
        ahead::Keep,
        holds::{self, RoomHold},
    },
    *,
};
use crate::policy::limits::{HELD_ROOMS, MAX_DROPPED, Retention};

fn notice(at_ms: u64, words: &str) -> Notice {
    Notice::new(at_ms, words.parse().unwrap())
}

/// A room of this number.
fn numbered(number: u64) -> RoomId {
    let mut id = [9; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    RoomId(id)
}

async fn hold(backend: &Redb, rooms: Vec<RoomId>, hold: RoomHold) -> u64 {
    let (answer, done) = oneshot::channel();
    backend.queue(Job::Hold { rooms, hold, answer }).await.unwrap();
    done.await.unwrap().unwrap()
}

/// Opens these rooms and drops them, one after the other.
async fn opened_and_dropped(backend: &Redb, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let room = numbered(number);
        backend.create(room, opening(), Right::Anybody, 1).await.unwrap();
        let drop = RoomHold::Drop(notice(100 + number, ""));
        assert_eq!(hold(backend, vec![room], drop).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_rooms_are_remembered_as_long_as_entries_are_kept() {
    let directory = TempDir::new().unwrap();
    let retention = Retention { age: Duration::from_secs(10), ..Retention::default() };
    let backend =
        Redb::open(directory.path(), &Limits { retention, drop_lone: None, ..Limits::default() }).unwrap();
    opened_and_dropped(&backend, 0..3).await;
    let known = || async { backend.dropped_rooms().await.unwrap().into_iter().map(|(id, _)| id).collect() };
    let all: Vec<RoomId> = known().await;
    assert_eq!(all, [numbered(2), numbered(1), numbered(0)], "the newest first");
    backend.trim(10_101).await;
    let left: Vec<RoomId> = known().await;
    assert_eq!(left, [numbered(2), numbered(1)]);
    backend.create(numbered(0), opening(), Right::Anybody, 1).await.unwrap();
    let again = backend.create(numbered(1), opening(), Right::Anybody, 1).await;
    assert_eq!(again, Err(CreateError::Dropped(Reason::default())));
    assert!(backend.survey().unwrap().is_whole());
}

#[test]
fn oldest_of_too_many_dropped_rooms_are_forgotten() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let count = store.write(|transaction, _| {
        let mut tables = tables::Tables::open(transaction)?;
        for number in 0..MAX_DROPPED + 5 {
            holds::remember(&mut tables, &numbered(number), &notice(100 + number, "spam"))?;
        }
        let held = tables.held()?;
        let gone = (0..5).all(|number| held.dropped.get(&numbered(number).0).unwrap().is_none());
        let kept = held.dropped.get(&numbered(5).0)?.is_some();
        Ok((Keep::Nothing, (held.dropped.len()?, held.dropped_at.len()?, gone, kept)))
    });
    assert_eq!(count.unwrap(), (MAX_DROPPED, MAX_DROPPED, true, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn opener_with_more_rooms_than_one_transaction_takes_is_frozen_whole() {
    let directory = TempDir::new().unwrap();
    let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
    let rooms = HELD_ROOMS as u64 + 10;
    let address = Some([192, 0, 2, 1].into());
    for number in 0..rooms {
        let opening = Opening { address, ..opening() };
        backend.create(numbered(number), opening, Right::Anybody, 1).await.unwrap();
    }
    backend.create(ROOM, opening(), Right::Anybody, 1).await.unwrap();
    let opener = backend.busiest(1).await.unwrap().openers[0].0;
    let name: OpenerName = opener.digits().parse().unwrap();
    let held = backend.hold_opener(name.clone(), Hold::Freeze(notice(5, ""))).await.unwrap();
    assert_eq!((held.rooms, backend.overview().await.unwrap().frozen), (rooms, rooms));
    assert_eq!(append(&backend, 1, 10).await.unwrap().seq, 1, "another's");
    assert!(backend.survey().unwrap().is_whole(), "{:?}", backend.survey());
    backend.close().await;

    let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
    let author = Author { room: numbered(1), ..author() };
    let refused = backend.append(author, publish(1, 10)).await.wait().await;
    assert_eq!(refused, Err(AppendError::Frozen(Reason::default())));
    assert_eq!(backend.hold_opener(name, Hold::Thaw(5)).await.unwrap().rooms, rooms);
    assert_eq!(backend.append(author, publish(1, 10)).await.wait().await.unwrap().seq, 1);
    assert_eq!(backend.overview().await.unwrap().frozen, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_room_is_not_dropped_because_nobody_writes_to_it_and_what_is_dropped_leaves_nothing() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        drop_idle: Some(Duration::from_secs(1)),
        drop_lone: Some(Duration::ZERO),
        ..Limits::default()
    };
    let backend = Redb::open(directory.path(), &limits).unwrap();
    backend.create(ROOM, opening(), Right::Anybody, 1).await.unwrap();
    backend.create(numbered(1), opening(), Right::Anybody, 9_000).await.unwrap();
    let freeze = || Hold::Freeze(notice(5, "why"));
    assert_eq!(backend.hold_room(ROOM, freeze()).await, Ok(true));
    let kept = |rooms: Vec<crate::log::RoomSummary>| rooms.iter().any(|room| room.id == ROOM);
    backend.trim(9_500).await;
    assert!(kept(backend.rooms(None, 10).await.unwrap()), "it waits for its operator");
    assert_eq!(backend.hold_room(ROOM, Hold::Thaw(9_400)).await, Ok(true));
    backend.reload(&Limits { drop_lone: None, ..limits });
    backend.trim(9_500).await;
    assert!(kept(backend.rooms(None, 10).await.unwrap()), "and has its time after that");
    assert_eq!(backend.hold_room(ROOM, freeze()).await, Ok(true));
    assert_eq!(backend.hold_room(ROOM, Hold::Drop(notice(6, ""))).await, Ok(true));
    let overview = backend.overview().await.unwrap();
    assert_eq!((overview.frozen, overview.dropped), (0, 1));
    assert!(backend.survey().unwrap().is_whole());
}
