//! What a message costs on its way to everybody who is online: processor time of the relay for each delivery, and how
//! long it takes, at people's pace and as fast as it goes. With `--against`, another build runs beside it, in turns.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Bench, Door, Report, chat::Chat, figures::number, server::Server, throughput::Audience};

/// Scenario `live`.
#[derive(Clone, Debug, Args)]
pub(super) struct Live {
    /// Members of the room; several numbers by commas.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [10, 100, 1000], value_parser = clap::value_parser!(u16).range(2..=1000))]
    members: Vec<u16>,
    /// Another build of this program to compare with.
    #[arg(long, value_name = "PROGRAM")]
    against: Option<PathBuf>,
    /// Only one of both.
    #[arg(long, value_enum)]
    only: Option<Pace>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Pace {
    /// Lines as people say them: 200 a second in a room of ten, 50 among a hundred, four among a thousand.
    People,
    /// As fast as it goes.
    Saturated,
}

/// What one program showed, by repetition.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Microseconds of a processor for each delivery, at people's pace.
    pub cost: Vec<f64>,
    /// Milliseconds from Publish to Deliver, at people's pace: the median.
    pub p50: Vec<f64>,
    /// Microseconds of a processor for each delivery, as fast as it goes.
    pub full_cost: Vec<f64>,
    /// Deliveries a second, as fast as it goes.
    pub full_rate: Vec<f64>,
}

/// What it is called, its unit, and where it is.
pub(super) type Figure = (&'static str, &'static str, fn(&Shown) -> &Vec<f64>);

/// What is shown of each program.
pub(super) const FIGURES: [Figure; 4] = [
    ("people's pace, processor per delivery", "µs", |shown| &shown.cost),
    ("people's pace, publish to deliver, p50", "ms", |shown| &shown.p50),
    ("saturated, processor per delivery", "µs", |shown| &shown.full_cost),
    ("saturated, deliveries", "/s", |shown| &shown.full_rate),
];

impl Live {
    pub(super) async fn run(&self, bench: &Bench) -> anyhow::Result<Report> {
        let mut report = Report::new("live", "deliveries to members who are online".into());
        let programs: Vec<Option<&Path>> =
            std::iter::once(None).chain(self.against.as_deref().map(Some)).collect();
        for &members in &self.members {
            let mut shown: Vec<Shown> = programs.iter().map(|_| Shown::default()).collect();
            for _ in 0..bench.repetitions {
                for (program, shown) in programs.iter().zip(&mut shown) {
                    for pace in Pace::both(self.only) {
                        let subject = bench.subject_of(*program, Door::Open).await?;
                        pace.measure(&Server::Relay(subject), members.into(), bench, shown).await?;
                    }
                }
            }
            self.add(&mut report, members, &shown);
        }
        Ok(report)
    }

    fn add(&self, report: &mut Report, members: u16, shown: &[Shown]) {
        for (what, unit, figure) in FIGURES {
            let values: Vec<_> = shown.iter().map(figure).filter(|values| !values.is_empty()).collect();
            let [ours, others @ ..] = values.as_slice() else { continue };
            report.add(format!("{members} members, {what}"), unit, ours);
            for other in others {
                let ratios: Vec<_> =
                    ours.iter().zip(other.iter()).map(|(ours, other)| ours / other).collect();
                report.add(format!("{members} members, {what}: the other build"), unit, other);
                report.add(format!("{members} members, {what}: this ÷ the other"), "×", &ratios);
            }
        }
    }
}

impl Pace {
    /// Both of them, or only this one.
    pub(super) fn both(only: Option<Self>) -> impl Iterator<Item = Self> {
        [Self::People, Self::Saturated].into_iter().filter(move |pace| only.is_none_or(|only| only == *pace))
    }

    /// Lets so many members chat at this pace, and adds what it showed.
    pub(super) async fn measure(
        self,
        server: &Server,
        members: usize,
        bench: &Bench,
        shown: &mut Shown,
    ) -> anyhow::Result<()> {
        match self {
            Self::People => people(server, members, bench, shown).await,
            Self::Saturated => saturated(server, members, bench, shown).await,
        }
    }
}

async fn people(server: &Server, members: usize, bench: &Bench, shown: &mut Shown) -> anyhow::Result<()> {
    let pace = match members {
        ..=30 => 200,
        31..=300 => 50,
        301.. => 4,
    };
    let mut chat = Chat::of(server.gather(members, false).await?);
    let pace = std::time::Duration::from_secs(1) / pace;
    // Everybody's first line finds the relay as the others do.
    chat.talk(bench.time() / 10, pace).await?;
    let (before, already) = (server.usage()?.processor, chat.said());
    let delays = chat.talk(bench.time(), pace).await?;
    let spent = server.usage()?.processor - before;
    shown.cost.push(spent / number(chat.said() - already) * 1e6);
    shown.p50.push(delays.p50.as_secs_f64() * 1e3);
    Ok(())
}

async fn saturated(server: &Server, members: usize, bench: &Bench, shown: &mut Shown) -> anyhow::Result<()> {
    let mut audience = Audience::of(server.gather(members, true).await?)?;
    audience.talk(bench.time() / 10).await?;
    let before = server.usage()?.processor;
    let (heard, seconds) = audience.talk(bench.time()).await?;
    let spent = server.usage()?.processor - before;
    shown.full_cost.push(spent / heard * 1e6);
    shown.full_rate.push(heard / seconds);
    Ok(())
}
