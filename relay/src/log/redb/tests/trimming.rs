//! What retention costs those who publish.

use super::{
    super::ahead::Keep,
    lone::Lone,
    round::{Round, trim_rooms},
    simdisk::{SimDisk, Step},
    trim::Budget,
    workload::open,
    *,
};
use crate::policy::limits::{Retention, TRIM_STEP_BYTES};

const MIB: usize = 1 << 20;

async fn filled(store: Store, rooms: u8, bytes: usize) -> Redb {
    let backend = Redb::start(store, &Limits { free_space_reserve: 0, ..Limits::default() }).unwrap();
    for room in 0..rooms {
        let room = RoomId([room; 32]);
        backend.create(room, opening(), Right::Anybody, 5).await.unwrap();
        let author = Author { room, now_ms: 5, ..author() };
        backend.append(author, publish(0, bytes)).await.wait().await.unwrap();
    }
    backend
}

/// What is left of the budget after one step of a round.
fn step(backend: &Redb, round: &mut Round<'_>) -> round::Trimming {
    let retention = Retention { age: Duration::from_millis(100), ..Retention::default() };
    let stepped = backend.store.write(|transaction, _| {
        let first = RoomId([0; 32]);
        let mut tables = tables::Tables::open(transaction)?;
        Ok((Keep::Disk, trim_rooms(&mut tables, &first, &retention, round, |_| false)?.0))
    });
    stepped.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn oldest_entry_is_read_once_to_know_its_age_and_a_step_reads_no_more_than_its_budget() {
    let directory = TempDir::new().unwrap();
    let backend = filled(Store::open(directory.path()).unwrap(), 5, MIB).await;
    let whole = Budget { entries: 10, bytes: 2 * MIB as u64 };
    let stepped = |backend: &Redb, now_ms| {
        let lone = Lone::default();
        let mut round = Round { count: 64, budget: whole, now_ms, idle_before: 0, lone: &lone };
        let trimming = step(backend, &mut round);
        (trimming.next.map(|room| room.0[0]), trimming.gone.entries, whole.entries - round.budget.entries)
    };
    assert_eq!(stepped(&backend, 103), (Some(1), 0, 2), "two of five");
    assert_eq!(stepped(&backend, 103), (Some(3), 0, 2), "and not the same again");
    assert_eq!(stepped(&backend, 103), (None, 0, 1));
    assert_eq!(stepped(&backend, 103), (None, 0, 0), "all are known");
    assert_eq!(stepped(&backend, 105), (None, 0, 0), "not a moment too early");
    assert_eq!(stepped(&backend, 106), (Some(1), 2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn publish_waits_for_no_more_trimming_than_is_allowed_beside_it_and_the_rest_goes_later() {
    let directory = TempDir::new().unwrap();
    let backend = filled(Store::open(directory.path()).unwrap(), 2, 100).await;
    let large = RoomId([1; 32]);
    for number in 1..=5 {
        let author = Author { room: large, ..author() };
        backend.append(author, publish(number, MIB)).await.wait().await.unwrap();
    }
    let retention = Retention { entries: 2, ..Retention::default() };
    backend.reload(&Limits { retention, free_space_reserve: 0, ..Limits::default() });
    let kept = async || backend.rooms(None, 2).await.unwrap()[1].entries;
    assert_eq!(kept().await, 6);
    assert!(TRIM_STEP_BYTES < MIB as u64);
    let mut seen = Vec::new();
    for number in 6..=8 {
        // One large goes beside each, and one small before the first; those of another room count as well.
        for room in [large, RoomId([0; 32])] {
            backend.append(Author { room, ..author() }, publish(number, 10)).await.wait().await.unwrap();
            seen.push(kept().await);
        }
    }
    assert_eq!(seen, [5, 4, 4, 3, 3, 2]);
    assert!(backend.survey().unwrap().is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn small_messages_beside_large_ones_write_what_is_small() {
    let disk = SimDisk::default();
    let backend = filled(open(&disk).unwrap(), 8, MIB).await;
    disk.take_trace();
    for number in 1..10 {
        for room in 0..8 {
            let author = Author { room: RoomId([room; 32]), ..author() };
            backend.append(author, publish(number, 16)).await.wait().await.unwrap();
        }
    }
    let wrote = |step: &Step| if let Step::Write(_, _, data) = step { data.len() } else { 0 };
    let written: usize = disk.take_trace().iter().map(|traced| wrote(&traced.step)).sum();
    // Pages of the tables, each copied: a few dozen of 4 KiB, and never an entry that is there.
    assert!(written / 72 < MIB / 4, "{written} bytes for 72 messages");
}
