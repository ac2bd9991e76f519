//! How the relay is watched.

use clap::Args;

/// How it is watched.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Operations")]
pub struct Operations {
    /// Print one line of JSON per event on stdout instead of text.
    #[arg(
        long,
        env = "RELAY_JSON",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true"
    )]
    pub json: bool,
}
