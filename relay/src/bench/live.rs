//! What a message costs on its way to everybody who is online: processor time of the relay for each delivery, and how
//! long it takes, at people's pace and as fast as it goes. With `--against`, another build runs beside it, in turns.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Bench, Door, Report, chat::Chat, figures::number, subject::Subject, throughput::Audience};

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
enum Pace {
    /// Lines as people say them: 200 a second in a room of ten, 50 among a hundred, four among a thousand.
    People,
    /// As fast as it goes.
    Saturated,
}

/// What one program showed, by repetition.
#[derive(Debug, Default)]
struct Shown {
    cost: Vec<f64>,
    p50: Vec<f64>,
    full_cost: Vec<f64>,
    full_rate: Vec<f64>,
}

/// What it is called, its unit, and where it is.
type Figure = (&'static str, &'static str, fn(&Shown) -> &Vec<f64>);

impl Live {
    pub async fn run(&self, bench: &Bench) -> anyhow::Result<Report> {
        let mut report = Report::new("live", "deliveries to members who are online".into());
        let programs: Vec<Option<&Path>> =
            std::iter::once(None).chain(self.against.as_deref().map(Some)).collect();
        for &members in &self.members {
            let mut shown: Vec<Shown> = programs.iter().map(|_| Shown::default()).collect();
            for _ in 0..bench.repetitions {
                for (program, shown) in programs.iter().zip(&mut shown) {
                    if self.only != Some(Pace::Saturated) {
                        let subject = bench.subject_of(*program, Door::Open).await?;
                        people(&subject, members.into(), bench, shown).await?;
                    }
                    if self.only != Some(Pace::People) {
                        let subject = bench.subject_of(*program, Door::Open).await?;
                        saturated(&subject, members.into(), bench, shown).await?;
                    }
                }
            }
            self.add(&mut report, members, &shown);
        }
        Ok(report)
    }

    fn add(&self, report: &mut Report, members: u16, shown: &[Shown]) {
        let figures: [Figure; 4] = [
            ("people's pace, processor per delivery", "µs", |shown| &shown.cost),
            ("people's pace, publish to deliver, p50", "ms", |shown| &shown.p50),
            ("saturated, processor per delivery", "µs", |shown| &shown.full_cost),
            ("saturated, deliveries", "/s", |shown| &shown.full_rate),
        ];
        for (what, unit, figure) in figures {
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

async fn people(subject: &Subject, members: usize, bench: &Bench, shown: &mut Shown) -> anyhow::Result<()> {
    let pace = match members {
        ..=30 => 200,
        31..=300 => 50,
        301.. => 4,
    };
    let (mut chat, _) = Chat::open(&subject.ground()?, members, 0).await?;
    let pace = std::time::Duration::from_secs(1) / pace;
    // Everybody's first line finds the relay as the others do.
    chat.talk(bench.time() / 10, pace).await?;
    let (before, already) = (subject.usage()?.processor, chat.said());
    let delays = chat.talk(bench.time(), pace).await?;
    let spent = subject.usage()?.processor - before;
    shown.cost.push(spent / number(chat.said() - already) * 1e6);
    shown.p50.push(delays.p50.as_secs_f64() * 1e3);
    Ok(())
}

async fn saturated(
    subject: &Subject,
    members: usize,
    bench: &Bench,
    shown: &mut Shown,
) -> anyhow::Result<()> {
    let mut audience = Audience::gather(&subject.ground()?, members - 1).await?;
    audience.talk(bench.time() / 10).await?;
    let before = subject.usage()?.processor;
    let (heard, seconds) = audience.talk(bench.time()).await?;
    let spent = subject.usage()?.processor - before;
    shown.full_cost.push(spent / heard * 1e6);
    shown.full_rate.push(heard / seconds);
    Ok(())
}
