//! The servers that people would otherwise run, under the same load in the same run: what a delivery costs, how long it
//! takes, and how many there are in a second.
//!
//! All of them speak TLS 1.3. The relay keeps what it delivers, and confirms and delivers it only when it is on the disk; the
//! others keep nothing.

mod pin;
mod plot;

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use self::pin::Division;
use super::{
    Bench, Door, Report,
    figures::number,
    live::{FIGURES, Pace, Shown},
    server::{Kind, Peer, Server},
};
use crate::ops::print;

/// Scenario `peers`.
#[derive(Clone, Debug, Args)]
pub(super) struct Peers {
    /// Members of the room; several numbers by commas.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [10, 100, 1000], value_parser = clap::value_parser!(u16).range(2..=1000))]
    members: Vec<u16>,
    /// Only one of both.
    #[arg(long, value_enum)]
    only: Option<Pace>,
    /// Members who are connected and say nothing, where memory is measured.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=5000))]
    idle: u16,
    /// The program of nats-server [default: the one on the search path].
    #[arg(long, value_name = "PROGRAM")]
    nats: Option<PathBuf>,
    /// The program of Mosquitto [default: the one on the search path].
    #[arg(long, value_name = "PROGRAM")]
    mosquitto: Option<PathBuf>,
    /// Draws the figures into a file (SVG).
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// A server and what it showed.
struct Runner {
    which: Which,
    shown: Shown,
    idle: Vec<f64>,
}

/// Which server.
enum Which {
    Relay,
    /// Only forwards, by the same QUIC on one thread: what is left to win.
    Plain,
    Peer(Kind, PathBuf),
}

impl Peers {
    pub(super) async fn run(&self, bench: &Bench) -> anyhow::Result<Report> {
        let division = Division::new()?;
        if let Some(division) = &division {
            division.keep_load_apart()?;
        }
        let apart = if division.is_some() {
            "a processor for the server, the others for the load"
        } else {
            "one processor for all"
        };
        let mut report = Report::new("peers", format!("deliveries to members who are online; {apart}"));
        let mut bars = Vec::new();
        for &members in &self.members {
            let mut runners = self.runners();
            for _ in 0..bench.repetitions {
                for runner in &mut runners {
                    for pace in Pace::both(self.only) {
                        let server = runner.start(bench, division.as_ref()).await?;
                        pace.measure(&server, members.into(), bench, &mut runner.shown).await?;
                    }
                }
            }
            for (what, unit, figure) in FIGURES {
                let name = format!("{members} members, {what}");
                bars.push(add(&mut report, &name, unit, &runners, |runner| figure(&runner.shown)));
            }
        }
        let mut runners = self.runners();
        for _ in 0..bench.repetitions {
            for runner in &mut runners {
                let server = runner.start(bench, division.as_ref()).await?;
                let before = server.usage()?.resident;
                let _members = server.gather(self.idle.into(), false).await?;
                let grown = server.usage()?.resident.saturating_sub(before);
                runner.idle.push(number(grown) / number(self.idle) / 1024.0);
            }
        }
        bars.push(add(&mut report, "memory per idle member", "KiB", &runners, |runner| &runner.idle));
        if let Some(path) = &self.plot {
            std::fs::write(path, plot::svg(&bars)).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(report)
    }

    /// The relay, the plainest one, and those others that are installed.
    fn runners(&self) -> Vec<Runner> {
        let peers = [(Kind::Nats, &self.nats), (Kind::Mosquitto, &self.mosquitto)];
        let found = peers.into_iter().filter_map(|(kind, program)| {
            let program = program.clone().or_else(|| on_path(kind.name()));
            if program.is_none() {
                print::note(format!(
                    "{} is not here and not measured; {} brings it.",
                    kind.name(),
                    kind.source()
                ));
            }
            Some(Which::Peer(kind, program?))
        });
        let runner = |which| Runner { which, shown: Shown::default(), idle: Vec::new() };
        [Which::Relay, Which::Plain].into_iter().chain(found).map(runner).collect()
    }
}

impl Runner {
    fn name(&self) -> &'static str {
        match &self.which {
            Which::Relay => "relay",
            Which::Plain => "plain QUIC",
            Which::Peer(kind, _) => kind.name(),
        }
    }

    async fn start(&self, bench: &Bench, division: Option<&Division>) -> anyhow::Result<Server> {
        let server = match &self.which {
            Which::Relay => Server::Relay(bench.subject(Door::Open).await?),
            Which::Plain => Server::Relay(bench.plain().await?),
            Which::Peer(kind, program) => Server::Peer(Peer::start(*kind, program, &bench.parent()).await?),
        };
        if let Some(division) = division {
            division.keep_server_apart(server.process())?;
        }
        Ok(server)
    }
}

/// A row for each server, and one for each ratio. Returns what there is to draw.
fn add(
    report: &mut Report,
    what: &str,
    unit: &'static str,
    runners: &[Runner],
    values: impl Fn(&Runner) -> &Vec<f64>,
) -> plot::Group {
    let mut bars = Vec::new();
    let ours = runners.first().map(&values);
    for runner in runners {
        let theirs = values(runner);
        if theirs.is_empty() {
            continue;
        }
        bars.push((runner.name(), report.add(format!("{what}: {}", runner.name()), unit, theirs)));
        if let Some(ours) = ours.filter(|_| !matches!(runner.which, Which::Relay)) {
            // A phase so short that no time was counted compares with nothing.
            let ratios: Vec<_> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
            if ratios.iter().all(|ratio| ratio.is_finite()) {
                report.add(format!("{what}: relay ÷ {}", runner.name()), "×", &ratios);
            }
        }
    }
    plot::Group { title: format!("{what}, {unit}"), bars }
}

/// A program on the search path.
fn on_path(name: &str) -> Option<PathBuf> {
    // Mosquitto stands among the programs of the administrator.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut directories: Vec<_> = std::env::split_paths(&path).collect();
    directories.push("/usr/sbin".into());
    directories.into_iter().map(|directory| directory.join(name)).find(|program| program.is_file())
}
