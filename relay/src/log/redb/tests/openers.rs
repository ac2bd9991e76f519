//! The bound on what the rooms of one opener take.

use std::net::IpAddr;

use super::*;
use crate::policy::token::{Allowance, TokenHash, TokenRecord};

const MIB: u64 = 1 << 20;
const HOG: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const HONEST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

fn bounded(percent: u64) -> Limits {
    Limits { max_disk: Some(16 * MIB), free_space_reserve: 0, opener_percent: percent, ..Limits::default() }
}

async fn open(backend: &Redb, room: u8, address: IpAddr, now_ms: u64) -> Result<(), CreateError> {
    let opening = Opening { address: Some(address), ..opening() };
    backend.create(RoomId([room; 32]), opening, Right::Anybody, now_ms).await
}

async fn say(backend: &Redb, room: u8, number: u32) -> Result<Appended, AppendError> {
    let author = Author { room: RoomId([room; 32]), ..author() };
    backend.append(author, publish(number, 50_000)).await.wait().await
}

/// Says so much in a room that no more is taken, and returns why.
async fn fill(backend: &Redb, room: u8, from: u32) -> (u32, AppendError) {
    for number in from.. {
        if let Err(error) = say(backend, room, number).await {
            return (number, error);
        }
        assert!(number < 10_000, "there is no bound");
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread")]
async fn few_addresses_cannot_fill_the_disk_for_others() {
    let directory = TempDir::new().unwrap();
    let backend = Redb::open(directory.path(), &bounded(50)).unwrap();
    // Several rooms of one opener are one.
    for room in [1, 2] {
        open(&backend, room, HOG, 0).await.unwrap();
    }
    open(&backend, 3, HONEST, 0).await.unwrap();
    let (number, why) = fill(&backend, 1, 0).await;
    assert_eq!(why, AppendError::NoSpace(SpaceError::Opener));
    assert_eq!(say(&backend, 2, 0).await, Err(AppendError::NoSpace(SpaceError::Opener)), "in another room");
    assert_eq!(
        open(&backend, 4, HOG, 0).await,
        Err(CreateError::NoSpace(SpaceError::Opener)),
        "or in a new one"
    );
    for number in 0..20 {
        say(&backend, 3, number).await.unwrap();
    }

    // After a restart it is known who has what.
    backend.close().await;
    let backend = Redb::open(directory.path(), &bounded(50)).unwrap();
    assert_eq!(say(&backend, 1, number).await, Err(AppendError::NoSpace(SpaceError::Opener)));
    assert_eq!(open(&backend, 4, HOG, 0).await, Err(CreateError::NoSpace(SpaceError::Opener)));
    say(&backend, 3, 20).await.unwrap();

    // What is dropped is the opener's to take again.
    backend.hold_room(RoomId([1; 32]), dropped(1)).await.unwrap();
    say(&backend, 2, 0).await.unwrap();

    backend.reload(&bounded(100));
    assert_eq!(fill(&backend, 2, 1).await.1, AppendError::NoSpace(SpaceError::Share), "no bound of his own");
}

/// Bytes of a room's entries, counted row by row.
fn log_bytes(backend: &Redb, room: u8) -> u64 {
    let counted = backend.store.read(|transaction| {
        let entries = tables::Snapshot::open(transaction)?.entries;
        let mut bytes = 0;
        for row in entries.range((&[room; 32], 0)..=(&[room; 32], u64::MAX))? {
            bytes += row?.1.value().len() as u64;
        }
        Ok(bytes)
    });
    counted.unwrap()
}

/// What the writer counts to whoever opened a room.
async fn share(backend: &Redb, room: u8) -> u64 {
    let Busiest { rooms, openers } = backend.busiest(10).await.unwrap();
    let (_, opener, _) = rooms.iter().find(|(id, ..)| id.0[0] == room).unwrap();
    openers.iter().find(|(other, _)| Some(*other) == *opener).unwrap().1.bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retention_takes_beside_the_batches_of_others_goes_off_the_openers_share() {
    let directory = TempDir::new().unwrap();
    let keeping = |entries, age_ms| {
        let retention = crate::policy::limits::Retention {
            entries,
            age: Duration::from_millis(age_ms),
            ..Default::default()
        };
        Limits { retention, free_space_reserve: 0, ..Limits::default() }
    };
    let backend = Redb::open(directory.path(), &keeping(1000, u64::MAX)).unwrap();
    open(&backend, 1, HOG, 5).await.unwrap();
    open(&backend, 2, HONEST, 5).await.unwrap();
    let append = async |room: u8, number, bytes| {
        let author = Author { room: RoomId([room; 32]), now_ms: 5, ..author() };
        backend.append(author, publish(number, bytes)).await.wait().await.unwrap();
    };
    for number in 0..10 {
        append(1, number, MIB as usize).await;
    }
    append(2, 0, 10).await;
    assert!(share(&backend, 1).await > share(&backend, 2).await);

    // Over its bound from now on, by far more than goes beside one batch.
    backend.reload(&keeping(2, u64::MAX));
    append(1, 10, 10).await;
    for number in 1..=2 {
        // To ask is a batch as well, and answered before anything goes beside it.
        let (before, counted) = (log_bytes(&backend, 1), share(&backend, 1).await);
        append(2, number, 10).await;
        let trimmed = before - log_bytes(&backend, 1);
        assert!((2 * MIB..3 * MIB).contains(&trimmed), "one beside each: {trimmed}");
        assert_eq!(counted - share(&backend, 1).await, trimmed);
    }

    // By age in the regular round as well.
    let (before, counted) = (log_bytes(&backend, 1), share(&backend, 1).await);
    backend.reload(&keeping(2, 100));
    backend.trim(1000).await;
    assert_eq!((log_bytes(&backend, 1), counted - share(&backend, 1).await), (0, before));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_opened_is_the_tokens_wherever_it_was_shown() {
    let directory = TempDir::new().unwrap();
    let backend = Redb::open(directory.path(), &bounded(50)).unwrap();
    let allowance = Allowance { rooms: 0, uses: 0, expires_ms: 0 };
    for number in [7, 8] {
        let (hash, label) = (TokenHash([number; 32]), String::new());
        let record = TokenRecord { hash, label, created_ms: 0, allowance, rooms: 0, uses: 0 };
        backend.change_tokens(crate::log::TokenChange::Add(record)).await.unwrap();
    }
    let open = async |room: u8, token: u8, address| {
        let opening = Opening { address: Some(address), ..opening() };
        let right = Right::Token(Some(TokenHash([token; 32])));
        backend.create(RoomId([room; 32]), opening, right, 0).await
    };
    open(1, 7, HOG).await.unwrap();
    open(2, 8, HOG).await.unwrap();
    assert_eq!(fill(&backend, 1, 0).await.1, AppendError::NoSpace(SpaceError::Opener));
    assert_eq!(open(3, 7, HONEST).await, Err(CreateError::NoSpace(SpaceError::Opener)));
    say(&backend, 2, 0).await.unwrap();
    open(3, 8, HOG).await.unwrap();
    // Revoked, it is nobody's.
    backend.change_tokens(crate::log::TokenChange::Revoke("0707".parse().unwrap())).await.unwrap();
    say(&backend, 1, 9000).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn address_is_not_in_the_database_and_its_key_does_not_last() {
    let directory = TempDir::new().unwrap();
    let backend = Redb::open(directory.path(), &bounded(50)).unwrap();
    let month = 30 * 24 * 3600 * 1000;
    for (room, now_ms) in [(1, 5), (2, 5 + month - 1), (3, 5 + month)] {
        open(&backend, room, HOG, now_ms).await.unwrap();
    }
    let rooms = backend.store.read(crate::log::redb::openers::load).unwrap();
    let [first, second, third] = [0, 1, 2].map(|number| rooms[number].1.unwrap());
    assert!(first == second && second != third, "{rooms:?}");
    backend.close().await;
    let file = std::fs::read(directory.path().join(DATABASE)).unwrap();
    let IpAddr::V4(address) = HOG else { unreachable!() };
    assert!(!file.windows(4).any(|bytes| bytes == address.octets()));
}
