//! `relay token revoke`.

use clap::Args;

use super::desk;
use crate::{admin::tokens::Revocation, cli::command::human::count, config::Loaded};

/// Revokes a token.
#[derive(Clone, Debug, Args)]
pub struct RevokeCommand {
    /// Its id as `relay token list` shows it, or the first digits of that.
    id: String,
    /// Drop the rooms that were opened with it, with all that is in them.
    #[arg(long)]
    drop_rooms: bool,
    /// Print one line of JSON instead.
    #[arg(long)]
    json: bool,
}

impl RevokeCommand {
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let revocation = Revocation { id: self.id.clone(), drop_rooms: self.drop_rooms };
        let revoked = desk::revoke(loaded, revocation).await?;
        if self.json {
            println!("{}", serde_json::to_string(&revoked)?);
            return Ok(());
        }
        println!("Revoked {}: it opens no more rooms.", revoked.id);
        match (revoked.dropped, revoked.stay) {
            (0, 0) => {}
            (0, stay) => println!("The rooms that it opened stay: {stay}."),
            (dropped, _) => println!("Dropped with all that was in them: {}.", count(dropped, "room")),
        }
        Ok(())
    }
}
