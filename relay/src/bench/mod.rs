//! `relay bench`: what a relay holds, costs and withstands on this machine.
//!
//! Each scenario starts a relay of its own as another process, on the loopback interface and in a directory
//! that is removed afterwards, and compares it with something run beside it: itself without the load, or the
//! plainest program that does the same. It ends by itself. Numbers of people go in, figures come out; nothing
//! here is reached by a relay that serves.

mod attack;
mod chat;
mod churn;
mod client;
mod fanout;
mod figures;
mod flood;
mod idle;
mod live;
mod member;
mod paired;
mod peers;
mod report;
mod restart;
mod room;
mod server;
mod stalled;
mod strangers;
mod subject;
mod throughput;
mod wire;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Subcommand, value_parser};

use self::{paired::Plan, report::Report, subject::Subject};
use crate::ops::print;

/// What to measure.
#[derive(Clone, Debug, Args)]
pub struct Bench {
    /// One of them.
    #[command(subcommand)]
    scenario: Scenario,
    /// Repetitions, of which the median is printed.
    #[arg(long, global = true, value_name = "N", default_value_t = 5, value_parser = value_parser!(u8).range(1..=100))]
    repetitions: u8,
    /// Seconds of one phase. Of 400 messages in ten seconds the 99th percentile is the fourth worst: shorter phases say
    /// more about chance.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10.0)]
    seconds: f64,
    /// Directory for the relay's data, removed afterwards [default: the system's for temporary files].
    #[arg(long, global = true, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Honest members of the room whose delays are measured.
    #[arg(long, global = true, value_name = "N", default_value_t = 10, value_parser = value_parser!(u16).range(1..=120))]
    honest: u16,
    /// Messages a second of all honest members together.
    #[arg(long, global = true, value_name = "N", default_value_t = 40, value_parser = value_parser!(u16).range(1..=1000))]
    pace: u16,
}

/// What can be measured.
#[derive(Clone, Debug, Subcommand)]
enum Scenario {
    /// Members that never read: what they cost the others, and the relay's memory.
    StalledReaders(stalled::StalledReaders),
    /// Floods: what they cost honest members.
    Flood(flood::Flood),
    /// Connections that join nothing: memory for each, and bytes sent to addresses that never answered.
    Strangers(strangers::Strangers),
    /// Members who only listen: memory for each.
    IdleMembers(idle::IdleMembers),
    /// Coming and going: what stays behind in memory.
    Churn(churn::Churn),
    /// Publishes and deliveries a second, against the bare disk and bare QUIC.
    Throughput(throughput::Throughput),
    /// Messages to members who are online: what one costs, and how long it takes.
    Live(live::Live),
    /// The same beside nats-server and Mosquitto over TLS, each server on a processor of its own.
    Peers(peers::Peers),
    /// Only forwards, on one thread: `peers` runs it beside the relay.
    #[command(hide = true)]
    Plain(fanout::Plain),
    /// Stopping and starting: until everybody is back.
    Restart(restart::Restart),
}

/// How many may come, and how fast.
#[derive(Clone, Copy, Debug)]
enum Door {
    /// As many as the defaults allow.
    Guarded,
    /// As many as the scenario brings.
    Open,
    /// As many as the defaults allow, the first of them without proof of their address.
    Trusting,
    /// All is as by default, what members may say included.
    Default,
}

/// Settings that let members talk as fast as they can.
const FAST_TALK: [&str; 8] =
    ["--rate", "1000000", "--room-rate", "1000000", "--address-mib", "1000000", "--deliveries", "1000000000"];

/// Settings that let everybody in at once.
const OPEN_DOOR: [&str; 12] = [
    "--max-connections",
    "30000",
    "--handshakes-per-second",
    "1000000",
    "--handshakes-per-address",
    "1000000",
    "--retry-above",
    "100000",
    "--max-handshakes",
    "100000",
    "--rooms-per-address",
    "1000000",
];

impl Bench {
    /// Measures, prints the table for people on stderr and the JSON for programs on stdout.
    ///
    /// # Errors
    /// Whatever kept it from measuring. A goal that is missed is a figure, not an error.
    pub async fn run(&self) -> anyhow::Result<()> {
        if let Scenario::Plain(plain) = &self.scenario {
            return plain.run();
        }
        // The whole chain: what failed says little without where it did.
        let report = self.measure().await.map_err(|error| anyhow::anyhow!("{error:#}"))?;
        print::note(report.table());
        print::line(report.json())?;
        Ok(())
    }

    async fn measure(&self) -> anyhow::Result<Report> {
        match &self.scenario {
            Scenario::StalledReaders(scenario) => scenario.run(self).await,
            Scenario::Flood(scenario) => scenario.run(self).await,
            Scenario::Strangers(scenario) => scenario.run(self).await,
            Scenario::IdleMembers(scenario) => scenario.run(self).await,
            Scenario::Churn(scenario) => scenario.run(self).await,
            Scenario::Throughput(scenario) => scenario.run(self).await,
            Scenario::Live(scenario) => scenario.run(self).await,
            Scenario::Peers(scenario) => scenario.run(self).await,
            Scenario::Plain(_) => anyhow::bail!("it serves and measures nothing"),
            Scenario::Restart(scenario) => scenario.run(self).await,
        }
    }

    /// A new relay. Chatting faster than people do is what a benchmark is for, so the rate limits are lifted, unless it is
    /// they that are measured.
    async fn subject(&self, door: Door) -> anyhow::Result<Subject> {
        self.subject_of(None, door).await
    }

    /// The same of another build of this program.
    async fn subject_of(&self, program: Option<&Path>, door: Door) -> anyhow::Result<Subject> {
        let lifted: &[&str] = match door {
            Door::Guarded | Door::Default => &[],
            Door::Open => &OPEN_DOOR,
            Door::Trusting => &["--retry-above", "64"],
        };
        let talk: &[&str] = if matches!(door, Door::Default) { &[] } else { &FAST_TALK };
        let settings: Vec<String> = talk.iter().chain(lifted).map(ToString::to_string).collect();
        Subject::start(program, &self.parent(), &settings).await
    }

    /// The plainest program that does what a relay does.
    async fn plain(&self) -> anyhow::Result<Subject> {
        Subject::start(None, &self.parent(), &["bench".to_owned(), "plain".to_owned()]).await
    }

    /// Where directories for data are made.
    fn parent(&self) -> PathBuf {
        self.directory.clone().unwrap_or_else(std::env::temp_dir)
    }

    fn plan(&self) -> Plan {
        Plan {
            repetitions: self.repetitions.into(),
            time: self.time(),
            pace: Duration::from_secs(1) / u32::from(self.pace),
        }
    }

    fn time(&self) -> Duration {
        // Neither nothing nor for ever.
        Duration::from_secs_f64(self.seconds.clamp(0.1, 600.0))
    }
}
