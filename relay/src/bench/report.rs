//! What a benchmark found: one line of JSON for programs, a table for people.

use std::fmt::Write;

use serde::Serialize;

use super::figures::Spread;

/// One scenario's figures.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    v: u32,
    scenario: String,
    /// Processors, and the machine's load at the beginning: figures of a busy machine are no promise.
    processors: usize,
    load: f64,
    settings: String,
    rows: Vec<Row>,
}

/// One figure.
#[derive(Debug, Serialize)]
struct Row {
    what: String,
    unit: &'static str,
    #[serde(flatten)]
    spread: Spread,
    /// At most this, if there is a goal.
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<f64>,
    /// Whether the median keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<bool>,
}

impl Report {
    /// Nothing found yet. `settings` says what was run, in words.
    pub(super) fn new(scenario: impl Into<String>, settings: String) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default();
        Self { v: 1, scenario: scenario.into(), processors, load, settings, rows: Vec::new() }
    }

    /// Adds the values of all repetitions. Returns their median.
    pub(super) fn add(&mut self, what: impl Into<String>, unit: &'static str, values: &[f64]) -> f64 {
        let spread = Spread::of(values);
        self.rows.push(Row { what: what.into(), unit, spread, goal: None, holds: None });
        spread.median
    }

    /// The same for a figure that shall be at most `goal`.
    pub(super) fn add_with_goal(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        values: &[f64],
        goal: f64,
    ) {
        let spread = Spread::of(values);
        let holds = Some(spread.median <= goal);
        self.rows.push(Row { what: what.into(), unit, spread, goal: Some(goal), holds });
    }

    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A table in Markdown, which people and documents can read.
    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "{}: {}; {} processors, load {:.1}\n\n| what | median | min | max | unit | goal |\n|---|---|---|---|---|---|\n",
            self.scenario, self.settings, self.processors, self.load
        );
        for Row { what, unit, spread, goal, holds } in &self.rows {
            let goal = match (goal, holds) {
                (Some(goal), Some(true)) => format!("≤ {goal}: holds"),
                (Some(goal), _) => format!("≤ {goal}: MISSED"),
                (None, _) => String::new(),
            };
            let Spread { median, min, max } = *spread;
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {what} | {} | {} | {} | {unit} | {goal} |",
                short(median),
                short(min),
                short(max)
            );
        }
        text
    }
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_goal_is_said() {
        let mut report = Report::new("x", String::new());
        report.add_with_goal("a", "×", &[1.0, 3.0, 2.0], 2.0);
        report.add_with_goal("b", "×", &[1.0, 3.0, 2.5], 2.0);
        let table = report.table();
        assert!(table.contains("| a | 2.00 | 1.00 | 3.00 | × | ≤ 2: holds |"), "{table}");
        assert!(table.contains("| b | 2.50 | 1.00 | 3.00 | × | ≤ 2: MISSED |"), "{table}");
        assert!(report.json().contains(r#""goal":2.0,"holds":false"#), "{}", report.json());
    }
}
