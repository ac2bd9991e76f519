//! Who may open rooms.

use clap::{Args, value_parser};

use crate::policy::{
    limits::{Limits, Rate},
    token::Admission,
};

/// Who may use it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Who may use it")]
pub struct Access {
    /// Who may open rooms: open, or token.
    ///
    /// open: whoever can reach the relay. token: whoever has a token, which `relay token create` makes.
    /// Joining a room takes the room's own key or invite, never a token. Rooms that exist stay when this changes.
    #[arg(long, env = "RELAY_ACCESS", value_name = "WHO", value_enum, default_value = "open")]
    pub access: Admission,
    /// Refused tokens a minute from one address.
    ///
    /// Over it, opening rooms has to wait. A token cannot be guessed; this bounds the work of refusing.
    #[arg(long, hide_short_help = true, env = "RELAY_BAD_TOKENS", value_name = "N", default_value_t = 10, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub bad_tokens: u32,
}

impl Access {
    pub(super) fn apply(&self, limits: &mut Limits) {
        limits.admission = self.access;
        limits.bad_tokens = Rate::per_minute(self.bad_tokens, self.bad_tokens);
    }
}
