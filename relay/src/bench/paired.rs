//! Quiet, loaded, quiet, loaded, …: each pair is its own comparison, so that a noisy machine is as noisy to
//! both sides of it.

use std::time::{Duration, Instant};

use super::{attack::Attack, chat::Chat, figures::number, report::Report, subject::Subject};

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Pairs.
    pub repetitions: usize,
    /// Of one phase.
    pub time: Duration,
    /// Between two messages.
    pub pace: Duration,
}

/// What the pairs showed; one value per pair.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    quiet_p50: Vec<f64>,
    quiet_p99: Vec<f64>,
    loaded_p50: Vec<f64>,
    loaded_p99: Vec<f64>,
    ratio_p50: Vec<f64>,
    ratio_p99: Vec<f64>,
    /// What the attack did, per second.
    tries: Vec<f64>,
    /// Greatest memory while loaded above that before, in bytes.
    pub memory: Vec<f64>,
    busy_quiet: Vec<f64>,
    busy_loaded: Vec<f64>,
}

/// Measures the chat's delays without and with the attack, in turns.
pub(super) async fn compare(
    subject: &Subject,
    chat: &mut Chat,
    plan: Plan,
    mut attack: impl FnMut() -> anyhow::Result<Attack>,
) -> anyhow::Result<Pairs> {
    let mut pairs = Pairs::default();
    // The first messages pay for what is allocated once.
    chat.talk(plan.time / 4, plan.pace).await?;
    for _ in 0..plan.repetitions {
        let (begun, before) = (Instant::now(), subject.usage()?);
        let quiet = chat.talk(plan.time, plan.pace).await?;
        let between = subject.usage()?;
        pairs.busy_quiet.push((between.processor - before.processor) / begun.elapsed().as_secs_f64());

        subject.forget_peak()?;
        let mut running = attack()?;
        running.ready().await?;
        let (begun, before, tries) = (Instant::now(), subject.usage()?, running.tries());
        let loaded = chat.talk(plan.time, plan.pace).await?;
        let after = subject.usage()?;
        let took = begun.elapsed().as_secs_f64();
        pairs.busy_loaded.push((after.processor - before.processor) / took);
        pairs.memory.push(number(after.peak) - number(between.resident));
        pairs.tries.push(number(running.tries() - tries) / took);
        running.stop().await?;

        pairs.quiet_p50.push(ms(quiet.p50));
        pairs.quiet_p99.push(ms(quiet.p99));
        pairs.loaded_p50.push(ms(loaded.p50));
        pairs.loaded_p99.push(ms(loaded.p99));
        pairs.ratio_p50.push(ms(loaded.p50) / ms(quiet.p50));
        pairs.ratio_p99.push(ms(loaded.p99) / ms(quiet.p99));
    }
    Ok(pairs)
}

impl Pairs {
    /// Adds them to a report; the 99th percentile may grow by `goal`.
    pub(super) fn report(&self, report: &mut Report, tries: &str, goal: f64) {
        report.add("publish to deliver, p50, quiet", "ms", &self.quiet_p50);
        report.add("publish to deliver, p50, loaded", "ms", &self.loaded_p50);
        report.add("p50, loaded ÷ quiet", "×", &self.ratio_p50);
        report.add("publish to deliver, p99, quiet", "ms", &self.quiet_p99);
        report.add("publish to deliver, p99, loaded", "ms", &self.loaded_p99);
        report.add_with_goal("p99, loaded ÷ quiet", "×", &self.ratio_p99, goal);
        report.add(tries, "/s", &self.tries);
        report.add("relay's processors, quiet", "cores", &self.busy_quiet);
        report.add("relay's processors, loaded", "cores", &self.busy_loaded);
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
