//! Publishes and deliveries a second, against the bare disk and bare QUIC.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use quinn::Endpoint;
use redb::{Database, Durability, TableDefinition};
use tokio::task::JoinSet;

use super::{
    Bench, Door, Report,
    attack::stalled::PER_ADDRESS,
    client::{Ear, Ground, Mouth, random},
    fanout::Fanout,
    figures::number,
    member::{Listener, Member, Speaker, gather},
    room::Room,
    wire::Heard,
};
use crate::policy::limits::PAGE_CACHE;

/// Bytes of an envelope: a chat line in its smallest bucket.
const ENVELOPE: usize = 293;

/// Publishes of one writer under way at once, where deliveries are counted: below the answers that the relay
/// keeps for one stream.
const UNDER_WAY: usize = 16;

/// Scenario `throughput`.
#[derive(Clone, Debug, Args)]
pub(super) struct Throughput {
    /// Of what.
    #[arg(value_enum)]
    kind: Kind,
    /// Writers who each wait for an acknowledgement before they publish again; several numbers by commas.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 10, 100], value_parser = clap::value_parser!(u16).range(1..=1000))]
    writers: Vec<u16>,
    /// Readers of one room.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=900))]
    readers: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Publishes acknowledged, all on disk, against as many rows per transaction in the same database.
    Publishes,
    /// Deliveries to all readers of a room, against a program that only forwards.
    Deliveries,
}

impl Throughput {
    pub(super) async fn run(&self, bench: &Bench) -> anyhow::Result<Report> {
        match self.kind {
            Kind::Publishes => self.publishes(bench).await,
            Kind::Deliveries => self.deliveries(bench).await,
        }
    }

    async fn publishes(&self, bench: &Bench) -> anyhow::Result<Report> {
        let mut report = Report::new("throughput", "publishes, acknowledged on disk".into());
        for &writers in &self.writers {
            let subject = bench.subject(Door::Open).await?;
            let (_endpoints, mut crowd) = writers_in_rooms(&subject.ground()?, writers.into()).await?;
            let (mut bare, mut ours, mut ratio) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..bench.repetitions {
                let (path, time) = (subject.data_dir().join("bare.redb"), bench.time());
                let rows = usize::from(writers);
                let disk = tokio::task::spawn_blocking(move || bare_disk(&path, rows, time)).await??;
                let relay = publish(&mut crowd, time).await?;
                bare.push(disk);
                ours.push(relay);
                ratio.push(relay / disk);
            }
            report.add(format!("{writers} writers, relay"), "/s", &ours);
            report.add(format!("{writers} writers, bare redb, {writers} rows a transaction"), "/s", &bare);
            report.add(format!("{writers} writers, relay ÷ bare"), "×", &ratio);
        }
        Ok(report)
    }

    async fn deliveries(&self, bench: &Bench) -> anyhow::Result<Report> {
        let settings = format!("deliveries to {} readers of one room", self.readers);
        let mut report = Report::new("throughput", settings);
        let (mut plain, mut ours, mut ratio) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..bench.repetitions {
            let fanout = Fanout::start().await?;
            let forwarded = deliver(&fanout.ground()?, self.readers.into(), bench.time()).await?;
            drop(fanout);
            let subject = bench.subject(Door::Open).await?;
            let delivered = deliver(&subject.ground()?, self.readers.into(), bench.time()).await?;
            plain.push(forwarded);
            ours.push(delivered);
            ratio.push(delivered / forwarded);
        }
        report.add("relay", "/s", &ours);
        report.add("plain QUIC, nothing stored", "/s", &plain);
        report.add("relay ÷ plain", "×", &ratio);
        Ok(report)
    }
}

type Stream = (Mouth, Ear);

/// Each in a room of its own, so that nothing but the own publish comes back.
async fn writers_in_rooms(ground: &Ground, count: usize) -> anyhow::Result<(Vec<Endpoint>, Vec<Stream>)> {
    let (mut endpoints, mut crowd): (Vec<Endpoint>, _) = (Vec::new(), Vec::new());
    for index in 0..count {
        if index % PER_ADDRESS == 0 {
            endpoints.push(ground.endpoint(1 + index / PER_ADDRESS)?);
        }
        let connection = ground.connect(endpoints.last().context("no socket")?).await?;
        crowd.push(Room::open(&connection, 1).await?.1);
    }
    Ok((endpoints, crowd))
}

/// Publishes a second, everybody waiting for each acknowledgement.
async fn publish(crowd: &mut Vec<Stream>, time: Duration) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut writers = JoinSet::new();
    for (mut mouth, mut ear) in crowd.drain(..) {
        writers.spawn(async move {
            let mut count = 0u64;
            while begun.elapsed() < time {
                mouth.publish(vec![0; ENVELOPE]).await?;
                ear.published().await?;
                count += 1;
            }
            anyhow::Ok((count, (mouth, ear)))
        });
    }
    let mut all = 0;
    while let Some(ended) = writers.join_next().await {
        let (count, stream) = ended??;
        all += count;
        crowd.push(stream);
    }
    Ok(number(all) / begun.elapsed().as_secs_f64())
}

/// Like the relay's log: by room and number.
const ENTRIES: TableDefinition<(&[u8; 32], u64), &[u8]> = TableDefinition::new("entries");

/// Like the relay's index of publish ids.
const IDS: TableDefinition<(&[u8; 32], &[u8; 16]), u64> = TableDefinition::new("ids");

/// Rows a second, so many per transaction, each transaction on disk before the next begins.
fn bare_disk(path: &Path, rows: usize, time: Duration) -> anyhow::Result<f64> {
    let database = Database::builder().set_cache_size(PAGE_CACHE).create(path)?;
    let rooms: Vec<[u8; 32]> = (0..rows).map(|_| random()).collect::<Result<_, _>>()?;
    let (begun, mut count) = (Instant::now(), 0u64);
    while begun.elapsed() < time {
        let mut transaction = database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        {
            let mut entries = transaction.open_table(ENTRIES)?;
            let mut ids = transaction.open_table(IDS)?;
            for room in &rooms {
                entries.insert((room, count), [0; ENVELOPE].as_slice())?;
                ids.insert((room, &random::<16>()?), count)?;
                count += 1;
            }
        }
        transaction.commit()?;
    }
    Ok(number(count) / begun.elapsed().as_secs_f64())
}

/// Deliveries a second to so many readers, of what one writer publishes as fast as it may.
async fn deliver(ground: &Ground, readers: usize, time: Duration) -> anyhow::Result<f64> {
    let (heard, seconds) = Audience::of(gather(ground, readers + 1, 0).await?)?.talk(time).await?;
    Ok(heard / seconds)
}

/// One who talks, and those who listen.
pub(super) struct Audience {
    speaker: Speaker,
    listener: Listener,
    count: Arc<AtomicU64>,
    /// Listen as long as this is; their connections stay open as long as what they would say something with.
    _held: (Vec<Speaker>, JoinSet<()>),
}

impl Audience {
    /// Of these members: the first one talks.
    pub(super) fn of(members: Vec<Member>) -> anyhow::Result<Self> {
        let mut members = members.into_iter();
        let (speaker, listener) = members.next().context("nobody to talk")?;
        let (count, mut crowd, mut held) = (Arc::new(AtomicU64::new(0)), JoinSet::new(), Vec::new());
        for (speaker, mut listener) in members {
            held.push(speaker);
            let count = count.clone();
            crowd.spawn(async move {
                while let Ok(Some(heard)) = listener.next().await {
                    count.fetch_add(u64::from(matches!(heard, Heard::Delivery(_))), Ordering::Relaxed);
                }
            });
        }
        Ok(Self { speaker, listener, count, _held: (held, crowd) })
    }

    /// Publishes as fast as answers come. Says how many deliveries came meanwhile, and how many seconds it took.
    pub(super) async fn talk(&mut self, time: Duration) -> anyhow::Result<(f64, f64)> {
        let (begun, before, mut under_way) = (Instant::now(), self.count.load(Ordering::Relaxed), 0);
        while begun.elapsed() < time {
            while under_way < UNDER_WAY {
                self.speaker.publish(vec![0; ENVELOPE]).await?;
                under_way += 1;
            }
            self.listener.taken().await?;
            under_way -= 1;
        }
        let (seconds, heard) = (begun.elapsed().as_secs_f64(), self.count.load(Ordering::Relaxed) - before);
        // The answers that are still to come are not the next round's.
        while under_way > 0 {
            self.listener.taken().await?;
            under_way -= 1;
        }
        Ok((number(heard), seconds))
    }
}
