//! What the watchdog hangs on: whether the writer answers.

use std::{
    io,
    sync::{Condvar, PoisonError},
    time::Duration,
};

use redb::{StorageBackend, backends::InMemoryBackend};
use tokio::sync::Notify;

use super::{super::open::Found, *};

/// A disk whose fsync hangs while told so.
#[derive(Debug)]
struct Hanging {
    memory: InMemoryBackend,
    switch: Arc<Switch>,
}

#[derive(Debug, Default)]
struct Switch {
    hangs: Mutex<bool>,
    changed: Condvar,
    /// Somebody waits for the disk.
    reached: Notify,
}

impl Switch {
    fn set(&self, hangs: bool) {
        *self.hangs.lock().unwrap() = hangs;
        self.changed.notify_all();
    }
}

impl StorageBackend for Hanging {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.memory.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.memory.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let hangs = self.switch.hangs.lock().unwrap();
        if *hangs {
            self.switch.reached.notify_one();
        }
        drop(self.switch.changed.wait_while(hangs, |hangs| *hangs).unwrap_or_else(PoisonError::into_inner));
        self.memory.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.memory.write(offset, data)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writer_that_waits_for_its_disk_does_not_answer_and_then_does() {
    let directory = TempDir::new().unwrap();
    let switch = Arc::<Switch>::default();
    let open = {
        let switch = switch.clone();
        move || {
            let disk = Hanging { memory: InMemoryBackend::new(), switch: switch.clone() };
            redb::Database::builder().create_with_backend(disk)
        }
    };
    let store =
        Store::open_with(directory.path(), Box::new(open), &|_| Ok(Found::Nothing), Duration::from_millis(1))
            .unwrap();
    let backend = Redb::start(store, &Limits { free_space_reserve: 0, ..Limits::default() }).unwrap();
    assert_eq!(missing(&backend.probe().await), Ok((None, false)));

    switch.set(true);
    let created = backend.create(ROOM, opening(), Right::Anybody, 0);
    tokio::pin!(created);
    tokio::select! {
        _ = &mut created => panic!("created without the disk"),
        () = switch.reached.notified() => {}
    }
    let probe = backend.probe();
    tokio::pin!(probe);
    tokio::select! {
        biased;
        health = &mut probe => panic!("answered from a stuck writer: {health:?}"),
        () = tokio::task::yield_now() => {}
    }
    switch.set(false);
    created.await.unwrap();
    assert_eq!(missing(&probe.await), Ok((None, false)));
    backend.close().await;
    assert_eq!(backend.probe().await, Err(Unavailable), "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_below_the_reserve_is_told() {
    let directory = TempDir::new().unwrap();
    let backend = Redb::open(directory.path(), &Limits { free_space_reserve: u64::MAX, ..Limits::default() });
    assert_eq!(missing(&backend.unwrap().probe().await), Ok((Some(SpaceError::Free), false)));
}

/// What is missing, and whether the disk refused the last write.
fn missing(health: &Result<Health, Unavailable>) -> Result<(Option<SpaceError>, bool), Unavailable> {
    health.map(|health| (health.missing, health.is_full))
}
