//! `relay status`.

use std::{fmt::Write, time::Duration};

use clap::Args;

use crate::{
    admin::{client, status::Status},
    clock::{ClockStatus, unix_ms},
    config::Loaded,
    log::capacity::Plenty,
    net::web::Served,
    ops::{
        human::{bytes, count, span},
        print,
    },
};

/// How the running relay is.
#[derive(Clone, Debug, Args)]
pub struct StatusCommand {
    /// Print one line of JSON instead.
    #[arg(long)]
    json: bool,
}

impl StatusCommand {
    /// Asks, and prints the answer.
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let status: Status = client::get(&loaded.config.data_dir()?, "/v1/status").await?;
        match self.json {
            true => print::line(serde_json::to_string(&status)?)?,
            false => print::all(text(&status, unix_ms()))?,
        };
        Ok(())
    }
}

/// What an operator should know of the clock; nothing while it does as the system's.
fn clock_rows(clock: &ClockStatus) -> Vec<String> {
    let mut rows = Vec::new();
    if clock.held {
        let off = span(Duration::from_secs(clock.ahead_s.unsigned_abs()));
        let side = if clock.ahead_s < 0 { "behind" } else { "ahead" };
        let until = match clock.believed_in_s {
            Some(left) => format!("it is in {}, if it stays so", span(Duration::from_secs(left))),
            None => "it is not by itself".into(),
        };
        rows.push(format!(
            "the system's is {off} {side} and is not believed; {until}. If `date` is right: `relay clock accept`"
        ));
    }
    // What it makes up for after a night needs no line.
    if clock.retention_behind_s > 2 * 86_400 {
        let behind = span(Duration::from_secs(clock.retention_behind_s));
        rows.push(format!("retention is {behind} behind, and catches up twice as fast as time passes"));
    }
    rows
}

/// What the operator froze and dropped; nothing where that is nothing.
fn held_row(status: &Status) -> Option<String> {
    let counts = [
        (status.frozen_rooms, "room frozen", "rooms frozen"),
        (status.frozen_openers, "opener frozen", "openers frozen"),
        (status.dropped_rooms, "room dropped of late", "rooms dropped of late"),
    ];
    let said: Vec<_> = counts
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| format!("{number} {}", if number == 1 { one } else { many }))
        .collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// What browsers get; nothing where that is nothing.
fn browsers(status: &Status) -> Option<&'static str> {
    match status.browsers? {
        Served::Off => None,
        Served::NoPage => Some("no page: the program was built without one (--web-dir names a build)"),
        Served::Page => Some("the page, by https:// and the name in links"),
    }
}

/// Files that members sent, and those that are on their way.
fn files(status: &Status) -> String {
    let kept = match status.files {
        0 => "none".into(),
        files => format!("{files}, {}", bytes(status.file_bytes)),
    };
    match status.transfers {
        0 => kept,
        transfers => format!("{kept}; {} under way", count(transfers, "transfer")),
    }
}

fn text(status: &Status, now_ms: u64) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<12}{value}");
    };
    let state = match (status.stopping, status.ready) {
        (true, _) => "stopping, was running",
        (false, true) => "running",
        (false, false) if status.not_ready.is_empty() => "running, but taking no messages (see its log),",
        (false, false) => "running, but taking no messages,",
    };
    row("Relay", format!("{} {state} for {}", status.version, span(Duration::from_secs(status.uptime_s))));
    if !status.stopping {
        status.not_ready.iter().for_each(|why| row("Why", why.clone()));
    }
    for (address, link) in status.addresses.iter().zip(&status.links) {
        row("Listening", address.clone());
        row("Link", link.clone());
    }
    if let Some(address) = &status.admin_address {
        row("Watched at", format!("http://{address}/metrics"));
    }
    row("Pin", status.pin.clone());
    row(
        "Certificate",
        match status.certificate_not_after.checked_sub(now_ms / 1000) {
            Some(left) => format!("valid for another {}", span(Duration::from_secs(left))),
            None => "expired; clients refuse it".into(),
        },
    );
    if let Some(said) = browsers(status) {
        row("Browsers", said.into());
    }
    row(
        "Online",
        format!(
            "{} on {}",
            status.online,
            count(u64::try_from(status.connections).unwrap_or(0), "connection")
        ),
    );
    row(
        "Rooms",
        format!(
            "{}, {}, {}",
            status.rooms,
            count(status.entries, "entry"),
            bytes(status.entry_bytes + status.slot_bytes + status.key_bytes)
        ),
    );
    row("Files", files(status));
    if let Some(held) = held_row(status) {
        row("Held", held);
    }
    if let Some(clock) = &status.clock {
        clock_rows(clock).into_iter().for_each(|said| row("Clock", said));
    }
    row("Database", bytes(status.database_bytes));
    row("Free", status.free_bytes.map_or("unknown".into(), bytes));
    if let Some(capacity) = status.capacity.as_ref().filter(|capacity| capacity.level == Plenty::Low) {
        row("Space", capacity.said.clone());
    }
    for (limit, times) in &status.limited {
        row("Limited", format!("{limit} {times} times"));
    }
    row("Data", status.data_dir.clone());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_is_told_when_it_is_held_and_which_way_the_systems_is_off() {
        let right =
            ClockStatus { now_ms: 0, ahead_s: 3, held: false, believed_in_s: None, retention_behind_s: 9 };
        assert_eq!(clock_rows(&right), Vec::<String>::new());
        let ahead = ClockStatus { ahead_s: 864_000, held: true, believed_in_s: Some(60), ..right };
        assert_eq!(
            clock_rows(&ahead),
            [
                "the system's is 10 d 0 h ahead and is not believed; it is in 1 min 0 s, if it stays so. If `date` \
                 is right: `relay clock accept`"
            ]
        );
        let behind = ClockStatus { ahead_s: -7200, held: true, retention_behind_s: 864_000, ..right };
        let rows = clock_rows(&behind);
        assert!(
            rows[0]
                .starts_with("the system's is 2 h 0 min behind and is not believed; it is not by itself. If")
        );
        assert!(rows[1].starts_with("retention is 10 d 0 h behind"));
    }
}
