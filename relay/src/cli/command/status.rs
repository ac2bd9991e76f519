//! `relay status`.

use std::{fmt::Write, time::Duration};

use clap::Args;

use super::human::{bytes, count, span};
use crate::{
    admin::{client, status::Status},
    clock::unix_ms,
    config::Loaded,
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
            true => println!("{}", serde_json::to_string(&status)?),
            false => print!("{}", text(&status, unix_ms())),
        }
        Ok(())
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
        (false, false) => "running, but taking no messages (see its log),",
    };
    row("Relay", format!("{} {state} for {}", status.version, span(Duration::from_secs(status.uptime_s))));
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
        format!("{}, {}, {}", status.rooms, count(status.entries, "entry"), bytes(status.entry_bytes)),
    );
    row("Database", bytes(status.database_bytes));
    row("Free", status.free_bytes.map_or("unknown".into(), bytes));
    for (limit, times) in &status.limited {
        row("Limited", format!("{limit} {times} times"));
    }
    row("Data", status.data_dir.clone());
    text
}
