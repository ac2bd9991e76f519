//! `kill -9` under load: nothing that was acknowledged or delivered is lost, doubled or moved.
//!
//! `SCHAT_CRASH_ROUNDS` raises the number of rounds (default 5); `just soak-kill` does a thousand. What is new
//! is read after each kill, the whole log after every hundred and at the end.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use proto::{CloseCode, relay::relay_frame::Frame};
use tempfile::TempDir;

use crate::{common::*, program::Program};

/// Members that publish at once.
const PUBLISHERS: u8 = 6;

/// Publishes of one member that wait for their answers at once.
const IN_FLIGHT: usize = 16;

/// Kills after which the whole log is read again.
const WHOLE: u16 = 100;

/// Long enough a log for a thousand rounds: retention is another test.
const KEEP: [&str; 4] = ["--rate", "1000000", "--keep-entries", "100000000"];

/// What the relay has told its clients, all rounds together.
#[derive(Default)]
struct Told {
    /// Acknowledged: id to position and time.
    acknowledged: Mutex<HashMap<[u8; 16], (u64, u64)>>,
    /// Delivered: position to envelope. The envelope is the publish's id.
    delivered: Mutex<BTreeMap<u64, Vec<u8>>>,
    count: AtomicUsize,
    /// What was read back.
    log: Mutex<Log>,
}

/// A log as it was read.
#[derive(Clone, Default)]
struct Log {
    /// By position: the id and the time.
    entries: BTreeMap<u64, ([u8; 16], u64)>,
    /// By id.
    positions: HashMap<[u8; 16], (u64, u64)>,
}

impl Log {
    fn head(&self) -> u64 {
        self.entries.last_key_value().map_or(0, |(seq, _)| *seq)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_relay_keeps_every_promise() {
    let rounds = std::env::var("SCHAT_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let directory = TempDir::new().unwrap();
    let told = Arc::new(Told::default());
    for round in 0..rounds {
        let mut program = Program::with(directory.path(), &KEEP);
        let client = Client::connect(program.address, directory.path()).await;
        let others = (1..PUBLISHERS).map(|publisher| member(&key(publisher + 1))).collect();
        drop(client.create(room(1), &key(1), others).await);
        check(&client, &told, round % WHOLE == 0).await;

        let mut publishers = tokio::task::JoinSet::new();
        for publisher in 0..PUBLISHERS {
            let (told, address) = (told.clone(), program.address);
            let directory = directory.path().to_owned();
            publishers.spawn(async move {
                let client = Client::connect(address, &directory).await;
                publish(&client, &told, publisher, round).await;
                client.endpoint.close(CloseCode::Done.value().into(), b"");
            });
        }
        // Another moment in each round, in the thick of it.
        let enough = told.count.load(Ordering::Relaxed) + 60 + usize::from(round) * 37 % 200;
        while told.count.load(Ordering::Relaxed) < enough {
            tokio::task::yield_now().await;
        }
        program.child.kill().unwrap();
        program.child.wait().unwrap();
        client.connection.close(0u32.into(), b"");
        publishers.abort_all();
        while publishers.join_next().await.is_some() {}
    }
    let program = Program::with(directory.path(), &KEEP);
    check(&Client::connect(program.address, directory.path()).await, &told, true).await;
    println!("{rounds} kills, {} publishes acknowledged", told.count.load(Ordering::Relaxed));
    assert!(told.count.load(Ordering::Relaxed) > 60 * usize::from(rounds));
}

/// Publishes as fast as answers come, until the relay dies.
async fn publish(client: &Client, told: &Told, publisher: u8, round: u16) {
    let after = told.log.lock().unwrap().head();
    let (mut stream, _) = client.join(room(1), &key(publisher + 1), after).await;
    let mut next = 0u32;
    let mut waiting = 0;
    loop {
        while waiting < IN_FLIGHT {
            let id = id(publisher, round, next);
            let frame = proto::relay::Publish {
                id: id.to_vec().into(),
                envelope: id.to_vec().into(),
                ..Default::default()
            };
            let frame = proto::relay::client_frame::Frame::Publish(frame);
            let frame = proto::encode_frame(&proto::relay::ClientFrame { frame: Some(frame) });
            if stream.send.write_all(&frame).await.is_err() {
                return;
            }
            next += 1;
            waiting += 1;
        }
        match stream.try_next().await {
            Some(Frame::Published(published)) => {
                let id = (*published.id).try_into().unwrap();
                let before = told.acknowledged.lock().unwrap().insert(id, (published.seq, published.at_ms));
                assert_eq!(before, None, "acknowledged twice");
                told.count.fetch_add(1, Ordering::Relaxed);
                waiting -= 1;
            }
            Some(Frame::Deliver(entry)) => {
                let envelope = entry.envelope.to_vec();
                let before = told.delivered.lock().unwrap().insert(entry.seq, envelope.clone());
                assert!(before.is_none_or(|before| before == envelope), "position {} changed", entry.seq);
            }
            Some(other) => panic!("{other:?}"),
            None => return,
        }
    }
}

/// Reads what is new in the log, or all of it, and compares it with what was ever said.
async fn check(client: &Client, told: &Told, whole: bool) {
    let mut log = if whole { Log::default() } else { told.log.lock().unwrap().clone() };
    let after = log.head();
    let (mut stream, joined) = client.join(room(1), &key(1), after).await;
    for expected in after + 1..=joined.head {
        let entry = stream.delivered().await;
        assert_eq!(entry.seq, expected, "a gap");
        let last_at_ms = log.entries.last_key_value().map_or(0, |(_, (_, at_ms))| *at_ms);
        assert!(entry.at_ms >= last_at_ms, "time went back at {expected}");
        let id: [u8; 16] = (*entry.envelope).try_into().unwrap();
        assert_eq!(log.positions.insert(id, (entry.seq, entry.at_ms)), None, "doubled");
        log.entries.insert(entry.seq, (id, entry.at_ms));
    }
    for (seq, before) in &told.log.lock().unwrap().entries {
        assert_eq!(log.entries.get(seq), Some(before), "an entry that was read before was lost or changed");
    }
    for (id, position) in told.acknowledged.lock().unwrap().iter() {
        assert_eq!(log.positions.get(id), Some(position), "an acknowledged entry was lost or moved");
    }
    for (seq, envelope) in told.delivered.lock().unwrap().iter() {
        let id = log.entries.get(seq).map(|(id, _)| &id[..]);
        assert_eq!(id, Some(&envelope[..]), "a delivered entry was lost or moved");
    }
    // Each member's publishes stand in the order in which it sent them.
    let mut last = HashMap::new();
    for (id, _) in log.entries.values() {
        let before = last.insert(id[0], &id[1..]);
        assert!(before.is_none_or(|before| before < &id[1..]), "reordered");
    }
    drop(last);
    *told.log.lock().unwrap() = log;
}

fn id(publisher: u8, round: u16, number: u32) -> [u8; 16] {
    let mut id = [0; 16];
    id[0] = publisher;
    id[1..3].copy_from_slice(&round.to_be_bytes());
    id[3..7].copy_from_slice(&number.to_be_bytes());
    id
}
