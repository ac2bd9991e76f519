//! Stopping and starting: until everybody is back.

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use ed25519_dalek::SigningKey;
use proto::RoomId;
use quinn::{Connection, Endpoint};
use tokio::{sync::watch, task::JoinSet, time::timeout};

use super::{
    Bench, Door, Report,
    attack::stalled::PER_ADDRESS,
    client::{Ground, PATIENCE, join},
    room::Room,
};

/// Time for one try to connect: what is lost while nobody listens is not waited for.
const TRY: Duration = Duration::from_millis(250);

/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// From the signal until the last one is back, in seconds.
const GOAL: f64 = 1.0;

/// Scenario `restart`.
#[derive(Clone, Debug, Args)]
pub(super) struct Restart {
    /// Connections, in one room.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: u16,
}

impl Restart {
    pub(super) async fn run(&self, bench: &Bench) -> anyhow::Result<Report> {
        let (mut stopping, mut first, mut last) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..bench.repetitions {
            let mut subject = bench.subject(Door::Guarded).await?;
            let ground = subject.ground()?;
            let endpoint = ground.endpoint(0)?;
            let (room, _stream) = Room::open(&ground.connect(&endpoint).await?, self.clients.into()).await?;
            let (here, mut there) = watch::channel(0u32);
            let mut clients = JoinSet::new();
            for (index, key) in room.keys.into_iter().enumerate() {
                // A socket each, as in life: a hundred goodbyes at once do not fit into the buffer of one.
                let endpoint = ground.endpoint(1 + index / PER_ADDRESS)?;
                clients.spawn(stay(ground.clone(), endpoint, room.id, key, here.clone()));
            }
            let everybody = u32::from(self.clients);
            wait(&mut there, everybody).await?;
            let begun = Instant::now();
            stopping.push(subject.restart().await?.as_secs_f64());
            wait(&mut there, everybody + 1).await?;
            first.push(begun.elapsed().as_secs_f64());
            wait(&mut there, 2 * everybody).await?;
            last.push(begun.elapsed().as_secs_f64());
        }
        let settings = format!("SIGTERM and start with {} clients who call again at once", self.clients);
        let mut report = Report::new("restart", settings);
        report.add("until the relay has ended", "s", &stopping);
        report.add("until the first client is back", "s", &first);
        report.add_with_goal("until the last client is back", "s", &last, GOAL);
        Ok(report)
    }
}

async fn wait(there: &mut watch::Receiver<u32>, joins: u32) -> anyhow::Result<()> {
    timeout(PATIENCE, there.wait_for(|count| *count >= joins))
        .await
        .context("not everybody is there in time")??;
    Ok(())
}

/// Joins, stays until the connection ends, and comes back at once.
async fn stay(ground: Ground, endpoint: Endpoint, room: RoomId, key: SigningKey, here: watch::Sender<u32>) {
    loop {
        let Ok(Ok((connection, stream))) = timeout(TRY * 20, enter(&ground, &endpoint, room, &key)).await
        else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        here.send_modify(|count| *count += 1);
        connection.closed().await;
        drop(stream);
    }
}

type Entered = (Connection, (super::client::Mouth, super::client::Ear));

async fn enter(
    ground: &Ground,
    endpoint: &Endpoint,
    room: RoomId,
    key: &SigningKey,
) -> anyhow::Result<Entered> {
    let connection = timeout(TRY, ground.connect(endpoint)).await??;
    let stream = join(&connection, room, key, 0, None).await?;
    Ok((connection, stream))
}
