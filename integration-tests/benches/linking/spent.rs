//! Time by the clock, and that of processors: of programs that run and of those that ended meanwhile.

use std::{fmt, fs, time::Instant};

/// Ticks of `/proc` a second: the same on all of Linux.
const TICKS: f64 = 100.0;

/// What has been spent since it began.
pub struct Spent {
    began: Instant,
    programs: Vec<(u32, f64)>,
    ended: f64,
}

/// What something took.
#[derive(Clone, Copy)]
pub struct Took {
    /// Seconds by the clock.
    pub clock: f64,
    /// Seconds of processors, user and system, of all programs together.
    pub processors: f64,
}

impl Spent {
    /// Begins; these programs run already, and all others are children of this one.
    pub fn begin(programs: &[u32]) -> Self {
        let programs = programs.iter().map(|pid| (*pid, of(*pid))).collect();
        Self { began: Instant::now(), programs, ended: of_ended() }
    }

    /// What it is now; `more` of them run since.
    pub fn end(&self, more: &[u32]) -> Took {
        let clock = self.began.elapsed().as_secs_f64();
        let running = self.programs.iter().map(|(pid, before)| of(*pid) - before);
        let more = more.iter().map(|pid| of(*pid));
        Took { clock, processors: running.chain(more).sum::<f64>() + of_ended() - self.ended }
    }
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} s (user and system {:.2} s)", self.clock, self.processors)
    }
}

/// Of a program that runs.
fn of(pid: u32) -> f64 {
    times(&pid.to_string(), 11)
}

/// Of children that ended.
fn of_ended() -> f64 {
    times("self", 13)
}

fn times(whose: &str, first: usize) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{whose}/stat")).expect("Linux");
    // The name before may have spaces in it.
    let fields = stat.rsplit(')').next().expect("fields").split_whitespace();
    fields.skip(first).take(2).map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / TICKS
}
