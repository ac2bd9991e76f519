//! What is acknowledged and in the journal alone.

use proto::relay::Deliver;
use redb::{StorageBackend, backends::InMemoryBackend};

use super::{
    super::ahead::Keep,
    super::journal::{self, Frame, Journal, JournalError, Record},
    super::row,
    simdisk::{self, Fault, SimDisk, Step},
    workload::{self, open},
    *,
};
use crate::log::redb::open::JOURNAL;

const EPOCH: u64 = 7;
const LENGTH: usize = 8 << 10;

/// A memory that can be looked into while a journal has it.
#[derive(Clone, Debug)]
struct Shared(Arc<InMemoryBackend>);

impl StorageBackend for Shared {
    fn len(&self) -> std::io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.0.write(offset, data)
    }
}

fn record(seq: u64, bytes: usize) -> Record {
    let entry = Deliver { seq, at_ms: 5, envelope: vec![seq as u8; bytes].into(), ..Deliver::default() };
    Record { room: ROOM, seq, row: row::encode(&PublishId([seq as u8; 16]), &entry) }
}

fn write(journal: &mut Journal, record: &Record) {
    let mut frame = Frame::of(journal::size(record.row.len()));
    frame.add(&record.room, record.seq, &record.row);
    assert_eq!(frame.body(), journal::size(record.row.len()));
    journal.append(frame).unwrap();
}

/// A journal with three frames, where each begins behind the file's header, and its id.
fn three() -> (Shared, [usize; 3], [u8; 16]) {
    let memory = Shared(Arc::new(InMemoryBackend::new()));
    let mut journal = Journal::make(Box::new(memory.clone()), LENGTH).unwrap();
    journal.begin(EPOCH);
    let places = [1, 2, 3].map(|seq| {
        let place = journal.used();
        write(&mut journal, &record(seq, 300 * seq as usize));
        place
    });
    (memory, places.map(|place| 512 + place), journal.id())
}

fn opened(memory: &Shared, id: [u8; 16]) -> Result<Journal, JournalError> {
    Journal::open(Box::new(memory.clone()), LENGTH, id)
}

fn replay(memory: &Shared, id: [u8; 16], epoch: u64) -> Result<Vec<Record>, JournalError> {
    opened(memory, id)?.replay(epoch)
}

#[test]
fn what_was_written_is_replayed_in_its_epoch_and_in_no_other() {
    let (memory, _, id) = three();
    let all = [1, 2, 3].map(|seq| record(seq, 300 * seq as usize));
    assert_eq!(replay(&memory, id, EPOCH).unwrap(), all);
    assert_eq!(replay(&memory, id, EPOCH + 1).unwrap(), []);
    let mut journal = opened(&memory, id).unwrap();
    journal.replay(EPOCH).unwrap();
    write(&mut journal, &record(4, 10));
    assert_eq!(replay(&memory, id, EPOCH).unwrap().len(), 4, "it goes on behind them");
    journal.begin(EPOCH + 1);
    write(&mut journal, &record(5, 10));
    assert_eq!(replay(&memory, id, EPOCH + 1).unwrap(), [record(5, 10)], "what stood there is nothing");
    let before = replay(&memory, id, EPOCH);
    assert!(
        matches!(before, Err(JournalError::Damaged)),
        "the database is not that of this journal any more"
    );
    assert!(matches!(opened(&memory, [1; 16]), Err(JournalError::Damaged)), "another file");
}

#[test]
fn damage_is_told_and_what_was_under_way_is_not_taken_for_it() {
    let (memory, places, id) = three();
    for place in 0..places[2] + 1100 {
        let mut byte = [0];
        memory.read(place as u64, &mut byte).unwrap();
        memory.write(place as u64, &[byte[0] ^ 0x10]).unwrap();
        let found = replay(&memory, id, EPOCH);
        let whole = [1, 2, 3].map(|seq| record(seq, 300 * seq as usize));
        match found {
            // The last one was under way, as far as can be known; or it is what fills a frame up.
            Ok(records) => {
                assert!(records == whole || (place >= places[2] && records == whole[..2]), "{place}");
            }
            Err(JournalError::Damaged) => assert!(place < places[2], "{place}"),
            Err(error) => panic!("{place}: {error}"),
        }
        memory.write(place as u64, &byte).unwrap();
    }
}

#[test]
fn journal_takes_no_more_than_it_says() {
    let (memory, _, id) = three();
    let mut journal = opened(&memory, id).unwrap();
    journal.begin(EPOCH);
    while journal.room() > journal::size(0) {
        let mut frame = Frame::of(1000);
        frame.add(&ROOM, 1, &vec![0; journal.room().min(1000).saturating_sub(journal::size(0))]);
        journal.append(frame).unwrap();
        assert!(512 + journal.used() <= LENGTH);
    }
    assert_eq!(memory.len().unwrap(), LENGTH as u64, "the file does not grow");
}

#[tokio::test(flavor = "multi_thread")]
async fn message_costs_one_fsync_of_the_journal_and_none_of_the_database() {
    let disk = SimDisk::default();
    let backend = Redb::start(open(&disk).unwrap(), &Limits::default()).unwrap();
    backend.create(ROOM, opening(), Right::Anybody, 0).await.unwrap();
    disk.take_trace();
    for number in 0..10 {
        append(&backend, number, 100).await.unwrap();
    }
    let syncs = |file| {
        let trace = disk.take_trace();
        trace.iter().filter(|traced| matches!(traced.step, Step::Sync(of) if of == file)).count()
    };
    let steps = disk.take_trace();
    let count = |is: fn(&Step) -> bool| steps.iter().filter(|traced| is(&traced.step)).count();
    assert_eq!(count(|step| matches!(step, Step::Sync(simdisk::JOURNAL))), 10);
    assert_eq!(count(|step| step.file() == simdisk::DATABASE), 0, "nothing is written to the database");
    assert_eq!(head(&backend).await, Ok(10), "and all is read");
    assert_eq!(syncs(simdisk::DATABASE), 0, "to read it needs no fsync either");
    backend.close().await;
    assert!(syncs(simdisk::DATABASE) > 0, "at the end everything is in the database");
}

#[test]
fn what_is_in_the_journal_alone_is_committed_after_a_time_and_when_it_is_full() {
    let disk = SimDisk::default();
    let mut life = workload::Workload::new(open(&disk).unwrap(), 3);
    life.open_room(ROOM);
    assert_eq!(life.store.due(), None);
    let said = life.news(ROOM);
    life.send(&said).unwrap();
    assert!(life.store.due().is_some());
    life.settle();
    assert_eq!(life.store.due(), None, "the writer's empty batch commits");
    disk.take_trace();
    let commits = |disk: &SimDisk| {
        disk.take_trace().iter().filter(|traced| matches!(traced.step, Step::Sync(simdisk::DATABASE))).count()
    };
    let mut committed = 0;
    for _ in 0..12 {
        let said = life.news(ROOM);
        life.send(&said).unwrap();
        committed += commits(&disk);
    }
    assert!((1..12).contains(&committed), "{committed} commits of 12 batches");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_message_does_not_come_back_with_the_next_start() {
    let disk = SimDisk::default();
    let backend = Redb::start(open(&disk).unwrap(), &Limits::default()).unwrap();
    backend.create(ROOM, opening(), Right::Anybody, 0).await.unwrap();
    append(&backend, 1, 100).await.unwrap();
    // Its frame is written, and the fsync fails.
    disk.set_fault(Fault::NothingAfter(1));
    assert_eq!(append(&backend, 2, 100).await, Err(AppendError::NoSpace(SpaceError::Free)));
    disk.set_fault(Fault::None);
    while head(&backend).await != Ok(1) {
        tokio::task::yield_now().await;
    }
    // The power goes.
    let store = open(&SimDisk::with(disk.content())).unwrap();
    let backend = Redb::start(store, &Limits::default()).unwrap();
    assert_eq!(head(&backend).await, Ok(1));
    assert_eq!(append(&backend, 3, 100).await.unwrap().seq, 2);
}

/// The files as they are.
fn copied(directory: &Path) -> TempDir {
    let left = TempDir::new().unwrap();
    for name in [DATABASE, JOURNAL] {
        std::fs::copy(directory.join(name), left.path().join(name)).unwrap();
    }
    left
}

/// The files of a relay that was killed: nothing is closed.
async fn killed() -> TempDir {
    let directory = TempDir::new().unwrap();
    let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
    backend.create(ROOM, opening(), Right::Anybody, 0).await.unwrap();
    for number in 0..5 {
        append(&backend, number, 100).await.unwrap();
    }
    let left = copied(directory.path());
    backend.close().await;
    left
}

fn start(directory: &Path) -> Result<Redb, OpenError> {
    Redb::open(directory, &Limits::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_relay_comes_back_with_everything_and_not_without_its_journal() {
    let left = killed().await;
    let journal = left.path().join(JOURNAL);
    let content = std::fs::read(&journal).unwrap();

    std::fs::remove_file(&journal).unwrap();
    assert!(matches!(start(left.path()), Err(OpenError::Journal)), "missing");
    std::fs::write(&journal, &content[..content.len() - 1]).unwrap();
    assert!(matches!(start(left.path()), Err(OpenError::Journal)), "cut");
    let mut damaged = content.clone();
    damaged[600] ^= 1;
    std::fs::write(&journal, &damaged).unwrap();
    assert!(matches!(start(left.path()), Err(OpenError::Journal)), "damaged");
    assert_eq!(std::fs::read(&journal).unwrap(), damaged, "and left as it was");

    std::fs::write(&journal, vec![0; content.len()]).unwrap();
    assert!(matches!(start(left.path()), Err(OpenError::Journal)), "zeros");
    std::fs::copy(killed().await.path().join(JOURNAL), &journal).unwrap();
    assert!(matches!(start(left.path()), Err(OpenError::Journal)), "another relay's");

    std::fs::write(&journal, &content).unwrap();
    let backend = start(left.path()).unwrap();
    assert_eq!(head(&backend).await, Ok(5));
    assert!(append(&backend, 4, 100).await.unwrap().repeated);
    assert_eq!(append(&backend, 9, 100).await.unwrap().seq, 6);
    backend.close().await;
    std::fs::remove_file(&journal).unwrap();
    let backend = start(left.path()).unwrap();
    assert_eq!(head(&backend).await, Ok(6), "after an end in order nothing is in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn emptied_journal_is_the_operators_word_to_go_on_without_it() {
    let left = killed().await;
    let killed = copied(left.path());
    std::fs::write(left.path().join(JOURNAL), []).unwrap();
    let generation = async |backend: &Redb| backend.view(author()).await.unwrap().unwrap().generation;
    let backend = start(killed.path()).unwrap();
    let before = generation(&backend).await;
    let backend = start(left.path()).unwrap();
    assert_eq!(head(&backend).await, Ok(0), "all five were in the journal");
    assert_ne!(
        generation(&backend).await,
        before,
        "and those who have read them are told that it is another log"
    );
    assert_eq!(append(&backend, 9, 100).await.unwrap().seq, 1);
    backend.close().await;
    assert!(check(left.path()).unwrap().is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn check_and_compact_of_a_killed_relay_see_what_is_in_its_journal() {
    let left = killed().await;
    assert_eq!(check(left.path()).unwrap().whole.entries, 5);
    let left = killed().await;
    compact(left.path()).unwrap();
    let backend = start(left.path()).unwrap();
    assert_eq!(head(&backend).await, Ok(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_before_is_not_taken_for_the_one_of_its_journal() {
    let directory = TempDir::new().unwrap();
    let backend = start(directory.path()).unwrap();
    backend.create(ROOM, opening(), Right::Anybody, 0).await.unwrap();
    let before = copied(directory.path());
    append(&backend, 1, 100).await.unwrap();
    // Reaches the database, and begins another epoch.
    backend.create(RoomId([2; 32]), opening(), Right::Anybody, 0).await.unwrap();
    append(&backend, 2, 100).await.unwrap();
    std::fs::copy(directory.path().join(JOURNAL), before.path().join(JOURNAL)).unwrap();
    assert!(matches!(start(before.path()), Err(OpenError::Journal)));
}

#[tokio::test(flavor = "multi_thread")]
async fn writer_that_dies_takes_nothing_acknowledged_with_it() {
    let directory = TempDir::new().unwrap();
    let backend = start(directory.path()).unwrap();
    backend.create(ROOM, opening(), Right::Anybody, 0).await.unwrap();
    for number in 0..3 {
        append(&backend, number, 100).await.unwrap();
    }
    let store = backend.store.clone();
    let write = move || store.write(|_, _| -> Result<(Keep, ()), redb::Error> { panic!("on purpose") });
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(write)).unwrap_err();
    assert_eq!(head(&backend).await, Ok(3), "readers see it");
    let store = backend.store.clone();
    let write = move || store.write(|_, _| -> Result<(Keep, ()), redb::Error> { panic!("again") });
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(write)).unwrap_err();
    backend.close().await;
    let backend = start(directory.path()).unwrap();
    assert_eq!(head(&backend).await, Ok(3), "and so does the next start");
}

#[tokio::test(flavor = "multi_thread")]
async fn fsync_of_the_database_that_fails_once_and_is_believed_the_next_time_loses_nothing() {
    for steps in 0..30 {
        let disk = SimDisk::default();
        let backend = Redb::start(open(&disk).unwrap(), &Limits::default()).unwrap();
        backend.create(ROOM, opening(), Right::Anybody, 0).await.unwrap();
        for number in 0..3 {
            append(&backend, number, 100).await.unwrap();
        }
        disk.set_fault(Fault::Forgets(steps));
        let created = backend.create(RoomId([2; 32]), opening(), Right::Anybody, 0).await;
        let mut said = 3;
        for number in 3..6 {
            said += u64::from(append(&backend, number, 100).await.is_ok());
        }
        disk.set_fault(Fault::None);
        while head(&backend).await.is_err() {
            tokio::task::yield_now().await;
        }
        assert_eq!(head(&backend).await, Ok(said), "{steps}: {created:?}");
        // The power goes, with nothing on the disk but what an fsync has brought there.
        let backend = Redb::start(open(&SimDisk::with(disk.durable())).unwrap(), &Limits::default()).unwrap();
        assert_eq!(head(&backend).await, Ok(said), "{steps}: {created:?}");
    }
}
