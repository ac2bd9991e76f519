//! Members who only listen: memory for each.

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use quinn::{Connection, Endpoint, TransportConfig, VarInt};

use super::{
    Bench, Door, Report,
    attack::stalled::PER_ADDRESS,
    client::{Ear, Ground, Mouth, join},
    figures::number,
    room::Room,
    subject::Subject,
};

/// Members of each room.
const ROOM: usize = 50;

/// Bytes that idle clients allow: there is little to say.
const WINDOW: u32 = 16 << 10;

/// Time for what joining has left behind to settle.
const SETTLE: Duration = Duration::from_secs(3);

/// Scenario `idle-members`.
#[derive(Clone, Debug, Args)]
pub(super) struct IdleMembers {
    /// How many, one connection each; several numbers by commas.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1000, 5000], value_parser = clap::value_parser!(u16).range(1..=20_000))]
    members: Vec<u16>,
    /// Rooms that each connection joins.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    rooms: u16,
}

/// A connected member.
type Member = (Connection, Vec<(Mouth, Ear)>);

impl IdleMembers {
    pub(super) async fn run(&self, bench: &Bench) -> anyhow::Result<Report> {
        let settings = format!("rooms of {ROOM}, {} per connection", self.rooms);
        let mut report = Report::new("idle-members", settings);
        for &members in &self.members {
            let (mut each, mut busy, mut joins) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..bench.repetitions {
                let subject = bench.subject(Door::Open).await?;
                let before = subject.usage()?.resident;
                let begun = Instant::now();
                let crowd = gather(&subject.ground()?, members.into(), self.rooms.into()).await?;
                joins.push(number(members) / begun.elapsed().as_secs_f64());
                tokio::time::sleep(SETTLE.min(bench.time() * 2)).await;
                each.push((number(subject.usage()?.resident) - number(before)) / number(members) / 1024.0);
                busy.push(idle(&subject, bench.time()).await?);
                drop(crowd);
            }
            report.add(format!("memory per member, {members} of them"), "KiB", &each);
            report.add(format!("relay's processors, {members} idle"), "cores", &busy);
            report.add(format!("connects and joins, {members}"), "/s", &joins);
        }
        Ok(report)
    }
}

/// Processors that the relay uses while nobody says anything.
async fn idle(subject: &Subject, time: Duration) -> anyhow::Result<f64> {
    let before = subject.usage()?.processor;
    tokio::time::sleep(time).await;
    Ok((subject.usage()?.processor - before) / time.as_secs_f64())
}

async fn gather(
    ground: &Ground,
    members: usize,
    rooms: usize,
) -> anyhow::Result<(Vec<Endpoint>, Vec<Member>)> {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    let mut crowd: Vec<Member> = Vec::with_capacity(members);
    while crowd.len() < members {
        let count = ROOM.min(members - crowd.len());
        let mut group = Vec::with_capacity(count);
        for index in crowd.len()..crowd.len() + count {
            if index % PER_ADDRESS == 0 {
                endpoints.push(ground.endpoint_with(1 + index / PER_ADDRESS, transport())?);
            }
            group.push((ground.connect(endpoints.last().context("no socket")?).await?, Vec::new()));
        }
        for _ in 0..rooms {
            seat(&mut group).await?;
        }
        crowd.append(&mut group);
    }
    Ok((endpoints, crowd))
}

/// Opens a room in which the whole group is.
async fn seat(group: &mut [Member]) -> anyhow::Result<()> {
    let count = group.len();
    let Some(((opener, streams), others)) = group.split_first_mut() else { return Ok(()) };
    let (room, stream) = Room::open(opener, count).await?;
    streams.push(stream);
    for ((connection, streams), key) in others.iter_mut().zip(room.keys.iter().skip(1)) {
        streams.push(join(connection, room.id, key, 0, None).await?);
    }
    Ok(())
}

fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    let window = VarInt::from_u32(WINDOW);
    transport.stream_receive_window(window).receive_window(window);
    transport
}
