//! What the program does besides serving.

use clap::{CommandFactory, Subcommand};

use super::Cli;
use crate::{
    bench::Bench,
    config::{Loaded, show},
};

/// What to do instead of serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Print every setting, its value and where it comes from, as a relay.toml.
    Config {
        /// Print JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// Print a completion script.
    Completions {
        /// For this shell.
        shell: clap_complete::Shell,
    },
    /// Measure what a relay holds, costs and withstands on this machine.
    #[command(hide = true)]
    Bench(Bench),
}

impl Command {
    /// Does it, and prints what there is to say.
    ///
    /// # Errors
    /// Whatever went wrong, as a sentence with its remedy.
    pub async fn run(self, loaded: &Loaded) -> anyhow::Result<()> {
        match self {
            Self::Bench(bench) => bench.run().await?,
            Self::Config { json } => {
                println!("{}", if json { show::json(loaded) } else { show::toml(loaded) });
            }
            Self::Completions { shell } => {
                clap_complete::generate(shell, &mut Cli::command(), "relay", &mut std::io::stdout());
            }
        }
        Ok(())
    }
}
