//! `relay drain`.

use clap::Args;

use crate::{
    admin::{client, drain::Drained},
    config::Loaded,
    ops::{human::count, print},
};

/// Take no more connections and tell everybody to come again, until the relay is started anew.
///
/// Used before an upgrade: what was accepted is on the disk then and acknowledged, and a backup holds all of it.
#[derive(Clone, Debug, Args)]
pub struct DrainCommand;

impl DrainCommand {
    /// Tells it, and says what came of it.
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let Drained { left } = client::post(&loaded.config.data_dir()?, "/v1/drain", &()).await?;
        print::line("The relay is drained: it takes no more connections until it is started anew.")?;
        if let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) {
            print::line(format_args!(
                "{} did not listen, and nothing is taken from it.",
                count(left, "connection")
            ))?;
        }
        Ok(())
    }
}
