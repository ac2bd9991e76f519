//! The bound on all logs together, compaction, and rooms that nobody uses.

use proto::access::Grant;

use super::*;

const MIB: u64 = 1 << 20;

/// Space that the file may take over its bound: what one batch of these tests needs.
const OVER: u64 = MIB;

fn bounded(mib: u64) -> Limits {
    Limits { max_disk: Some(mib * MIB), free_space_reserve: 0, ..Limits::default() }
}

/// Appends until it is refused, and returns how many were taken.
async fn fill(backend: &Redb, from: u32) -> u32 {
    for number in from.. {
        match append(backend, number, 50_000).await {
            Ok(_) => assert!(number < 10_000, "there is no bound"),
            Err(error) => {
                assert_eq!(error, AppendError::NoSpace(SpaceError::Share));
                return number - from;
            }
        }
    }
    0
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_never_take_more_of_the_disk_than_they_may_and_trimming_makes_room_again() {
    let directory = TempDir::new().unwrap();
    let backend = Redb::open(directory.path(), &bounded(16)).unwrap();
    backend.create(ROOM, opening(), Right::Anybody, 0).await.unwrap();
    let other = RoomId([2; 32]);
    backend.create(other, opening(), Right::Anybody, 0).await.unwrap();
    let taken = fill(&backend, 0).await;
    assert!(taken > 50, "{taken} of 50 kB in 16 MiB");
    let used = || backend.store.disk_bytes().unwrap();
    assert!(used() <= 16 * MIB + OVER, "{}", used());
    assert_eq!(head(&backend).await, Ok(u64::from(taken)), "reading goes on");
    let large = Opening { slot: vec![0; 50_000].into(), ..opening() };
    assert_eq!(
        backend.create(RoomId([3; 32]), large, Right::Anybody, 0).await,
        Err(CreateError::NoSpace(SpaceError::Share))
    );

    // By age everything goes, and the space is used again: never more, and without end.
    let mut from = taken + 1;
    for round in 1..=5 {
        backend.trim(u64::MAX).await;
        let again = fill(&backend, from).await;
        assert!(again > taken / 4, "round {round}: {again} of {taken}");
        assert!(used() <= 16 * MIB + OVER, "round {round}: {}", used());
        from += again + 1;
    }

    // After a restart nobody remembers what is free: it is found by compacting.
    backend.trim(u64::MAX).await;
    backend.close().await;
    // Where the end of the file was free, closing has given it back already.
    let is_near_bound = crate::log::redb::space::is_near_bound(&backend.store, &Policy::from(&bounded(16)));
    let backend = Redb::open(directory.path(), &bounded(16)).unwrap();
    assert!(!is_near_bound || backend.store.disk_bytes().unwrap() < 4 * MIB);
    assert!(append(&backend, from, 50_000).await.is_ok());

    // Whoever raises the bound may go on.
    fill(&backend, from + 1).await;
    backend.reload(&bounded(32));
    assert!(append(&backend, from + 10_000, 50_000).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_near_the_bound_waits_for_a_moment_when_nobody_is_there() {
    let directory = TempDir::new().unwrap();
    let backend = Redb::open(directory.path(), &bounded(16)).unwrap();
    let other = RoomId([2; 32]);
    for room in [ROOM, other] {
        backend.create(room, opening(), Right::Anybody, 0).await.unwrap();
    }
    // Between an eighth of the bound and a quarter, in the middle of the file.
    for number in 0..60 {
        let author = Author { room: other, ..author() };
        backend.append(author, publish(number, 50_000)).await.wait().await.unwrap();
    }
    fill(&backend, 0).await;
    let feed = backend.follow(ROOM);
    let used = || backend.store.disk_bytes().unwrap();
    let before = used();
    backend.hold_room(other, dropped(1)).await.unwrap();
    assert_eq!(backend.probe().await.unwrap().missing, None, "what is free is used again");
    assert!(used() > before - MIB, "{before} to {}", used());
    drop(feed);
    backend.probe().await.unwrap();
    assert!(used() < before - 2 * MIB, "{before} to {}", used());
    backend.store.read(|transaction| Ok(check::check(transaction))).unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_gives_back_what_a_dropped_room_took_and_loses_nothing() {
    let directory = TempDir::new().unwrap();
    let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
    let large = RoomId([2; 32]);
    for room in [ROOM, large] {
        backend.create(room, opening(), Right::Anybody, 0).await.unwrap();
    }
    for number in 0..100 {
        let author = Author { room: large, ..author() };
        backend.append(author, publish(number, 100_000)).await.wait().await.unwrap();
        append(&backend, number, 100).await.unwrap();
    }
    backend.hold_room(large, dropped(1)).await.unwrap();
    backend.close().await;
    let (before, after) = compact(directory.path()).unwrap();
    assert!(before > 10 * MIB && after < 2 * MIB, "{before} to {after}");
    let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
    assert!(matches!(compact(directory.path()), Err(OpenError::Locked)), "a relay runs on it");
    assert_eq!(head(&backend).await, Ok(100));
    backend.store.read(|transaction| Ok(check::check(transaction))).unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_rooms_that_nobody_wrote_to_or_joined_for_long_are_dropped() {
    let directory = TempDir::new().unwrap();
    let limits = Limits { drop_idle: Some(Duration::from_millis(100)), ..Limits::default() };
    let backend = Redb::open(directory.path(), &limits).unwrap();
    let [deserted, joined, old] = [2, 3, 4].map(|number| RoomId([number; 32]));
    for room in [ROOM, deserted, joined] {
        backend.create(room, opening(), Right::Anybody, 1000).await.unwrap();
    }
    backend.create(old, opening(), Right::Anybody, 0).await.unwrap();
    let _feed = backend.follow(joined);
    let left =
        async || backend.rooms(None, 10).await.unwrap().iter().map(|room| room.id.0[0]).collect::<Vec<_>>();

    // All look deserted: it may be the clock.
    backend.trim(1_000_000).await;
    assert_eq!(left().await, [1, 2, 3, 4]);
    let author = Author { now_ms: 1050, ..author() };
    backend.append(author, publish(1, 10)).await.wait().await.unwrap();
    backend.trim(1100).await;
    assert_eq!(left().await, [1, 2, 3, 4], "not a moment too early");
    backend.trim(1101).await;
    assert_eq!(left().await, [1, 3, 4], "one is joined, and one of unknown age counts from now");

    backend.reload(&Limits::default());
    backend.trim(1_000_000).await;
    assert_eq!(left().await, [1, 3, 4], "never, unless it was asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_that_goes_is_counted_by_the_bound_that_it_was_over() {
    let directory = TempDir::new().unwrap();
    let keeping = |entries, bytes| crate::policy::limits::Retention {
        age: Duration::from_millis(1000),
        entries,
        bytes,
    };
    let limits = |retention| Limits { retention, free_space_reserve: 0, ..Limits::default() };
    let backend = Redb::open(directory.path(), &limits(keeping(3, 1 << 20))).unwrap();
    backend.create(ROOM, opening(), Right::Anybody, 0).await.unwrap();
    for number in 0..5 {
        append(&backend, number, 1000).await.unwrap();
    }
    let counted =
        || [LogBound::Entries, LogBound::Bytes, LogBound::Age].map(|by| backend.stats().times_trimmed(by));
    assert_eq!(counted(), [2, 0, 0]);
    backend.reload(&limits(keeping(3, 2500)));
    append(&backend, 5, 1000).await.unwrap();
    assert_eq!(counted(), [3, 1, 0]);
    backend.trim(1_000_000).await;
    assert_eq!(counted(), [3, 1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_that_nobody_but_their_founder_was_in_go_and_no_others() {
    const DAY: u64 = 24 * 3600 * 1000;
    let directory = TempDir::new().unwrap();
    // A day by the time of entries; visits count while they last.
    let limits = |time| Limits { drop_lone: time, ..Limits::default() };
    let backend = Redb::open(directory.path(), &limits(Some(Duration::from_secs(24 * 3600)))).unwrap();
    let invite = |key: u8, expires_ms| AccessKey {
        key: PublicKey([key; 32]),
        grant: Grant::Invite { expires_ms, max_uses: 20, card: bytes::Bytes::new() },
    };
    let member = AccessKey { key: PublicKey([0xb; 32]), grant: Grant::Member };
    let open = async |room: u8, more: Vec<AccessKey>, now_ms| {
        let keys = opening().keys.into_iter().chain(more).collect();
        backend
            .create(RoomId([room; 32]), Opening { keys, ..opening() }, Right::Anybody, now_ms)
            .await
            .unwrap();
    };
    open(1, vec![], DAY).await;
    open(2, vec![invite(0xc, 2 * DAY)], DAY).await;
    open(3, vec![invite(0xd, 9 * DAY)], DAY).await;
    open(4, vec![member.clone()], DAY).await;
    backend.note_company(RoomId([4; 32]));
    open(5, vec![], 3 * DAY).await;
    open(6, vec![], DAY).await;
    open(7, vec![], DAY).await;
    open(9, vec![member], DAY).await;
    open(8, vec![invite(0xe, 0)], DAY).await;
    let feed = backend.follow(RoomId([6; 32]));
    for number in 0..17 {
        let author = Author { room: RoomId([7; 32]), now_ms: DAY, ..author() };
        backend.append(author, publish(number, 10)).await.wait().await.unwrap();
    }
    let left =
        async || backend.rooms(None, 10).await.unwrap().iter().map(|room| room.id.0[0]).collect::<Vec<_>>();

    backend.trim(3 * DAY + 1).await;
    assert_eq!(left().await, [1, 2, 3, 4, 5, 6, 7, 8, 9], "who visits is not known yet");
    backend.reload(&limits(None));
    backend.trim(3 * DAY + 1).await;
    assert_eq!(left().await, [1, 2, 3, 4, 5, 6, 7, 8, 9], "never, if it was asked for");
    backend.reload(&limits(Some(Duration::ZERO)));
    backend.trim(3 * DAY).await;
    assert_eq!(
        left().await,
        [3, 4, 5, 6, 7, 8],
        "one is awaited, one is new, one is visited; who was only named in one never came"
    );
    drop(feed);
    backend.trim(9 * DAY + 1).await;
    assert_eq!(left().await, [4, 7, 8]);
    backend.trim(100 * DAY).await;
    assert_eq!(
        left().await,
        [4],
        "no invite, and nothing that was said, keeps a room for longer than entries are kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lone_rooms_are_known_across_restarts_and_so_is_who_came() {
    const DAY: u64 = 24 * 3600 * 1000;
    let directory = TempDir::new().unwrap();
    let limits = |time| Limits { drop_lone: time, ..Limits::default() };
    let backend = Redb::open(directory.path(), &limits(None)).unwrap();
    let member = AccessKey { key: PublicKey([0xb; 32]), grant: Grant::Member };
    for room in 1..=3 {
        let keys = opening().keys.into_iter().chain([member.clone()]).collect();
        let opening = Opening { keys, ..opening() };
        backend.create(RoomId([room; 32]), opening, Right::Anybody, DAY).await.unwrap();
    }
    let feed = backend.follow(RoomId([1; 32]));
    backend.note_company(RoomId([3; 32]));
    backend.trim(3 * DAY).await;
    drop(feed);
    backend.close().await;
    let left = async |backend: &Redb| {
        backend.rooms(None, 10).await.unwrap().iter().map(|room| room.id.0[0]).collect::<Vec<_>>()
    };
    let backend = Redb::open(directory.path(), &limits(Some(Duration::ZERO))).unwrap();
    backend.trim(3 * DAY).await;
    assert_eq!(left(&backend).await, [1, 3], "one was visited in the life before");
    backend.trim(90 * DAY).await;
    assert_eq!(left(&backend).await, [3], "and somebody came into another");
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_and_keys_count_against_whoever_opened_the_room() {
    let directory = TempDir::new().unwrap();
    let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
    let invite = |key: u8| AccessKey {
        key: PublicKey([key; 32]),
        grant: Grant::Invite { expires_ms: 0, max_uses: 0, card: vec![7; 1024].into() },
    };
    let keys = opening().keys.into_iter().chain((100..200).map(invite)).collect();
    let opening = Opening { keys, address: Some([192, 0, 2, 1].into()), ..opening() };
    backend.create(ROOM, opening, Right::Anybody, 1).await.unwrap();
    let busiest = backend.busiest(9).await.unwrap();
    assert!(busiest.openers[0].1.bytes > 100 << 10, "{:?}", busiest.openers);
    assert!(busiest.rooms[0].2.bytes > 100 << 10, "{:?}", busiest.rooms);
    let overview = backend.overview().await.unwrap();
    assert!(overview.key_bytes > 100 << 10 && overview.slot_bytes == 8);
    assert!(backend.survey().unwrap().is_whole());
}
