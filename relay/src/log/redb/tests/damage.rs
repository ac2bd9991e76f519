//! Entries that are damaged, and those of before there were checksums.

use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use super::*;
use crate::policy::limits::Retention;

const ENTRIES: TableDefinition<(&[u8; 32], u64), &[u8]> = TableDefinition::new("entries");
const FORMAT: TableDefinition<(), u64> = TableDefinition::new("format");
const ROOMS: TableDefinition<&[u8; 32], tables::RoomRow> = TableDefinition::new("keyed_rooms");

async fn filled(directory: &Path) {
    let backend = Redb::open(directory, &Limits::default()).unwrap();
    backend.create(ROOM, opening(), Right::Anybody, 5).await.unwrap();
    for number in 0..5 {
        append(&backend, number, 100).await.unwrap();
    }
    backend.close().await;
}

/// Changes the rows of entries of a stopped relay, and what the room says of their size.
fn change(directory: &Path, change: impl Fn(u64, &mut Vec<u8>)) {
    let database = redb::Database::open(directory.join(DATABASE)).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut entries = transaction.open_table(ENTRIES).unwrap();
        let mut bytes = 0;
        for seq in 1..=5 {
            let mut row = entries.get((&ROOM.0, seq)).unwrap().unwrap().value().to_vec();
            change(seq, &mut row);
            bytes += row.len() as u64;
            entries.insert((&ROOM.0, seq), &*row).unwrap();
        }
        let mut rooms = transaction.open_table(ROOMS).unwrap();
        let mut room = rooms.get(&ROOM.0).unwrap().unwrap().value();
        room.4 = bytes;
        rooms.insert(&ROOM.0, room).unwrap();
    }
    transaction.commit().unwrap();
}

fn format(directory: &Path, version: Option<u64>) -> u64 {
    let database = redb::Database::open(directory.join(DATABASE)).unwrap();
    if let Some(version) = version {
        let transaction = database.begin_write().unwrap();
        transaction.open_table(FORMAT).unwrap().insert((), version).unwrap();
        if (2..=3).contains(&version) {
            let mut before = transaction.open_table(formats::ROOMS).unwrap();
            for row in transaction.open_table(ROOMS).unwrap().iter().unwrap() {
                let (id, row) = row.unwrap();
                let (head, oldest, last_commit, last_at_ms, bytes, keys, ..) = row.value();
                before.insert(id.value(), (head, oldest, last_commit, last_at_ms, bytes, keys)).unwrap();
            }
            transaction.delete_table(ROOMS).unwrap();
        }
        if version == 4 {
            let mut before = transaction.open_table(formats::SIZED_ROOMS).unwrap();
            for row in transaction.open_table(ROOMS).unwrap().iter().unwrap() {
                let (id, row) = row.unwrap();
                let (head, oldest, last_commit, last_at_ms, bytes, keys, slots, ..) = row.value();
                before
                    .insert(id.value(), (head, oldest, last_commit, last_at_ms, bytes, keys, slots))
                    .unwrap();
            }
            transaction.delete_table(ROOMS).unwrap();
        }
        if (5..=6).contains(&version) {
            let mut before = transaction.open_table(formats::HELD_ROOMS).unwrap();
            for row in transaction.open_table(ROOMS).unwrap().iter().unwrap() {
                let (id, row) = row.unwrap();
                let (head, oldest, last_commit, last_at_ms, bytes, keys, slots, frozen, _) = row.value();
                let row = (head, oldest, last_commit, last_at_ms, bytes, keys, slots, frozen);
                before.insert(id.value(), row).unwrap();
            }
            transaction.delete_table(ROOMS).unwrap();
        }
        transaction.commit().unwrap();
    }
    let reader = database.begin_read().unwrap();
    reader.open_table(FORMAT).unwrap().get(()).unwrap().unwrap().value()
}

async fn read(backend: &Redb) -> (usize, bool) {
    let Ok(Measured::Ready(batch)) = backend.read(author(), 0, usize::MAX).await else { panic!() };
    (batch.entries.len(), batch.damaged)
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_the_format_before_is_read_and_nothing_of_it_is_lost() {
    let directory = TempDir::new().unwrap();
    filled(directory.path()).await;
    change(directory.path(), |_, row| drop(row.drain(PublishId::LEN..row::ENTRY)));
    assert_eq!(format(directory.path(), Some(2)), 2);

    let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
    assert_eq!(read(&backend).await, (5, false));
    assert!(backend.survey().unwrap().is_whole());
    assert_eq!(backend.overview().await.unwrap().slot_bytes, 8, "counted when it was opened");
    assert!(append(&backend, 3, 100).await.unwrap().repeated, "compared with what is there");
    assert_eq!(append(&backend, 9, 100).await.unwrap().seq, 6);
    backend.trim(1).await;
    assert_eq!(read(&backend).await, (6, false));
    backend.close().await;
    assert_eq!(format(directory.path(), None), formats::VERSION, "a program of before refuses it");

    for other in [1, formats::VERSION + 1] {
        format(directory.path(), Some(other));
        assert!(matches!(Redb::open(directory.path(), &Limits::default()), Err(OpenError::Format)));
        assert_eq!(format(directory.path(), None), other, "and it is left as it is");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_the_last_formats_is_taken_over_whole() {
    for version in [4, 5, 6] {
        let directory = TempDir::new().unwrap();
        filled(directory.path()).await;
        assert_eq!(format(directory.path(), Some(version)), version);
        let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
        assert_eq!(read(&backend).await, (5, false));
        let overview = backend.overview().await.unwrap();
        assert_eq!((overview.slot_bytes, overview.frozen, overview.dropped), (8, 0, 0));
        assert!(backend.survey().unwrap().is_whole());
        assert_eq!(append(&backend, 9, 100).await.unwrap().seq, 6);
        backend.close().await;
        assert_eq!(format(directory.path(), None), formats::VERSION);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_entry_goes_with_its_id_and_other_rooms_do_not_wait_for_it() {
    let directory = TempDir::new().unwrap();
    filled(directory.path()).await;
    // In its id, and in its time.
    change(directory.path(), |seq, row| match seq {
        2 => row[0] ^= 1,
        3 => row[row::ENTRY + 3] ^= 0x40,
        _ => {}
    });
    let backend = Redb::open(directory.path(), &Limits::default()).unwrap();
    assert_eq!(read(&backend).await, (1, true));
    assert_eq!(append(&backend, 2, 100).await, Err(AppendError::Damaged));
    let survey = backend.survey().unwrap();
    assert_eq!(survey.damaged, [(ROOM, "an entry is damaged".to_owned())]);

    let retention = Retention { entries: 2, ..Retention::default() };
    backend.reload(&Limits { retention, ..Limits::default() });
    backend.trim(1).await;
    assert_eq!(backend.overview().await.unwrap().entries, 2);
    assert!(backend.survey().unwrap().is_whole(), "{:?}", backend.survey());
    assert_eq!(append(&backend, 2, 100).await.unwrap().seq, 6, "nobody remembers it");
}
