//! `relay token revoke`.

use clap::Args;

use super::desk;
use crate::{
    admin::tokens::Revocation,
    config::Loaded,
    ops::{human::count, print},
};

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
            print::line(serde_json::to_string(&revoked)?)?;
            return Ok(());
        }
        let mut said = format!("Revoked {}: it opens no more rooms.\n", revoked.id);
        match (revoked.dropped, revoked.stay) {
            (0, 0) => {}
            (0, stay) => said += &format!("The rooms that it opened stay: {stay}.\n"),
            (dropped, _) => {
                said += &format!("Dropped with all that was in them: {}.\n", count(dropped, "room"));
            }
        }
        print::all(said)?;
        Ok(())
    }
}
