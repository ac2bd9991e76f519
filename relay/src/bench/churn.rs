//! Coming and going: what stays behind in memory.

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use quinn::Endpoint;

use super::{
    Bench, Door, Report,
    client::{Ground, join},
    figures::number,
    room::Room,
};

/// Rooms that people come to.
const ROOMS: usize = 50;

/// Members of each room.
const MEMBERS: usize = 100;

/// Who come at the same time.
const AT_ONCE: usize = 20;

/// Memory may grow by so much after the warm-up.
const GOAL: f64 = 1.02;

/// What quinn keeps of a closed connection is gone after three probe timeouts; much longer.
const SETTLE: Duration = Duration::from_secs(5);

/// Scenario `churn`.
#[derive(Clone, Debug, Args)]
pub(super) struct Churn {
    /// Connections that come, join, speak and leave in each round.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    visits: u32,
    /// Rounds before the first look, in which the allocator learns how much is needed at once.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=50))]
    warm_up: u8,
    /// Rounds, with a look at the memory after each: what leaks goes on growing, what settles does not.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=50))]
    rounds: u8,
    /// Every fourth visitor says something: then the log grows as well, and the cache of its pages, up to its
    /// bound.
    #[arg(long)]
    talk: bool,
}

impl Churn {
    pub(super) async fn run(&self, bench: &Bench) -> anyhow::Result<Report> {
        let (warm_up, rounds) = (usize::from(self.warm_up), usize::from(self.rounds));
        let (mut first, mut growth, mut speed) = (Vec::new(), vec![Vec::new(); rounds], Vec::new());
        for _ in 0..bench.repetitions {
            let subject = bench.subject(Door::Open).await?;
            let ground = subject.ground()?;
            let rooms = open(&ground).await?;
            for round in 0..warm_up {
                self.round(&ground, &rooms, round).await?;
            }
            let settle = SETTLE.min(bench.time() * 2);
            tokio::time::sleep(settle).await;
            let warm = subject.usage()?.resident;
            first.push(number(warm) / number(1u64 << 20));
            for (round, growth) in growth.iter_mut().enumerate() {
                let begun = Instant::now();
                self.round(&ground, &rooms, warm_up + round).await?;
                speed.push(number(self.visits) / begun.elapsed().as_secs_f64());
                tokio::time::sleep(settle).await;
                growth.push(number(subject.usage()?.resident) / number(warm));
            }
        }
        let settings = format!(
            "{} visits a round, {warm_up} rounds before the first look, {ROOMS} rooms of {MEMBERS}{}",
            self.visits,
            if self.talk { ", every fourth speaks" } else { "" }
        );
        let mut report = Report::new("churn", settings);
        report.add("memory after the warm-up", "MiB", &first);
        for (round, growth) in (1..).zip(&growth) {
            let what = format!("memory after {} visits ÷ after the warm-up", round * self.visits);
            match round {
                1 => report.add_with_goal(what, "×", growth, GOAL),
                _ => drop(report.add(what, "×", growth)),
            }
        }
        report.add("visits", "/s", &speed);
        Ok(report)
    }

    /// Each visitor is somebody else, from one of several addresses; every other one leaves without a word.
    async fn round(&self, ground: &Ground, rooms: &[Room], round: usize) -> anyhow::Result<()> {
        let endpoints: Vec<_> =
            (1..=AT_ONCE).map(|index| ground.endpoint(index)).collect::<Result<_, _>>()?;
        let many = self.visits as usize;
        let visits: Vec<_> = (round * many..(round + 1) * many).collect();
        for group in visits.chunks(AT_ONCE) {
            let visitors = group
                .iter()
                .zip(&endpoints)
                .map(|(visit, endpoint)| self.call(ground, endpoint, rooms, *visit));
            futures_util::future::try_join_all(visitors).await?;
        }
        for endpoint in endpoints {
            endpoint.wait_idle().await;
        }
        Ok(())
    }

    async fn call(
        &self,
        ground: &Ground,
        endpoint: &Endpoint,
        rooms: &[Room],
        visit: usize,
    ) -> anyhow::Result<()> {
        let connection = ground.connect(endpoint).await?;
        let room = rooms.get(visit % rooms.len()).context("no room")?;
        let key = room.keys.get(visit / rooms.len() % room.keys.len()).context("no key")?;
        let (mut mouth, mut ear) = join(&connection, room.id, key, 0, None).await?;
        if self.talk && visit.is_multiple_of(4) {
            mouth.publish(vec![0; 256]).await?;
            ear.published().await?;
        }
        if visit.is_multiple_of(2) {
            mouth.0.finish()?;
            // The relay may have closed it first.
            let _ = mouth.0.stopped().await;
        }
        connection.close(0u32.into(), b"");
        Ok(())
    }
}

async fn open(ground: &Ground) -> anyhow::Result<Vec<Room>> {
    let endpoint = ground.endpoint(0)?;
    let connection = ground.connect(&endpoint).await?;
    let mut rooms = Vec::new();
    for _ in 0..ROOMS {
        rooms.push(Room::open(&connection, MEMBERS).await?.0);
    }
    Ok(rooms)
}
