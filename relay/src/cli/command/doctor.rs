//! `relay doctor`.

use std::fmt::Write;

use anyhow::Context;
use certs::Pin;
use clap::Args;

use crate::{
    config::Loaded,
    doctor::{self, Finding, Level, Target},
    ops::print,
};

/// Version of the JSON: raised when a field changes its meaning or goes, not when one comes.
const VERSION: u32 = 1;

/// Look for what is wrong or will be, and say which command mends it.
///
/// Works beside a running relay and without one, changes nothing, and ends with code 1 if anything fails.
#[derive(Clone, Debug, Args)]
pub struct DoctorCommand {
    /// Print one line of JSON instead.
    #[arg(long)]
    json: bool,
    /// Only look whether the relay at this address is reached from here: to be run on another machine.
    #[arg(long, value_name = "HOST:PORT")]
    remote: Option<String>,
    /// What its links pin.
    #[arg(long, value_name = "PIN", requires = "remote")]
    pin: Option<Pin>,
}

impl DoctorCommand {
    /// Looks, and prints what was found.
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let findings = match &self.remote {
            Some(remote) => doctor::remote(&target(remote, self.pin)?).await,
            None => doctor::examine(loaded.config.clone(), loaded.config.data_dir()?).await,
        };
        match self.json {
            true => print::line(serde_json::json!({ "v": VERSION, "findings": findings }))?,
            false => print::all(text(&findings))?,
        };
        let failed = findings.iter().filter(|finding| finding.level == Level::Fail).count();
        anyhow::ensure!(failed == 0, "{failed} of {} checks failed", findings.len());
        Ok(())
    }
}

fn target(text: &str, pin: Option<Pin>) -> anyhow::Result<Target> {
    let (host, port) =
        text.rsplit_once(':').context("--remote takes HOST:PORT, such as chat.example.org:443")?;
    let port = port.parse().context("the port in --remote is a number up to 65535")?;
    Ok(Target { host: host.trim_matches(['[', ']']).to_owned(), port, pin })
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { check, level, found, remedy } in findings {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<5} {check:<17} {found}", level.name());
        if let Some(remedy) = remedy {
            let _ = writeln!(text, "{:<23} → {remedy}", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_without_a_port_is_refused() {
        for wrong in ["chat.example.org", "chat.example.org:", "chat.example.org:70000"] {
            assert!(target(wrong, None).is_err(), "{wrong}");
        }
        assert_eq!(target("[::1]:443", None).unwrap().host, "::1");
    }
}
