//! Connections that join nothing: memory for each, and bytes sent to addresses that never answered.

use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use proto::MAX_COMMIT_FRAME;
use quinn::{Connection, Endpoint, RecvStream, SendStream, TransportConfig};
use tokio::net::UdpSocket;

use super::{
    Bench, Door, Report,
    attack::{
        holes::{GIVE_UP, STREAMS, dig, full_of_holes},
        initials,
        stalled::PER_ADDRESS,
    },
    client::{Ground, address},
    figures::number,
};

/// Memory for one stranger, in KiB.
const MEMORY_GOAL: f64 = 512.0;

/// Bytes sent for each byte received before an address has proved itself (RFC 9000, 8.1).
const AMPLIFICATION_GOAL: f64 = 3.0;

/// For so long the relay repeats what was not acknowledged: its handshake timeout, and some.
const LISTEN: Duration = Duration::from_secs(12);

/// Between two looks at the memory, while strangers do what they do.
const LOOK: Duration = Duration::from_millis(200);

/// Scenario `strangers`.
#[derive(Clone, Debug, Args)]
pub(super) struct Strangers {
    /// What they do.
    #[arg(value_enum)]
    kind: Kind,
    /// How many of them.
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u16).range(1..=4000))]
    strangers: u16,
    /// Seconds to listen for echoes.
    #[arg(long, value_name = "SECONDS", default_value_t = LISTEN.as_secs())]
    listen: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Nothing after the handshake.
    Idle,
    /// Nothing after the first packets.
    HalfOpen,
    /// Streams, as many as they may, each with the beginning of a frame.
    Streams,
    /// As much as they may of the greatest frame, on every stream.
    Frames,
    /// Stream data with holes, on every stream.
    Gaps,
    /// Bytes that come back to an address which never answered.
    Amplification,
}

/// What a stranger holds on to.
type Held = (Connection, Vec<(SendStream, RecvStream)>);

impl Strangers {
    pub(super) async fn run(&self, bench: &Bench) -> anyhow::Result<Report> {
        let settings = format!("{:?}, {} strangers", self.kind, self.strangers);
        let mut report = Report::new("strangers", settings);
        if self.kind == Kind::Amplification {
            self.amplification(bench, &mut report).await?;
            return Ok(report);
        }
        let mut each = Vec::new();
        for _ in 0..bench.repetitions {
            each.push(self.memory(bench).await? / 1024.0);
        }
        report.add_with_goal("memory per stranger", "KiB", &each, MEMORY_GOAL);
        Ok(report)
    }

    /// The greatest memory that one stranger cost, in bytes.
    async fn memory(&self, bench: &Bench) -> anyhow::Result<f64> {
        let subject = bench.subject(Door::Open).await?;
        let ground = match self.kind {
            Kind::Gaps => full_of_holes(&subject.ground()?, STREAMS)?,
            _ => subject.ground()?,
        };
        warm_up(&subject.ground()?).await?;
        subject.forget_peak()?;
        let before = subject.usage()?.resident;
        let strangers = usize::from(self.strangers);
        if self.kind == Kind::HalfOpen {
            half_open(&ground, strangers).await?;
        } else {
            // All at once: strangers who join nothing are sent away after a while.
            let mut endpoints: Vec<Endpoint> = Vec::new();
            for index in 0..strangers.div_ceil(PER_ADDRESS) {
                endpoints.push(ground.endpoint_with(1 + index, TransportConfig::default())?);
            }
            let places = endpoints.iter().flat_map(|endpoint| std::iter::repeat_n(endpoint, PER_ADDRESS));
            let (ground, this) = (&ground, self);
            let act = |endpoint| async move { this.act(ground.connect(endpoint).await?).await };
            let held = futures_util::future::try_join_all(places.take(strangers).map(act)).await?;
            tokio::time::sleep(LOOK).await;
            // Whoever is refused in the end has held it until then.
            drop(held);
        }
        let peak = subject.usage()?.peak;
        Ok((number(peak) - number(before)) / number(strangers))
    }

    async fn act(&self, connection: Connection) -> anyhow::Result<Held> {
        let mut streams = Vec::new();
        match self.kind {
            Kind::Gaps => {
                // The relay may end this, and need not wait for it.
                let _ = tokio::time::timeout(GIVE_UP, dig(&connection)).await;
            }
            Kind::Streams => fill(&connection, &mut streams, 1).await,
            Kind::Frames => fill(&connection, &mut streams, FRAME_PART).await,
            Kind::Idle | Kind::HalfOpen | Kind::Amplification => {}
        }
        Ok((connection, streams))
    }

    async fn amplification(&self, bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
        let cases = [
            ("the first datagram", 1, Door::Guarded),
            ("the whole first flight", 2, Door::Guarded),
            ("the whole first flight, with --retry-above 64", 2, Door::Trusting),
        ];
        for (what, datagrams, door) in cases {
            let mut factors = Vec::new();
            for _ in 0..bench.repetitions {
                let subject = bench.subject(door).await?;
                let flights = initials::record(&subject.ground()?, 1).await?;
                let flight =
                    flights.first().and_then(|flight| flight.get(..datagrams)).context("no flight")?;
                let echo = initials::echo(subject.address, flight, Duration::from_secs(self.listen)).await?;
                factors.push(number(echo.received) / number(echo.sent));
            }
            report.add_with_goal(format!("bytes back per byte, {what}"), "×", &factors, AMPLIFICATION_GOAL);
        }
        Ok(())
    }
}

/// Bytes of a large frame sent on each stream.
const FRAME_PART: usize = 32 << 10;

/// Opens streams until the relay allows no more, with the beginning of the greatest frame on each.
async fn fill(connection: &Connection, streams: &mut Vec<(SendStream, RecvStream)>, bytes: usize) {
    let length = u32::try_from(MAX_COMMIT_FRAME).unwrap_or(u32::MAX).to_be_bytes();
    let patience = Duration::from_secs(1);
    while let Ok(Ok((mut send, recv))) = tokio::time::timeout(patience, connection.open_bi()).await {
        let mut part = vec![0; bytes.max(length.len())];
        if let Some(start) = part.get_mut(..length.len()) {
            start.copy_from_slice(&length);
        }
        let sent = part.get(..bytes).unwrap_or_default();
        // Flow control may not let all of it through.
        let all = tokio::time::timeout(patience, send.write_all(sent)).await;
        streams.push((send, recv));
        if all.is_err() {
            break;
        }
    }
}

/// What is allocated once is not a stranger's.
async fn warm_up(ground: &Ground) -> anyhow::Result<()> {
    for index in 0..8 {
        let endpoint = ground.endpoint(200 + index)?;
        ground.connect(&endpoint).await?.close(0u32.into(), b"");
        endpoint.wait_idle().await;
    }
    Ok(())
}

/// Begins handshakes and never answers.
async fn half_open(ground: &Ground, count: usize) -> anyhow::Result<()> {
    let flights = initials::record(ground, count).await?;
    for (index, flight) in flights.iter().enumerate() {
        let socket = UdpSocket::bind((address(1 + index / PER_ADDRESS), 0)).await?;
        for datagram in flight {
            socket.send_to(datagram, ground.relay).await?;
        }
    }
    tokio::time::sleep(LOOK * 5).await;
    Ok(())
}
