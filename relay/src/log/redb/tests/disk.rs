//! A disk that fails on purpose.

use std::{
    fs::File,
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use redb::{StorageBackend, backends::FileBackend};

use super::{super::open::Found, *};

/// A disk that is full: what the file has it keeps, and it cannot grow past `limit` bytes.
#[derive(Debug)]
struct FullDisk {
    file: FileBackend,
    limit: Arc<AtomicU64>,
}

impl FullDisk {
    fn check(&self, end: u64) -> io::Result<()> {
        let fits = end <= self.limit.load(Ordering::SeqCst);
        if fits { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }
}

impl StorageBackend for FullDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check(len)?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check(offset + data.len() as u64)?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

/// Opens the file in a directory, on a disk of so many bytes.
pub(super) fn full_disk(
    directory: &TempDir,
    limit: &Arc<AtomicU64>,
) -> Box<dyn Fn() -> Result<redb::Database, redb::DatabaseError> + Send + Sync> {
    let (path, limit) = (directory.path().join("relay.redb"), limit.clone());
    Box::new(move || {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
        let disk = FullDisk { file: FileBackend::new(file)?, limit: limit.clone() };
        redb::Database::builder().create_with_backend(disk)
    })
}

/// A log in a directory, on a disk of so many bytes.
fn on_full_disk(directory: &TempDir, limit: &Arc<AtomicU64>) -> Redb {
    let open = full_disk(directory, limit);
    let journal = |_: &_| Ok(Found::Nothing);
    let store = Store::open_with(directory.path(), open, &journal, Duration::from_millis(1)).unwrap();
    Redb::start(store, &Limits { free_space_reserve: 0, ..Limits::default() }).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_into_a_room_is_not_forgotten_when_a_round_breaks_off() {
    let (directory, limit) = (TempDir::new().unwrap(), Arc::new(AtomicU64::new(u64::MAX)));
    let backend = on_full_disk(&directory, &limit);
    backend.create(ROOM, opening(), Right::Anybody, 0).await.unwrap();
    backend.note_company(ROOM);
    limit.store(0, Ordering::SeqCst);
    backend.trim(1).await;
    assert_eq!(backend.visits.take_company().into_iter().collect::<Vec<_>>(), [ROOM]);

    backend.note_company(ROOM);
    limit.store(u64::MAX, Ordering::SeqCst);
    // As soon as the next try to reopen is due.
    while head(&backend).await != Ok(0) {
        tokio::task::yield_now().await;
    }
    backend.trim(1).await;
    assert!(backend.visits.take_company().is_empty(), "noted");
    backend.close().await;
    backend.note_company(ROOM);
    backend.trim(1).await;
    assert_eq!(backend.visits.take_company().len(), 1, "nothing is taken any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_disk_refuses_appends_serves_reads_and_recovers() {
    let (directory, limit) = (TempDir::new().unwrap(), Arc::new(AtomicU64::new(u64::MAX)));
    let (path, backend) = (directory.path().join("relay.redb"), on_full_disk(&directory, &limit));
    backend.create(ROOM, opening(), Right::Anybody, 0).await.unwrap();
    append(&backend, 1, 100).await.unwrap();

    limit.store(std::fs::metadata(&path).unwrap().len(), Ordering::SeqCst);
    assert_eq!(append(&backend, 2, 4 << 20).await, Err(AppendError::NoSpace(SpaceError::Free)));
    // At the latest when the next try to reopen is due.
    while head(&backend).await != Ok(1) {
        tokio::task::yield_now().await;
    }

    limit.store(u64::MAX, Ordering::SeqCst);
    while append(&backend, 2, 4 << 20).await != Ok(Appended { seq: 2, at_ms: 0, repeated: false }) {
        tokio::task::yield_now().await;
    }
    assert_eq!(head(&backend).await, Ok(2));
}
