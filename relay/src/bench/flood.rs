//! Floods: what they cost honest members.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{
    Bench, Door, Report,
    attack::{
        Attack, cards, frames, hoards, holes, idle, initials, migrations, neighbour, repeats, rooms, signals,
        streams, tcp,
    },
    chat::Chat,
    figures::number,
    paired::{Plan, compare},
};

/// Honest members may be this much slower, 99 of 100 times.
const GOAL: f64 = 2.0;

/// First flights that are recorded: more than the relay has handshakes under way, so that none is a
/// repetition.
const FLIGHTS: usize = 2000;

/// Scenario `flood`.
#[derive(Clone, Debug, Args)]
pub(super) struct Flood {
    /// Of what.
    #[arg(value_enum)]
    kind: Kind,
    /// Handshakes begun a second; the default is ten times what the relay takes from strangers.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    handshakes: u32,
    /// Source addresses of the other floods.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=200))]
    places: u16,
    /// Lift the limits on handshakes, so that more of the flood comes through the door.
    #[arg(long)]
    open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// First packets that nothing follows, each from another socket.
    Handshakes,
    /// Streams that are refused.
    Streams,
    /// Stream data with holes, which the relay has to keep.
    Gaps,
    /// Connections that change their address a hundred times a second.
    Migrations,
    /// Frames over the limit, and frames of the greatest length in drops.
    Frames,
    /// Whole handshakes over TCP and TLS.
    TcpHandshakes,
    /// As `frames`, over TCP.
    TcpFrames,
    /// Small messages in rooms whose oldest one is large.
    Rooms,
    /// One message that is sent again and again.
    Repeats,
    /// Signals in one room of many.
    Signals,
    /// Rooms that are opened with as many invites and cards as a first frame has room for.
    Cards,
    /// Members who announce the greatest frames and send none.
    Announced,
    /// Members who send them as slowly as they may.
    SlowSenders,
    /// Members who read them as slowly as they may.
    SlowReaders,
    /// Frames of yamux that carry nothing.
    TcpEmptyFrames,
    /// Empty pieces of one WebSocket message.
    TcpEmptyPieces,
    /// Nothing at all, by a thread as busy as an attacker's: what the others are to be compared with on a machine that is shared.
    Neighbour,
}

/// Least time between two messages of honest members where their own limits are not lifted: their room may say 1,000 a
/// minute.
const LIMITED_PACE: Duration = Duration::from_millis(70);

/// The same of one of them, who may say 100 a minute.
const MEMBER_PACE: Duration = Duration::from_millis(650);

impl Kind {
    /// Whether it comes from members, whom the limits on what is said hold back.
    fn is_of_members(self) -> bool {
        matches!(self, Self::Rooms | Self::Repeats | Self::Signals)
    }
}

impl Flood {
    pub(super) async fn run(&self, bench: &Bench) -> anyhow::Result<Report> {
        let door = match self.open {
            true => Door::Open,
            false if self.kind.is_of_members() => Door::Default,
            false => Door::Guarded,
        };
        let subject = bench.subject(door).await?;
        let mut plan = bench.plan();
        if matches!(door, Door::Default) {
            let least = LIMITED_PACE.max(MEMBER_PACE / u32::from(bench.honest));
            plan = Plan { pace: plan.pace.max(least), ..plan };
        }
        let ground = subject.ground()?;
        let (mut chat, ..) = Chat::open(&ground, bench.honest.into(), 0).await?;
        let places = usize::from(self.places);
        let flights = match self.kind {
            Kind::Handshakes => initials::record(&ground, FLIGHTS).await?,
            _ => Vec::new(),
        };
        let attack = || -> anyhow::Result<Attack> {
            match self.kind {
                Kind::Handshakes => initials::attack(&ground, flights.clone(), self.handshakes),
                Kind::Streams => streams::attack(ground.clone(), places),
                Kind::Gaps => holes::attack(&ground, places),
                Kind::Migrations => migrations::attack(ground.clone(), places),
                Kind::Frames => frames::attack(ground.clone(), places),
                Kind::TcpHandshakes => tcp::handshakes(ground.clone(), places),
                Kind::TcpFrames => tcp::frames(ground.clone(), places),
                Kind::Rooms => rooms::attack(ground.clone(), places),
                Kind::Repeats => repeats::attack(ground.clone(), places),
                Kind::Signals => signals::attack(ground.clone(), places),
                Kind::Cards => cards::attack(ground.clone(), places),
                Kind::Announced => hoards::attack(ground.clone(), places, hoards::Manner::Announced),
                Kind::SlowSenders => hoards::attack(ground.clone(), places, hoards::Manner::Senders),
                Kind::SlowReaders => hoards::attack(ground.clone(), places, hoards::Manner::Readers),
                Kind::TcpEmptyFrames => idle::attack(ground.clone(), places, idle::Kind::Frames),
                Kind::TcpEmptyPieces => idle::attack(ground.clone(), places, idle::Kind::Pieces),
                Kind::Neighbour => neighbour::attack(),
            }
        };
        let pairs = compare(&subject, &mut chat, plan, attack).await?;

        let (tries, from) = match self.kind {
            Kind::Handshakes => ("flood: handshakes begun", "64 sockets".to_owned()),
            Kind::Streams => ("flood: streams opened", format!("{places} addresses")),
            Kind::Gaps => ("flood: connections full of holes", format!("{places} addresses")),
            Kind::Migrations => ("flood: changes of address", format!("{places} connections")),
            Kind::Frames => ("flood: frames announced", format!("{places} addresses")),
            Kind::TcpHandshakes => ("flood: TCP handshakes", format!("{places} addresses")),
            Kind::TcpFrames => ("flood: frames announced over TCP", format!("{places} addresses")),
            Kind::Rooms => ("flood: small messages after a large one", format!("{places} addresses")),
            Kind::Repeats => ("flood: times that a message was sent", format!("{places} addresses")),
            Kind::Signals => ("flood: signals", format!("{places} addresses")),
            Kind::Cards => ("flood: rooms opened with cards", format!("{places} addresses")),
            Kind::Announced => ("flood: great frames announced", format!("{places} addresses")),
            Kind::SlowSenders => ("flood: great frames begun", format!("{places} addresses")),
            Kind::SlowReaders => ("flood: slow readers", format!("{places} addresses")),
            Kind::TcpEmptyFrames => ("flood: connections with empty frames", format!("{places} addresses")),
            Kind::TcpEmptyPieces => ("flood: connections with empty pieces", format!("{places} addresses")),
            Kind::Neighbour => ("flood: milliseconds computed beside it", "nowhere".to_owned()),
        };
        let door = if self.open { ", handshakes unlimited" } else { "" };
        let settings = format!("{:?} from {from}{door}, {} honest members", self.kind, bench.honest);
        let mut report = Report::new("flood", settings);
        pairs.report(&mut report, tries, GOAL);
        let memory: Vec<_> = pairs.memory.iter().map(|bytes| bytes / number(1u64 << 20)).collect();
        report.add("memory, greatest above quiet", "MiB", &memory);
        Ok(report)
    }
}
