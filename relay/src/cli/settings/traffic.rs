//! What clients may do.

use clap::{Args, value_parser};

use crate::limits::{Limits, Rate};

/// What clients may do, and how much of it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What clients may do")]
pub struct Traffic {
    /// Messages a minute that each member may send.
    #[arg(long, hide_short_help = true, env = "RELAY_RATE", value_name = "N", default_value_t = 100, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
}

impl Traffic {
    pub(super) fn apply(&self, limits: &mut Limits) {
        limits.publish = Rate::per_minute(self.rate, self.rate);
    }
}
