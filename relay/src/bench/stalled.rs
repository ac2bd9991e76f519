//! Members that never read: what they cost the others, and the relay's memory.

use clap::Args;

use super::{
    Bench, Door, Report,
    attack::stalled::{Manner, stall},
    chat::Chat,
    figures::number,
    paired::compare,
};
use crate::policy::limits::{Limits, READ_BYTES};

/// Bytes of a connection and a joined stream besides what waits to be sent: measured by `idle-members`, and
/// generously rounded up.
const CONNECTION: u64 = 128 << 10;

/// One part in so many of the rest is what the allocator keeps between what is in use: twice what was measured.
const SLACK: u64 = 8;

/// Others may be this much slower, 99 of 100 times.
const GOAL: f64 = 1.1;

/// Scenario `stalled-readers`.
#[derive(Clone, Debug, Args)]
pub(super) struct StalledReaders {
    /// How many of them.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=900))]
    stalled: u16,
    /// How they do not read.
    #[arg(long, value_enum, default_value = "unacknowledged")]
    manner: Manner,
}

impl StalledReaders {
    pub(super) async fn run(&self, bench: &Bench) -> anyhow::Result<Report> {
        let subject = bench.subject(Door::Open).await?;
        let ground = subject.ground()?;
        let stalled = usize::from(self.stalled);
        let (mut chat, room, keys) = Chat::open(&ground, bench.honest.into(), stalled + 1).await?;
        let attack = || stall(ground.clone(), room, keys.clone(), self.manner);
        let pairs = compare(&subject, &mut chat, bench.plan(), attack).await?;

        let settings =
            format!("{stalled} members who do not read ({:?}), {} who do", self.manner, bench.honest);
        let mut report = Report::new("stalled-readers", settings);
        pairs.report(&mut report, "stalled members joined", GOAL);
        // The first time counts most: later on the allocator gives again what it got back.
        let most = pairs.memory.iter().copied().fold(0.0, f64::max) / number(stalled) / 1024.0;
        report.add_with_goal("memory per stalled member, at most", "KiB", &[most], number(budget()) / 1024.0);
        Ok(report)
    }
}

/// What one stalled member may cost the relay, in bytes: what was sent and not acknowledged, one read of the
/// log, of which one entry is in memory once more as a frame, and the connection itself; and what the allocator adds.
fn budget() -> u64 {
    let used = u64::from(Limits::default().send_window) + 2 * READ_BYTES as u64 + CONNECTION;
    used + used / SLACK
}
