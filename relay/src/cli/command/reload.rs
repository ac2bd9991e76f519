//! `relay reload`.

use anyhow::bail;
use clap::Args;

use crate::{
    admin::{Change, Report, client},
    config::Loaded,
    ops::print,
};

/// Have the running relay read its settings and its certificate again.
///
/// It reads what it was started with: its own command line and environment, and its relay.toml as it is now. What
/// makes no sense is refused, and the relay goes on with what it had.
#[derive(Clone, Debug, Args)]
pub struct ReloadCommand {
    /// Print one line of JSON instead.
    #[arg(long)]
    json: bool,
}

impl ReloadCommand {
    /// Asks, prints what came of it, and fails if something was refused.
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let report: Report = client::post(&loaded.config.data_dir()?, "/v1/reload", &()).await?;
        match self.json {
            true => print::line(serde_json::to_string(&report)?)?,
            false => print::all(text(&report))?,
        };
        if !report.failed.is_empty() {
            bail!(
                "not everything could be reloaded, and what was in force stays: {}",
                report.failed.join("; ")
            );
        }
        Ok(())
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for Change { setting, from, to } in &report.changed {
        text += &format!("Changed        {setting}: {} -> {}\n", shown(from), shown(to));
    }
    for Change { setting, from, to } in &report.needs_restart {
        text += &format!("Needs restart  {setting}: {} -> {}\n", shown(from), shown(to));
    }
    if report.changed.is_empty() && report.needs_restart.is_empty() && report.failed.is_empty() {
        text += "No setting changed. The certificate was read again.\n";
    }
    text
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "(not set)" } else { value }
}
